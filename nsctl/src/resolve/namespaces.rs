//! Which namespaces: the options, the defaults, what contradicts what.

use std::ffi::{CString, OsString};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use nix::sys::statfs::{FsType, fstatfs};
use nsshim::spec::{Choice, Joined, Kind, Namespaces, Persist, Propagation, TimeOffsets};
use nsshim::{Host, sys};

use super::{identity, numbers};
use crate::cli::{PropagationArg, RunArgs};
use crate::error::Error;

/// `NSFS_MAGIC`, include/uapi/linux/magic.h.
const NSFS: FsType = FsType(0x6e73_6673);

/// HOST_NAME_MAX, hostname(7).
const MAX_NAME: usize = 64;

/// What was asked of the namespaces.
pub struct Asked {
    pub namespaces: Namespaces,
    pub hostname: Option<CString>,
    pub domainname: Option<CString>,
    pub time_offsets: TimeOffsets,
    pub propagation: Propagation,
    pub persist: Vec<Persist>,
}

/// Resolves everything about namespaces.
pub fn resolve(args: &RunArgs, host: &Host) -> Result<Asked, Error> {
    let time_offsets = time_offsets(args)?;
    let mut namespaces = choices(args, host, time_offsets != TimeOffsets::default())?;
    if namespaces.is_host(Kind::User) && args.userns.is_none() && !host.is_privileged() {
        join_owner(&mut namespaces)?;
    }
    let needs_new = |kind: Kind, option: &str| match namespaces.is_new(kind) {
        true => Ok(()),
        false => Err(Error::new(format!("{option} needs a new {kind} namespace"))
            .because(format!("the {kind} namespace is shared or joined, and others are in it"))
            .try_this(format!("leave {option} or the sharing of {} out", kind.file()))),
    };
    if args.hostname.is_some() {
        needs_new(Kind::Uts, "--hostname")?;
    }
    if args.domainname.is_some() {
        needs_new(Kind::Uts, "--domainname")?;
    }
    if time_offsets != TimeOffsets::default() {
        needs_new(Kind::Time, "--time-offset")?;
    }
    if args.propagation.is_some() {
        needs_new(Kind::Mnt, "--propagation")?;
    }
    let persist = persist(args, host)?;
    for keep in &persist {
        needs_new(keep.kind, "--persist")?;
    }
    Ok(Asked {
        hostname: args.hostname.clone().map(|name| uts_name("host name", name)).transpose()?,
        domainname: args
            .domainname
            .clone()
            .map(|name| uts_name("domain name", name))
            .transpose()?,
        propagation: match args.propagation {
            None | Some(PropagationArg::Private) => Propagation::Private,
            Some(PropagationArg::Slave) => Propagation::Slave,
            Some(PropagationArg::Shared) => Propagation::Shared,
            Some(PropagationArg::Unchanged) => Propagation::Unchanged,
        },
        time_offsets,
        persist,
        namespaces,
    })
}

fn option(args: &RunArgs, kind: Kind) -> (&'static str, Option<&str>) {
    let (name, value) = match kind {
        Kind::User => ("--userns", &args.userns),
        Kind::Cgroup => ("--cgroupns", &args.cgroupns),
        Kind::Ipc => ("--ipc", &args.ipc),
        Kind::Uts => ("--uts", &args.uts),
        Kind::Net => ("--net", &args.net),
        Kind::Pid => ("--pid", &args.pid),
        Kind::Time => ("--timens", &args.timens),
        Kind::Mnt => ("--mntns", &args.mntns),
    };
    (name, value.as_deref())
}

fn choices(args: &RunArgs, host: &Host, offsets: bool) -> Result<Namespaces, Error> {
    let mut shared = Vec::new();
    for word in &args.share {
        shared.push(kind(word)?);
    }
    let mut namespaces = Namespaces::default();
    let joins = Kind::ALL.into_iter().any(|kind| {
        option(args, kind)
            .1
            .is_some_and(|value| !matches!(value, "host" | "new" | "private" | "none"))
    });
    for kind in Kind::ALL {
        let (name, value) = option(args, kind);
        let choice = match value {
            Some(_) if shared.contains(&kind) => {
                return Err(Error::new(format!(
                    "{name} and --share {} contradict each other",
                    kind.file()
                ))
                .try_this("one of them"));
            }
            Some(value) => parse(kind, name, value)?,
            None if shared.contains(&kind) => Choice::Host,
            None => match kind {
                // Without rights here, join what owns the joined namespace; see join_owner.
                Kind::User if joins && !identity::asks_for_maps(args) => Choice::Host,
                Kind::User if host.is_privileged() && !identity::asks_for_maps(args) => {
                    Choice::Host
                }
                Kind::Time if !offsets => Choice::Host,
                _ => Choice::New,
            },
        };
        namespaces.set(kind, choice);
    }
    Ok(namespaces)
}

