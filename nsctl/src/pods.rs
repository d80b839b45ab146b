//! Pods: containers that share net, ipc and uts, held by an init that only pauses.
//!
//! The first run with a name makes the pod, which is a container itself; the others join its
//! namespaces. Each member holds the pod's pipe (nsshim's `keep::members`), and with the last of
//! them the pod ends and is removed: podman's exit policy `stop`, because nobody has made it by
//! hand who would clean it away.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use nsshim::spec::Kind;

use crate::args::RunArgs;
use crate::containers::{Container, Containers, Request, Status};
use crate::error::Error;
use crate::state::{base_directory, check_name};

/// The pipe in the pod's directory.
pub const MEMBERS: &str = "members";

/// What a pod is for.
const SHARED: [Kind; 3] = [Kind::Net, Kind::Ipc, Kind::Uts];

/// How long a pod that ends may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Being in a pod: it lives as long as this, or a copy of the descriptor, is held.
#[derive(Debug)]
pub struct Member {
    /// The pod's name.
    pub pod: String,
    /// What is held, locked: not a lock that is given back when this is dropped, because the shim
    /// has a copy of it.
    pub hold: File,
}

impl AsFd for Member {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.hold.as_fd()
    }
}

/// Makes the pod that `--pod` names if there is none, and turns the run into one that joins it.
pub fn enter(args: &mut RunArgs) -> Result<Option<Member>, Error> {
    let Some(typed) = args.pod.take() else { return Ok(None) };
    refuse_shared(args)?;
    if args.dry_run.is_some() {
        return Ok(None);
    }
    // podman's word for one that must not be there yet.
    let (name, must_be_new) = match typed.strip_prefix("new:") {
        Some(name) => (name, true),
        None => (typed.as_str(), false),
    };
    check_name(name)?;
    let containers = Containers::open()?;
    // Of several runs at once, one makes it and the others find it.
    let _alone = making()?;
    let give_up = Instant::now() + PATIENCE;
    let mut made = false;
    while Instant::now() < give_up {
        match containers.named(name) {
            Some(pod) if !pod.about.is_pod => {
                return Err(Error::new(format!("{name} is a container, not a pod"))
                    .try_this("another --pod NAME; nsctl ps -a shows those that there are"));
            }
            Some(pod) if matches!(pod.state.status, Status::Exited | Status::Dead) => {
                let _ = containers.remove(&pod);
            }
            Some(_) if must_be_new && !made => {
                return Err(Error::new(format!("there is a pod {name}"))
                    .try_this(format!("--pod {name}, to join it, or another name")));
            }
            Some(mut pod) => {
                check(&pod, args, made)?;
                if let Some(member) = join(&mut pod) {
                    join_namespaces(&pod, args);
                    return Ok(Some(member));
                }
                // It ends, or somebody looks whether it has members.
                std::thread::sleep(Duration::from_millis(1));
            }
            None => {
                make(name, args)?;
                made = true;
            }
        }
    }
    Err(Error::new(format!("cannot join the pod {name}: it does not end"))
        .try_this(format!("nsctl stop -f {name}")))
}

fn making() -> Result<Flock<File>, Error> {
    let path = base_directory()?.join("pods");
    let failed = |error: std::io::Error| Error::new(format!("{}: {error}", path.display()));
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(&path)
        .map_err(failed)?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| failed(errno.into()))
}

/// Net, ipc and uts are the pod's.
fn refuse_shared(args: &RunArgs) -> Result<(), Error> {
    for kind in SHARED {
        let option = crate::args::namespace_option(kind);
        let shared = args.share.iter().any(|word| Kind::parse(word) == Some(kind));
        if args.namespace(kind).is_some() || shared {
            return Err(Error::new(format!("--pod and {option} contradict each other"))
                .because("net, ipc and uts are the pod's")
                .try_this("one of them"));
        }
    }
    Ok(())
}

/// The options that say who is who inside; a pod has one answer for all its members.
fn ids(args: &RunArgs) -> Vec<String> {
    let flags = [
        ("--keep-id", args.keep_id),
        ("--map-root-user", args.map_root_user),
        ("--map-auto", args.map_auto),
    ];
    let mut words: Vec<String> =
        flags.iter().filter(|(_, given)| *given).map(|(flag, _)| flag.to_string()).collect();
    let one = |name: &str, value: &Option<String>| value.as_ref().map(|it| format!("{name}={it}"));
    words.extend(one("--userns", &args.userns));
    words.extend(one("--map-user", &args.map_user));
    words.extend(one("--map-group", &args.map_group));
    words.extend(args.map_users.iter().map(|map| format!("--map-users={map}")));
    words.extend(args.map_groups.iter().map(|map| format!("--map-groups={map}")));
    words.extend(args.setgroups.map(|choice| {
        format!(
            "--setgroups={}",
            if choice == crate::args::SetgroupsArg::Allow { "allow" } else { "deny" }
        )
    }));
    words
}

