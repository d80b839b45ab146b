//! The workload as a process: words, environment, directory, limits, descriptors.

use std::ffi::{CString, OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use nix::sys::resource::{RLIM_INFINITY, Resource};
use nsshim::spec::{Process, Rlimit, User, Workdir};

use crate::args::RunArgs;
use crate::error::{Error, shown};
use crate::inherited::Inherited;

/// More than anyone writes by hand; a wrong file must not fill the memory.
const MAX_ENV_FILE: u64 = 16 << 20;

/// Names as docker's --ulimit and prlimit(1) have them.
const LIMITS: [(&str, Resource); 16] = [
    ("as", Resource::RLIMIT_AS),
    ("core", Resource::RLIMIT_CORE),
    ("cpu", Resource::RLIMIT_CPU),
    ("data", Resource::RLIMIT_DATA),
    ("fsize", Resource::RLIMIT_FSIZE),
    ("locks", Resource::RLIMIT_LOCKS),
    ("memlock", Resource::RLIMIT_MEMLOCK),
    ("msgqueue", Resource::RLIMIT_MSGQUEUE),
    ("nice", Resource::RLIMIT_NICE),
    ("nofile", Resource::RLIMIT_NOFILE),
    ("nproc", Resource::RLIMIT_NPROC),
    ("rss", Resource::RLIMIT_RSS),
    ("rtprio", Resource::RLIMIT_RTPRIO),
    ("rttime", Resource::RLIMIT_RTTIME),
    ("sigpending", Resource::RLIMIT_SIGPENDING),
    ("stack", Resource::RLIMIT_STACK),
];

/// Resolves everything about the process.
pub fn resolve(
    args: &RunArgs,
    inherited: &Inherited,
    user: Option<User>,
    preserve_fds: u32,
) -> Result<Process, Error> {
    Ok(Process {
        argv: args.command.iter().map(|word| c_string(word)).collect::<Result<_, _>>()?,
        argv0: args.argv0.as_deref().map(c_string).transpose()?,
        env: environment(args)?,
        workdir: workdir(args)?,
        user,
        rlimits: args.rlimit.iter().map(|text| rlimit(text)).collect::<Result<_, _>>()?,
        umask: args.umask.as_deref().map(umask).transpose()?,
        nice: args.nice,
        preserve_fds,
        signal_mask: inherited.signal_mask,
        sigchld_ignored: inherited.sigchld_ignored,
    })
}

/// The caller must have each of them open, or the workload would get one of ours.
pub fn check_preserved(count: u32) -> Result<u32, Error> {
    if count > 1024 {
        return Err(Error::new(format!("--preserve-fds {count} is more than 1024"))
            .try_this("how many descriptors there are from 3 on, not a number of one"));
    }
    for number in 3..3 + count as i32 {
        if !nsshim::sys::is_open(number) {
            return Err(Error::new(format!("cannot preserve descriptor {number}: it is not open"))
                .try_this(format!(
                    "--preserve-fds {}, or open it: nsctl run … {number}<FILE",
                    number - 3
                )));
        }
    }
    Ok(count)
}

/// A copy of the descriptor, which the workload does not get.
pub fn status_descriptor(number: i32) -> Result<OwnedFd, Error> {
    nsshim::sys::duplicate(number).map_err(|errno| {
        Error::new(format!("cannot write the status to descriptor {number}: {errno}"))
            .try_this(format!("nsctl run --status-fd {number} … {number}>FILE"))
    })
}

fn c_string(word: &OsStr) -> Result<CString, Error> {
    // The kernel gave us this word as a C string, so it cannot hold a zero byte.
    CString::new(word.as_bytes()).map_err(|_| Error::new(format!("{word:?} holds a zero byte")))
}

fn environment(args: &RunArgs) -> Result<Vec<CString>, Error> {
    let mut variables: Vec<(OsString, OsString)> =
        if args.clear_env { Vec::new() } else { std::env::vars_os().collect() };
    for path in &args.env_file {
        for line in env_file(path)? {
            set_variable(&mut variables, &line)?;
        }
    }
    for text in &args.env {
        set_variable(&mut variables, text)?;
    }
    variables
        .into_iter()
        .map(|(mut name, value)| {
            name.push("=");
            name.push(value);
            c_string(&name)
        })
        .collect()
}

/// Our own environment, as the workload's would be without a word.
pub fn callers_environment() -> Vec<CString> {
    let joined = |(name, value): (OsString, OsString)| {
        let mut variable = name;
        variable.push("=");
        variable.push(value);
        c_string(&variable).ok()
    };
    std::env::vars_os().filter_map(joined).collect()
}

/// `NAME=VALUE` sets, `NAME` takes the caller's value or, if it has none, removes.
fn set_variable(variables: &mut Vec<(OsString, OsString)>, text: &OsStr) -> Result<(), Error> {
    let bytes = text.as_bytes();
    let (name, value) = match bytes.iter().position(|&byte| byte == b'=') {
        Some(at) => (&bytes[..at], Some(OsStr::from_bytes(&bytes[at + 1..]).to_owned())),
        None => (bytes, std::env::var_os(text)),
    };
    if name.is_empty() {
        return Err(Error::new(format!("cannot set the variable {text:?}: it has no name"))
            .try_this("--env NAME=VALUE"));
    }
    let name = OsStr::from_bytes(name);
    variables.retain(|(other, _)| other != name);
    variables.extend(value.map(|value| (name.to_owned(), value)));
    Ok(())
}

/// docker's format: a line each, `#` begins a comment line, nothing is unquoted.
fn env_file(path: &std::path::Path) -> Result<Vec<OsString>, Error> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_ENV_FILE).read_to_end(&mut bytes))
        .map_err(|error| {
            Error::new(format!("cannot read the variables in {}: {error}", path.display()))
                .try_this("--env-file FILE with lines of NAME=VALUE")
        })?;
    Ok(bytes
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line).trim_ascii_start())
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .map(|line| OsString::from_vec(line.to_vec()))
        .collect())
}

