//! `--mount type=TYPE,KEY[=VALUE],...`: docker's words, read as docker reads them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::super::numbers;
use super::kernel::{KernelType, Options};
use super::overlay::{Changes, Layers};
use super::tmpfs::Tmpfs;
use super::volume::Volume;
use super::words::Words;
use super::{fields, target};

/// One `--mount`, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountOption {
    /// `type=bind`
    Bind(Volume, Below),
    /// `type=tmpfs`
    Tmpfs(PathBuf, Tmpfs),
    /// `type=overlay`
    Overlay(PathBuf, Layers),
    /// A file system that shows something of the kernel.
    Kernel(PathBuf, KernelType, Options),
}

/// What holds for the mounts below a bind. docker's `bind-recursive`
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// What holds for itself.
    #[default]
    Same,
    /// As they are on the host.
    Untouched,
}

const TYPES: &str = "bind, tmpfs, overlay, proc, sysfs, mqueue, devpts, cgroup";

/// Reads the value of `--mount`.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &[u8]) -> Result<MountOption, String> {
    let mut kind = None;
    let mut place = None;
    let mut others = Vec::new();
    for field in fields::commas(text)? {
        let field = Field::of(field)?;
        match (field.key.as_str(), &field.value) {
            ("type", Some(value)) => {
                let value = String::from_utf8_lossy(value).into_owned();
                once(&mut kind, "type", value)?;
            }
            ("dst" | "target" | "destination", Some(value)) => {
                once(&mut place, "the place inside (dst=)", target::parse(value)?)?;
            }
            _ => others.push(field),
        }
    }
    let kind = kind.ok_or_else(|| format!("type= is missing; it is one of {TYPES}"))?;
    let place = place.ok_or("dst= is missing")?;
    if kind != "proc" || place.as_os_str() != "/proc" {
        target::check_proc(&place)?;
    }
    match kind.as_str() {
        "bind" => bind(place, others),
        "tmpfs" => tmpfs(place, others),
        "overlay" => layers(place, others),
        "volume" => Err("there are no volumes: nothing is kept but what is on the host \
                         (type=bind,src=DIR), and type=tmpfs vanishes"
            .into()),
        name => match KernelType::named(name) {
            Some(kind) => kernel(place, kind, others),
            None => Err(format!("there is no type {name:?}; it is one of {TYPES}")),
        },
    }
}

struct Field {
    key: String,
    value: Option<Vec<u8>>,
}

impl Field {
    fn of(field: Vec<u8>) -> Result<Field, String> {
        let (key, value) = match field.iter().position(|&byte| byte == b'=') {
            Some(at) => (field[..at].to_vec(), Some(field[at + 1..].to_vec())),
            None => (field, None),
        };
        match String::from_utf8(key) {
            Ok(key) if key.is_empty() => Err("a field is empty".into()),
            Ok(key) => Ok(Field { key, value }),
            Err(key) => {
                Err(format!("there is no key {:?}", String::from_utf8_lossy(key.as_bytes())))
            }
        }
    }

    fn unknown(&self, kind: &str) -> String {
        match self.text() {
            Some(value) => format!("type={kind} has no {}={value}", self.key),
            None => format!("type={kind} has no {}", self.key),
        }
    }

    fn text(&self) -> Option<String> {
        self.value.as_ref().map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// The value of a switch: true alone, as docker's `readonly`.
    fn switch(&self) -> Result<bool, String> {
        let Some(value) = self.text() else { return Ok(true) };
        numbers::switch(&value)
            .ok_or_else(|| format!("{}={value} is neither true nor false", self.key))
    }

    /// The word for a flag: docker's `readonly=false` is `rw`.
    fn flag(&self) -> Result<Option<&str>, String> {
        match (self.key.as_str(), &self.value) {
            ("ro" | "readonly", Some(_)) => Ok(Some(if self.switch()? { "ro" } else { "rw" })),
            (key, None) => Ok(Some(key)),
            _ => Ok(None),
        }
    }

    fn path(self) -> PathBuf {
        PathBuf::from(OsString::from_vec(self.value.unwrap_or_default()))
    }
}

fn once<T>(slot: &mut Option<T>, name: &str, value: T) -> Result<(), String> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("{name} is said twice")),
    }
}

