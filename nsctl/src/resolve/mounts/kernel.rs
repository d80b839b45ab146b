//! File systems that show a namespace: proc, sysfs, mqueue, devpts, cgroup.

use nsshim::Host;
use nsshim::spec::{Attributes, ContainerId, IdKind, IdMaps, Kind, Namespaces};

use super::super::numbers;
use super::attributes::Flags;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelType(&'static Row);

#[derive(Debug, PartialEq, Eq)]
struct Row {
    /// As it is typed.
    name: &'static str,
    /// As mount(2) has it.
    fstype: &'static str,
    /// What it shows; only who owns that may mount it.
    shows: Option<Kind>,
    /// Unless another word is said. What acts on the machine is read-only: a real root
    /// could write to it.
    defaults: &'static [&'static str],
    keys: &'static [(&'static str, Value)],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Word(&'static [&'static str]),
    Mode,
    User,
    Group,
    Count,
}

const HARMLESS: &[&str] = &["nosuid", "nodev", "noexec"];
const READ_ONLY: &[&str] = &["ro", "nosuid", "nodev", "noexec"];

/// proc(5), sysfs(5), mq_overview(7), Documentation/filesystems/devpts.rst, cgroups(7).
const TABLE: [Row; 6] = [
    Row {
        name: "proc",
        fstype: "proc",
        shows: Some(Kind::Pid),
        defaults: READ_ONLY,
        keys: &[
            (
                "hidepid",
                Value::Word(&["0", "1", "2", "4", "off", "noaccess", "invisible", "ptraceable"]),
            ),
            ("subset", Value::Word(&["pid"])),
        ],
    },
    Row { name: "sysfs", fstype: "sysfs", shows: Some(Kind::Net), defaults: READ_ONLY, keys: &[] },
    Row { name: "mqueue", fstype: "mqueue", shows: Some(Kind::Ipc), defaults: HARMLESS, keys: &[] },
    Row {
        name: "devpts",
        fstype: "devpts",
        shows: None,
        defaults: &["nosuid", "noexec"],
        keys: &[
            ("mode", Value::Mode),
            ("ptmxmode", Value::Mode),
            ("uid", Value::User),
            ("gid", Value::Group),
            ("max", Value::Count),
        ],
    },
    Row {
        name: "cgroup",
        fstype: "cgroup2",
        shows: Some(Kind::Cgroup),
        defaults: READ_ONLY,
        keys: &[],
    },
    Row {
        name: "cgroup2",
        fstype: "cgroup2",
        shows: Some(Kind::Cgroup),
        defaults: READ_ONLY,
        keys: &[],
    },
];

/// What is asked of one.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Options {
    flags: Flags,
    given: Vec<(&'static str, String)>,
    ids: Vec<(IdKind, ContainerId)>,
}

impl KernelType {
    /// By the name that is typed.
    pub fn named(name: &str) -> Option<KernelType> {
        TABLE.iter().find(|row| row.name == name).map(KernelType)
    }

    /// As it is typed.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// As mount(2) has it.
    pub fn fstype(self) -> &'static str {
        self.0.fstype
    }

    /// The namespace it would show, when the kernel lets the container not mount it: it is
    /// owned by another user namespace than the container's.
    pub fn foreign(self, namespaces: &Namespaces) -> Option<Kind> {
        let owned = |kind: Kind| {
            namespaces.is_new(kind)
                || namespaces.is_host(Kind::User)
                || (!namespaces.is_host(kind) && !namespaces.is_new(Kind::User))
        };
        self.0.shows.filter(|&kind| !owned(kind))
    }
}

impl Options {
    /// Takes a flag; `false` when it is none.
    ///
    /// # Errors
    /// What it contradicts.
    pub fn take_flag(&mut self, word: &str) -> Result<bool, String> {
        self.flags.take(word).map_err(|said| format!("{said} and {word} contradict each other"))
    }

