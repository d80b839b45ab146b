//! The manual pages, from what clap reads the command line by.
//!
//! Made by a test, so that nothing of it is in the program: `cargo xtask docs` has it write them
//! to nsctl/man, and without that it compares. What `--help` says is the source; nsctl/man/*.in has
//! the sections that `--help` has no place for.

mod examples;
mod options;
mod page;
mod roff;
mod see_also;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};

use crate::cli::Cli;

/// Where to write the pages, else they are compared.
const WRITE_TO: &str = "NSCTL_WRITE_MANUAL";

/// All pages by the names of their files.
fn pages() -> BTreeMap<String, String> {
    let mut root = Cli::command();
    root.build();
    let mut pages = BTreeMap::from([("nsctl.1".to_string(), page::overview(&root))]);
    for verb in shown(&root) {
        pages.insert(format!("nsctl-{}.1", verb.get_name()), page::of_verb(verb));
    }
    pages
}

/// The verbs that `--help` shows.
fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|verb| !verb.is_hide_set())
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("man")
}

#[test]
fn the_manual_is_current() {
    let pages = pages();
    if let Some(to) = std::env::var_os(WRITE_TO).map(PathBuf::from) {
        for (name, text) in &pages {
            fs::write(to.join(name), text).unwrap();
        }
    }
    let mut there = BTreeMap::new();
    for entry in fs::read_dir(directory()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "1") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            there.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    let differs = |name: &&String| pages.get(*name) != there.get(*name);
    let differing: Vec<&String> = pages.keys().chain(there.keys()).filter(differs).collect();
    assert!(differing.is_empty(), "run `cargo xtask docs` and commit nsctl/man: {differing:?}");
}

#[test]
fn each_supplement_and_each_reference_belongs_to_a_verb() {
    let mut root = Cli::command();
    root.build();
    let verbs: Vec<&str> = shown(&root).map(Command::get_name).collect();
    let known = |name: &str| name == "nsctl" || name == "all" || verbs.contains(&name);
    for entry in fs::read_dir(directory()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "in") {
            assert!(known(&path.file_stem().unwrap().to_string_lossy()), "{}", path.display());
        }
    }
    for (verb, pages) in see_also::TABLE {
        assert!(known(verb), "{verb}");
        for page in pages.split(' ').filter_map(|page| page.strip_prefix("nsctl-")) {
            assert!(known(page.trim_end_matches("(1)")), "{verb}: {page}");
        }
    }
}