/// The name of a kind, as people write it.
pub fn kind(word: &str) -> Result<Kind, Error> {
    Kind::parse(word).ok_or_else(|| {
        let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.file()).collect();
        Error::new(format!("no such kind of namespace: {word}"))
            .try_this(format!("one of {}", known.join(", ")))
    })
}

fn parse(kind: Kind, option: &str, value: &str) -> Result<Choice, Error> {
    let file = kind.file();
    match value.split_once(':') {
        None if value == "host" => Ok(Choice::Host),
        // docker's and podman's words: a network of its own with nothing but lo.
        None if value == "new" || value == "private" => Ok(Choice::New),
        None if value == "none" && kind == Kind::Net => Ok(Choice::New),
        Some(("pid", pid)) => {
            let id = numbers::id(pid).filter(|&id| id > 0).ok_or_else(|| {
                Error::new(format!("cannot read {option} {value}: {pid:?} is no process id"))
            })?;
            join(kind, PathBuf::from(format!("/proc/{id}/ns/{file}"))).map(Choice::Join)
        }
        Some(("path", path)) => join(kind, PathBuf::from(path)).map(Choice::Join),
        Some(("container", name)) => Err(Error::new(format!(
            "cannot join the {kind} namespace of container {name}: no running container has that name"
        ))
        .try_this(format!("{option} pid:PID with the pid of one of its processes"))),
        _ => Err(Error::new(format!("cannot read {option} {value}"))
            .try_this("new, host, pid:PID, path:FILE or container:NAME")),
    }
}

fn join(kind: Kind, path: PathBuf) -> Result<Joined, Error> {
    let failed = |why: String| {
        Error::new(format!("cannot join the {kind} namespace {}: {why}", path.display()))
    };
    let file = File::open(&path).map_err(|error| {
        let error_text = failed(format!("open(): {error}"));
        match error.raw_os_error() {
            Some(libc::ENOENT) if path.starts_with("/proc") => {
                error_text.because("there is no such process")
            }
            Some(libc::EACCES) => error_text
                .because("the process belongs to another user, or protects itself")
                .try_this("sudo nsctl …, or a process of your own"),
            _ => error_text,
        }
    })?;
    if !fstatfs(&file).is_ok_and(|stat| stat.filesystem_type() == NSFS) {
        return Err(failed("it is no namespace file".into())
            .try_this("a file of /proc/PID/ns, or one made by --persist, `ip netns add` or `unshare --KIND=FILE`"));
    }
    match sys::get_ns_kind(&file) {
        Ok(flag) if flag == kind.flag().bits() => Ok(Joined { fd: OwnedFd::from(file), path }),
        Ok(flag) => {
            let actual = Kind::ALL.into_iter().find(|kind| kind.flag().bits() == flag);
            let actual = actual.map_or("another kind of".to_string(), |kind| format!("a {kind}"));
            Err(failed(format!("it is {actual} namespace")))
        }
        Err(errno) => Err(failed(format!("ioctl(NS_GET_NSTYPE): {errno}"))),
    }
}

/// A namespace can be joined only with rights in the user namespace that owns
/// it. A caller without rights here may have them there: joining the owner first
/// gives them, as podman does for its own.
fn join_owner(namespaces: &mut Namespaces) -> Result<(), Error> {
    let own = std::fs::read_link("/proc/self/ns/user").ok();
    for kind in Kind::ALL {
        let Choice::Join(joined) = namespaces.get(kind) else { continue };
        let Ok(owner) = sys::get_ns_userns(joined.fd.as_fd()) else { continue };
        let link = std::fs::read_link(format!("/proc/self/fd/{}", raw(&owner))).ok();
        if link != own {
            let path = PathBuf::from(format!("(owner of {})", joined.path.display()));
            namespaces.set(Kind::User, Choice::Join(Joined { fd: owner, path }));
            return Ok(());
        }
    }
    // What is joined is owned by our own user namespace, where we have no rights.
    Ok(())
}

fn raw(fd: &OwnedFd) -> i32 {
    use std::os::fd::AsRawFd;
    fd.as_raw_fd()
}

fn uts_name(what: &str, name: OsString) -> Result<CString, Error> {
    let bytes = name.into_vec();
    let shown = String::from_utf8_lossy(&bytes).into_owned();
    if bytes.len() > MAX_NAME {
        return Err(Error::new(format!("the {what} {shown} is too long")).because(format!(
            "it has {} bytes; the kernel takes at most {MAX_NAME}",
            bytes.len()
        )));
    }
    CString::new(bytes).map_err(|_| Error::new(format!("the {what} holds a zero byte")))
}

