//! `--landlock`: rules, and whether this kernel can keep them.

use std::path::PathBuf;

use nix::errno::Errno;
use nsshim::spec::{FileAccess, Landlock};
use nsshim::sys;

use crate::error::{Error, shown};

/// Resolves the rules.
pub fn resolve(words: &[String]) -> Result<Option<Landlock>, Error> {
    if words.is_empty() {
        return Ok(None);
    }
    let (rules, best_effort) = parse(words)?;
    check(&rules, sys::landlock_abi(), best_effort)?;
    Ok(Some(rules))
}

fn parse(words: &[String]) -> Result<(Landlock, bool), Error> {
    let mut rules = Landlock::default();
    let mut best_effort = false;
    for word in words {
        let wrong = |why: &str| {
            Error::new(format!("cannot read the Landlock rule {}: {why}", shown(word))).try_this(
                "ro=PATH, exec=PATH, rw=PATH, tcp-connect=PORT, tcp-bind=PORT, best-effort",
            )
        };
        if word == "best-effort" {
            best_effort = true;
            continue;
        }
        let (kind, value) = word.split_once('=').ok_or_else(|| wrong("it has no ="))?;
        let mut file = |access| match PathBuf::from(value) {
            path if path.is_absolute() => {
                rules.files.push((path, access));
                Ok(())
            }
            _ => Err(wrong("the path is not absolute")),
        };
        match kind {
            "ro" => file(FileAccess::Read)?,
            "exec" => file(FileAccess::Execute)?,
            "rw" => file(FileAccess::Write)?,
            "tcp-connect" | "tcp-bind" => {
                let ports = if kind == "tcp-bind" { &mut rules.bind } else { &mut rules.connect };
                let ports = ports.get_or_insert_default();
                if value != "none" {
                    ports.push(value.parse().map_err(|_| wrong("a port is 0 to 65535"))?);
                }
            }
            _ => return Err(wrong("there is no such kind")),
        }
    }
    if rules == Landlock::default() {
        return Err(Error::new("--landlock best-effort restricts nothing").try_this("ro=PATH"));
    }
    Ok((rules, best_effort))
}

/// What a version of the interface lacks that these rules need, and the first Linux that has it.
fn lacks(rules: &Landlock, abi: u32) -> Option<(&'static str, &'static str)> {
    let ports = rules.connect.is_some() || rules.bind.is_some();
    let files = !rules.files.is_empty();
    match abi {
        ..4 if ports => Some(("restrict TCP ports", "6.7")),
        ..3 if files => Some(("forbid truncating files", "6.2")),
        ..5 if files => Some(("forbid ioctl on devices", "6.10")),
        _ => None,
    }
}

fn check(rules: &Landlock, abi: Result<u32, Errno>, best_effort: bool) -> Result<(), Error> {
    let refused = || Error::new("cannot restrict what can be reached");
    let abi = abi.map_err(|errno| match errno {
        Errno::ENOSYS => refused()
            .because("this kernel has no Landlock, or a filter around nsctl denies it: ENOSYS")
            .try_this("Linux 5.13 or newer, or no --landlock"),
        Errno::EOPNOTSUPP => refused()
            .because("Landlock is built into this kernel, but was not enabled at boot")
            .try_this("landlock in the kernel's parameter lsm=, or no --landlock"),
        errno => refused().because(format!("landlock_create_ruleset(): {errno}")),
    })?;
    match lacks(rules, abi) {
        // No port is restricted with less than that.
        Some((what, linux)) if !best_effort || linux == "6.7" => Err(refused()
            .because(format!("this kernel's Landlock has version {abi}, which cannot {what}"))
            .try_this(match linux {
                "6.7" => format!("Linux {linux} or newer, or no tcp rules"),
                _ => format!("Linux {linux} or newer, or best-effort among the rules"),
            })),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Landlock, bool), Error> {
        parse(&text.split(',').map(str::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn rules_are_read() {
        let (rules, best_effort) =
            read("ro=/etc,exec=/usr,rw=/tmp/a=b,tcp-connect=443,tcp-connect=80,tcp-bind=none")
                .unwrap();
        let files: [(PathBuf, FileAccess); 3] = [
            ("/etc".into(), FileAccess::Read),
            ("/usr".into(), FileAccess::Execute),
            ("/tmp/a=b".into(), FileAccess::Write),
        ];
        assert_eq!(rules.files, files);
        assert_eq!((rules.connect, rules.bind), (Some(vec![443, 80]), Some(vec![])));
        assert!(!best_effort && read("ro=/,best-effort").unwrap().1);
        for wrong in [
            "",
            "ro",
            "ro=",
            "ro=etc",
            "rx=/",
            "tcp-bind=",
            "tcp-bind=65536",
            "tcp-connect=-1",
            "best-effort",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_the_kernel_lacks_is_said_with_its_version() {
        let says = |text: &str, abi, best_effort| {
            let error = check(&read(text).unwrap().0, abi, best_effort).err()?;
            Some(error.to_string())
        };
        let (files, ports) = ("rw=/tmp", "tcp-bind=80");
        for (text, abi, best_effort, word) in [
            (files, Ok(2), false, "version 2, which cannot forbid truncating"),
            (files, Ok(4), false, "version 4, which cannot forbid ioctl"),
            (ports, Ok(3), false, "version 3, which cannot restrict TCP ports"),
            (ports, Ok(3), true, "Linux 6.7"),
            (files, Err(Errno::ENOSYS), true, "no Landlock"),
            (files, Err(Errno::EOPNOTSUPP), true, "lsm="),
        ] {
            let said = says(text, abi, best_effort).unwrap();
            assert!(said.contains(word), "{said}");
        }
        for (text, abi, best_effort) in
            [(files, Ok(5), false), (files, Ok(1), true), (ports, Ok(4), false)]
        {
            assert_eq!(says(text, abi, best_effort), None);
        }
    }
}
