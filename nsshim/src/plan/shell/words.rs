//! Words of the shell: quoting, and the names that the tools have for flags.

use nix::mount::MsFlags;
use nix::sys::resource::{RLIM_INFINITY, Resource};

use crate::spec::{Rlimit, User};

/// One word, whatever is in it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_string();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The options of mount(8) for flags of mount(2) and a file system's own.
pub fn mount_options(flags: MsFlags, own: &str) -> String {
    const NAMES: [(MsFlags, &str); 8] = [
        (MsFlags::MS_RDONLY, "ro"),
        (MsFlags::MS_NOSUID, "nosuid"),
        (MsFlags::MS_NODEV, "nodev"),
        (MsFlags::MS_NOEXEC, "noexec"),
        (MsFlags::MS_NOATIME, "noatime"),
        (MsFlags::MS_NODIRATIME, "nodiratime"),
        (MsFlags::MS_RELATIME, "relatime"),
        (MsFlags::MS_STRICTATIME, "strictatime"),
    ];
    let set = NAMES.into_iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, name)| name);
    let all: Vec<&str> = set.chain([own].into_iter().filter(|own| !own.is_empty())).collect();
    all.join(",")
}

/// The option of prlimit(1).
pub fn limit(limit: &Rlimit) -> String {
    let name = match limit.resource {
        Resource::RLIMIT_RTTIME => "rttime".to_string(),
        other => format!("{other:?}").trim_start_matches("RLIMIT_").to_ascii_lowercase(),
    };
    let number = |value: u64| match value {
        RLIM_INFINITY => "unlimited".to_string(),
        value => value.to_string(),
    };
    format!("--{name}={}:{}", number(limit.soft), number(limit.hard))
}

/// The options of setpriv(1) for a user.
pub fn user(user: &User) -> String {
    let groups = match &user.groups {
        None => "--keep-groups".to_string(),
        Some(groups) if groups.is_empty() => "--clear-groups".to_string(),
        Some(groups) => {
            let list: Vec<String> = groups.iter().map(|group| group.0.to_string()).collect();
            format!("--groups {}", list.join(","))
        }
    };
    format!("--reuid {} --regid {} {groups}", user.uid.0, user.gid.0)
}

/// The list of setpriv(1) for a set of capabilities.
pub fn capabilities(set: u64) -> String {
    let mut kept: Vec<caps::Capability> =
        caps::all().into_iter().filter(|cap| set & cap.bitmask() != 0).collect();
    kept.sort_by_key(|cap| cap.index());
    let names = kept
        .iter()
        .map(|cap| format!("+{}", cap.to_string().trim_start_matches("CAP_").to_ascii_lowercase()));
    ["-all".to_string()].into_iter().chain(names).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        assert_eq!(quoted("a/b-1"), "a/b-1");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("$HOME it's"), "'$HOME it'\\''s'");
        assert_eq!(quoted("~"), "'~'");
    }
}
