//! `--tmpfs DST[:OPTION,...]`: an empty file system in memory. tmpfs(5)

use std::path::PathBuf;

use nsshim::spec::Attributes;

use super::super::numbers;
use super::attributes::Flags;
use super::{fields, target};

/// docker's and podman's: what is in it needs none of these.
const DEFAULTS: [&str; 3] = ["nosuid", "nodev", "noexec"];

/// What is asked of a tmpfs.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tmpfs {
    flags: Flags,
    size: Option<Size>,
    mode: Option<u32>,
    inodes: Option<u64>,
    /// The owner of its root, inside.
    pub uid: Option<u32>,
    /// The group of its root, inside.
    pub gid: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Bytes(u64),
    /// Of the machine's memory.
    Percent(u64),
}

/// Reads the value of `--tmpfs`.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &[u8]) -> Result<(PathBuf, Tmpfs), String> {
    let (place, options) = match &fields::colons(text)[..] {
        [place] => (place.clone(), None),
        [place, options] => (place.clone(), Some(options.clone())),
        _ => return Err(r"it has more than two fields; a colon in a path is written \:".into()),
    };
    let target = target::parse(&place)?;
    target::check_proc(&target)?;
    let mut tmpfs = Tmpfs::default();
    for word in options.iter().flat_map(|options| options.split(|&byte| byte == b',')) {
        let word = String::from_utf8_lossy(word);
        let (key, value) = match word.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (&*word, None),
        };
        if !tmpfs.take(key, value)? {
            return Err(format!("there is no option {word:?}"));
        }
    }
    Ok((target, tmpfs))
}

impl Tmpfs {
    /// Takes an option, also by docker's name for `--mount`; `false` when it is none.
    ///
    /// # Errors
    /// What is wrong with its value.
    pub fn take(&mut self, key: &str, value: Option<&str>) -> Result<bool, String> {
        let Some(value) = value else {
            return match key {
                // podman's: nothing is copied here anyway.
                "notmpcopyup" => Ok(true),
                "tmpcopyup" => Err("tmpcopyup: nothing is copied into what is mounted".into()),
                word => self
                    .flags
                    .take(word)
                    .map_err(|said| format!("{said} and {word} contradict each other")),
            };
        };
        let read = |what: &str| format!("{key}={value} is no {what}");
        match key.strip_prefix("tmpfs-").unwrap_or(key) {
            "size" => once(
                &mut self.size,
                key,
                size(value).map_err(|why| format!("{key}={value} {why}"))?,
            ),
            "mode" => {
                let mode = numbers::mode(value).ok_or_else(|| read("octal number up to 7777"))?;
                once(&mut self.mode, key, mode)
            }
            "nr_inodes" if key == "nr_inodes" => {
                // None at all for 0, and then the memory is the limit. tmpfs(5)
                let count = numbers::bytes(value).filter(|&count| count > 0);
                once(&mut self.inodes, key, count.ok_or_else(|| read("number of files above 0"))?)
            }
            "uid" | "gid" if !key.starts_with("tmpfs-") => {
                let id = numbers::id(value).ok_or_else(|| read("id from 0 to 4294967294"))?;
                once(if key == "uid" { &mut self.uid } else { &mut self.gid }, key, id)
            }
            _ => Ok(false),
        }
    }

    /// The options as the kernel takes them.
    pub fn options(&self) -> Vec<String> {
        let size = self.size.map(|size| match size {
            Size::Bytes(bytes) => format!("size={bytes}"),
            Size::Percent(percent) => format!("size={percent}%"),
        });
        let others = [
            self.inodes.map(|count| format!("nr_inodes={count}")),
            // Said, because the kernel's default depends on nothing but could on a umask elsewhere.
            Some(format!("mode={:04o}", self.mode.unwrap_or(0o1777))),
            self.uid.map(|uid| format!("uid={uid}")),
            self.gid.map(|gid| format!("gid={gid}")),
        ];
        size.into_iter().chain(others.into_iter().flatten()).collect()
    }

