//! The options: the union of those of tini, dumb-init and catatonit, which do not clash, and
//! nsinit's own; from the command line and from NSINIT_OPTIONS.

#![forbid(unsafe_code)]

use crate::config::{Config, Group, Show, Target, User};
use crate::signals;
use crate::sys::{SigSet, Strings};
use crate::text::{Word, parse_hex, parse_number, parse_seconds, pick, split};

/// Why the options cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// There is no such option.
    Unknown(&'static [u8]),
    /// The option needs a value and has none.
    NoValue(&'static [u8]),
    /// The option takes no value.
    Value(&'static [u8]),
    /// The value is not one of this option's.
    Wrong(&'static [u8], &'static [u8]),
}

#[derive(Clone, Copy)]
enum Kind {
    Argv0,
    Chdir,
    Delay,
    DieWithParent,
    Exit,
    Grace,
    Group,
    Help,
    KillFd,
    License,
    Mask,
    Filter,
    AllCpus,
    NoEnv,
    ParentDeath,
    Pause,
    Pdeathsig,
    Pgroup,
    ReportFd,
    Rewrite,
    SingleChild,
    StatusFd,
    Subreaper,
    Timeout,
    To,
    User,
    Verbose,
    Version,
    WaitAll,
    WarnReaped,
}

struct Row {
    short: u8,
    long: Word,
    value: bool,
    kind: Kind,
}

const fn flag(short: u8, long: &'static str, kind: Kind) -> Row {
    Row { short, long: Word::new(long), value: false, kind }
}

const fn value(short: u8, long: &'static str, kind: Kind) -> Row {
    Row { short, long: Word::new(long), value: true, kind }
}

/// No short form.
const NONE: u8 = 0;

/// An option, for whoever documents them.
#[cfg(not(freestanding))]
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its letter, if it has one.
    pub short: Option<char>,
    /// Its name, without the dashes.
    pub long: &'static str,
    /// Whether it takes a value.
    pub takes_value: bool,
}

/// All options. One with two letters is there twice.
#[cfg(not(freestanding))]
pub fn known() -> impl Iterator<Item = Known> {
    OPTIONS.iter().map(|row| Known {
        short: (row.short != NONE).then_some(char::from(row.short)),
        long: row.long.as_str(),
        takes_value: row.value,
    })
}

static OPTIONS: [Row; 31] = [
    flag(b'h', "help", Kind::Help),
    flag(b'V', "version", Kind::Version),
    flag(b'l', "license", Kind::License),
    flag(b'L', "license", Kind::License),
    flag(b'v', "verbose", Kind::Verbose),
    flag(b'w', "warn-reaped", Kind::WarnReaped),
    flag(b'g', "group", Kind::Group),
    flag(b'c', "single-child", Kind::SingleChild),
    flag(b's', "subreaper", Kind::Subreaper),
    flag(b'P', "pause", Kind::Pause),
    value(b'p', "parent-death", Kind::ParentDeath),
    value(b'e', "exit", Kind::Exit),
    value(b'r', "rewrite", Kind::Rewrite),
    value(NONE, "to", Kind::To),
    value(NONE, "grace", Kind::Grace),
    value(NONE, "delay", Kind::Delay),
    value(NONE, "timeout", Kind::Timeout),
    flag(NONE, "wait-all", Kind::WaitAll),
    value(NONE, "chdir", Kind::Chdir),
    value(NONE, "user", Kind::User),
    value(NONE, "status-fd", Kind::StatusFd),
    value(NONE, "pgroup", Kind::Pgroup),
    value(NONE, "argv0", Kind::Argv0),
    value(NONE, "report-fd", Kind::ReportFd),
    value(NONE, "mask", Kind::Mask),
    value(NONE, "filter", Kind::Filter),
    flag(NONE, "pdeathsig", Kind::Pdeathsig),
    flag(NONE, "die-with-parent", Kind::DieWithParent),
    value(NONE, "kill-fd", Kind::KillFd),
    flag(NONE, "all-cpus", Kind::AllCpus),
    flag(NONE, "no-env", Kind::NoEnv),
];

static TARGETS: [(Word, Target); 3] = [
    (Word::new("child"), Target::Child),
    (Word::new("group"), Target::Group),
    (Word::new("all"), Target::All),
];

static GROUPS: [(Word, Group); 4] = [
    (Word::new("keep"), Group::Keep),
    (Word::new("own"), Group::Own),
    (Word::new("foreground"), Group::Foreground),
    (Word::new("session"), Group::Session),
];

/// Whether `word` is an option. (A lone `-` is not.)
fn is_option(word: &[u8]) -> bool {
    matches!(word, [b'-', _, ..])
}

/// Where the words come from.
pub enum Words<'a> {
    /// The arguments of the program: they end at the first that is no option.
    Arguments {
        /// All, with the program's name.
        strings: &'a Strings<'static>,
        /// The index of the first that has not been taken.
        index: usize,
    },
    /// The words of an environment variable, between blanks: there is no quoting.
    Line(&'static [u8]),
}

impl Words<'_> {
    /// The next word, if it is an option, or an option's value is wanted. (In a line all have to
    /// be: what is no option has no business there, and is complained of.)
    fn next(&mut self, value: bool) -> Option<&'static [u8]> {
        match self {
            Words::Arguments { strings, index } => {
                let word = strings.get(*index)?.to_bytes();
                if !value && !is_option(word) {
                    return None;
                }
                *index += 1;
                Some(word)
            }
            Words::Line(line) => {
                let rest = line.trim_ascii_start();
                let length = rest.iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
                let (word, rest) = rest.split_at_checked(length)?;
                *line = rest;
                if word.is_empty() { None } else { Some(word) }
            }
        }
    }
}

