//! What is placed in the root: each option read by a pure function of its own, then
//! looked for on this machine. The order is that of the command line.

mod attributes;
mod fields;
mod inline;
mod kernel;
mod locked;
mod mount_option;
mod overlay;
mod target;
mod tmpfs;
mod volume;
mod words;

use std::ffi::CString;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use nsshim::Host;
use nsshim::spec::{
    Attributes, Bind, ContainerId, IdKind, IdMaps, Kind, Mount, Namespaces, Overlay, Placed, Upper,
};

use self::inline::Content;
use self::mount_option::{Below, MountOption};
use self::volume::Volume;
use super::{paths, process};
use crate::args::{PlacedBy, Placement};
use crate::error::Error;

pub use overlay::{Changes, check_lower, lower};

/// What a file made of text may hold.
const MAX_CONTENT: u64 = 16 << 20;

/// No device works in what is shown of the host, and no set-user-ID program in a file of text.
pub const TEXT_FILE: Attributes = Attributes {
    set: libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOSUID,
    clear: 0,
    recursive: false,
};

/// Where the mounts are made.
pub struct Around<'a> {
    pub namespaces: &'a Namespaces,
    pub maps: Option<&'a IdMaps>,
    pub host: &'a Host,
}

/// Resolves everything that is placed.
pub fn resolve(placed: &[Placement], around: &Around<'_>) -> Result<Vec<Mount>, Error> {
    let of_stdin = |placement: &&Placement| {
        placement.option == PlacedBy::File && placement.text.as_bytes().ends_with(b"=-")
    };
    if placed.iter().filter(of_stdin).count() > 1 {
        return Err(Error::new("two files cannot both have the content of standard input")
            .try_this("one --file DST=-"));
    }
    placed.iter().map(|placement| mount(placement, around)).collect()
}

fn mount(placement: &Placement, around: &Around<'_>) -> Result<Mount, Error> {
    let wrong = |why: String| misread(placement, &why);
    let text = placement.text.as_bytes();
    match placement.option {
        PlacedBy::Volume => bind(volume::parse(text).map_err(wrong)?, Below::Same, around),
        PlacedBy::Mount => match mount_option::parse(text).map_err(wrong)? {
            MountOption::Bind(volume, below) => bind(volume, below, around),
            MountOption::Tmpfs(target, options) => tmpfs(target, &options, around),
            MountOption::Overlay(target, layers) => {
                let attributes = layers.flags.clone().attributes(&["nodev"], false);
                let overlay = layers.resolve(around)?;
                Ok(Mount { target, what: Placed::Overlay { overlay, attributes } })
            }
            MountOption::Kernel(target, kind, options) => kernel(target, kind, &options, around),
        },
        PlacedBy::Tmpfs => {
            let (target, options) = tmpfs::parse(text).map_err(wrong)?;
            tmpfs(target, &options, around)
        }
        PlacedBy::Device => {
            let (source, target) = volume::parse_device(text).map_err(wrong)?;
            device(&source, target, around)
        }
        PlacedBy::File => {
            let (target, content) = inline::file(text).map_err(wrong)?;
            let content = match content {
                Content::Given(content) => content,
                Content::Stdin => standard_input(&target)?,
            };
            let what =
                Placed::File { content, mode: 0o644, optional: false, attributes: TEXT_FILE };
            Ok(Mount { target, what })
        }
        PlacedBy::Symlink => {
            let (target, to) = inline::symlink(text).map_err(wrong)?;
            Ok(Mount { target, what: Placed::Symlink(to) })
        }
    }
}

fn misread(placement: &Placement, why: &str) -> Error {
    let text = placement.text.as_os_str();
    // A file's content is nothing for a message.
    let end = match placement.option {
        PlacedBy::File => text.as_bytes().iter().position(|&byte| byte == b'='),
        _ => None,
    };
    let shown = &text.as_bytes()[..end.unwrap_or(text.len())];
    let shown = paths::shown(Path::new(std::ffi::OsStr::from_bytes(shown)));
    Error::new(format!("cannot read {} {shown}: {why}", placement.option.name()))
        .try_this(placement.option.usage())
}

