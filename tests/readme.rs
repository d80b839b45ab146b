//! What README.md shows at a prompt happens as it stands there: after `$` as a user, after `#` as
//! root.

use std::fs;

use super::common::{Who, have, shell, skip};

const NEEDED: [&str; 6] = ["ipcmk", "ps", "ip", "findmnt", "mknod", "hostname"];

/// Commands of one block, each with the lines that follow it.
fn commands(block: &str, prompt: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix(prompt), all.last_mut()) {
            (Some(command), _) => all.push((command.to_string(), String::new())),
            (None, Some((_, output))) => *output += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    all
}

/// The blocks of a section that show a console.
fn blocks(title: &str) -> Vec<String> {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let section = readme.split("\n## ").find(|part| part.starts_with(title)).unwrap();
    let mut parts = section.split("```");
    let mut found = Vec::new();
    while let (Some(_), Some(block)) = (parts.next(), parts.next()) {
        found.extend(block.strip_prefix("console\n").map(String::from));
    }
    found
}

/// All commands of a block, in one shell and one empty directory.
fn play(who: Who, block: &str, prompt: &str) -> usize {
    let directory = who.directory();
    let commands = commands(block, prompt);
    let mut script = format!(
        "nsctl() {{ \"$NSCTL\" \"$@\"; }}\nexport LC_ALL=C\ncd '{}'\n",
        directory.display()
    );
    for (command, _) in &commands {
        script += &format!("{{ {command}\n}} 2>&1\necho '--- next'\n");
    }
    let ran = shell(who, &script).run();
    let outputs: Vec<&str> = ran.success().split("--- next").collect();
    for ((command, expected), output) in commands.iter().zip(&outputs) {
        let lines = output.trim_start_matches('\n').lines().map(str::trim_end);
        let output: String = lines.map(|line| format!("{line}\n")).collect();
        assert_eq!(output, *expected, "{command}: {ran:?}");
    }
    commands.len()
}

#[test]
fn the_classical_demonstrations_are_as_shown() {
    if !NEEDED.iter().all(|program| have(program)) {
        return;
    }
    let blocks = blocks("Namespaces by doing");
    let by_user: usize = blocks.iter().map(|block| play(Who::User, block, "$ ")).sum();
    assert!(by_user >= 15, "{by_user}");
    if nix::unistd::geteuid().is_root() {
        let by_root: usize = blocks.iter().map(|block| play(Who::Root, block, "# ")).sum();
        assert_eq!(by_root, 3);
    } else {
        skip("as root: the tests run as a user");
    }
}