/// Takes options into `config` up to the first word that is none, or behind `--`; or up to the
/// first that cannot be used, which is its `problem` then.
pub fn parse(config: &mut Config, words: &mut Words<'_>) {
    while config.problem.is_none()
        && let Some(word) = words.next(false)
    {
        match word {
            b"--" => break,
            [b'-', b'-', long @ ..] => parse_long(config, words, word, long),
            [b'-', letters @ ..] => parse_short(config, words, word, letters),
            _ => config.problem = Some(Problem::Unknown(word)),
        }
    }
}

fn parse_long(
    config: &mut Config,
    words: &mut Words<'_>,
    word: &'static [u8],
    long: &'static [u8],
) {
    let (name, given) = split(long, b'=');
    match (OPTIONS.iter().find(|row| row.long.is(name)), given) {
        (None, _) => config.problem = Some(Problem::Unknown(word)),
        (Some(row), Some(_)) if !row.value => config.problem = Some(Problem::Value(word)),
        (Some(row), given) => apply(config, words, row, word, given),
    }
}

fn parse_short(
    config: &mut Config,
    words: &mut Words<'_>,
    word: &'static [u8],
    letters: &'static [u8],
) {
    let mut letters = letters;
    while let [letter, rest @ ..] = letters {
        letters = rest;
        match OPTIONS.iter().find(|row| row.short == *letter && *letter != NONE) {
            None => {
                config.problem = Some(Problem::Unknown(word));
                return;
            }
            Some(row) if row.value => {
                // The value is the rest of the word (`-pKILL`), or the next word.
                let given = if rest.is_empty() { None } else { Some(rest) };
                apply(config, words, row, word, given);
                return;
            }
            Some(row) => apply(config, words, row, word, None),
        }
    }
}

/// Sets one option to what is `given` with it, or to the next word.
fn apply(
    config: &mut Config,
    words: &mut Words<'_>,
    row: &Row,
    word: &'static [u8],
    given: Option<&'static [u8]>,
) {
    let text = if row.value { given.or_else(|| words.next(true)) } else { Some(&b""[..]) };
    config.problem = match text {
        None => Some(Problem::NoValue(word)),
        Some(text) if set(config, row.kind, text).is_none() => Some(Problem::Wrong(word, text)),
        Some(_) => None,
    };
}