fn bind(volume: Volume, below: Below, around: &Around<'_>) -> Result<Mount, Error> {
    const WHAT: &str = "the source";
    let Volume { source, target, words } = volume;
    let source = paths::absolute(WHAT, &source)?;
    if words.overlay {
        let lower = overlay::lower(&[source], around.namespaces)?;
        let attributes = words.flags.attributes(&["nodev"], false);
        let wrong = |why| {
            Error::new(format!("cannot read the options of {}: {why}", paths::shown(&target)))
        };
        let upper = match Changes::separate(words.upper, words.work).map_err(wrong)? {
            Some(changes) => Upper::Kept(changes.resolve(&lower)?),
            None => Upper::Discarded,
        };
        let overlay = Overlay { lower, upper };
        return Ok(Mount { target, what: Placed::Overlay { overlay, attributes } });
    }
    let found = paths::look(WHAT, &source)?;
    let node = found.file_type().is_char_device() || found.file_type().is_block_device();
    let harmless = found.file_type().is_char_device() && is_harmless(found.rdev());
    if node && !harmless && !words.flags.has("dev") {
        return Err(Error::new(format!("cannot mount {} as a volume", paths::shown(&source)))
            .because("it is a device, and devices do not work in volumes")
            .try_this(format!(
                "--device {}:{}, or the option dev",
                paths::quoted(&source),
                paths::quoted(&target)
            )));
    }
    let recursive = words.recursive();
    let (propagation, words_idmap) = (words.propagation(), words.idmap);
    // There is no device filter yet; /dev/null and its like are what every container has.
    let defaults: &[&str] = if harmless { &[] } else { &["nodev"] };
    let attributes =
        words.flags.attributes(defaults, recursive && below == Below::Same && found.is_dir());
    if !around.namespaces.is_host(Kind::User) {
        if !recursive {
            locked::check_below(&source)?;
        }
        locked::check_flags(&source, &attributes)?;
    }
    if words_idmap {
        check_idmap(&format!("the volume {}", paths::shown(&source)), around)?;
    }
    let idmap = words_idmap;
    let bind = Bind { source, recursive, attributes, propagation, idmap };
    Ok(Mount { target, what: Placed::Bind(bind) })
}

/// Refuses ids as they are stored where there is nothing to tell them apart from the host's,
/// or no right to.
pub fn check_idmap(what: &str, around: &Around<'_>) -> Result<(), Error> {
    let refused = || Error::new(format!("cannot take {what} with idmap"));
    if around.namespaces.is_host(Kind::User) {
        return Err(refused()
            .because("in the host's user namespace ids are what they are")
            .try_this("leave idmap out, or --userns new with --map-users and --map-groups"));
    }
    if !around.host.is_privileged() {
        return Err(refused()
            .because("the kernel lets only root on the host say whose files they are")
            .try_this("leave idmap out, or sudo nsctl …"));
    }
    Ok(())
}

/// null zero full random urandom and tty, which a container's /dev has anyway.
/// Documentation/admin-guide/devices.txt
fn is_harmless(device: u64) -> bool {
    let (major, minor) = (libc::major(device), libc::minor(device));
    matches!((major, minor), (1, 3 | 5 | 7 | 8 | 9) | (5, 0))
}

fn device(source: &Path, target: PathBuf, around: &Around<'_>) -> Result<Mount, Error> {
    const WHAT: &str = "the device";
    let source = paths::absolute(WHAT, source)?;
    let found = paths::look(WHAT, &source)?;
    let kind = found.file_type();
    if !(kind.is_char_device() || kind.is_block_device() || kind.is_dir()) {
        return Err(Error::new(format!("{} is no device", paths::shown(&source)))
            .try_this(format!("-v {}:{}", paths::quoted(&source), paths::quoted(&target))));
    }
    let attributes = Attributes {
        set: libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC,
        clear: libc::MOUNT_ATTR_NODEV,
        recursive: false,
    };
    if !around.namespaces.is_host(Kind::User) {
        locked::check_flags(&source, &attributes)?;
        locked::check_below(&source)?;
    }
    let propagation = nsshim::spec::Propagation::Private;
    let bind = Bind { source, recursive: false, attributes, propagation, idmap: false };
    Ok(Mount { target, what: Placed::Bind(bind) })
}

fn tmpfs(target: PathBuf, options: &tmpfs::Tmpfs, around: &Around<'_>) -> Result<Mount, Error> {
    let owner = options.uid.map(|uid| (IdKind::User, ContainerId(uid)));
    let group = options.gid.map(|gid| (IdKind::Group, ContainerId(gid)));
    for (kind, id) in owner.into_iter().chain(group) {
        require_mapped(&target, around, kind, id)?;
    }
    new(target, "tmpfs", options.options(), options.attributes())
}