fn bind(target: PathBuf, fields: Vec<Field>) -> Result<MountOption, String> {
    let mut words = Words::default();
    let mut source = None;
    let mut below = Below::Same;
    let mut needs_read_only = false;
    for field in fields {
        let value = field.text();
        match (field.key.as_str(), value.as_deref()) {
            ("src" | "source", Some(_)) => once(&mut source, "src", field.path())?,
            ("bind-propagation", Some(word)) => {
                let known = word.trim_start_matches('r');
                if !["private", "slave", "shared"].contains(&known) || !words.take(word)? {
                    return Err(format!(
                        "bind-propagation={word} is none of rprivate, rslave, rshared"
                    ));
                }
            }
            ("bind-nonrecursive", _) => {
                words.take(if field.switch()? { "bind" } else { "rbind" }).map(drop)?;
            }
            ("bind-recursive", Some("enabled")) => words.take("rbind").map(drop)?,
            ("bind-recursive", Some("disabled")) => words.take("bind").map(drop)?,
            ("bind-recursive", Some("writable")) => {
                words.take("rbind")?;
                below = Below::Untouched;
            }
            ("bind-recursive", Some("readonly")) => {
                words.take("rbind")?;
                needs_read_only = true;
            }
            ("bind-recursive", _) => {
                return Err("bind-recursive is enabled, disabled, writable or readonly".into());
            }
            // For Docker Desktop; every mount is consistent here.
            ("consistency", Some("default" | "consistent" | "cached" | "delegated")) => {}
            ("O", None) => return Err("O is a word of --volume; here it is type=overlay".into()),
            _ => match field.flag()? {
                Some(word) if words.take(word)? => {}
                _ => return Err(field.unknown("bind")),
            },
        }
    }
    if needs_read_only && !words.flags.has("ro") {
        return Err("bind-recursive=readonly needs readonly".into());
    }
    let source = source.filter(|path| !path.as_os_str().is_empty()).ok_or("src= is missing")?;
    Ok(MountOption::Bind(Volume { source, target, words }, below))
}

fn tmpfs(target: PathBuf, fields: Vec<Field>) -> Result<MountOption, String> {
    let mut tmpfs = Tmpfs::default();
    for field in fields {
        let taken = match field.flag()? {
            Some(word) => tmpfs.take(word, None)?,
            None => tmpfs.take(&field.key, field.text().as_deref())?,
        };
        if !taken {
            return Err(field.unknown("tmpfs"));
        }
    }
    Ok(MountOption::Tmpfs(target, tmpfs))
}

fn layers(target: PathBuf, fields: Vec<Field>) -> Result<MountOption, String> {
    let mut layers = Layers::default();
    let (mut upper, mut work) = (None, None);
    for field in fields {
        match (field.key.as_str(), &field.value) {
            ("lowerdir" | "lower" | "src" | "source", Some(_)) => layers.lower.push(field.path()),
            ("upper", Some(_)) => {
                once(&mut layers.changes, "upper", Changes::In(field.path()))?;
            }
            ("upperdir", Some(_)) => once(&mut upper, "upperdir", field.path())?,
            ("workdir", Some(_)) => once(&mut work, "workdir", field.path())?,
            _ => {
                let contradicts = |said: &str| format!("{said} and {} contradict", field.key);
                match field.flag()? {
                    Some(word) if layers.flags.take(word).map_err(contradicts)? => {}
                    _ => return Err(field.unknown("overlay")),
                }
            }
        }
    }
    if let Some(separate) = Changes::separate(upper, work)? {
        once(&mut layers.changes, "where changes go (upper=DIR, or upperdir=)", separate)?;
    }
    if layers.lower.is_empty() || layers.lower.iter().any(|path| path.as_os_str().is_empty()) {
        return Err("lowerdir= is missing; topmost first, it can be said again".into());
    }
    Ok(MountOption::Overlay(target, layers))
}

