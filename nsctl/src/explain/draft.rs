//! A line of ours in the making.

use nsshim::spec::Kind;

use crate::args::namespace_option;

/// What an option becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// As it was written.
    pub theirs: String,
    /// Our words for it, or that it is so anyway.
    pub ours: String,
}

/// A line in our words.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Translation {
    /// sudo(8) and its options, as they were written.
    pub sudo: Vec<String>,
    /// From `nsctl` on.
    pub line: Vec<String>,
    /// Each option, and what it becomes.
    pub told: Vec<Told>,
    /// What is not the same.
    pub differs: Vec<String>,
}

/// Whether a namespace is made anew, joined or shared.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
enum Choice {
    #[default]
    Shared,
    New,
    Joined(String),
    /// By who runs it.
    Usual,
}

/// The line so far.
#[derive(Debug, Default)]
pub struct Draft {
    choices: [Choice; 8],
    options: Vec<String>,
    told: Vec<Told>,
    differs: Vec<String>,
    /// The command, and what it is without one.
    pub command: Vec<String>,
    /// What the tool's own functions remember: names and values.
    kept: Vec<(&'static str, String)>,
}

impl Draft {
    /// Adds a word of ours, or several.
    pub fn add(&mut self, words: &[&str]) {
        self.options.extend(words.iter().map(ToString::to_string));
    }

    /// Adds words that belong together, once.
    pub fn add_once(&mut self, words: &[&str]) {
        let there = self.options.windows(words.len()).any(|part| part == words);
        if !there {
            self.add(words);
        }
    }

    /// Takes a word back.
    pub fn remove(&mut self, word: &str) {
        self.options.retain(|option| option != word);
    }

    /// Whether a word was added.
    pub fn has(&self, word: &str) -> bool {
        self.options.iter().any(|option| option == word)
    }

    /// Makes a namespace anew.
    pub fn new_namespace(&mut self, kind: Kind) {
        self.choices[kind as usize] = Choice::New;
    }

    /// Shares a namespace with the caller.
    pub fn share(&mut self, kind: Kind) {
        self.choices[kind as usize] = Choice::Shared;
    }

    /// Leaves it to what is usual for the caller.
    pub fn leave(&mut self, kind: Kind) {
        self.choices[kind as usize] = Choice::Usual;
    }

    /// Joins a namespace that exists: `pid:4711`, `path:FILE`, `container:NAME`.
    pub fn join(&mut self, kind: Kind, which: String) {
        self.choices[kind as usize] = Choice::Joined(which);
    }

    /// Whether a namespace is made anew.
    pub fn is_new(&self, kind: Kind) -> bool {
        self.choices[kind as usize] == Choice::New
    }

    /// Whether a namespace is the caller's.
    pub fn is_shared(&self, kind: Kind) -> bool {
        self.choices[kind as usize] == Choice::Shared
    }

    /// Says what an option becomes.
    pub fn tell(&mut self, theirs: &str, ours: impl Into<String>) {
        self.told.push(Told { theirs: theirs.into(), ours: ours.into() });
    }

    /// Says what is not the same.
    pub fn differs(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.differs.contains(&what) {
            self.differs.push(what);
        }
    }

    /// Remembers a value.
    pub fn keep(&mut self, name: &'static str, value: &str) {
        self.kept.retain(|(known, _)| *known != name);
        self.kept.push((name, value.into()));
    }

    /// A value that was remembered.
    pub fn kept(&self, name: &str) -> Option<String> {
        self.kept.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    /// A value that was remembered, and is from now on not.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let value = self.kept(name);
        self.kept.retain(|(known, _)| *known != name);
        value
    }

    /// A line of another verb, which takes no namespaces anew.
    pub fn finish_as(mut self, verb: &str) -> Translation {
        let mut line = vec!["nsctl".into(), verb.into()];
        line.append(&mut self.options);
        if self.command.first().is_some_and(|word| word.starts_with('-')) {
            line.push("--".into());
        }
        line.append(&mut self.command);
        Translation { sudo: vec![], line, told: self.told, differs: self.differs }
    }

    /// A line of `run`: first what decides about namespaces.
    pub fn finish(mut self) -> Translation {
        let shared: Vec<&str> = Kind::ALL
            .into_iter()
            // Of its own a run has a new time namespace only when it is asked to.
            .filter(|&kind| kind != Kind::Time && self.is_shared(kind))
            .map(Kind::file)
            .collect();
        let mut words: Vec<String> = vec!["nsctl".into(), "run".into()];
        for kind in Kind::ALL {
            let option = namespace_option(kind);
            match &self.choices[kind as usize] {
                // As root the default is the host's.
                Choice::New if kind == Kind::User => words.extend([option.into(), "new".into()]),
                Choice::New if kind == Kind::Time && !self.has_clock() => {
                    words.extend([option.into(), "new".into()]);
                }
                Choice::Joined(which) => words.extend([option.into(), which.clone()]),
                _ => {}
            }
        }
        if !shared.is_empty() {
            words.extend(["--share".into(), shared.join(",")]);
        }
        words.append(&mut self.options);
        if self.command.first().is_some_and(|word| word.starts_with('-')) {
            words.push("--".into());
        }
        words.append(&mut self.command);
        Translation { sudo: vec![], line: words, told: self.told, differs: self.differs }
    }

    fn has_clock(&self) -> bool {
        ["--boottime", "--monotonic"].iter().any(|word| self.has(word))
    }
}
