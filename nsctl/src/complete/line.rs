//! Where on a command line the word stands that is being typed. Pure.

use clap::{Arg, ArgAction, Command};

use super::Candidate;
use crate::explain;

/// What belongs there.
#[derive(Debug)]
pub enum Wanted<'a> {
    /// Nothing that is known.
    Nothing,
    /// A verb of this one.
    Verb(&'a Command),
    /// One of its options.
    Option(&'a Command),
    /// One of these words.
    Word(Vec<Candidate>),
    /// A value; the word begins with this, which is no part of it.
    Value { verb: &'a Command, arg: &'a Arg, prefix: String },
    /// A line of another program's begins with the word of this index; 0 is `nsctl`.
    Command(usize),
}

/// Reads all words as clap would, and says what the last one is.
pub fn wanted<'a>(root: &'a Command, words: &[String]) -> Wanted<'a> {
    Reader { root, verb: root, offset: 1, filled: 0, only_words: false, names_target: false }
        .read(words)
}

struct Reader<'a> {
    root: &'a Command,
    verb: &'a Command,
    /// The index of the first word.
    offset: usize,
    /// How many positional arguments there were.
    filled: usize,
    /// After `--`.
    only_words: bool,
    /// After `-t PID`, which leaves no place for a TARGET.
    names_target: bool,
}

impl<'a> Reader<'a> {
    fn read(mut self, words: &[String]) -> Wanted<'a> {
        let Some((typed, before)) = words.split_last() else { return Wanted::Nothing };
        let mut words_before = before.iter().enumerate();
        while let Some((at, word)) = words_before.next() {
            if !self.only_words && word == "--" {
                self.only_words = true;
            } else if let Some(found) = self.option(word) {
                let Some(arg) = found.waits else { continue };
                match words_before.next() {
                    Some(_) => {}
                    None => return self.value(arg, String::new()),
                }
            } else if let Some(verb) = self.subcommand(word) {
                self.verb = verb;
                (self.filled, self.names_target) = (0, false);
            } else if self.trailing().is_some() {
                return self.line(words, at);
            } else {
                self.filled += 1;
            }
        }
        self.last(typed, words)
    }

    fn last(mut self, typed: &str, words: &[String]) -> Wanted<'a> {
        if !self.only_words && typed.starts_with('-') {
            if let Some((name, _)) = typed.strip_prefix("--").and_then(|word| word.split_once('='))
            {
                return match self.long(name) {
                    Some(arg) => self.value(arg, format!("--{name}=")),
                    None => Wanted::Nothing,
                };
            }
            return match self.option(typed) {
                // -vDIR: the letter and its value in one word.
                Some(Found { attached: Some((arg, prefix)), .. }) => self.value(arg, prefix),
                _ => Wanted::Option(self.verb),
            };
        }
        if self.verb.has_subcommands() && self.filled == 0 {
            return Wanted::Verb(self.verb);
        }
        if self.trailing().is_some() {
            return self.line(words, words.len() - 1);
        }
        match self.positional() {
            Some(arg) => self.value(arg, String::new()),
            None => Wanted::Nothing,
        }
    }

    /// The words from `start` on are a line of their own.
    fn line(self, words: &[String], start: usize) -> Wanted<'a> {
        let Some(arg) = self.trailing() else { return Wanted::Nothing };
        let (at, is_first) = (self.offset + start, start + 1 == words.len());
        let name = arg.get_value_names().and_then(|names| names.first()).map(|name| name.as_str());
        // A line of ours, as explain and doctor take it.
        if arg.get_id() == "line" && words[start] == "run" && !is_first {
            let reader = Reader { verb: self.root, offset: at, ..self };
            return Reader { filled: 0, only_words: false, names_target: false, ..reader }
                .read(&words[start..]);
        }
        match name {
            Some("LINE") if is_first => {
                let tools = explain::tools().into_iter().chain(["run"]);
                Wanted::Word(tools.map(|tool| Candidate::new(tool, "")).collect())
            }
            Some("TARGET") if !self.names_target && is_first => self.value(arg, String::new()),
            Some("TARGET") if !self.names_target => Wanted::Command(at + 1),
            _ => Wanted::Command(at),
        }
    }

    fn value(self, arg: &'a Arg, prefix: String) -> Wanted<'a> {
        Wanted::Value { verb: self.verb, arg, prefix }
    }

    /// The positional argument that the next word is.
    fn positional(&self) -> Option<&'a Arg> {
        let mut all: Vec<&Arg> = self.verb.get_positionals().collect();
        all.sort_by_key(|arg| arg.get_index());
        // What comes after -- only.
        all.retain(|arg| !arg.is_last_set() || self.only_words);
        let last = *all.last()?;
        let several = matches!(last.get_action(), ArgAction::Append);
        all.get(self.filled).copied().or(several.then_some(last))
    }

    /// That argument, when all that follows belongs to it.
    fn trailing(&self) -> Option<&'a Arg> {
        if self.only_words
            && let Some(last) = self.verb.get_positionals().find(|arg| arg.is_last_set())
        {
            return Some(last);
        }
        self.positional().filter(|arg| arg.is_trailing_var_arg_set())
    }

    fn subcommand(&self, word: &str) -> Option<&'a Command> {
        let found = self.verb.find_subcommand(word);
        found.filter(|_| self.filled == 0 && !self.only_words)
    }

    fn long(&self, name: &str) -> Option<&'a Arg> {
        let mut all = self.verb.get_arguments();
        all.find(|arg| arg.get_long_and_visible_aliases().is_some_and(|all| all.contains(&name)))
    }

    /// What options a word is; `None` when it is none.
    fn option(&mut self, word: &str) -> Option<Found<'a>> {
        if self.only_words || word == "-" || !word.starts_with('-') {
            return None;
        }
        let waits = |arg: &'a Arg| Some(arg).filter(|arg| takes_next(arg));
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = long.split_once('=').map_or((long, None), |(a, b)| (a, Some(b)));
            let arg = self.long(name);
            self.names_target |= name == "target";
            let waits = arg.filter(|_| value.is_none()).and_then(waits);
            return Some(Found { waits, attached: None });
        }
        for (at, letter) in word.char_indices().skip(1) {
            let has = |arg: &&Arg| {
                arg.get_short_and_visible_aliases().is_some_and(|all| all.contains(&letter))
            };
            let Some(arg) = self.verb.get_arguments().find(has) else { break };
            if !arg.get_action().takes_values() {
                continue;
            }
            self.names_target |= arg.get_id() == "target";
            let end = at + letter.len_utf8();
            return Some(match word.len() == end {
                true => Found { waits: waits(arg), attached: None },
                false => Found { waits: None, attached: Some((arg, word[..end].into())) },
            });
        }
        Some(Found { waits: None, attached: None })
    }
}

/// A word that is options.
struct Found<'a> {
    /// The one whose value is the next word.
    waits: Option<&'a Arg>,
    /// The one whose value is the rest of the word, and what comes before that.
    attached: Option<(&'a Arg, String)>,
}

fn takes_next(arg: &Arg) -> bool {
    let least = arg.get_num_args().map_or(1, |range| range.min_values());
    arg.get_action().takes_values() && !arg.is_require_equals_set() && least > 0
}
