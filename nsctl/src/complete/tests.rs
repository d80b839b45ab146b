//! Lines and what may come next, without a shell.

use clap::{Arg, Command, CommandFactory};

use super::*;
use crate::cli::Cli;

/// What may stand at the end of a line; a blank at its end begins a new word.
fn answer(line: &str) -> Answer {
    let words: Vec<String> = line.split(' ').map(String::from).collect();
    complete(Cli::command(), &words)
}

fn words(line: &str) -> Vec<String> {
    answer(line).candidates.into_iter().map(|one| one.value).collect()
}

fn every_command() -> Vec<(String, Command)> {
    fn add(path: &str, command: &Command, all: &mut Vec<(String, Command)>) {
        for verb in command.get_subcommands() {
            let path = format!("{path}{} ", verb.get_name());
            add(&path, verb, all);
            all.push((path, verb.clone()));
        }
    }
    let mut root = Cli::command();
    root.build();
    let mut all = vec![(String::new(), root.clone())];
    add("", &root, &mut all);
    all
}

#[test]
fn all_verbs_and_options_are_offered_and_nothing_that_is_hidden() {
    for (path, command) in every_command() {
        let offered = words(&format!("{path}--"));
        for arg in command.get_arguments().filter(|arg| !arg.is_positional()) {
            let Some(long) = arg.get_long() else { continue };
            assert_eq!(
                offered.contains(&format!("--{long}")),
                !arg.is_hide_set(),
                "nsctl {path}--{long}: {offered:?}"
            );
        }
        if command.has_subcommands() {
            let shown = command.get_subcommands().filter(|verb| !verb.is_hide_set());
            let shown: Vec<&str> = shown.map(Command::get_name).collect();
            assert_eq!(words(&path), shown);
        }
    }
}

#[test]
fn each_row_of_the_table_is_the_name_of_a_value() {
    let all = every_command();
    let names = all.iter().flat_map(|(_, command)| command.get_arguments());
    let names: Vec<&str> = names
        .flat_map(Arg::get_value_names)
        .flatten()
        .map(|name| name.trim_end_matches(",..."))
        .collect();
    for row in values::names() {
        let is_one = |name: &&str| *name == row || name.split('|').any(|name| name == row);
        assert!(names.iter().any(is_one), "no value is called {row}");
    }
}

#[test]
fn a_value_is_completed_in_each_of_its_places() {
    for line in ["--net ho", "-v /a:/b --net ho", "-it --net ho", "-e A --net ho"] {
        assert_eq!(words(&format!("run {line}")), ["host"], "{line}");
    }
    assert_eq!(words("run --net=ho"), ["--net=host"]);
    assert_eq!(words("kill -sHU"), ["-sHUP"]);
    assert_eq!(words("run --cap-add CHOWN,SYS_AD"), ["CHOWN,SYS_ADMIN"]);
    assert_eq!(words("run --persist ut"), ["uts="]);
    assert_eq!(words("run --log-driver n"), ["none"]);
    assert_eq!(words("run --rlimit=nof"), ["--rlimit=nofile="]);
    // An optional value has to be behind an equals sign.
    assert_eq!(answer("run --overlay l").also, Also::Command(3));
}

#[test]
fn where_files_may_stand_the_shell_is_asked() {
    let files = |prefix: &str| Also::Files(prefix.into());
    assert_eq!(answer("run --env-file /e").also, files(""));
    assert_eq!(answer("run --env-file=/e").also, files("--env-file="));
    assert_eq!(answer("run -v/e").also, files("-v"));
    assert_eq!(answer("run --net=path:/e").also, files("--net=path:"));
    assert_eq!(answer("run -v /e:/e").also, Also::Nothing);
    assert_eq!(answer("run --workdir /e").also, Also::Directories(String::new()));
}

#[test]
fn a_command_is_completed_as_a_line_of_its_own() {
    for (line, at) in [
        ("run ba", 2),
        ("run --net host -- ba", 5),
        ("run -it git -", 3),
        ("exec web ba", 3),
        ("enter web ba -", 3),
        ("enter -t 1 ba", 4),
        ("enter --target=1 ba", 3),
        ("doctor -- ba", 3),
        ("doctor -- run -t ba", 5),
        ("explain run --hostname a ba", 5),
        ("explain unshare -", 2),
    ] {
        assert_eq!(answer(line).also, Also::Command(at), "{line}");
    }
    assert_eq!(words("explain run --hostn"), ["--hostname"]);
    assert_eq!(words("explain unsh"), ["unshare"]);
}

#[test]
fn what_nobody_knows_has_no_candidates() {
    for line in ["nonsense a", "run --nonsense=", "rename a b", "ps x", "run --name x"] {
        assert_eq!(answer(line), Answer::default(), "{line}");
    }
    assert_eq!(complete(Cli::command(), &[]), Answer::default());
}

#[test]
fn a_name_does_not_speak_to_the_terminal_nor_end_a_line() {
    let candidates = vec![Candidate::new("a\nb", "\x1b[31m\tred")];
    let text = Answer { candidates, also: Also::Nothing }.text();
    assert_eq!(text, "nothing\na\\nb\t\\u{1b}[31m\\tred\n");
}
