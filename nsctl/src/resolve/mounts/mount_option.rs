//! `--mount type=TYPE,KEY[=VALUE],...`: docker's words, read as docker reads them.

#[cfg(test)]
mod tests;

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
