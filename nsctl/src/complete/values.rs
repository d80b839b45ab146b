//! What may be a value: THE table from the name that `--help` gives it.

use clap::{Arg, Command};

use super::world;
use super::{Also, Answer, Candidate};

/// Something that a value may be.
enum Part {
    Word(&'static str),
    /// What is found when it is asked for, by a verb.
    List(fn(&str) -> Vec<Candidate>),
    /// The same, once a digit was typed: there are many.
    Number(fn(&str) -> Vec<Candidate>),
    /// One of these, a separator, and what may come after it.
    Split(char, &'static [Part], &'static [Part]),
    Files,
    /// Files, as long as there is no such character.
    FilesBefore(char),
    /// Files, once there is such a character.
    FilesWith(char),
    Directories,
}

use Part::{Directories, Files, FilesBefore, FilesWith, List, Number, Split, Word};

const TARGET: &[Part] = &[
    Word("self"),
    List(world::containers),
    Number(world::processes),
    Number(world::namespaces),
    FilesWith('/'),
];

/// Whole names first, then what is between two `|`. A name in small letters is a word itself, and
/// what is not here has no candidates.
const TABLE: &[(&str, &[Part])] = &[
    ("A", TARGET),
    ("B", TARGET),
    ("CAP", &[List(world::capabilities), Word("ALL")]),
    ("CLOCK=SECONDS", &[Split('=', &[Word("boottime"), Word("monotonic")], &[])]),
    ("COLUMN", &[List(world::columns)]),
    ("CONTAINER", &[List(world::containers)]),
    ("DIR", &[Directories]),
    ("FILE", &[Files]),
    ("GID", &[List(world::groups)]),
    ("GROUP", &[List(world::groups)]),
    ("HOST[:DST]", &[FilesBefore(':')]),
    ("KEY=VALUE", &[Split('=', &[Word("name"), Word("id"), Word("label")], &[]), STATUS]),
    ("KIND", &[List(world::kinds)]),
    ("KIND=FILE", &[Split('=', &[List(world::kinds)], &[Files])]),
    ("LINK=TARGET", &[]),
    ("MAP", &[Word("auto"), Word("subids"), Word("all"), Word("none")]),
    ("NAME=SOFT[:HARD]", &[Split('=', &[List(world::limits)], &[])]),
    ("NAME[=VALUE]", &[List(world::variables)]),
    (
        "NS",
        &[
            Word("new"),
            Word("host"),
            Split(':', &[Word("container")], &[List(world::running)]),
            Split(':', &[Word("pid")], &[List(world::processes)]),
            Split(':', &[Word("path")], &[Files]),
        ],
    ),
    ("PATH", &[Files]),
    ("PID", &[List(world::processes)]),
    (
        "POLICY",
        &[Word("no"), Word("always"), Word("on-failure"), Split(':', &[Word("on-failure")], &[])],
    ),
    (
        "RULE",
        &[
            Split('=', &[Word("ro"), Word("exec"), Word("rw")], &[Files]),
            Split('=', &[Word("tcp-connect"), Word("tcp-bind")], &[Word("none")]),
            Word("best-effort"),
        ],
    ),
    ("SIGNAL", &[List(world::signals)]),
    ("SRC:DST[:OPTION,...]", &[FilesBefore(':')]),
    ("TARGET", TARGET),
    ("UID", &[List(world::users)]),
    ("UID|NAME", &[List(world::users)]),
    ("GID|NAME", &[List(world::groups)]),
    ("USER[:GROUP]", &[List(world::users), Split(':', &[List(world::users)], GROUPS)]),
    ("WHAT", &[List(world::checks)]),
    (
        "WORD[=VALUE]",
        &[
            Word("no-new-privileges"),
            Word("label=disable"),
            Word("systempaths=unconfined"),
            Split('=', &[Word("seccomp")], &[Word("default"), Word("unconfined"), Files]),
            Split('=', &[Word("apparmor")], &[Word("unconfined")]),
        ],
    ),
    ("[CONTAINER:]FROM", &[Split(':', &[List(world::running)], &[]), FilesBefore(':')]),
    ("[CONTAINER:]TO", &[Split(':', &[List(world::running)], &[]), FilesBefore(':')]),
];

const STATUS: Part = Split('=', &[Word("status")], &[List(world::statuses)]);
const GROUPS: &[Part] = &[List(world::groups)];

/// What the word may be that is typed as a value of this argument, and that begins with `prefix`.
pub fn answer(verb: &Command, arg: &Arg, prefix: &str, typed: &str) -> Answer {
    let mut answer = Answer::default();
    let mut prefix = prefix.to_string();
    let mut typed = typed.strip_prefix(&prefix).unwrap_or_default();
    // A list: only its last item is being typed.
    if let Some(delimiter) = arg.get_value_delimiter()
        && let Some(at) = typed.rfind(delimiter)
    {
        let end = at + delimiter.len_utf8();
        prefix += &typed[..end];
        typed = &typed[end..];
    }
    let possible = arg.get_possible_values();
    if !possible.is_empty() {
        let shown = possible.iter().filter(|value| !value.is_hide_set());
        answer.candidates = shown
            .map(|value| {
                Candidate::new(
                    format!("{prefix}{}", value.get_name()),
                    super::about(value.get_help()),
                )
            })
            .collect();
        return answer;
    }
    let name = arg.get_value_names().and_then(|names| names.first());
    let name = name.map_or("", |name| name.trim_end_matches(",..."));
    let mut asked = Asked { verb: verb.get_name(), answer: &mut answer };
    match row(name) {
        Some(parts) => asked.parts(parts, &prefix, typed),
        // PID|NAME, with whatever else can be meant.
        None if ["PID", "NAME"].iter().all(|part| name.split('|').any(|one| one == *part)) => {
            asked.parts(TARGET, &prefix, typed);
        }
        None => {
            for name in name.split('|') {
                match row(name) {
                    Some(parts) => asked.parts(parts, &prefix, typed),
                    None if name.starts_with(|c: char| c.is_ascii_lowercase()) => {
                        asked.add(&prefix, Candidate::new(name, ""), "");
                    }
                    None => {}
                }
            }
        }
    }
    answer
}

/// Those of the table.
#[cfg(test)]
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(name, _)| *name)
}

