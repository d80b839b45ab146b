//! Which namespaces: the options, the defaults, what contradicts what.

mod persist;
mod propagation;
mod rights;

use std::ffi::{CString, OsString};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use nsshim::spec::{Choice, Joined, Kind, Namespaces, Persist, Propagation, TimeOffsets, Together};
use nsshim::{Host, sys};

use super::{identity, numbers};
use crate::args::{RunArgs, namespace_option};
use crate::containers::Containers;
use crate::error::{Error, shown};
use crate::nsfs::is_namespace;

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
pub fn resolve(args: &RunArgs, together: Option<Together>, host: &Host) -> Result<Asked, Error> {
    let time_offsets = time_offsets(args)?;
    let mut namespaces = choices(args, host, time_offsets != TimeOffsets::default())?;
    if let Some(mut together) = together {
        // What became ours meanwhile is shared, not joined.
        together.kinds.retain(|&kind| matches!(namespaces.get(kind), Choice::Join(_)));
        *namespaces.together_mut() = Some(together);
    }
    if namespaces.is_host(Kind::User)
        && args.userns.is_none()
        && !shares(args, Kind::User)?
        && !host.is_privileged()
    {
        join_owner(&mut namespaces);
    }
    if namespaces.is_host(Kind::User) {
        identity::refuse_maps(args)?;
    }
    rights::check(&namespaces, host)?;
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
    let propagation = propagation::resolve(args)?;
    let persist = persist::resolve(args, host, &namespaces)?;
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
        propagation,
        time_offsets,
        persist,
        namespaces,
    })
}

fn shares(args: &RunArgs, wanted: Kind) -> Result<bool, Error> {
    let mut found = false;
    for word in &args.share {
        found |= kind(word)? == wanted;
    }
    Ok(found)
}

fn choices(args: &RunArgs, host: &Host, offsets: bool) -> Result<Namespaces, Error> {
    let mut namespaces = Namespaces::default();
    let mut unsaid = Vec::new();
    for kind in Kind::ALL {
        let shared = shares(args, kind)?;
        match (namespace_option(kind), args.namespace(kind)) {
            (name, Some(_)) if shared => {
                return Err(Error::new(format!(
                    "{name} and --share {} contradict each other",
                    kind.file()
                ))
                .try_this("one of them"));
            }
            (name, Some(value)) => namespaces.set(kind, parse(kind, name, value)?),
            (_, None) if shared => {}
            (_, None) => unsaid.push(kind),
        }
    }
    let joins = Kind::ALL.into_iter().any(|kind| matches!(namespaces.get(kind), Choice::Join(_)));
    for kind in unsaid {
        let stays = match kind {
            // Without rights here, join what owns the joined namespace; see join_owner.
            Kind::User => (joins || host.is_privileged()) && !identity::asks_for_maps(args),
            Kind::Time => !offsets,
            _ => false,
        };
        namespaces.set(kind, if stays { Choice::Host } else { Choice::New });
    }
    Ok(namespaces)
}

/// The name of a kind, as people write it.
pub fn kind(word: &str) -> Result<Kind, Error> {
    Kind::parse(word).ok_or_else(|| {
        let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.file()).collect();
        Error::new(format!("no such kind of namespace: {}", shown(word)))
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
                    .try_this(format!("{option} pid:PID with a number from ps"))
            })?;
            join(kind, PathBuf::from(format!("/proc/{id}/ns/{file}")))
        }
        Some(("path", path)) => join(kind, PathBuf::from(path)),
        Some(("container", name)) => join_container(kind, name),
        _ => Err(Error::new(format!("cannot read {option} {}", shown(value)))
            .try_this("new, host, container:NAME, pid:PID or path:FILE")),
    }
}

/// docker's word: the namespace of a container that runs.
fn join_container(kind: Kind, name: &str) -> Result<Choice, Error> {
    let mut container = Containers::open()?.find(name)?;
    let not_running = || {
        Error::new(format!("cannot join the {kind} namespace of {name}: it is not running"))
            .try_this(format!("nsctl start {name}"))
    };
    let pid = container.state.pid.ok_or_else(not_running)?;
    let choice = join(kind, PathBuf::from(format!("/proc/{pid}/ns/{}", kind.file())))?;
    // It is open now. Were the pid another's by now, the container's lock would be free.
    container.look_again();
    if container.state.pid == Some(pid) { Ok(choice) } else { Err(not_running()) }
}