fn kernel(target: PathBuf, kind: KernelType, fields: Vec<Field>) -> Result<MountOption, String> {
    let mut options = Options::default();
    for field in fields {
        // docker's and mount(8)'s: there is no device behind it, so any name will do.
        if matches!(field.key.as_str(), "src" | "source") && field.value.is_some() {
            continue;
        }
        let taken = match field.flag()? {
            Some(word) => options.take_flag(word)?,
            None => options.take(kind, &field.key, &field.text().unwrap_or_default())?,
        };
        if !taken {
            return Err(field.unknown(kind.name()));
        }
    }
    Ok(MountOption::Kernel(target, kind, options))
}

#[cfg(test)]
mod tests {
    use nsshim::spec::Propagation;

    use super::super::samples;
    use super::*;

    fn volume(text: &str) -> (Volume, Below) {
        match parse(text.as_bytes()) {
            Ok(MountOption::Bind(volume, below)) => (volume, below),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn dockers_words_for_a_bind_are_read() {
        let (plain, below) = volume("type=bind,src=/a,dst=/b");
        assert_eq!((plain.source, plain.target, below), ("/a".into(), "/b".into(), Below::Same));
        for text in ["ro", "readonly", "ro=true", "readonly=1", "bind-recursive=readonly,ro"] {
            let text = format!("type=bind,source=a,target=/b,{text}");
            assert!(volume(&text).0.words.flags.has("ro"), "{text}");
        }
        let (written, _) = volume("destination=/b,readonly=false,type=bind,source=a");
        assert!(written.words.flags.has("rw"));
        let (slave, _) =
            volume("type=bind,src=a,dst=/b,bind-propagation=rslave,consistency=cached");
        assert_eq!(slave.words.propagation(), Propagation::Slave);
        for text in ["bind-nonrecursive", "bind-nonrecursive=true", "bind-recursive=disabled"] {
            assert!(!volume(&format!("type=bind,src=a,dst=/b,{text}")).0.words.recursive());
        }
        assert!(volume("type=bind,src=a,dst=/b,bind-nonrecursive=false").0.words.recursive());
        assert_eq!(volume("type=bind,src=a,dst=/b,ro,bind-recursive=writable").1, Below::Untouched);
        assert!(volume("type=bind,src=a,dst=/b,noexec,dev").0.words.flags.has("noexec"));
    }

    #[test]
    fn quotes_protect_paths() {
        let (quoted, _) = volume(r#"type=bind,"src=/a,""b"":c","dst=/d e=f""#);
        assert_eq!(quoted.source, PathBuf::from(r#"/a,"b":c"#));
        assert_eq!(quoted.target, PathBuf::from("/d e=f"));
    }

    #[test]
    fn each_type_has_its_keys() {
        for right in [
            "type=tmpfs,dst=/t",
            "type=tmpfs,dst=/t,tmpfs-size=64m,tmpfs-mode=1770,ro,exec",
            "type=tmpfs,dst=/t,size=64m,mode=700,uid=1,gid=2",
            "type=overlay,dst=/o,lowerdir=/a",
            "type=overlay,dst=/o,lowerdir=/a,lowerdir=b,upper=c,noexec",
            "type=overlay,dst=/o,lowerdir=/a,upperdir=b,workdir=c",
            "type=overlay,dst=/o,lowerdir=/a,lowerdir=/b,ro",
            "type=proc,dst=/p,hidepid=2",
            "type=proc,dst=/proc",
            "type=sysfs,dst=/s,rw,src=sysfs",
            "type=mqueue,dst=/m",
            "type=devpts,dst=/d,mode=600,max=10",
            "type=cgroup,dst=/c",
            "type=cgroup2,dst=/c",
        ] {
            assert!(parse(right.as_bytes()).is_ok(), "{right}: {:?}", parse(right.as_bytes()));
        }
    }

    #[test]
    fn wrong_mounts_are_refused_with_what_is_wrong() {
        for (text, reason) in [
            ("", "field is empty"),
            ("type=bind", "dst= is missing"),
            ("src=/a,dst=/b", "type= is missing"),
            ("type=bind,dst=/b", "src= is missing"),
            ("type=bind,src=,dst=/b", "src= is missing"),
            ("type=bind,src=/a,dst=", "missing"),
            ("type=bind,src=/a,dst=b", "does not begin with /"),
            ("type=bind,src=/a,dst=/b,dst=/c", "said twice"),
            ("type=bind,src=/a,source=/c,dst=/b", "said twice"),
            ("type=bind,type=bind,src=/a,dst=/b", "said twice"),
            ("type=bind,src=/a,dst=/b,", "field is empty"),
            ("type=bind,src=/a,dst=/b,=x", "field is empty"),
            ("type=bind,src=/a,dst=/b,ro=maybe", "neither true nor false"),
            ("type=bind,src=/a,dst=/b,ro,rw", "contradict"),
            ("type=bind,src=/a,dst=/b,ro,readonly=false", "contradict"),
            ("type=bind,src=/a,dst=/b,bind-propagation=none", "rprivate"),
            ("type=bind,src=/a,dst=/b,bind-propagation=ro", "rprivate"),
            ("type=bind,src=/a,dst=/b,bind-recursive", "enabled"),
            ("type=bind,src=/a,dst=/b,bind-recursive=maybe", "enabled"),
            ("type=bind,src=/a,dst=/b,bind-recursive=readonly", "needs readonly"),
            ("type=bind,src=/a,dst=/b,bind-nonrecursive,bind-recursive=enabled", "contradict"),
            ("type=bind,src=/a,dst=/b,tmpfs-size=1m", "has no tmpfs-size=1m"),
            ("type=bind,src=/a,dst=/b,O", "type=overlay"),
            ("type=bind,src=/a,dst=/b,idmap=x", "has no idmap=x"),
            ("type=bind,src=/a,dst=/b,noexec=1", "has no noexec=1"),
            ("type=bind,src=/a,dst=/proc", "must stay"),
            ("type=tmpfs,dst=/proc", "must stay"),
            ("type=proc,dst=/proc/sys", "must stay"),
            ("type=tmpfs,dst=/t,src=/a", "has no src=/a"),
            ("type=tmpfs,dst=/t,tmpfs-size=0", "no limit"),
            ("type=tmpfs,dst=/t,tmpfs-uid=0", "has no tmpfs-uid=0"),
            ("type=volume,src=x,dst=/b", "no volumes"),
            ("type=Bind,src=/a,dst=/b", "no type \"Bind\""),
            ("type=ext4,src=/dev/sda,dst=/b", "no type \"ext4\""),
            ("type=overlay,dst=/o", "lowerdir= is missing"),
            ("type=overlay,dst=/o,lowerdir=", "lowerdir= is missing"),
            ("type=overlay,dst=/o,lowerdir=/a,upperdir=/b", "upperdir= without workdir="),
            ("type=overlay,dst=/o,lowerdir=/a,workdir=/b", "workdir= without upperdir="),
            ("type=overlay,dst=/o,lowerdir=/a,upper=/b,upperdir=/b,workdir=/c", "said twice"),
            ("type=overlay,dst=/o,lowerdir=/a,workdir=/b,workdir=/c", "said twice"),
            ("type=overlay,dst=/o,lowerdir=/a,metacopy=on", "has no metacopy=on"),
            ("type=sysfs,dst=/s,hidepid=2", "has no hidepid=2"),
            ("type=mqueue,dst=/m,size=1", "has no size=1"),
            (r#"type=bind,src="/a",dst=/b"#, "double quote"),
        ] {
            let why = parse(text.as_bytes()).unwrap_err();
            assert!(why.contains(reason), "{text}: {why}");
        }
    }

    #[test]
    fn no_input_makes_it_panic() {
        for sample in samples() {
            for start in
                ["", "type=bind,src=/a,dst=/b,", "type=tmpfs,dst=/b,", "type=devpts,dst=/b,"]
            {
                let _ = parse(&[start.as_bytes(), &sample].concat());
            }
        }
    }
}