/// `None` if `text` is no value of this option.
fn set(config: &mut Config, kind: Kind, text: &'static [u8]) -> Option<()> {
    match kind {
        Kind::Help => config.show = Some(Show::Help),
        Kind::Version => config.show = Some(Show::Version),
        Kind::License => config.show = Some(Show::License),
        Kind::Verbose => config.verbosity = config.verbosity.saturating_add(1),
        Kind::WarnReaped => config.warn_reaped = true,
        Kind::Group => config.to = Target::Group,
        Kind::SingleChild => config.single_child(),
        // nsinit always is one, where it is not PID 1 and may be.
        Kind::Subreaper => {}
        Kind::Pause => config.pause = true,
        Kind::ParentDeath => config.parent_death = Some(signals::number(text)?),
        Kind::Exit => config.exit_codes.remap(text)?,
        Kind::Rewrite => config.rewrites.add(text)?,
        Kind::To => {
            config.to = pick(&TARGETS, text)?;
        }
        Kind::Grace => config.grace_ms = Some(parse_seconds(text)?),
        Kind::Delay => config.delay_ms = Some(parse_seconds(text)?),
        Kind::Timeout => config.timeout_ms = Some(parse_seconds(text)?),
        Kind::WaitAll => config.wait_all = true,
        Kind::Chdir => config.chdir = Some(text),
        Kind::User => config.user = Some(parse_user(text)?),
        Kind::StatusFd => config.status_fd = Some(parse_number(text)?),
        Kind::Pgroup => {
            config.group = pick(&GROUPS, text)?;
        }
        Kind::Argv0 => config.argv0 = Some(text),
        Kind::ReportFd => config.report_fd = Some(parse_number(text)?),
        Kind::Mask => config.mask = Some(SigSet(parse_hex(text)?)),
        Kind::Filter => config.filter = parse_hex(text)?,
        Kind::Pdeathsig => config.pdeathsig = true,
        Kind::DieWithParent => config.die_with_parent = true,
        Kind::KillFd => config.kill_fd = Some(parse_number(text)?),
        Kind::AllCpus => config.all_cpus = true,
        Kind::NoEnv => config.environment = false,
    }
    Some(())
}