    /// Takes an option; `false` when this type has none such.
    ///
    /// # Errors
    /// What is wrong with its value.
    pub fn take(&mut self, of: KernelType, key: &str, value: &str) -> Result<bool, String> {
        let Some((key, kind)) = of.0.keys.iter().find(|(known, _)| *known == key) else {
            return Ok(false);
        };
        let wrong = |what: &str| format!("{key}={value} is no {what}");
        let id = || numbers::id(value).ok_or_else(|| wrong("id from 0 to 4294967294"));
        let plain = match kind {
            Value::Word(words) if words.contains(&value) => value.to_string(),
            Value::Word(words) => return Err(format!("{key} is one of {}", words.join(", "))),
            Value::Mode => {
                let mode = numbers::mode(value).ok_or_else(|| wrong("octal number up to 7777"))?;
                format!("{mode:04o}")
            }
            Value::Count => id()?.to_string(),
            Value::User => {
                self.ids.push((IdKind::User, ContainerId(id()?)));
                value.to_string()
            }
            Value::Group => {
                self.ids.push((IdKind::Group, ContainerId(id()?)));
                value.to_string()
            }
        };
        if self.given.iter().any(|(said, _)| said == key) {
            return Err(format!("{key} is said twice"));
        }
        self.given.push((key, plain));
        Ok(true)
    }

    /// The ids in them, which must be mapped.
    pub fn ids(&self) -> &[(IdKind, ContainerId)] {
        &self.ids
    }

    /// The options as the kernel takes them. A devpts has what terminals need.
    pub fn options(&self, of: KernelType, maps: Option<&IdMaps>, host: &Host) -> Vec<String> {
        let mut all: Vec<(&str, String)> = Vec::new();
        let mut newinstance = None;
        if of.name() == "devpts" {
            newinstance = Some("newinstance".to_string());
            all.extend([("ptmxmode", "0666".into()), ("mode", "0620".into())]);
            let tty = ContainerId(5);
            if maps.map_or(host.tty_group, |maps| maps.maps(IdKind::Group, tty)) {
                all.push(("gid", "5".into()));
            }
        }
        all.retain(|(key, _)| !self.given.iter().any(|(said, _)| said == key));
        all.extend(self.given.iter().map(|(key, value)| (*key, value.clone())));
        let pairs = all.into_iter().map(|(key, value)| format!("{key}={value}"));
        newinstance.into_iter().chain(pairs).collect()
    }

    /// The mount's flags.
    pub fn attributes(&self, of: KernelType) -> Attributes {
        self.flags.clone().attributes(of.0.defaults, false)
    }
}

#[cfg(test)]
mod tests {
    use nsshim::spec::Choice;

    use super::*;

    #[test]
    fn what_acts_on_the_machine_is_read_only_unless_asked() {
        for row in &TABLE {
            let kind = KernelType::named(row.name).unwrap();
            let set = |words: &[&str]| {
                let mut options = Options::default();
                words.iter().for_each(|word| assert!(options.take_flag(word).unwrap()));
                options.attributes(kind).set
            };
            let read_only = !matches!(row.name, "mqueue" | "devpts");
            assert_eq!(set(&[]) & libc::MOUNT_ATTR_RDONLY != 0, read_only, "{}", row.name);
            assert_eq!(set(&["rw"]) & libc::MOUNT_ATTR_RDONLY, 0);
            assert_ne!(set(&[]) & libc::MOUNT_ATTR_NOSUID & libc::MOUNT_ATTR_NOSUID, 0);
        }
    }

    #[test]
    fn terminals_have_what_they_need_and_what_is_asked() {
        let devpts = KernelType::named("devpts").unwrap();
        let host = Host { tty_group: true, ..Host::probe() };
        let mut options = Options::default();
        let text = |options: &Options| options.options(devpts, None, &host).join(",");
        assert_eq!(text(&options), "newinstance,ptmxmode=0666,mode=0620,gid=5");
        assert!(options.take(devpts, "gid", "7").unwrap());
        assert!(options.take(devpts, "max", "3").unwrap());
        assert_eq!(text(&options), "newinstance,ptmxmode=0666,mode=0620,gid=7,max=3");
        assert!(options.take(devpts, "max", "3").is_err());
        assert!(options.take(devpts, "mode", "9").is_err());
        assert!(options.take(devpts, "uid", "4294967295").is_err());
        assert!(!options.take(devpts, "newinstance", "").unwrap());
    }

    #[test]
    fn only_what_the_container_owns_can_be_shown() {
        let sysfs = KernelType::named("sysfs").unwrap();
        let mut namespaces = Namespaces::default();
        namespaces.set(Kind::User, Choice::New);
        namespaces.set(Kind::Net, Choice::Host);
        assert_eq!(sysfs.foreign(&namespaces), Some(Kind::Net));
        namespaces.set(Kind::Net, Choice::New);
        assert_eq!(sysfs.foreign(&namespaces), None);
        namespaces.set(Kind::Net, Choice::Host);
        namespaces.set(Kind::User, Choice::Host);
        assert_eq!(sysfs.foreign(&namespaces), None);
    }
}