fn time_offsets(args: &RunArgs) -> Result<TimeOffsets, Error> {
    let mut offsets = TimeOffsets::default();
    let listed = args.time_offset.iter().flat_map(|list| list.split(','));
    let pairs = listed.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let single = [("monotonic", &args.monotonic), ("boottime", &args.boottime)];
    let single = single.into_iter().filter_map(|(clock, value)| Some((clock, value.as_deref()?)));
    for (clock, value) in pairs.chain(single) {
        let nanoseconds = numbers::seconds(value).ok_or_else(|| {
            Error::new(format!("cannot read the time offset {clock}={value}")).try_this(
                "--time-offset boottime=SECONDS,monotonic=SECONDS, with up to nine decimals",
            )
        })?;
        let (slot, id) = match clock {
            "monotonic" => (&mut offsets.monotonic, nix::time::ClockId::CLOCK_MONOTONIC),
            "boottime" => (&mut offsets.boottime, nix::time::ClockId::CLOCK_BOOTTIME),
            _ => {
                return Err(Error::new(format!("there is no time offset for the clock {clock}"))
                    .because("a time namespace has its own monotonic and boottime clocks only"));
            }
        };
        check_offset(clock, id, nanoseconds)?;
        *slot = nanoseconds;
    }
    Ok(offsets)
}

/// The kernel says only ERANGE. kernel/time/namespace.c: the clock inside may not
/// be negative, nor beyond half of KTIME_MAX.
fn check_offset(clock: &str, id: nix::time::ClockId, nanoseconds: i128) -> Result<(), Error> {
    let second: i128 = 1_000_000_000;
    let now = nix::time::clock_gettime(id)
        .map(|time| i128::from(time.tv_sec()) * second + i128::from(time.tv_nsec()))
        .unwrap_or(0);
    let most = i128::from(i64::MAX) / 2;
    if (0..=most).contains(&(now + nanoseconds)) {
        return Ok(());
    }
    Err(Error::new(format!("the time offset of {clock} is out of range")).because(format!(
        "the clock is at {} s and must stay between 0 and {} s: from {} to {} s can be added",
        now / second,
        most / second,
        -(now / second),
        (most - now) / second
    )))
}

fn persist(args: &RunArgs, host: &Host) -> Result<Vec<Persist>, Error> {
    let mut persist = Vec::new();
    for text in &args.persist {
        let (word, path) = text.split_once('=').ok_or_else(|| {
            Error::new(format!("cannot read --persist {text}")).try_this("--persist KIND=FILE")
        })?;
        let kind = kind(word)?;
        if !host.is_privileged() {
            return Err(Error::new(format!("cannot keep the {kind} namespace in {path}"))
                .because("a bind mount where others see it needs CAP_SYS_ADMIN in the host's user namespace")
                .try_this("sudo nsctl run …, or keep a process in it and join it with pid:PID"));
        }
        persist.push(Persist { kind, path: prepared_file(Path::new(path))? });
    }
    Ok(persist)
}

/// The mount needs a file to stand on; an existing one is not touched.
fn prepared_file(path: &Path) -> Result<PathBuf, Error> {
    let failed = |error: std::io::Error| {
        Error::new(format!("cannot keep a namespace in {}: {error}", path.display()))
            .try_this("a file in an existing directory, such as /run/nsctl-net")
    };
    std::fs::OpenOptions::new().append(true).create(true).open(path).map_err(failed)?;
    std::fs::canonicalize(path).map_err(failed)
}

/// Releases namespaces kept by `--persist` and removes their files.
pub fn drop_namespaces(files: &[PathBuf]) -> Result<i32, Error> {
    for path in files {
        let failed = |why: String| {
            Error::new(format!("cannot drop the namespace {}: {why}", path.display()))
        };
        let file = File::open(path).map_err(|error| failed(format!("open(): {error}")))?;
        if !fstatfs(&file).is_ok_and(|stat| stat.filesystem_type() == NSFS) {
            return Err(failed("no namespace is kept in it".into())
                .try_this("a file given to --persist before"));
        }
        drop(file);
        nix::mount::umount2(path, nix::mount::MntFlags::MNT_DETACH).map_err(|errno| {
            let error = failed(format!("umount2(MNT_DETACH): {errno}"));
            match errno {
                nix::errno::Errno::EPERM => error
                    .because("unmounting needs CAP_SYS_ADMIN")
                    .try_this(format!("sudo nsctl ns drop {}", path.display())),
                _ => error,
            }
        })?;
        // Several may be stacked; the file goes with the last.
        let _ = std::fs::remove_file(path);
    }
    Ok(0)
}
