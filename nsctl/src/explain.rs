//! Lines of other tools in our words.
//!
//! ```text
//!  words ──options (the tool's table)──▶ Draft ──finish──▶ Translation
//! ```
//!
//! Each tool is a table: option → ours, or why there is none. All is pure: a line that names files
//! and processes is translated without looking at them.

mod bwrap;
mod docker;
mod draft;
mod nsenter;
mod options;
#[cfg(test)]
mod tests;
mod unshare;

pub use docker::without;
pub use draft::Translation;

/// A tool whose lines are known.
type Translate = fn(&[String]) -> Result<Translation, String>;

const TOOLS: [(&[&str], Translate); 5] = [
    (&["unshare"], unshare::translate),
    (&["nsenter"], nsenter::translate),
    (&["docker", "run"], docker::translate),
    (&["podman", "run"], docker::translate),
    (&["bwrap"], bwrap::translate),
];

/// Translates a line from the tool's name on; `None` when the tool is not known.
///
/// # Errors
/// What in the line is not understood.
pub fn translate(line: &[String]) -> Option<Result<Translation, String>> {
    let line = match line {
        [sudo, rest @ ..] if sudo == "sudo" => rest,
        all => all,
    };
    let (first, rest) = line.split_first()?;
    let name = first.rsplit('/').next()?;
    TOOLS.iter().find_map(|(words, translate)| {
        let (tool, verbs) = words.split_first()?;
        let follows =
            rest.len() >= verbs.len() && rest.iter().zip(verbs.iter()).all(|(a, b)| a == b);
        (*tool == name && follows).then(|| translate(&rest[verbs.len()..]))
    })
}

/// The first words of the lines that can be explained.
pub fn tools() -> Vec<&'static str> {
    TOOLS.iter().map(|(words, _)| words[0]).collect()
}

/// What can be explained, for a message.
pub fn known() -> String {
    let names: Vec<String> = TOOLS.iter().map(|(words, _)| words.join(" ")).collect();
    format!("run, {}", names.join(", "))
}