/// What must be as the pod is.
fn check(pod: &Container, args: &RunArgs, made: bool) -> Result<(), Error> {
    // One that is started again says what it said the first time, when it may have made the pod.
    if made || args.life.again.is_some() {
        return Ok(());
    }
    let name = &pod.about.name;
    for (option, given) in [("--hostname", &args.hostname), ("--domainname", &args.domainname)] {
        if given.is_some() {
            return Err(Error::new(format!("{option} is for the first run of a pod"))
                .because(format!("the pod {name} is there, and others have its name"))
                .try_this(format!("leave {option} out, or another --pod")));
        }
    }
    let own = ids(args);
    let theirs: Vec<String> = Request::read(&pod.path)
        .map(|request| request.arguments)
        .into_iter()
        .flatten()
        .filter_map(|word| word.into_string().ok())
        .filter(|word| {
            ["--keep-id", "--map-", "--userns", "--setgroups"].iter().any(|it| word.starts_with(it))
        })
        .collect();
    if own.is_empty() || own == theirs {
        return Ok(());
    }
    let made_with = match theirs.is_empty() {
        true => "without any".to_string(),
        false => format!("with {}", theirs.join(" ")),
    };
    Err(Error::new(format!("the ids of the pod {name} are others than {}", own.join(" ")))
        .because(format!("its members share its user namespace, and it was made {made_with}"))
        .try_this("leave these options out, or another --pod"))
}

/// `None`: it ends, or somebody looks at it in this moment.
fn join(pod: &mut Container) -> Option<Member> {
    let pipe = fs::OpenOptions::new()
        .write(true)
        // Without a reader there is no pod any more.
        .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
        .open(pod.path.join(MEMBERS))
        .ok()?;
    pipe.try_lock_shared().ok()?;
    pod.look_again();
    pod.state.pid?;
    Some(Member { pod: pod.about.name.clone(), hold: pipe })
}

/// As if they had been typed.
fn join_namespaces(pod: &Container, args: &mut RunArgs) {
    let its = || Some(format!("container:{}", pod.id));
    (args.net, args.ipc, args.uts) = (its(), its(), its());
    (args.hostname, args.domainname) = (None, None);
    (args.keep_id, args.map_root_user, args.map_auto) = (false, false, false);
    (args.map_user, args.map_group, args.setgroups) = (None, None, None);
    (args.map_users, args.map_groups) = (Vec::new(), Vec::new());
    let link = |who: &str| fs::read_link(format!("/proc/{who}/ns/user")).ok();
    let pid = pod.state.pid.unwrap_or_default().to_string();
    args.userns = its().filter(|_| link(&pid) != link("self"));
}

/// Another nsctl makes it, detached.
fn make(name: &str, args: &RunArgs) -> Result<(), Error> {
    let mut command = Command::new("/proc/self/exe");
    command.arg("--state-dir").arg(base_directory()?);
    command.args(["run", "-d", "--rm", "--holds-pod", "--log-driver=none", "--name", name]);
    // It runs no program, and needs no view of files.
    command.arg("--share=mnt,cgroup").args(ids(args));
    for (option, given) in [("--hostname=", &args.hostname), ("--domainname=", &args.domainname)] {
        if let Some(given) = given {
            let mut word = OsString::from(option);
            word.push(given);
            command.arg(word);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let failed = || Error::new(format!("the pod {name} was not made"));
    let status = command.status().map_err(|error| failed().because(error.to_string()))?;
    match status.code() {
        Some(0) => Ok(()),
        // It has said why.
        code => Err(failed().with_status(code.unwrap_or(crate::exit::OWN_FAILURE))),
    }
}

/// Whether any container is in it, in the foreground too.
pub fn has_members(pod: &Container) -> bool {
    let pipe = fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
        .open(pod.path.join(MEMBERS));
    pipe.is_ok_and(|pipe| Flock::lock(pipe, FlockArg::LockExclusiveNonblock).is_err())
}

/// The containers on their own that are in it and have not ended; none if it is no pod.
pub fn members(containers: &Containers, pod: &Container) -> Result<Vec<Container>, Error> {
    if !pod.about.is_pod {
        return Ok(Vec::new());
    }
    let mut all = containers.all()?;
    all.retain(|container| {
        container.about.pod == pod.about.name
            && !matches!(container.state.status, Status::Exited | Status::Dead)
    });
    Ok(all)
}