fn kernel(
    target: PathBuf,
    kind: kernel::KernelType,
    options: &kernel::Options,
    around: &Around<'_>,
) -> Result<Mount, Error> {
    if let Some(foreign) = kind.foreign(around.namespaces) {
        return Err(Error::new(format!(
            "cannot mount {} on {}",
            kind.name(),
            paths::shown(&target)
        ))
        .because(format!(
            "it shows the {foreign} namespace, which is not the container's own, and only its \
                 owner may mount it"
        ))
        .named("mount-of-another-namespace")
        .try_this(format!("leave the sharing of {} out, or -v", foreign.file())));
    }
    for &(id_kind, id) in options.ids() {
        require_mapped(&target, around, id_kind, id)?;
    }
    let text = options.options(kind, around.maps, around.host);
    new(target, kind.fstype(), text, options.attributes(kind))
}

fn new(
    target: PathBuf,
    fstype: &str,
    options: Vec<String>,
    attributes: Attributes,
) -> Result<Mount, Error> {
    // Words of our own and numbers: none holds a zero byte.
    let c_string = |text: String| CString::new(text).map_err(|error| Error::new(error.to_string()));
    let options = options.into_iter().map(c_string).collect::<Result<_, _>>()?;
    let what = Placed::New { fstype: c_string(fstype.into())?, options, attributes };
    Ok(Mount { target, what })
}

/// The kernel says only EINVAL.
fn require_mapped(
    target: &Path,
    around: &Around<'_>,
    kind: IdKind,
    id: ContainerId,
) -> Result<(), Error> {
    if around.maps.is_none_or(|maps| maps.maps(kind, id)) {
        return Ok(());
    }
    Err(Error::new(format!(
        "cannot give {} to {} {}: it is not mapped",
        paths::shown(target),
        kind.id(),
        id.0
    ))
    .try_this("--map-auto (needs ranges in /etc/subuid and /etc/subgid), or an id that is mapped"))
}

fn standard_input(target: &Path) -> Result<Vec<u8>, Error> {
    let refused = |why: String| {
        Error::new(format!("cannot fill {} from standard input: {why}", paths::shown(target)))
            .try_this("nsctl run … <FILE")
    };
    let stdin = std::io::stdin();
    // The command would wait for the same keys.
    if process::is_terminal(stdin.as_fd()) {
        return Err(refused("it is a terminal".into()));
    }
    let mut content = Vec::new();
    stdin
        .lock()
        .take(MAX_CONTENT + 1)
        .read_to_end(&mut content)
        .map_err(|error| refused(error.to_string()))?;
    if content.len() as u64 > MAX_CONTENT {
        return Err(refused("it is longer than 16 MiB".into()).try_this("-v FILE:DST"));
    }
    Ok(content)
}

