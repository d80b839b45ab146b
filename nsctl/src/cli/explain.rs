//! `nsctl explain`: what a line does, and why.

use std::fmt::Write as _;
use std::io::Write;

use nsshim::{Explained, shell_quoted};

use crate::args::{ExplainArgs, RunArgs};
use crate::error::Error;
use crate::explain::{self, Translation};
use crate::inherited::Inherited;
use crate::output::harmless;
use crate::resolve;

/// Prints it and returns the exit status.
pub fn main(args: &ExplainArgs, inherited: &Inherited) -> Result<i32, Error> {
    let line: Vec<String> =
        args.line.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let own = match &line[..] {
        [first, ..] if first == "run" => Some(1),
        [first, second, ..] if first.rsplit('/').next() == Some("nsctl") && second == "run" => {
            Some(2)
        }
        _ => None,
    };
    let text = match own {
        Some(skip) => {
            let run = crate::doctor::read(args.line[skip..].iter().cloned())?;
            run_explained(run, args.shell, inherited)?
        }
        None => {
            let Some(translation) = explain::translate(&line) else {
                return Err(Error::new(format!(
                    "cannot explain {}",
                    crate::error::shown(&line[0])
                ))
                .because(format!("what is known: {}", explain::known()))
                .try_this("nsctl explain run …"));
            };
            let translation = translation
                .map_err(|wrong| Error::new(format!("cannot read the line: {wrong}")))?;
            translated(&translation, args.shell, inherited)?
        }
    };
    let mut output = std::io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .map_err(|error| Error::new(format!("cannot print it: write(1): {error}")))?;
    Ok(0)
}

fn run_explained(mut args: RunArgs, shell: bool, inherited: &Inherited) -> Result<String, Error> {
    // Nothing is claimed, opened or written for it.
    (args.name, args.pid_file, args.status_fd, args.life.detach) = (None, None, None, false);
    let request = resolve::run(args, inherited)?;
    let plan = nsshim::plan(request.spec, &request.host);
    if shell {
        return Ok(plan.shell(&resolve::callers_environment()));
    }
    let steps = plan.explained();
    let mut text = String::new();
    let mut number = 1;
    // What is done for the same reason is explained once.
    for group in steps.chunk_by(|a, b| (a.outside, &a.reasons) == (b.outside, &b.reasons)) {
        for step in group {
            text += &described(number, step);
            number += 1;
        }
        for reason in &group[0].reasons {
            let why = format!("{}. {}", reason.why, reason.page);
            text += &wrapped("       - ", "         ", &why);
        }
        text.push('\n');
    }
    Ok(text)
}

/// A word as it is typed at a shell. What would speak to the terminal is in a form that bash, zsh, ksh
/// and busybox read; lines and tabs stay as they are, for those the word is given to want them.
fn typed(word: &str) -> String {
    let silent = |c: char| matches!(c, '\n' | '\t') || harmless(c) == c.to_string();
    if word.chars().all(silent) {
        return shell_quoted(word);
    }
    let mut text = "$'".to_string();
    for byte in word.bytes() {
        match byte {
            b'\'' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\{byte:03o}");
            }
        }
    }
    text + "'"
}

/// How far a line goes.
const WIDTH: usize = 96;

fn described(number: usize, step: &Explained) -> String {
    let side = if step.outside { "outside" } else { "inside" };
    let head = format!("{number:>3}  {side}: {}\n", printable(&step.purpose));
    head + &wrapped("       ", "       ", &printable(&step.calls))
}

fn printable(text: &str) -> String {
    text.chars().map(harmless).collect()
}

/// Lines of words; the first and the others begin with these.
fn wrapped(first: &str, others: &str, text: &str) -> String {
    let mut lines = String::new();
    let mut line = first.to_string();
    let mut empty = true;
    for word in text.split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(lines, "{line}");
            line = others.to_string();
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line += word;
        empty = false;
    }
    lines + &line + "\n"
}

fn translated(
    translation: &Translation,
    shell: bool,
    inherited: &Inherited,
) -> Result<String, Error> {
    if shell {
        if translation.line[1] != "run" {
            return Err(Error::new("only a run has a form for the shell"));
        }
        let words = translation.line[2..].iter().map(Into::into);
        return run_explained(crate::doctor::read(words)?, true, inherited);
    }
    let words: Vec<String> =
        translation.sudo.iter().chain(&translation.line).map(|word| typed(word)).collect();
    let mut text = format!("{}\n", words.join(" "));
    if !translation.told.is_empty() {
        text.push('\n');
        let width = translation.told.iter().map(|told| told.theirs.chars().count()).max();
        let width = width.unwrap_or(0).min(40);
        for told in &translation.told {
            let first = format!("  {:width$}  ", printable(&told.theirs));
            text += &wrapped(&first, &" ".repeat(width + 4), &printable(&told.ours));
        }
    }
    if !translation.differs.is_empty() {
        text += "\nnot the same:\n";
        for difference in &translation.differs {
            text += &wrapped("  - ", "    ", &printable(difference));
        }
    }
    Ok(text)
}
