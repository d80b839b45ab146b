//! The command line: the union of the options of tini, dumb-init and catatonit, which do not
//! clash, and nsinit's own.

#![forbid(unsafe_code)]

use crate::config::{Config, Group, Show, Target};
use crate::signals;
use crate::sys::{SigSet, Strings};
use crate::text::{parse_hex, parse_number};
use core::ffi::CStr;

/// Why the options cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem<'a> {
    /// There is no such option.
    Unknown(&'a [u8]),
    /// The option needs a value and has none.
    NoValue(&'a [u8]),
    /// The option takes no value.
    Value(&'a [u8]),
    /// The value is not one of this option's.
    Wrong(&'a [u8], &'a [u8]),
}

#[derive(Clone, Copy)]
enum Kind {
    Argv0,
    Exit,
    Group,
    Help,
    License,
    Mask,
    NoEnv,
    ParentDeath,
    Pdeathsig,
    Pgroup,
    ReportFd,
    Subreaper,
    Verbose,
    Version,
    WarnReaped,
}

struct Row {
    short: u8,
    long: &'static str,
    value: bool,
    kind: Kind,
}

const fn flag(short: u8, long: &'static str, kind: Kind) -> Row {
    Row { short, long, value: false, kind }
}

const fn value(short: u8, long: &'static str, kind: Kind) -> Row {
    Row { short, long, value: true, kind }
}

/// No short form.
const NONE: u8 = 0;

static OPTIONS: [Row; 16] = [
    flag(b'h', "help", Kind::Help),
    flag(b'V', "version", Kind::Version),
    flag(b'l', "license", Kind::License),
    flag(b'L', "license", Kind::License),
    flag(b'v', "verbose", Kind::Verbose),
    flag(b'w', "warn-reaped", Kind::WarnReaped),
    flag(b'g', "group", Kind::Group),
    flag(b's', "subreaper", Kind::Subreaper),
    value(b'p', "parent-death", Kind::ParentDeath),
    value(b'e', "exit", Kind::Exit),
    value(NONE, "report-fd", Kind::ReportFd),
    value(NONE, "mask", Kind::Mask),
    value(NONE, "pgroup", Kind::Pgroup),
    value(NONE, "argv0", Kind::Argv0),
    flag(NONE, "no-env", Kind::NoEnv),
    flag(NONE, "pdeathsig", Kind::Pdeathsig),
];

/// Where the words come from.
pub trait Words {
    /// The next word, if it is an option or `value` says that it is an option's value.
    fn next(&mut self, value: bool) -> Option<&'static CStr>;
}

/// The arguments of the program.
pub struct Arguments<'a> {
    strings: &'a Strings<'static>,
    /// The index of the first that has not been taken.
    pub index: usize,
}

impl<'a> Arguments<'a> {
    /// Those behind the program's name.
    pub fn new(strings: &'a Strings<'static>) -> Arguments<'a> {
        Arguments { strings, index: 1 }
    }
}

impl Words for Arguments<'_> {
    fn next(&mut self, value: bool) -> Option<&'static CStr> {
        let word = self.strings.get(self.index)?;
        match word.to_bytes() {
            [b'-', _, ..] => {}
            _ if value => {}
            _ => return None,
        }
        self.index += 1;
        Some(word)
    }
}

/// Takes options into `config` up to the first word that is none, or behind `--`.
///
/// # Errors
/// The first option that cannot be used.
pub fn parse(config: &mut Config, words: &mut impl Words) -> Result<(), Problem<'static>> {
    while let Some(word) = words.next(false) {
        match word.to_bytes() {
            b"--" => break,
            [b'-', b'-', long @ ..] => parse_long(config, words, word, long)?,
            [_, letters @ ..] => parse_short(config, words, word, letters)?,
            [] => break,
        }
    }
    Ok(())
}

fn parse_long(
    config: &mut Config,
    words: &mut impl Words,
    word: &'static CStr,
    long: &'static [u8],
) -> Result<(), Problem<'static>> {
    let (name, given) = match long.iter().position(|byte| *byte == b'=') {
        Some(at) => (long.get(..at).unwrap_or(long), long.get(at + 1..)),
        None => (long, None),
    };
    let whole = word.to_bytes();
    let Some(row) = OPTIONS.iter().find(|row| row.long.as_bytes() == name) else {
        return Err(Problem::Unknown(whole));
    };
    if row.value {
        // What is behind `=` ends where the word does, so it is a C string, too.
        let given =
            given.and_then(|given| word.to_bytes_with_nul().get(whole.len() - given.len()..));
        let text = match given.and_then(|given| CStr::from_bytes_with_nul(given).ok()) {
            Some(text) => text,
            None => words.next(true).ok_or(Problem::NoValue(whole))?,
        };
        apply(config, row.kind, text).ok_or(Problem::Wrong(whole, text.to_bytes()))
    } else if given.is_some() {
        Err(Problem::Value(whole))
    } else {
        apply(config, row.kind, c"").ok_or(Problem::Unknown(whole))
    }
}

fn parse_short(
    config: &mut Config,
    words: &mut impl Words,
    word: &'static CStr,
    letters: &'static [u8],
) -> Result<(), Problem<'static>> {
    let whole = word.to_bytes();
    for (at, letter) in letters.iter().enumerate() {
        let Some(row) = OPTIONS.iter().find(|row| row.short != NONE && row.short == *letter) else {
            return Err(Problem::Unknown(whole));
        };
        if !row.value {
            apply(config, row.kind, c"").ok_or(Problem::Unknown(whole))?;
            continue;
        }
        // The value is the rest of the word (`-pKILL`), or the next word.
        let rest = word.to_bytes_with_nul().get(at + 2..).unwrap_or(b"\0");
        let text = match CStr::from_bytes_with_nul(rest) {
            Ok(rest) if !rest.is_empty() => rest,
            _ => words.next(true).ok_or(Problem::NoValue(whole))?,
        };
        return apply(config, row.kind, text).ok_or(Problem::Wrong(whole, text.to_bytes()));
    }
    Ok(())
}

/// `None` if `text` is no value of this option.
fn apply(config: &mut Config, kind: Kind, text: &'static CStr) -> Option<()> {
    let bytes = text.to_bytes();
    match kind {
        Kind::Help => config.show = Some(Show::Help),
        Kind::Version => config.show = Some(Show::Version),
        Kind::License => config.show = Some(Show::License),
        Kind::Verbose => config.verbosity = config.verbosity.saturating_add(1),
        Kind::WarnReaped => config.warn_reaped = true,
        Kind::Group => config.to = Target::Group,
        // It always tries to be one where it is not PID 1.
        Kind::Subreaper => {}
        Kind::ParentDeath => config.parent_death = Some(signals::number(bytes)?),
        Kind::Exit => {
            let code = parse_number(bytes).and_then(|code| usize::try_from(code).ok())?;
            *config.exit_codes.get_mut(code)? = 0;
        }
        Kind::ReportFd => config.report_fd = Some(parse_number(bytes)?),
        Kind::Mask => config.mask = Some(SigSet(parse_hex(bytes)?)),
        Kind::Pgroup => {
            config.group = match bytes {
                b"keep" => Group::Keep,
                b"own" => Group::Own,
                b"foreground" => Group::Foreground,
                b"session" => Group::Session,
                _ => return None,
            }
        }
        Kind::Argv0 => config.argv0 = Some(text),
        Kind::NoEnv => config.environment = false,
        Kind::Pdeathsig => config.pdeathsig = true,
    }
    Some(())
}