fn row(name: &str) -> Option<&'static [Part]> {
    TABLE.iter().find(|(row, _)| *row == name).map(|(_, parts)| *parts)
}

struct Asked<'a> {
    verb: &'a str,
    answer: &'a mut Answer,
}

impl Asked<'_> {
    fn parts(&mut self, parts: &[Part], prefix: &str, typed: &str) {
        for part in parts {
            self.part(part, prefix, typed);
        }
    }

    fn part(&mut self, part: &Part, prefix: &str, typed: &str) {
        match part {
            Word(word) => self.add(prefix, Candidate::new(*word, ""), ""),
            List(list) => {
                for found in list(self.verb) {
                    self.add(prefix, found, "");
                }
            }
            Number(list) => {
                if typed.starts_with(|c: char| c.is_ascii_digit()) {
                    self.part(&List(*list), prefix, typed);
                }
            }
            Split(separator, heads, tail) => {
                let heads = self.all(heads);
                match typed.split_once(*separator) {
                    Some((head, rest)) if heads.iter().any(|one| one.value == head) => {
                        self.parts(tail, &format!("{prefix}{head}{separator}"), rest);
                    }
                    Some(_) => {}
                    None => {
                        let separator = separator.to_string();
                        heads.into_iter().for_each(|head| self.add(prefix, head, &separator));
                    }
                }
            }
            Files => self.answer.also = Also::Files(prefix.into()),
            FilesBefore(separator) if !typed.contains(*separator) => {
                self.answer.also = Also::Files(prefix.into());
            }
            FilesWith(separator) if typed.contains(*separator) => {
                self.answer.also = Also::Files(prefix.into());
            }
            FilesBefore(_) | FilesWith(_) => {}
            Directories => self.answer.also = Also::Directories(prefix.into()),
        }
    }

    fn all(&self, parts: &[Part]) -> Vec<Candidate> {
        let mut answer = Answer::default();
        Asked { verb: self.verb, answer: &mut answer }.parts(parts, "", "");
        answer.candidates
    }

    fn add(&mut self, prefix: &str, mut candidate: Candidate, suffix: &str) {
        candidate.value = format!("{prefix}{}{suffix}", candidate.value);
        self.answer.candidates.push(candidate);
    }
}