    /// The mount's flags.
    pub fn attributes(&self) -> Attributes {
        self.flags.clone().attributes(&DEFAULTS, false)
    }
}

fn size(text: &str) -> Result<Size, &'static str> {
    let size = match text.strip_suffix('%') {
        Some(percent) => numbers::id(percent)
            .filter(|percent| (1..=100).contains(percent))
            .map(|percent| Size::Percent(percent.into())),
        None => numbers::bytes(text).map(Size::Bytes),
    };
    match size {
        None => Err("is no size; such as 64k, 10m, 1g or 50%"),
        Some(Size::Bytes(0)) => Err("would be no limit to the kernel"),
        Some(size) => Ok(size),
    }
}

fn once<T>(slot: &mut Option<T>, key: &str, value: T) -> Result<bool, String> {
    match slot.replace(value) {
        None => Ok(true),
        Some(_) => Err(format!("{key} is said twice")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn options_reach_the_kernel_in_its_units() {
        for (text, expected) in [
            ("/t", "mode=1777"),
            ("/t:size=64k", "size=65536,mode=1777"),
            ("/t:size=50%,mode=755", "size=50%,mode=0755"),
            (
                "/t:uid=0,gid=5,nr_inodes=10k,size=1G",
                "size=1073741824,nr_inodes=10240,mode=1777,uid=0,gid=5",
            ),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap().1.options().join(","), expected, "{text}");
        }
    }

    #[test]
    fn nothing_in_it_is_executed_unless_asked() {
        let set = |text: &str| parse(text.as_bytes()).unwrap().1.attributes().set;
        let all = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;
        assert_eq!(set("/t"), all);
        assert_eq!(set("/t:exec,ro"), all & !libc::MOUNT_ATTR_NOEXEC | libc::MOUNT_ATTR_RDONLY);
        assert_eq!(set("/t:exec,suid,dev"), 0);
    }

    #[test]
    fn wrong_options_are_refused_with_what_is_wrong() {
        for (text, reason) in [
            ("", "missing"),
            ("t", "does not begin with /"),
            ("/t:", "no option \"\""),
            ("/t:size", "no option \"size\""),
            ("/t:size=", "no size"),
            ("/t:size=-1", "no size"),
            ("/t:size=0", "no limit"),
            ("/t:size=1.5g", "no size"),
            ("/t:size=9223372036854775808", "no size"),
            ("/t:size=0%", "no size"),
            ("/t:size=101%", "no size"),
            ("/t:size=1m,size=2m", "twice"),
            ("/t:mode=8", "octal"),
            ("/t:mode=10000", "octal"),
            ("/t:uid=-1", "no id"),
            ("/t:uid=4294967296", "no id"),
            ("/t:gid=root", "no id"),
            ("/t:nr_inodes=0", "above 0"),
            ("/t:ro,rw", "contradict"),
            ("/t:tmpcopyup", "copied"),
            ("/t:mpol=bind:0", "more than two"),
            ("/t:huge=always", "no option \"huge=always\""),
            ("/t:ro=1", "no option \"ro=1\""),
            ("/proc/x", "must stay"),
        ] {
            let why = parse(text.as_bytes()).unwrap_err();
            assert!(why.contains(reason), "{text}: {why}");
        }
    }

    /// What the kernel gets is made of our own words and numbers only.
    #[test]
    fn no_input_reaches_the_kernel_as_it_is() {
        for sample in samples() {
            let Ok((_, tmpfs)) = parse(&[b"/t:".as_slice(), &sample].concat()) else { continue };
            for option in tmpfs.options() {
                let (key, value) = option.split_once('=').unwrap();
                assert!(["size", "nr_inodes", "mode", "uid", "gid"].contains(&key));
                assert!(value.trim_end_matches('%').bytes().all(|byte| byte.is_ascii_digit()));
            }
        }
    }
}
