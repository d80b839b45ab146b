//! The options of one verb, without those of all others: making these costs time at every start,
//! and memory, of which the shim keeps a copy.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, Args, Command, FromArgMatches, Subcommand};

use super::Verb;
use crate::args::{Leftover, NsArgs, RunArgs};

/// What was typed, where the verb is the first word and all is in order; and `--state-dir`. Whoever
/// makes a mistake or asks for help hears of it from the whole command line.
pub fn verb(words: &[OsString]) -> Option<(Verb, Option<PathBuf>)> {
    let words = words.get(1..)?;
    Some(match words.first()?.to_str()? {
        "run" => {
            let (mut args, dir, leftover) = read::<RunArgs>(words, RunArgs::augment_args)?;
            args.leftover = leftover;
            (Verb::Run(Box::new(args)), dir)
        }
        "exec" => options(words).map(|(args, dir)| (Verb::Exec(Box::new(args)), dir))?,
        "enter" => options(words).map(|(args, dir)| (Verb::Enter(Box::new(args)), dir))?,
        "ps" => options(words).map(|(args, dir)| (Verb::Ps(args), dir))?,
        "ns" => {
            let (args, dir) = alone(read(words, NsArgs::augment_subcommands)?);
            (Verb::Ns(args), dir)
        }
        _ => return None,
    })
}

fn options<A: Args>(words: &[OsString]) -> Option<(A, Option<PathBuf>)> {
    read(words, A::augment_args).map(alone)
}

fn alone<A>((args, dir, leftover): (A, Option<PathBuf>, Leftover)) -> (A, Option<PathBuf>) {
    std::mem::forget(leftover);
    (args, dir)
}

/// `Parser::try_parse_from`, without tidying up: freeing hundreds of small things takes time, and
/// what is allocated next would be spread over their places, in pages that are copied after a
/// fork.
fn read<A: FromArgMatches>(
    words: &[OsString],
    augment: fn(Command) -> Command,
) -> Option<(A, Option<PathBuf>, Leftover)> {
    const STATE_DIR: &str = "state_dir";
    let global = Arg::new(STATE_DIR).long("state-dir").global(true);
    let global = global.value_parser(clap::value_parser!(PathBuf));
    let mut command = Box::new(augment(Command::new("nsctl").arg(global)));
    let mut matches = Box::new(command.try_get_matches_from_mut(words).ok()?);
    let state_dir = matches.get_one::<PathBuf>(STATE_DIR).cloned();
    let args = A::from_arg_matches_mut(&mut matches).ok()?;
    Some((args, state_dir, Leftover(vec![matches, command])))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::Cli;
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn a_verb_alone_is_read_as_with_all_others() {
        for line in [
            "nsctl run true",
            "nsctl run -d --name x -e A=1 --cap-add all -v /a:/b:ro -- sh -c true -d",
            "nsctl exec x true",
            "nsctl exec -itu 1:2 -w /x -e A x -- ls -i",
            "nsctl enter --net 1 true",
            "nsctl enter 1",
            "nsctl ps -aq --filter name=x",
            "nsctl ns ls --quick",
            "nsctl ns show 1",
            "nsctl run --state-dir /x -d true --state-dir /y",
            "nsctl ns ls --state-dir=x",
        ] {
            let shown = |verb: &Verb, dir: &Option<PathBuf>| format!("{verb:?} {dir:?}");
            let quick = verb(&words(line)).map(|(verb, dir)| shown(&verb, &dir));
            let whole = Cli::try_parse_from(words(line));
            let whole = whole.map(|cli| shown(&cli.verb, &cli.state_dir));
            assert_eq!(quick, whole.ok(), "{line}");
            assert!(quick.is_some(), "{line}");
        }
    }

    #[test]
    fn mistakes_and_questions_are_for_the_whole_command_line() {
        for line in ["nsctl", "nsctl -v run true", "nsctl run", "nsctl exec x", "nsctl ps --what"]
            .into_iter()
            .chain(["nsctl run --help", "nsctl exec -h", "nsctl ns", "nsctl help", "nsctl exec -V"])
        {
            assert!(verb(&words(line)).is_none(), "{line}");
        }
    }
}