/// `UID[:GID]`, numbers only: names are in a file, and nsinit opens none. Without a gid it is the
/// same number, never a group that nsinit happens to be in.
fn parse_user(text: &[u8]) -> Option<User> {
    let (uid, gid) = split(text, b':');
    let uid = parse_number(uid)?;
    let gid = match gid {
        Some(gid) => parse_number(gid)?,
        None => uid,
    };
    Some(User { uid: uid as u32, gid: gid as u32 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Personality;

    /// The options in `line`, and what is left of it.
    fn parse_line(line: &'static str) -> Result<Config, Problem> {
        let mut config = Config::new(Personality::Nsinit);
        parse(&mut config, &mut Words::Line(line.as_bytes()));
        config.problem.map_or(Ok(config), Err)
    }

    #[test]
    fn every_option_of_tini_is_known() {
        let config = parse_line("-s -w -g -vv -e 143 -e7 -p SIGKILL").unwrap();
        assert!(config.warn_reaped);
        assert_eq!(config.to, Target::Group);
        assert_eq!(config.verbosity, 3);
        assert_eq!((config.exit_codes.map(143), config.exit_codes.map(7)), (0, 0));
        assert_eq!(config.parent_death, Some(9));
        assert_eq!(parse_line("-h").unwrap().show, Some(Show::Help));
        assert_eq!(parse_line("-l").unwrap().show, Some(Show::License));
        assert_eq!(parse_line("--version").unwrap().show, Some(Show::Version));
    }

    #[test]
    fn every_option_of_dumb_init_is_known() {
        let config = parse_line("-c -v -r 15:3 --rewrite HUP:0 --rewrite=10:12").unwrap();
        assert_eq!(config.to, Target::Child);
        assert_eq!(config.rewrites.map(15), Some(3));
        assert_eq!(config.rewrites.map(1), None);
        assert_eq!(config.rewrites.map(10), Some(12));
        let config = parse_line("--single-child --verbose").unwrap();
        assert_eq!(config.verbosity, 2);
        assert_eq!(parse_line("--help").unwrap().show, Some(Show::Help));
        assert_eq!(parse_line("-V").unwrap().show, Some(Show::Version));
    }

    #[test]
    fn every_option_of_catatonit_is_known() {
        assert!(parse_line("-P").unwrap().pause);
        assert_eq!(parse_line("-gL").unwrap().show, Some(Show::License));
    }

    #[test]
    fn a_value_is_behind_the_letter_or_the_equals_sign_or_is_the_next_word() {
        for line in ["-pTERM", "-p TERM", "--parent-death=TERM", "--parent-death TERM", "-gpTERM"] {
            assert_eq!(parse_line(line).unwrap().parent_death, Some(15), "{line}");
        }
        assert_eq!(parse_line("--chdir=").unwrap().chdir, Some(&b""[..]));
        assert_eq!(parse_line("--chdir -x").unwrap().chdir, Some(&b"-x"[..]));
        assert_eq!(parse_line("--argv0=a=b").unwrap().argv0, Some(&b"a=b"[..]));
    }

    #[test]
    fn times_are_seconds_with_a_fraction() {
        let config = parse_line("--grace 10 --delay 0.25 --timeout 0").unwrap();
        assert_eq!(config.grace_ms, Some(10_000));
        assert_eq!(config.delay_ms, Some(250));
        assert_eq!(config.timeout_ms, Some(0));
    }

    #[test]
    fn a_user_without_a_group_gets_that_of_the_same_number() {
        assert_eq!(parse_line("--user 5").unwrap().user, Some(User { uid: 5, gid: 5 }));
        assert_eq!(parse_line("--user 5:6").unwrap().user, Some(User { uid: 5, gid: 6 }));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, expected) in [
            ("--nonsense", Problem::Unknown(b"--nonsense")),
            ("-gx", Problem::Unknown(b"-gx")),
            ("-xg", Problem::Unknown(b"-xg")),
            ("word", Problem::Unknown(b"word")),
            ("-p", Problem::NoValue(b"-p")),
            ("--grace", Problem::NoValue(b"--grace")),
            ("--group=1", Problem::Value(b"--group=1")),
            ("--grace soon", Problem::Wrong(b"--grace", b"soon")),
            ("--user root", Problem::Wrong(b"--user", b"root")),
            ("--to nobody", Problem::Wrong(b"--to", b"nobody")),
            ("--pgroup x", Problem::Wrong(b"--pgroup", b"x")),
            ("-p 0", Problem::Wrong(b"-p", b"0")),
            ("-e300", Problem::Wrong(b"-e300", b"300")),
            ("--mask 0xg", Problem::Wrong(b"--mask", b"0xg")),
        ] {
            assert_eq!(parse_line(line).unwrap_err(), expected, "{line}");
        }
    }

    #[test]
    fn options_end_at_two_dashes() {
        let mut line = Words::Line(b" -g -- -v -x ");
        let mut config = Config::new(Personality::Nsinit);
        parse(&mut config, &mut line);
        assert_eq!(config.verbosity, 1);
        assert!(matches!(line, Words::Line(b" -v -x ")));
    }

    #[test]
    fn the_table_is_sound() {
        for (at, row) in OPTIONS.iter().enumerate() {
            for other in OPTIONS.iter().skip(at + 1) {
                assert!(row.short == NONE || row.short != other.short, "{}", row.short);
                let twice = row.long.is(other.long.as_str().as_bytes());
                assert!(!twice || row.long.is(b"license"), "{}", row.long.as_str());
            }
        }
    }
}
