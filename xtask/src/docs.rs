//! `cargo xtask docs`: the documents that are made from the code and from measurements.
//!
//! They are committed, so that whoever packages nsctl needs no Rust for them; tests see to it
//! that they are current. nsctl's pages are made by a test of its own, which knows its options.

use crate::{Result, cargo, compare};
use std::path::PathBuf;

/// Writes them.
pub fn run() -> Result<()> {
    let path = manual_path();
    std::fs::write(&path, manual()?)?;
    println!("wrote {}", path.display());
    let pages = nsctl_pages();
    let mut test = cargo::cargo();
    test.args(["test", "--quiet", "--package", "nsctl", "--bin", "nsctl", "the_manual_is_current"]);
    // It complains of a page that is none any more, after all others are written.
    cargo::succeed(test.env("NSCTL_WRITE_MANUAL", &pages))?;
    println!("wrote {}", pages.display());
    Ok(())
}

/// Where the pages of nsctl and its verbs are.
pub fn nsctl_pages() -> PathBuf {
    cargo::workspace().join("nsctl/man")
}

fn manual_path() -> PathBuf {
    cargo::workspace().join("nsinit/man/nsinit.1")
}

/// nsinit(1): the template, with the head of each option from nsinit's own table, and the comparison
/// as a table of tbl(1).
pub fn manual() -> Result<String> {
    let template = std::fs::read_to_string(cargo::workspace().join("nsinit/man/nsinit.1.in"))?;
    let comparison = std::fs::read_to_string(compare::table())?;
    let mut missing: Vec<&str> = nsinit::known_options().map(|option| option.long).collect();
    let mut page = String::new();
    for line in template.lines() {
        if let Some(option) = line.strip_prefix(".\\\" @option ") {
            let (name, value) = option.split_once(' ').unwrap_or((option, ""));
            missing.retain(|long| *long != name);
            page += &head(name, value)?;
        } else if line == "@COMPARISON@" {
            page += &table(&comparison);
        } else {
            page += &line.replace("@VERSION@", env!("CARGO_PKG_VERSION"));
            page.push('\n');
        }
    }
    if missing.is_empty() {
        Ok(page)
    } else {
        Err(format!("nsinit.1.in does not describe: {}", missing.join(", ")).into())
    }
}

/// How an option is written, above its description.
fn head(name: &str, value: &str) -> Result<String> {
    let rows: Vec<_> = nsinit::known_options().filter(|option| option.long == name).collect();
    let Some(first) = rows.first() else {
        return Err(format!("nsinit has no option --{name}").into());
    };
    if first.takes_value == value.is_empty() {
        return Err(format!("nsinit.1.in: --{name} and its value").into());
    }
    let letters = rows.iter().filter_map(|option| option.short);
    let mut words: Vec<String> = letters.map(|letter| format!("\\fB\\-{letter}\\fR")).collect();
    words.push(format!("\\fB\\-\\-{}\\fR", escaped(name)));
    let value =
        if value.is_empty() { String::new() } else { format!(" \\fI{}\\fR", escaped(value)) };
    Ok(format!(".TP\n{}{value}\n", words.join(", ")))
}

/// The comparison as a table: groups as headings, and what is not "yes" to be seen.
fn table(comparison: &str) -> String {
    let mut lines = comparison.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().unwrap_or_default();
    let inits: Vec<_> = header.iter().skip(2).filter_map(|init| init.split_once(' ')).collect();
    // The parts of a name one below the other, and a blank between columns: it is a wide table.
    let parts =
        |at: usize| inits.iter().map(move |(name, _)| name.split('-').nth(at).unwrap_or(""));
    let versions = inits.iter().map(|(_, version)| *version);
    let mut text = format!(".TS\nlw(33n)1{} l.\n", " l1".repeat(inits.len().saturating_sub(1)));
    for heading in [parts(0).collect(), parts(1).collect(), versions.collect::<Vec<_>>()] {
        text += &format!("\t{}\n", heading.join("\t"));
    }
    let mut group = "";
    for line in lines {
        let [its_group, case, cells @ ..] = &line[..] else { continue };
        if *its_group != group {
            group = its_group;
            text += &format!("_\n\\fB{}\\fR\n", escaped(group));
        }
        let cells = cells.iter().map(|cell| match *cell {
            "no" => "\\fBno\\fR",
            "as PID 1" => "PID 1",
            "not as PID 1" => "child",
            cell => cell,
        });
        let cells: Vec<&str> = cells.collect();
        text += &format!("T{{\n.ad l\n{}\nT}}\t{}\n", escaped(case), cells.join("\t"));
    }
    text + ".TE\n"
}

/// As troff(1) has to be given it: a bare `-` would become a hyphen, a leading dot a request.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('^', "\\(ha").replace("\n.", "\n\\&.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_is_current() {
        let there = std::fs::read_to_string(manual_path()).unwrap_or_default();
        assert!(
            there == manual().unwrap(),
            "run `cargo xtask docs` and commit nsinit/man/nsinit.1"
        );
    }

    #[test]
    fn options_have_their_letters_and_values() {
        assert_eq!(
            head("rewrite", "S:R").unwrap(),
            ".TP\n\\fB\\-r\\fR, \\fB\\-\\-rewrite\\fR \\fIS:R\\fR\n"
        );
        assert_eq!(
            head("license", "").unwrap(),
            ".TP\n\\fB\\-l\\fR, \\fB\\-L\\fR, \\fB\\-\\-license\\fR\n"
        );
        assert!(head("rewrite", "").is_err());
        assert!(head("help", "VALUE").is_err());
        assert!(head("nonsense", "").is_err());
    }
}