fn workdir(args: &RunArgs) -> Result<Workdir, Error> {
    match &args.workdir {
        Some(path) if path.is_absolute() => Ok(Workdir::Set(path.clone())),
        Some(path) => {
            Err(Error::new(format!("the working directory {} is not absolute", path.display()))
                .try_this(format!("--workdir /{}", path.display())))
        }
        // A directory that is gone cannot be kept.
        None => Ok(Workdir::Keep(std::env::current_dir().unwrap_or_else(|_| "/".into()))),
    }
}

fn rlimit(text: &str) -> Result<Rlimit, Error> {
    let wrong = |why: String| {
        let names: Vec<&str> = LIMITS.iter().map(|(name, _)| *name).collect();
        Error::new(format!("cannot read the limit {}: {why}", shown(text)))
            .try_this(format!("NAME=SOFT[:HARD] with NAME one of {}", names.join(", ")))
    };
    let (name, values) = text.split_once('=').ok_or_else(|| wrong("it has no =".into()))?;
    let lower = name.to_ascii_lowercase();
    let short = lower.strip_prefix("rlimit_").unwrap_or(&lower);
    let (_, resource) = LIMITS
        .iter()
        .find(|(known, _)| *known == short)
        .ok_or_else(|| wrong(format!("there is no limit {name}")))?;
    let number = |value: &str| match value {
        "unlimited" | "infinity" | "-1" => Ok(RLIM_INFINITY),
        digits => digits.parse().map_err(|_| wrong(format!("{digits:?} is no number"))),
    };
    let (soft, hard) = values.split_once(':').unwrap_or((values, values));
    let (soft, hard) = (number(soft)?, number(hard)?);
    if soft > hard {
        return Err(wrong("the soft limit is above the hard one".into()));
    }
    Ok(Rlimit { resource: *resource, soft, hard })
}

fn umask(text: &str) -> Result<u32, Error> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|&mask| mask <= 0o777 && !text.starts_with('+'))
        .ok_or_else(|| {
            Error::new(format!("cannot read the umask {}", shown(text)))
                .try_this("an octal number up to 0777")
        })
}

/// Whether a standard stream is a terminal.
pub fn is_terminal(stream: BorrowedFd<'_>) -> bool {
    std::io::IsTerminal::is_terminal(&stream.as_fd())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_names_and_units() {
        let limit = rlimit("nofile=1024:4096").unwrap();
        assert_eq!((limit.soft, limit.hard), (1024, 4096));
        assert_eq!(rlimit("RLIMIT_CORE=unlimited").unwrap().hard, RLIM_INFINITY);
        for wrong in ["nofile", "nofile=", "nofile=2:1", "nope=1", "nofile=1k"] {
            assert!(rlimit(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_later_variable_replaces_an_earlier_one() {
        let mut variables = Vec::new();
        for text in ["A=1", "B=x=y", "A=2"] {
            set_variable(&mut variables, OsStr::new(text)).unwrap();
        }
        let expected = [("B".into(), "x=y".into()), ("A".into(), "2".into())];
        assert_eq!(variables, expected);
        assert!(set_variable(&mut variables, OsStr::new("=1")).is_err());
    }

    #[test]
    fn a_umask_is_octal() {
        assert_eq!(umask("022").unwrap(), 0o22);
        assert!(umask("8").is_err());
        assert!(umask("1000").is_err());
        assert!(umask("+22").is_err());
    }
}
