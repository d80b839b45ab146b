//! The plan as a script of sh(1): unshare, nsenter, mount, ip, setpriv … do the
//! same, and show how much of it there is.
//!
//! ```text
//!  outside:  nsenter (joins) → unshare (new namespaces)
//!            and, when something is left to do there: id maps, files   ── fifo ──▶
//!  inside:   mount, hostname, ip … → setpriv (rights) → the command
//! ```
//!
//! Written for util-linux 2.38 and later. What no command can do is a comment.

mod inside;
mod outside;
mod tree;
mod words;

use std::ffi::CString;
use std::fmt::Write;

use super::Plan;
use crate::step::{Inside, Outside};
pub use words::quoted;

impl Plan {
    /// A script that does the same for a caller with this environment.
    pub fn shell(&self, callers_env: &[CString]) -> String {
        let mut script = String::from(
            "#!/bin/sh\n# The same with util-linux (2.38 or later), iproute2 and hostname.\nset -eu\n\n",
        );
        for step in self.before.iter().filter(|step| matches!(step, Outside::Undumpable)) {
            let _ = writeln!(script, "# no command: {step} (what is joined cannot trace us)\n");
        }
        let inside = inside::script(self, callers_env);
        // No word of the command may end the text early.
        let mut end = "END_OF_INSIDE".to_string();
        while inside.contains(&end) {
            end.push('_');
        }
        let _ = writeln!(script, "inside=$(cat <<'{end}'\n{inside}{end}\n)\n");
        script += &outside::script(self);
        script
    }

    /// Whether the user namespace is new; then capabilities must survive execve.
    fn is_new_user(&self) -> bool {
        self.clone.contains(crate::spec::Kind::User.flag())
    }

    /// The step in which the child becomes somebody who is mapped, right after the maps.
    fn first_identity(&self) -> Option<&crate::spec::User> {
        match self.inside.iter().find(|step| !matches!(step, Inside::MapSelf(_))) {
            Some(Inside::Become(user)) => Some(user),
            _ => None,
        }
    }
}

/// The command of the workload.
fn command(plan: &Plan) -> String {
    let words: Vec<String> =
        plan.exec.argv.iter().map(|word| quoted(&word.to_string_lossy())).collect();
    words.join(" ")
}
