//! What is said of a command line that cannot be read.

use std::ffi::OsStr;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::explain;

/// clap's words, and for an option of docker's what becomes of it.
pub fn told(wrong: &clap::Error) -> String {
    let text = wrong.render().to_string();
    let is_run = std::env::args_os().nth(1).as_deref() == Some(OsStr::new("run"));
    match dockers(wrong).filter(|_| is_run) {
        Some((option, why)) => format!(
            "{}\n  docker's {option}: {why}\n  remedy: nsctl explain docker run … puts a whole line \
             into nsctl's words",
            text.trim_end()
        ),
        None => text,
    }
}

fn dockers(wrong: &clap::Error) -> Option<(&str, &'static str)> {
    let ContextValue::String(option) = wrong
        .get(ContextKind::InvalidArg)
        .filter(|_| wrong.kind() == ErrorKind::UnknownArgument)?
    else {
        return None;
    };
    explain::without(option).map(|why| (option.as_str(), why))
}
