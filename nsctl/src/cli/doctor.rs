//! `nsctl doctor`: what works here.

use std::io::Write;

use crate::args::DoctorArgs;
use crate::doctor;
use crate::error::Error;
use crate::inherited::Inherited;

/// The exit status when something that was asked for does not work.
const DOES_NOT_WORK: i32 = 1;

/// Finds out, prints it and returns the exit status.
pub fn main(args: &DoctorArgs, inherited: &Inherited) -> Result<i32, Error> {
    let (works, text, json) = if args.line.is_empty() {
        let report = doctor::examine(&args.what, inherited)?;
        (report.works(), report.text(), report.json())
    } else {
        let found = doctor::line(&args.line, inherited)?;
        (found.works(), found.text(), found.json())
    };
    let text = if args.json { format!("{json:#}\n") } else { text };
    let mut output = std::io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .map_err(|error| Error::new(format!("cannot print what was found: write(1): {error}")))?;
    Ok(if works { 0 } else { DOES_NOT_WORK })
}