fn join(kind: Kind, path: PathBuf) -> Result<Choice, Error> {
    let failed = |why: String| {
        Error::new(format!("cannot join the {kind} namespace {}: {why}", path.display()))
    };
    // A pipe would wait for a writer.
    let opened = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(&path);
    let file = opened.map_err(|error| {
        let error_text = failed(format!("open(): {error}"));
        match error.raw_os_error() {
            Some(libc::ENOENT) if path.starts_with("/proc") => {
                error_text.because("there is no such process").try_this("a pid that ps shows")
            }
            Some(libc::ENOENT | libc::ENOTDIR) => error_text
                .because("there is no such file")
                .try_this("a file of /proc/PID/ns, or one made by --persist"),
            Some(libc::EACCES) => error_text
                .because("the process belongs to another user, or protects itself")
                .try_this("sudo nsctl …, or a process of your own"),
            _ => error_text,
        }
    })?;
    if !is_namespace(&file) {
        return Err(failed("it is no namespace file".into())
            .try_this("a file of /proc/PID/ns, or one made by --persist, `ip netns add` or `unshare --KIND=FILE`"));
    }
    match sys::get_ns_kind(&file) {
        // Our own is shared, not joined: that needs no rights.
        Ok(flag) if flag == kind.flag().bits() && is_own(kind, &file) => Ok(Choice::Host),
        Ok(flag) if flag == kind.flag().bits() => {
            Ok(Choice::Join(Joined { fd: OwnedFd::from(file), path }))
        }
        Ok(flag) => {
            let actual = Kind::ALL.into_iter().find(|kind| kind.flag().bits() == flag);
            let words = actual.map_or("another kind of".to_string(), |kind| format!("a {kind}"));
            let file = actual.map_or("its kind", Kind::file);
            Err(failed(format!("it is {words} namespace"))
                .try_this(format!("the option for {file}, or a file of a {kind} namespace")))
        }
        Err(errno) => Err(failed(format!("ioctl(NS_GET_NSTYPE): {errno}"))),
    }
}

fn is_own(kind: Kind, file: &File) -> bool {
    let own = std::fs::metadata(format!("/proc/self/ns/{}", kind.file()));
    let id = |found: &std::fs::Metadata| (found.dev(), found.ino());
    own.is_ok_and(|own| file.metadata().is_ok_and(|file| id(&own) == id(&file)))
}

/// A namespace can be joined only with rights in the user namespace that owns
/// it. A caller without rights here may have them there: joining the owner first
/// gives them, as podman does for its own.
fn join_owner(namespaces: &mut Namespaces) {
    for kind in Kind::ALL {
        let Choice::Join(joined) = namespaces.get(kind) else { continue };
        let Ok(owner) = sys::get_ns_userns(joined.fd.as_fd()).map(File::from) else { continue };
        if !is_own(Kind::User, &owner) {
            let path = PathBuf::from(format!("(owner of {})", joined.path.display()));
            namespaces.set(Kind::User, Choice::Join(Joined { fd: owner.into(), path }));
            return;
        }
    }
    // What is joined is owned by our own user namespace, where we have no rights.
}

fn uts_name(what: &str, name: OsString) -> Result<CString, Error> {
    let bytes = name.into_vec();
    let shown = String::from_utf8_lossy(&bytes).into_owned();
    if bytes.len() > MAX_NAME {
        return Err(Error::new(format!("the {what} {shown} is too long"))
            .because(format!("it has {} bytes; the kernel takes at most {MAX_NAME}", bytes.len()))
            .try_this("a shorter name"));
    }
    if bytes.is_empty() {
        return Err(
            Error::new(format!("the {what} is empty")).try_this("a name, or leave the option out")
        );
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
                    .because("a time namespace has its own monotonic and boottime clocks only")
                    .try_this("--time-offset boottime=SECONDS,monotonic=SECONDS"));
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
    Err(Error::new(format!("the time offset of {clock} is out of range"))
        .because(format!(
            "the clock is at {} s and must stay between 0 and {} s: from {} to {} s can be added",
            now / second,
            most / second,
            -(now / second),
            (most - now) / second
        ))
        .try_this("an offset within that"))
}