/// Bytes of which parsers are made to stumble, the same at every run.
#[cfg(test)]
fn samples() -> impl Iterator<Item = Vec<u8>> {
    const PIECES: [&[u8]; 24] = [
        b"/",
        b":",
        b",",
        b"=",
        b"\\",
        b"\"",
        b"\"\"",
        b"..",
        b".",
        b"a",
        b"\n",
        b"\xff",
        b" ",
        b"ro",
        b"rw",
        b"size=",
        b"mode=",
        b"uid=",
        b"0",
        b"18446744073709551616",
        b"64k",
        b"%",
        b"dst=/",
        b"\0",
    ];
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = move |limit: usize| {
        // xorshift64, Marsaglia.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % limit as u64) as usize
    };
    let random = (0..4000).map(move |_| {
        let count = next(12);
        (0..count).flat_map(|_| PIECES[next(PIECES.len())].to_vec()).collect()
    });
    random.chain(PIECES.map(|piece| piece.repeat(100_000 / piece.len())))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use nsshim::spec::{Choice, HostId, IdMap, Propagation, Setgroups};

    use super::*;

    fn resolved(option: PlacedBy, text: impl Into<OsString>) -> Result<Placed, String> {
        let mut namespaces = Namespaces::default();
        for kind in [Kind::User, Kind::Mnt, Kind::Pid, Kind::Cgroup] {
            namespaces.set(kind, Choice::New);
        }
        let line = || vec![IdMap { inside: ContainerId(0), outside: HostId(1000), count: 1 }];
        let maps = IdMaps { users: line(), groups: line(), setgroups: Setgroups::Deny };
        let host = Host::probe();
        let around = Around { namespaces: &namespaces, maps: Some(&maps), host: &host };
        mount(&Placement { option, text: text.into() }, &around)
            .map(|mount| mount.what)
            .map_err(|error| error.to_string())
    }

    fn bind_of(option: PlacedBy, text: &str) -> Bind {
        match resolved(option, text) {
            Ok(Placed::Bind(bind)) => bind,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_bind_is_without_devices_and_recursive() {
        let bind = bind_of(PlacedBy::Volume, "/usr:/x:ro");
        let set = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NODEV;
        assert_eq!(bind.attributes, Attributes { set, clear: 0, recursive: true });
        assert_eq!((bind.recursive, bind.propagation), (true, Propagation::Private));
        let bind = bind_of(PlacedBy::Volume, "/usr:/x:bind,dev,rslave");
        let clear = libc::MOUNT_ATTR_NODEV;
        assert_eq!(bind.attributes, Attributes { set: 0, clear, recursive: false });
        assert_eq!((bind.recursive, bind.propagation), (false, Propagation::Slave));
        let bind = bind_of(PlacedBy::Mount, "type=bind,src=/usr,dst=/x,ro,bind-recursive=writable");
        assert_eq!((bind.recursive, bind.attributes.recursive), (true, false));
        assert!(bind_of(PlacedBy::Volume, "src:/x").source.is_absolute());
    }

    #[test]
    fn devices_work_only_where_they_are_asked_for() {
        let bind = bind_of(PlacedBy::Device, "/dev/null:/x");
        assert_eq!(bind.attributes.clear, libc::MOUNT_ATTR_NODEV);
        // Hiding a file behind /dev/null is a habit of many.
        assert_eq!(bind_of(PlacedBy::Volume, "/dev/null:/x").attributes.set, 0);
        if Path::new("/dev/ptmx").exists() {
            let told = resolved(PlacedBy::Volume, "/dev/ptmx:/x").unwrap_err();
            assert!(told.contains("--device /dev/ptmx:/x"), "{told}");
            assert!(resolved(PlacedBy::Volume, "/dev/ptmx:/x:dev").is_ok());
        }
        let told = resolved(PlacedBy::Device, "/etc/passwd").unwrap_err();
        assert!(told.contains("-v /etc/passwd:/etc/passwd"), "{told}");
    }

    #[test]
    fn a_source_that_is_missing_is_named() {
        for (option, text) in [
            (PlacedBy::Volume, "/no/such:/x"),
            (PlacedBy::Volume, "/no/such:/x:O"),
            (PlacedBy::Device, "/no/such"),
            (PlacedBy::Mount, "type=bind,src=/no/such,dst=/x"),
            (PlacedBy::Mount, "type=overlay,lowerdir=/usr,lowerdir=/no/such,dst=/x"),
        ] {
            let told = resolved(option, text).unwrap_err();
            assert!(told.contains("/no/such: ") && told.contains("there is no /no\n"), "{told}");
        }
    }

    #[test]
    fn an_owner_must_be_mapped() {
        assert!(resolved(PlacedBy::Tmpfs, "/t:uid=0,gid=0").is_ok());
        for text in ["/t:uid=1", "/t:gid=1000"] {
            assert!(resolved(PlacedBy::Tmpfs, text).unwrap_err().contains("not mapped"));
        }
        let told = resolved(PlacedBy::Mount, "type=devpts,dst=/t,gid=5").unwrap_err();
        assert!(told.contains("gid 5"), "{told}");
    }

    #[test]
    fn what_others_own_cannot_be_mounted() {
        assert!(resolved(PlacedBy::Mount, "type=proc,dst=/p").is_ok());
        let told = resolved(PlacedBy::Mount, "type=sysfs,dst=/s").unwrap_err();
        assert!(told.contains("sharing of net"), "{told}");
    }

    #[test]
    fn a_message_shows_no_content_and_no_flood() {
        let long = format!("relative={}", "secret".repeat(20_000));
        let told = resolved(PlacedBy::File, &long).unwrap_err();
        assert!(told.contains("--file relative: ") && !told.contains("secret"), "{told}");
        for option in [PlacedBy::Volume, PlacedBy::Mount, PlacedBy::Tmpfs, PlacedBy::Device] {
            for text in ["x".repeat(100_000), format!("/usr:/{}", "x/".repeat(50_000))] {
                let told = resolved(option, &text).unwrap_err();
                assert!(told.len() < 3000, "{}", told.len());
            }
        }
    }
}
