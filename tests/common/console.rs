//! Documents that show a console: what stands at a prompt is run, and what follows must be said.

use std::fs;
use std::path::Path;

use super::{Who, shell, skip};

/// A document of the project's.
pub fn document(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// Runs all blocks of a text that show a console, one after the other, in one shell and one empty
/// directory: after `$` as a user, after `#` as root. Returns how many commands each ran.
pub fn play(text: &str) -> (usize, usize) {
    let blocks = blocks(text);
    let by_user = run(Who::User, &blocks, "$ ");
    let by_root = blocks.iter().any(|block| block.starts_with("# "));
    if by_root && !nix::unistd::geteuid().is_root() {
        skip("as root: the tests run as a user");
        return (by_user, 0);
    }
    (by_user, if by_root { run(Who::Root, &blocks, "# ") } else { 0 })
}

fn blocks(text: &str) -> Vec<&str> {
    text.split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.strip_prefix("console\n"))
        .collect()
}

struct Shown {
    command: String,
    output: Vec<String>,
}

/// The commands at this prompt, with the lines that follow each. A line after `> ` goes on with it.
fn commands(block: &str, prompt: &str) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix(prompt), line.strip_prefix("> "), all.last_mut()) {
            (Some(command), ..) => all.push(Shown { command: command.into(), output: Vec::new() }),
            (_, Some(more), Some(last)) => last.command += &format!("\n{more}"),
            (_, _, Some(last)) => last.output.push(line.into()),
            (_, _, None) => {}
        }
    }
    all
}

fn run(who: Who, blocks: &[&str], prompt: &str) -> usize {
    let all: Vec<Shown> = blocks.iter().flat_map(|block| commands(block, prompt)).collect();
    let directory = who.directory();
    let mut script = format!(
        "nsctl() {{ \"$NSCTL\" \"$@\"; }}\nexport LC_ALL=C\ncd '{}'\n",
        directory.display()
    );
    for shown in &all {
        script += &format!("{{ {}\n}} 2>&1\necho '--- next'\n", shown.command);
    }
    let ran = shell(who, &script).run();
    let outputs: Vec<&str> = ran.success().split("--- next").collect();
    for (shown, output) in all.iter().zip(&outputs) {
        let lines: Vec<&str> = output.trim_start_matches('\n').lines().map(str::trim_end).collect();
        let expected: Vec<&str> = shown.output.iter().map(String::as_str).collect();
        assert!(fit(&expected, &lines), "{}\nshows {lines:#?}\nnot {expected:#?}", shown.command);
    }
    all.len()
}

/// A line `…` stands for any lines.
fn fit(expected: &[&str], lines: &[&str]) -> bool {
    match (expected.split_first(), lines.split_first()) {
        (None, first) => first.is_none(),
        (Some((&"…", rest)), _) => (0..=lines.len()).any(|skip| fit(rest, &lines[skip..])),
        (Some(_), None) => false,
        (Some((one, rest)), Some((line, lines))) => line_fits(one, line) && fit(rest, lines),
    }
}

/// In a line it stands for any text.
fn line_fits(expected: &str, line: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn an_ellipsis_stands_for_any_text_and_nothing_else_does() {
    assert!(line_fits("a…c…e", "abcde") && line_fits("…", "") && line_fits("a", "a"));
    assert!(!line_fits("a…c", "ab") && !line_fits("a", "ab") && !line_fits("…b…b", "ab"));
    assert!(fit(&["a", "…", "b"], &["a", "x", "y", "b"]) && fit(&["…"], &[]));
    assert!(!fit(&["a"], &["a", "b"]) && !fit(&["a", "b"], &["a"]) && !fit(&[], &["a"]));
}
