//! What may come next on a command line, for the shells.
//!
//! ```text
//!  shell ──words──▶ line: (Command, words) → Wanted ──values──▶ candidates, and what else
//! ```
//!
//! All comes from what clap reads the line by: verbs, options, their help, and for a value the
//! name that `--help` gives it. So a new verb or option is completed without a line here.

mod line;
mod values;
mod world;

use clap::Command;

use line::Wanted;

/// What may stand where the line ends.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Whole words.
    pub candidates: Vec<Candidate>,
    /// What the shell knows better.
    pub also: Also,
}

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The word.
    pub value: String,
    /// What it is; may be empty.
    pub about: String,
}

/// What the shell is asked to add.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Also {
    /// Nothing.
    #[default]
    Nothing,
    /// Files, after this beginning of the word.
    Files(String),
    /// Directories, likewise.
    Directories(String),
    /// A line of its own begins with the word of this index; 0 is `nsctl`.
    Command(usize),
}

/// Finds it.
///
/// `words` are those after `nsctl`; the last is the one that is being typed, perhaps empty.
pub fn complete(mut root: Command, words: &[String]) -> Answer {
    root.build();
    let Some(typed) = words.last() else { return Answer::default() };
    let mut answer = match line::wanted(&root, words) {
        Wanted::Nothing => Answer::default(),
        Wanted::Verb(command) => Answer::of(verbs(command)),
        Wanted::Option(command) => Answer::of(options(command)),
        Wanted::Command(at) => Answer { also: Also::Command(at), ..Answer::default() },
        Wanted::Word(of) => Answer::of(of),
        Wanted::Value { verb, arg, prefix } => values::answer(verb, arg, &prefix, typed),
    };
    answer.candidates.retain(|one| one.value.starts_with(typed.as_str()));
    answer
}

impl Answer {
    fn of(candidates: Vec<Candidate>) -> Self {
        Answer { candidates, also: Also::Nothing }
    }

    /// A line that says what else, and a line for each word.
    pub fn text(&self) -> String {
        let mut text = match &self.also {
            Also::Nothing => "nothing".to_string(),
            Also::Files(prefix) => format!("files\t{}", one_line(prefix)),
            Also::Directories(prefix) => format!("directories\t{}", one_line(prefix)),
            Also::Command(at) => format!("command\t{at}"),
        };
        for candidate in &self.candidates {
            text += &format!("\n{}\t{}", one_line(&candidate.value), one_line(&candidate.about));
        }
        text + "\n"
    }
}

impl Candidate {
    fn new(value: impl Into<String>, about: impl Into<String>) -> Self {
        Candidate { value: value.into(), about: about.into() }
    }
}

/// Names are others' choice: none may end a line or speak to the terminal.
fn one_line(text: &str) -> String {
    crate::output::harmless_text(text)
}

fn verbs(command: &Command) -> Vec<Candidate> {
    let shown = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    shown.map(|verb| Candidate::new(verb.get_name(), about(verb.get_about()))).collect()
}

fn options(command: &Command) -> Vec<Candidate> {
    let shown = command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set());
    let words = shown.flat_map(|arg| {
        let mut names = arg.get_long_and_visible_aliases().unwrap_or_default();
        names.dedup();
        let short = arg.get_short().filter(|_| names.is_empty());
        let words = names.iter().map(|name| format!("--{name}")).collect::<Vec<_>>();
        let words = words.into_iter().chain(short.map(|letter| format!("-{letter}")));
        words.map(|word| Candidate::new(word, about(arg.get_help()))).collect::<Vec<_>>()
    });
    words.collect()
}

/// What comes before the details.
fn about(text: Option<&clap::builder::StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    let end = ["\n", ". ", "; ", ": ", ", such as"].iter().filter_map(|end| text.find(end)).min();
    text[..end.unwrap_or(text.len())].to_string()
}

#[cfg(test)]
mod tests;
