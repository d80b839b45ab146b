//! `--dry-run`: prints what would be done.

use std::io::Write;

use crate::args::DryRun;
use crate::error::Error;
use crate::resolve;

/// Prints the plan in the form that is asked for, and returns the exit status.
pub fn print(request: resolve::Request, form: DryRun) -> Result<i32, Error> {
    let plan = nsshim::plan(request.spec, &request.host);
    let text = match form {
        DryRun::Plan => plan.to_string(),
        DryRun::Shell => plan.shell(&resolve::callers_environment()),
    };
    // print! would panic where this fails.
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Ok(()) => Ok(0),
        Err(error) => {
            Err(Error::new(format!("cannot print what would be done: write(1): {error}")))
        }
    }
}
