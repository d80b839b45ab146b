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
    (&["podman", "run"], docker::translate_podman),
    (&["bwrap"], bwrap::translate),
];

/// Translates a line from the tool's name on; `None` when the tool is not known.
///
/// # Errors
/// What in the line is not understood.
pub fn translate(line: &[String]) -> Option<Result<Translation, String>> {
    let (sudo, line) = line.split_at(sudo(line));
    let (first, rest) = line.split_first()?;
    let name = first.rsplit('/').next()?;
    TOOLS.iter().find_map(|(words, translate)| {
        let (tool, verbs) = words.split_first()?;
        let rest = match rest {
            // `docker container run` is `docker run`.
            [first, more @ ..] if first == "container" && !verbs.is_empty() => more,
            all => all,
        };
        let follows =
            rest.len() >= verbs.len() && rest.iter().zip(verbs.iter()).all(|(a, b)| a == b);
        // For docker root is asked because of its daemon.
        let sudo = if verbs.is_empty() { sudo } else { &[] };
        (*tool == name && follows).then(|| {
            let done = translate(&rest[verbs.len()..])?;
            Ok(Translation { sudo: sudo.to_vec(), ..done })
        })
    })
}

/// How many words are sudo(8) and its options.
fn sudo(line: &[String]) -> usize {
    if line.first().is_none_or(|word| word != "sudo") {
        return 0;
    }
    let mut count = 1;
    while let Some(word) = line.get(count).filter(|word| word.starts_with('-')) {
        let valued = matches!(word.as_str(), "-u" | "-g" | "-h" | "-C" | "-p" | "-D" | "-R" | "-T");
        count += if valued { 2 } else { 1 };
    }
    count.min(line.len())
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
