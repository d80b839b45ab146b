//! The workload as a process: words, directory, limits, descriptors.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, rlim_t, setrlimit};
use nsshim::spec::{Process, Rlimit, User, Workdir};

use super::environment::{self, OwnRoot};
use super::word::c_string;
use crate::args::RunArgs;
use crate::error::{Error, shown};
use crate::inherited::Inherited;

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

/// The names of resource limits.
pub fn limit_names() -> impl Iterator<Item = &'static str> {
    LIMITS.iter().map(|(name, _)| *name)
}

/// Resolves everything about the process.
pub fn resolve(
    args: &RunArgs,
    inherited: &Inherited,
    user: Option<User>,
    preserve_fds: u32,
    own_root: Option<OwnRoot>,
) -> Result<Process, Error> {
    let workdir = workdir(args, own_root.is_some())?;
    Ok(Process {
        argv: args.command.iter().map(|word| c_string(word)).collect::<Result<_, _>>()?,
        argv0: args.argv0.as_deref().map(c_string).transpose()?,
        env: environment::resolve(args, own_root)?,
        workdir,
        user,
        rlimits: args.rlimit.iter().map(|text| rlimit(text)).collect::<Result<_, _>>()?,
        umask: args.umask.as_deref().map(umask).transpose()?,
        nice: args.nice,
        oom_score_adj: args.oom_score_adj,
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

fn workdir(args: &RunArgs, own_root: bool) -> Result<Workdir, Error> {
    match &args.workdir {
        Some(path) if path.is_absolute() => Ok(Workdir::Set(path.clone())),
        Some(path) => {
            Err(Error::new(format!("the working directory {} is not absolute", path.display()))
                .try_this(format!("--workdir /{}", path.display())))
        }
        None if own_root => Ok(Workdir::Set("/".into())),
        // A directory that is gone cannot be kept.
        None => Ok(Workdir::Keep(std::env::current_dir().unwrap_or_else(|_| "/".into()))),
    }
}

/// Lets us have as many descriptors as a root of so many parts needs until it is put together. The
/// workload gets the caller's limit, if no other is asked for.
pub fn make_room(parts: usize, rlimits: &mut Vec<Rlimit>) {
    if parts == 0 {
        return;
    }
    // A part has its own, what it is put on, and what it is made of.
    let needed = 4 * parts as rlim_t + 256;
    let resource = Resource::RLIMIT_NOFILE;
    let Ok((soft, hard)) = getrlimit(resource) else { return };
    if soft >= needed || setrlimit(resource, hard, hard).is_err() {
        return;
    }
    if rlimits.iter().all(|limit| limit.resource != resource) {
        rlimits.push(Rlimit { resource, soft, hard });
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
    fn a_umask_is_octal() {
        assert_eq!(umask("022").unwrap(), 0o22);
        assert!(umask("8").is_err());
        assert!(umask("1000").is_err());
        assert!(umask("+22").is_err());
    }
}
