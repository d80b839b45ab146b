//! Why one run fails: all of it is carried out, but its command cannot do anything.
//!
//! The command is executed under a filter that kills it before it can do anything: so what
//! execve(2) has to say about it is heard, where it would be heard.

use std::ffi::{OsStr, OsString};

use nix::errno::Errno;
use nix::sys::resource::Resource;
use nsshim::seccomp::profile::{self, Facts};
use nsshim::spec::{Rlimit, Seccomp};
use serde_json::{Value, json};

use super::trial::{self, Ended, Failed};
use crate::causes::Context;
use crate::error::{Error, Finding, explained};
use crate::inherited::Inherited;
use crate::resolve::{self, Request};
use crate::status;

/// What came of it.
#[derive(Debug)]
pub struct Found {
    failed: Option<Failed>,
    /// What does not keep it from starting, but will fail later.
    later: Vec<Finding>,
    command: String,
}

/// Tries the run; `words` are those after `--`: `run` and its options, or a command alone.
pub fn line(words: &[OsString], inherited: &Inherited) -> Result<Found, Error> {
    let words = match words {
        [first, second, rest @ ..] if is_nsctl(first) && second == "run" => rest,
        [first, rest @ ..] if first == "run" => rest,
        all => all,
    };
    let read = || {
        let mut args = trial::read(words.iter().cloned())?;
        // What belongs to a real run only.
        (args.pid_file, args.status_fd, args.life.detach) = (None, None, false);
        (args.life.restart, args.life.cidfile, args.dry_run) = (None, None, None);
        Ok::<_, Error>(args)
    };
    let asked = read()?;
    let command = asked.command.join(OsStr::new(" ")).to_string_lossy().into_owned();
    let later = read().and_then(|mut args| {
        (args.tty, args.no_tty, args.name) = (false, true, None);
        let request = resolve::run(args, inherited)?;
        let context = Context::of(&request.spec, &request.host);
        Ok(context.suppose("open(copy-up)", Errno::EOVERFLOW))
    });
    let ended = trial::carry_out(|| harmless(resolve::run(read()?, inherited)?))?;
    let failed = match ended {
        // By the filter, or at once by itself.
        Ended::Exited => None,
        Ended::NotExecuted(failed) | Ended::Failed(failed) => Some(failed),
    };
    Ok(Found { failed, later: later.unwrap_or_default(), command })
}

fn is_nsctl(word: &OsStr) -> bool {
    std::path::Path::new(word).file_name().is_some_and(|name| name == "nsctl")
}

/// Allows the execve, and what nsinit does in the command's process when that fails: it looks
/// whether the file is there (nsinit/src/exec.rs; 526592 is `O_NOCTTY|O_NONBLOCK|O_CLOEXEC`). A
/// program that gets further is killed: a loader, a libc, a language's start need more at once.
const NOTHING: &str = r#"{
    "defaultAction": "SCMP_ACT_KILL_PROCESS",
    "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    "syscalls": [
        {"names": ["execve", "newfstatat", "read", "close", "exit_group"],
         "action": "SCMP_ACT_ALLOW"},
        {"names": ["openat"], "action": "SCMP_ACT_ALLOW",
         "args": [{"index": 2, "value": 526592, "op": "SCMP_CMP_EQ"}]}
    ]
}"#;

fn harmless(mut request: Request) -> Result<Request, Error> {
    let facts = Facts { capabilities: request.spec.rights.capabilities, kernel: (5, 12) };
    let profile = profile::read(NOTHING, &facts)
        .map_err(|mistake| Error::new(format!("cannot make the filter: {}", mistake.what)))?;
    let spec = &mut request.spec;
    spec.rights.seccomp = Seccomp::Profile(profile.filter);
    // Else nsinit would be under the filter as well.
    spec.rights.no_new_privs = true;
    spec.init = true;
    // What a filter kills leaves an image of its memory.
    spec.process.rlimits.retain(|limit| limit.resource != Resource::RLIMIT_CORE);
    spec.process.rlimits.push(Rlimit { resource: Resource::RLIMIT_CORE, soft: 0, hard: 0 });
    request.pid_file = None;
    Ok(request)
}

impl Found {
    /// Whether the command would run.
    pub fn works(&self) -> bool {
        self.failed.is_none()
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = match &self.failed {
            None => format!(
                "works: every step was carried out, and the kernel executed {}, which was ended \
                 before it did anything\n",
                explained("", &self.command).trim(),
            ),
            Some(failed) => format!("does not: {}\n", explained("", &failed.message).trim()),
        };
        let findings = self.failed.iter().flat_map(|failed| &failed.findings);
        for finding in findings {
            text += &told("cause:  ", finding);
        }
        for finding in &self.later {
            text += &told("later:  ", finding);
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let causes = self.failed.iter().flat_map(|failed| &failed.findings);
        json!({
            "works": self.works(),
            "command": self.command,
            "message": self.failed.as_ref().map(|failed| &failed.message),
            "causes": causes.map(status::finding).collect::<Vec<_>>(),
            "later": self.later.iter().map(status::finding).collect::<Vec<_>>(),
        })
    }
}

fn told(word: &str, finding: &Finding) -> String {
    let remedy = finding.remedy.as_ref().map(|remedy| explained("remedy: ", remedy));
    explained(word, &finding.evidence) + &remedy.unwrap_or_default()
}
