//! A container that lives on its own: nsctl starts it, hears that it runs, and leaves.

mod cidfile;
mod health;
mod options;
mod start;
mod streams;

use std::ffi::{CString, OsString};
use std::fs;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use nsshim::keep::{ABOUT_ROOM, JournalTo, Keep, Remove};

use crate::args::{Leftover, LifeArgs};
use crate::containers::{About, Containers, LogLimits, Place, Request as AskedAs, note_groups};
use crate::error::Error;
use crate::resolve::{self, Request};
use crate::status::Status;
use cidfile::CidFile;
use options::{Meant, log_options};
pub use options::{log_limits, log_size, restart};
use start::carry_out;
use streams::{Replacement, Streams, listener};

/// What a detached start needs besides the request.
pub struct Wanted {
    /// The options.
    pub life: LifeArgs,
    /// `--name`
    pub name: Option<String>,
    /// `-i`
    pub interactive: bool,
    /// What its options were read by.
    pub leftover: Leftover,
    /// Whether it asks for nothing that holds for `exec`, too.
    pub plain: bool,
    /// The shim's end of a connection to who is attached from the start.
    pub attached: Option<OwnedFd>,
}

impl Wanted {
    /// With what was changed since it was asked for.
    fn updated(&mut self, about: &About) {
        self.life.restart = Some(about.restart.clone());
        self.life.log_max_size = about.log_limits.max_size.to_string();
        self.life.log_max_files = about.log_limits.max_files;
    }
}

/// Starts it, prints its id and returns the exit status.
pub fn run(request: Request, wanted: Wanted) -> Result<i32, Error> {
    let again = wanted.life.again.is_some();
    let Begun { id, name } = begin(request, wanted)?;
    let mut output = std::io::stdout().lock();
    // The container runs, whether anybody reads this or not.
    let _ = writeln!(output, "{}", if again { name } else { id }).and_then(|()| output.flush());
    Ok(0)
}

