//! The manual pages: there for each verb, and without a fault that the formatters know.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::common::{Who, have, nsctl};

fn pages() -> Vec<PathBuf> {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let directories = ["nsctl/man", "nsinit/man"].map(|sub| format!("{workspace}/{sub}"));
    let entries = directories.iter().flat_map(|directory| fs::read_dir(directory).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "1")).collect()
}

/// Runs a formatter on each page; returns all that was said of them.
fn said_by(command: &[&str]) -> String {
    let mut said = String::new();
    for page in pages() {
        let ran = Command::new(command[0]).args(&command[1..]).arg(&page).output().unwrap();
        said += &String::from_utf8_lossy(&ran.stdout);
        said += &String::from_utf8_lossy(&ran.stderr);
    }
    said
}

#[test]
fn mandoc_finds_no_fault_in_a_manual_page() {
    if have("mandoc") {
        let said = said_by(&["mandoc", "-T", "lint", "-W", "warning"]);
        // A date would have to be changed with every option.
        let faults: Vec<&str> =
            said.lines().filter(|line| !line.contains("missing date")).collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
}

#[test]
fn groff_finds_no_fault_in_a_manual_page() {
    if have("groff") {
        let said = said_by(&["groff", "-ww", "-t", "-man", "-T", "utf8", "-z"]);
        // A terminal has no pages.
        let faults: Vec<&str> =
            said.lines().filter(|line| !line.ends_with("will not fit on one page")).collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
}

#[test]
fn each_verb_of_the_help_has_a_page() {
    let ran = nsctl(Who::User, ["--help"]).run();
    let verbs = ran.success().lines().skip_while(|line| *line != "Commands:").skip(1);
    let verbs: Vec<&str> = verbs.map_while(|line| line.split_whitespace().next()).collect();
    assert!(verbs.len() > 20, "{verbs:?}");
    let names: Vec<String> =
        pages().iter().map(|page| page.file_stem().unwrap().to_string_lossy().into()).collect();
    for verb in verbs {
        assert!(names.contains(&format!("nsctl-{verb}")), "{verb}");
    }
}

#[test]
fn help_says_at_length_what_a_verb_does() {
    for (verb, words) in [
        (&["run"][..], "the caller becomes root inside"),
        (&["enter"], "TARGET is a pid"),
        (&["doctor"], "Each check is tried for real"),
        (&["explain"], "runs nothing"),
        (&["ns", "ls"], "What could not be read is counted"),
        (&["ns", "diff"], "1 when something does"),
    ] {
        let ran = nsctl(Who::User, [verb, &["--help"]].concat()).run();
        let shown = ran.success().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(words), "{verb:?}: {shown}");
    }
}
