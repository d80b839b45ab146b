//! A policy from a file: docker's format, and that of OCI's `linux.seccomp`.
//!
//! ```text
//!  JSON ──json──▶ values, each with its place ──entry──▶ entries for this container ──tables──▶ Policy
//! ```
//!
//! It means here what it means to docker and runc, where those say so:
//! - Entries that do not fit this container (`includes`, `excludes`) are left out, and so are
//!   entries that say what the default action says.
//! - An entry without conditions decides for its system call; else the first that matches.
//! - Two conditions on one argument are alternatives; on different ones all must hold.
//! - Names that no architecture here has are left out: the file may be newer than this program.
//!   The other way round, a call that is newer than all that the file names gets `ENOSYS` where
//!   the default is an errno, so that a libc falls back.
//! - A call of an architecture that is not in the file kills.

#![forbid(unsafe_code)]

mod entry;
mod json;
mod names;
mod tables;
#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::Value;

use super::{Filter, compile::compile};
pub use json::Mistake;
use json::Object;

/// What `includes` and `excludes` ask about.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// The bounding set: bit n is capability n.
    pub capabilities: u64,
    /// The kernel's version, major and minor.
    pub kernel: (u32, u32),
}

/// A file, read and compiled.
#[derive(Debug)]
pub struct Profile {
    /// The program.
    pub filter: Filter,
    /// What was left out or has no effect, for who asks.
    pub notes: Vec<Note>,
    /// Whether execve(2) is refused whatever its arguments: then no program can be started.
    pub denies_execve: bool,
}

/// Something in the file without effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where, as in `syscalls[3].args[0]`.
    pub place: String,
    /// What.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// The most instructions that the kernel loads: `BPF_MAXINSNS` of `linux/bpf_common.h`.
pub const MAX_INSTRUCTIONS: usize = 4096;

/// Reads a file's text.
///
/// Takes docker's profile, OCI's object, or a whole `config.json` that holds one.
///
/// # Errors
/// What is wrong, where, and what would be right.
pub fn read(text: &str, facts: &Facts) -> Result<Profile, Mistake> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default().to_string();
        Mistake::new(place, what).try_this("JSON, as docker's default.json is")
    })?;
    let mut notes = Vec::new();
    let outermost = Object::of(&value, "")?;
    let object = match outermost.object("linux")? {
        Some(linux) => linux.object("seccomp")?.ok_or_else(|| {
            Mistake::new("linux".into(), "there is no seccomp in it".into())
                .try_this("a file with linux.seccomp, or --seccomp unconfined")
        })?,
        None => outermost,
    };
    let policy = tables::policy(&object, facts, &mut notes)?;
    let instructions = compile(&policy);
    if instructions.len() > MAX_INSTRUCTIONS {
        let what = format!(
            "the program for it has {} instructions; the kernel takes {MAX_INSTRUCTIONS}",
            instructions.len()
        );
        return Err(Mistake::new("syscalls".into(), what).try_this("fewer conditions"));
    }
    let filter = Filter::new(instructions, tables::flags(&object)?);
    Ok(Profile { filter, notes, denies_execve: tables::denies_execve(&policy) })
}