/// One that runs.
pub struct Begun {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Starts it.
pub fn begin(mut request: Request, wanted: Wanted) -> Result<Begun, Error> {
    let mut status = Status::new(request.status.take());
    let begun = try_to_begin(request, wanted, &mut status);
    begun.inspect_err(|error| status.failed(error))
}

fn try_to_begin(request: Request, mut wanted: Wanted, status: &mut Status) -> Result<Begun, Error> {
    let containers = Containers::open()?;
    let again = wanted.life.again.as_deref().and_then(Path::file_name);
    let again = again.map(|id| containers.find(&id.to_string_lossy())).transpose()?;
    let tag = log_options(&mut wanted.life)?;
    if let Some(container) = &again {
        wanted.updated(&container.about);
    }
    let meant = Meant::of(&wanted.life, wanted.attached.take())?;
    let cidfile = wanted.life.cidfile.take().filter(|_| again.is_none());
    let cidfile = cidfile.map(CidFile::make).transpose()?;
    let place = match &again {
        Some(container) => containers.take_again(container)?,
        None => {
            containers.create(about(&request, &wanted, &meant), &asked_as(&request, &wanted)?)?
        }
    };
    let id = place.id.clone();
    let path = place.path.clone();
    let about = fs::read_to_string(path.join(About::FILE)).unwrap_or_default();
    let name = About::parse(about.as_bytes()).map(|about| about.name).unwrap_or_default();
    let started = start(request, &mut wanted, place, (&name, about), (meant, tag), status);
    if started.is_err()
        && let Some(container) = &again
    {
        containers.put_back(container);
    } else if started.is_err() {
        // It never ran: nothing of it is left.
        let container = containers.find(&id);
        let _ = container.and_then(|container| {
            container.wait_for_end();
            containers.remove(&container)
        });
    }
    started?;
    if let Some(file) = cidfile {
        file.keep(&id);
    }
    Ok(Begun { id, name })
}

fn about(request: &Request, wanted: &Wanted, meant: &Meant) -> About {
    let process = &request.spec.process;
    About {
        name: wanted.name.clone().unwrap_or_default(),
        command: process.argv.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        created: nsshim::keep::now(),
        tty: request.spec.terminal.is_some(),
        interactive: wanted.interactive,
        stop_signal: request.stop_signal,
        stop_timeout: wanted.life.stop_timeout,
        labels: wanted.life.label.clone(),
        restart: wanted.life.restart.clone().unwrap_or_else(|| "no".into()),
        log_driver: clap::ValueEnum::to_possible_value(&wanted.life.log_driver)
            .map(|value| value.get_name().to_string())
            .unwrap_or_default(),
        log_limits: meant.log.map_or_else(LogLimits::default, |log| LogLimits {
            max_size: log.max_size,
            max_files: log.max_files,
        }),
        rm: wanted.life.rm,
        health_cmd: wanted.life.health.health_cmd.clone(),
        pod: request.member.as_ref().map(|member| member.pod.clone()).unwrap_or_default(),
        is_pod: wanted.life.holds_pod,
        ..About::default()
    }
}

fn asked_as(request: &Request, wanted: &Wanted) -> Result<AskedAs, Error> {
    let arguments = from_verb(std::env::args_os().skip(1));
    let directory = std::env::current_dir()
        .map_err(|error| Error::new(format!("cannot tell the working directory: {error}")))?;
    let owned = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    let environment = request.spec.process.env.iter().map(|word| owned(word.as_bytes())).collect();
    let callers = resolve::callers_environment();
    let callers_environment = callers.iter().map(|word| owned(word.as_bytes())).collect();
    let plain = wanted.plain;
    Ok(AskedAs { plain, arguments, directory, callers_environment, environment })
}

/// The words from the verb on: what is before it does not say what is run.
fn from_verb(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words = words.peekable();
    while let Some(word) = words.next_if(|word| word != "run") {
        if word == "--state-dir" {
            words.next();
        }
    }
    words.collect()
}

fn start(
    mut request: Request,
    wanted: &mut Wanted,
    place: Place,
    (name, about): (&str, String),
    (meant, tag): (Meant, Option<String>),
    status: &mut Status,
) -> Result<(), Error> {
    let has_terminal = request.spec.terminal.is_some();
    let Place { id, path, directory, lock } = place;
    if let Some(cgroup) = &mut request.spec.cgroup {
        note_groups(&path, &id, cgroup)?;
    }
    let failed = |what: &str, errno: nix::errno::Errno| {
        Error::new(format!("cannot prepare the container's {what}: {errno}"))
    };
    let listener = listener(directory.as_fd()).map_err(|errno| failed("socket", errno))?;
    let streams = Streams::make(has_terminal, wanted.interactive)
        .map_err(|errno| failed("streams", errno))?;
    let proc = fs::File::open("/proc")
        .map_err(|error| Error::new(format!("cannot open /proc: {error}")))?;
    let lock: OwnedFd = lock
        .try_clone()
        .map(Into::into)
        .map_err(|error| Error::new(format!("cannot hold the container's lock: {error}")))?;
    let members = wanted.life.holds_pod.then(|| streams::members(directory.as_fd())).transpose();
    let members = members.map_err(|errno| failed("pipe", errno))?;
    let pod = request.member.take().map(|member| member.hold.into());
    let short = id.chars().take(12).collect::<String>();
    let journal = meant.journal.map(|socket| JournalTo {
        socket,
        // docker's names.
        fields: vec![
            ("CONTAINER_ID", short.clone()),
            ("CONTAINER_ID_FULL", id.clone()),
            ("CONTAINER_NAME", name.to_string()),
            ("CONTAINER_TAG", tag.clone().unwrap_or(short)),
            ("SYSLOG_IDENTIFIER", tag.unwrap_or(name.to_string())),
        ],
    });
    let Streams { ours, input, output } = streams;
    let keep = Keep {
        lock: Some(lock),
        about: Some(about.trim_end().to_string())
            .filter(|about| (1..=ABOUT_ROOM).contains(&about.len())),
        output,
        input,
        log: meant.log,
        journal,
        listener: Some(listener),
        attached: meant.attached,
        status: status.copy(),
        restart: meant.restart,
        health: meant.health,
        pod,
        members,
        remove: wanted.life.rm.then(|| remove(&id, name)).transpose()?,
        unneeded: std::mem::take(&mut wanted.leftover.0),
        ..Keep::nothing(directory.into(), proc.into())
    };
    carry_out(request, ours, keep, status)
}

/// Starts what `exec` was asked for and leaves it; returns the exit status.
pub fn leave(mut request: Request, directory: &Path) -> Result<i32, Error> {
    let failed = |error| Error::new(format!("cannot prepare the command: {error}"));
    let open = |path: &Path| fs::File::open(path).map_err(failed);
    let keep = Keep::nothing(open(directory)?.into(), open(Path::new("/proc"))?.into());
    request.spec.report_start = true;
    request.spec.session = nsshim::spec::Session::Own;
    let ours = Replacement::nothing().map_err(|errno| failed(errno.into()))?;
    carry_out(request, ours, keep, &mut Status::new(None)).map(|()| 0)
}

/// What the shim needs to remove the container: it may be in another mount namespace then.
fn remove(id: &str, name: &str) -> Result<Remove, Error> {
    let containers = Containers::open()?;
    let open = |path: std::path::PathBuf| {
        fs::File::open(&path)
            .map_err(|error| Error::new(format!("cannot open {}: {error}", path.display())))
    };
    Ok(Remove {
        containers: open(containers.directory())?.into(),
        id: CString::new(id).unwrap_or_default(),
        names: open(containers.names())?.into(),
        name: CString::new(name).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_called_like_the_verb_is_none() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        for before in ["", "-v ", "--state-dir run ", "--state-dir=run -v "] {
            let all = words(&format!("{before}run -d run"));
            assert_eq!(from_verb(all.into_iter()), words("run -d run"), "{before}");
        }
    }
}
