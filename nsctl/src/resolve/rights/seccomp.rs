//! The system-call filter: by name, or from a file.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use nsshim::seccomp::profile::{self, Facts, Mistake};
use nsshim::spec::Seccomp;

use crate::args::RightsArgs;
use crate::error::Error;

/// docker's own profile has 20 KB; a wrong file must not fill the memory.
const MAX_FILE: u64 = 4 << 20;

/// Resolves `--seccomp` for a container with these capabilities.
pub fn resolve(args: &RightsArgs, capabilities: u64) -> Result<Seccomp, Error> {
    match args.seccomp.as_deref() {
        Some(word) if word == "unconfined" => Ok(Seccomp::Unconfined),
        Some(word) if word == "default" => Ok(Seccomp::Default),
        Some(file) => from_file(file, capabilities),
        None if args.privileged => Ok(Seccomp::Unconfined),
        None => Ok(Seccomp::Default),
    }
}

fn from_file(file: &OsStr, capabilities: u64) -> Result<Seccomp, Error> {
    let path = Path::new(file);
    let asked = || format!("cannot use the system-call profile {}", path.display());
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_string(&mut text)).map_err(
        |error| {
            Error::new(format!("{}: {error}", asked()))
                .try_this("--seccomp default, --seccomp unconfined, or a file in docker's format")
        },
    )?;
    if text.len() as u64 > MAX_FILE {
        return Err(Error::new(format!("{}: it has more than {MAX_FILE} bytes", asked())));
    }
    let facts = Facts { capabilities, kernel: kernel() };
    let profile = profile::read(&text, &facts).map_err(|mistake| {
        let Mistake { place, what, remedy } = mistake;
        let place = if place.is_empty() { String::new() } else { format!("{place}: ") };
        Error::new(format!("{}: {place}{what}", asked())).try_this(remedy)
    })?;
    for note in &profile.notes {
        log::warn!("{}: {note}", path.display());
    }
    if profile.denies_execve {
        return Err(Error::new(format!("{}: it denies execve", asked()))
            .because("the command itself is executed under the filter")
            .try_this("an entry with \"names\": [\"execve\"] and SCMP_ACT_ALLOW"));
    }
    Ok(Seccomp::Profile(profile.filter))
}

/// Major and minor of the running kernel; none that a file could ask for when it does not say.
fn kernel() -> (u32, u32) {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    let mut next = || numbers.next()?.ok();
    next().zip(next()).unwrap_or((0, 0))
}
