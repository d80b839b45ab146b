//! `nsctl completion`, and what its scripts ask.

use std::io::Write;

use clap::CommandFactory;

use super::Cli;
use crate::args::{CompleteArgs, CompletionArgs, Shell};
use crate::complete;
use crate::error::Error;

/// Prints the script.
pub fn script(args: &CompletionArgs) -> Result<i32, Error> {
    print(match args.shell {
        Shell::Bash => include_str!("../complete/nsctl.bash"),
        Shell::Zsh => include_str!("../complete/nsctl.zsh"),
        Shell::Fish => include_str!("../complete/nsctl.fish"),
    })
}

/// Prints what may come next.
pub fn answer(args: &CompleteArgs) -> Result<i32, Error> {
    let words: Vec<String> =
        args.words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    print(&complete::complete(Cli::command(), &words).text())
}

fn print(text: &str) -> Result<i32, Error> {
    let mut output = std::io::stdout().lock();
    let printed = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    printed.map_err(|error| Error::new(format!("cannot print it: write(1): {error}")))?;
    Ok(0)
}
