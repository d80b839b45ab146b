//! What stands at the end of `--help`: examples, and paragraphs about other things.

use clap::Command;

use super::roff;

/// Both, of one verb.
pub struct AtTheEnd {
    pub notes: String,
    pub examples: String,
}

/// Reads it.
pub fn of(command: &Command) -> AtTheEnd {
    let help = command.get_after_long_help().or(command.get_after_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let mut end = AtTheEnd { notes: String::new(), examples: String::new() };
    for paragraph in help.split("\n\n") {
        let rest = ["Examples:", "Example:"].iter().find_map(|title| paragraph.strip_prefix(title));
        match rest {
            Some(lines) => end.examples += &examples(lines),
            None if !paragraph.trim().is_empty() => {
                end.notes += &format!(".PP\n{}", roff::prose(&roff::full_stop(paragraph)));
            }
            None => {}
        }
    }
    end
}

/// One a line: a command, and behind three blanks what it is for; or that on a line of its own,
/// far to the right.
fn examples(lines: &str) -> String {
    let mut all: Vec<(String, String)> = Vec::new();
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let far = line.len() - line.trim_start().len() > 20;
        match (far, all.last_mut()) {
            (true, Some((_, about))) => *about = line.trim().to_string(),
            _ => {
                let (command, about) = line.trim().split_once("   ").unwrap_or((line.trim(), ""));
                all.push((command.trim().to_string(), about.trim().to_string()));
            }
        }
    }
    let mut text = String::new();
    for (command, about) in all {
        let command = roff::escaped(&command);
        match about.as_str() {
            "" => text += &format!(".PP\n.EX\n{command}\n.EE\n"),
            _ => {
                let mut about = roff::prose(&about);
                about[..1].make_ascii_uppercase();
                text += &format!(".TP\n{about}.EX\n{command}\n.EE\n");
            }
        }
    }
    text
}
