//! THE table of mount flags: the words of mount(8) and what they are to mount_setattr(2).

use nsshim::spec::Attributes;

/// Words of one group contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Write,
    Exec,
    SetId,
    Device,
    Symlink,
    AccessTime,
    DirectoryTime,
}

/// How many groups there are.
const GROUPS: usize = Group::DirectoryTime as usize + 1;

#[derive(Debug, PartialEq, Eq)]
struct Row {
    word: &'static str,
    group: Group,
    set: u64,
    clear: u64,
}

/// A word that allows clears the flag, which a bind has from its source. Only `rw` does not:
/// it is said from habit, and a source that is read-only stays so without an error.
const TABLE: [Row; 17] = {
    use Group::{AccessTime, Device, DirectoryTime, Exec, SetId, Symlink, Write};
    const fn row(word: &'static str, group: Group, set: u64, clear: u64) -> Row {
        Row { word, group, set, clear }
    }
    // libc has them from include/uapi/linux/mount.h, Linux 5.12; nosymfollow is of 5.14.
    use libc as c;
    [
        row("rw", Write, 0, 0),
        row("ro", Write, c::MOUNT_ATTR_RDONLY, 0),
        row("readonly", Write, c::MOUNT_ATTR_RDONLY, 0),
        row("exec", Exec, 0, c::MOUNT_ATTR_NOEXEC),
        row("noexec", Exec, c::MOUNT_ATTR_NOEXEC, 0),
        row("suid", SetId, 0, c::MOUNT_ATTR_NOSUID),
        row("nosuid", SetId, c::MOUNT_ATTR_NOSUID, 0),
        row("dev", Device, 0, c::MOUNT_ATTR_NODEV),
        row("nodev", Device, c::MOUNT_ATTR_NODEV, 0),
        row("symfollow", Symlink, 0, c::MOUNT_ATTR_NOSYMFOLLOW),
        row("nosymfollow", Symlink, c::MOUNT_ATTR_NOSYMFOLLOW, 0),
        // The three are one field, which is set as a whole.
        row("relatime", AccessTime, c::MOUNT_ATTR_RELATIME, c::MOUNT_ATTR__ATIME),
        row("noatime", AccessTime, c::MOUNT_ATTR_NOATIME, c::MOUNT_ATTR__ATIME),
        row("strictatime", AccessTime, c::MOUNT_ATTR_STRICTATIME, c::MOUNT_ATTR__ATIME),
        row("atime", AccessTime, c::MOUNT_ATTR_RELATIME, c::MOUNT_ATTR__ATIME),
        row("diratime", DirectoryTime, 0, c::MOUNT_ATTR_NODIRATIME),
        row("nodiratime", DirectoryTime, c::MOUNT_ATTR_NODIRATIME, 0),
    ]
};

/// The words that were said, one of a group.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Flags([Option<&'static Row>; GROUPS]);

impl Flags {
    /// Takes a word; `false` when it is none of the table.
    ///
    /// # Errors
    /// The word said before that says otherwise.
    pub fn take(&mut self, word: &str) -> Result<bool, &'static str> {
        let Some(row) = TABLE.iter().find(|row| row.word == word) else { return Ok(false) };
        let slot = &mut self.0[row.group as usize];
        match slot {
            Some(said) if (said.set, said.clear) != (row.set, row.clear) => Err(said.word),
            _ => {
                *slot = Some(row);
                Ok(true)
            }
        }
    }

    /// Whether a word of the table was said, or one that means the same.
    pub fn has(&self, word: &str) -> bool {
        TABLE.iter().find(|row| row.word == word).is_some_and(|row| {
            let said = self.0[row.group as usize];
            said.is_some_and(|said| (said.set, said.clear) == (row.set, row.clear))
        })
    }

    /// The flags, with a word of these for each group of which nothing was said.
    pub fn attributes(mut self, defaults: &[&str], recursive: bool) -> Attributes {
        for word in defaults {
            // What was said wins over a default.
            let _ = self.take(word);
        }
        let said = || self.0.iter().flatten();
        Attributes {
            set: said().fold(0, |bits, row| bits | row.set),
            clear: said().fold(0, |bits, row| bits | row.clear),
            recursive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(words: &[&str]) -> Flags {
        let mut flags = Flags::default();
        for word in words {
            assert_eq!(flags.take(word), Ok(true), "{word}");
        }
        flags
    }

    #[test]
    fn words_are_flags() {
        for (words, defaults, set, clear) in [
            (&[][..], &[][..], 0, 0),
            (&[], &["nodev"], libc::MOUNT_ATTR_NODEV, 0),
            (&["dev"], &["nodev"], 0, libc::MOUNT_ATTR_NODEV),
            (&["ro", "readonly", "ro"], &[], libc::MOUNT_ATTR_RDONLY, 0),
            (&["rw"], &["ro"], 0, 0),
            (&["noatime"], &[], libc::MOUNT_ATTR_NOATIME, libc::MOUNT_ATTR__ATIME),
            (&["relatime", "atime"], &[], 0, libc::MOUNT_ATTR__ATIME),
            (
                &["exec", "nosuid", "nosymfollow", "nodiratime"],
                &["noexec", "nodev"],
                libc::MOUNT_ATTR_NOSUID
                    | libc::MOUNT_ATTR_NODEV
                    | libc::MOUNT_ATTR_NOSYMFOLLOW
                    | libc::MOUNT_ATTR_NODIRATIME,
                libc::MOUNT_ATTR_NOEXEC,
            ),
        ] {
            let expected = Attributes { set, clear, recursive: true };
            assert_eq!(flags(words).attributes(defaults, true), expected, "{words:?}");
        }
    }

    #[test]
    fn contradictions_name_the_word_before() {
        for (first, second) in [
            ("ro", "rw"),
            ("rw", "readonly"),
            ("exec", "noexec"),
            ("nosuid", "suid"),
            ("dev", "nodev"),
            ("noatime", "relatime"),
            ("nosymfollow", "symfollow"),
        ] {
            assert_eq!(flags(&[first]).take(second), Err(first));
        }
        assert_eq!(Flags::default().take("RO"), Ok(false));
        assert_eq!(Flags::default().take(""), Ok(false));
    }

    /// mount_setattr(2) refuses a flag both set and cleared, but for the access time,
    /// which must be cleared whole.
    #[test]
    fn no_flag_is_set_and_cleared() {
        for row in &TABLE {
            assert_eq!(row.set & row.clear & !libc::MOUNT_ATTR__ATIME, 0, "{}", row.word);
            let time = row.group == Group::AccessTime;
            assert_eq!(row.clear & libc::MOUNT_ATTR__ATIME != 0, time, "{}", row.word);
        }
    }
}
