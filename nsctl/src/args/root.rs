//! The options for the root file system and for what is placed in it, as typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};

use super::EtcArgs;

const HEADING: &str = "Root and mounts";

/// What the workload sees as `/`.
#[derive(Debug, Default, Args)]
pub struct RootArgs {
    /// The root file system: a directory, an image file (squashfs, erofs, ext4; as root), or none
    /// for an empty one; without it the host's, with the caller's environment
    #[arg(long, help_heading = HEADING, value_name = "DIR|FILE|none")]
    pub rootfs: Option<OsString>,
    /// Keep changes out of the root: they vanish with the container, or with --rootfs go to DIR
    #[arg(long, help_heading = HEADING, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    pub overlay: Option<Option<PathBuf>>,
    /// A further directory under the root's, topmost first; changes vanish without --overlay=DIR
    #[arg(long, help_heading = HEADING, value_name = "DIR")]
    pub overlay_lower: Vec<PathBuf>,
    /// Make the root read-only; the mounts on it are as they say
    #[arg(long, help_heading = HEADING)]
    pub read_only: bool,
    #[command(flatten)]
    pub placed: Placements,
    #[command(flatten)]
    pub etc: EtcArgs,
}

/// What is placed in the root, in the order of the command line, whatever the option.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Placements(pub Vec<Placement>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// By which option.
    pub option: PlacedBy,
    /// Its value.
    pub text: OsString,
}

/// The options that place something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlacedBy {
    /// `--volume`
    Volume,
    /// `--mount`
    Mount,
    /// `--tmpfs`
    Tmpfs,
    /// `--device`
    Device,
    /// `--file`
    File,
    /// `--symlink`
    Symlink,
}

struct Row {
    option: PlacedBy,
    name: &'static str,
    short: Option<char>,
    value: &'static str,
    help: &'static str,
}

const TABLE: [Row; 6] = [
    Row {
        option: PlacedBy::Volume,
        name: "volume",
        short: Some('v'),
        value: "SRC:DST[:OPTION,...]",
        help: "Show a file or directory of the host's: ro rw, exec noexec, suid nosuid, dev nodev \
               (the default), nosymfollow, noatime relatime strictatime nodiratime, rprivate \
               rslave rshared, bind (without what is mounted below), O (changes vanish)",
    },
    Row {
        option: PlacedBy::Mount,
        name: "mount",
        short: None,
        value: "type=TYPE,KEY[=VALUE],...",
        help: "Mount with docker's words: type=bind|tmpfs|overlay|proc|sysfs|mqueue|devpts|cgroup, \
               src=, dst=, ro, bind-propagation=, bind-recursive=, tmpfs-size=, tmpfs-mode=, \
               lowerdir=, upper=, and the words of --volume",
    },
    Row {
        option: PlacedBy::Tmpfs,
        name: "tmpfs",
        short: None,
        value: "DST[:OPTION,...]",
        help: "An empty file system in memory: size=BYTES[k|m|g|%] (half of the memory), \
               mode=OCTAL (1777), uid=, gid=, nr_inodes=, exec, suid, dev, ro",
    },
    Row {
        option: PlacedBy::Device,
        name: "device",
        short: None,
        value: "HOST[:DST]",
        help: "A device of the host's, with the caller's rights to it",
    },
    Row {
        option: PlacedBy::File,
        name: "file",
        short: None,
        value: "DST=CONTENT|-",
        help: "A file with this content, or that of standard input; at most 16 MiB",
    },
    Row {
        option: PlacedBy::Symlink,
        name: "symlink",
        short: None,
        value: "LINK=TARGET",
        help: "A symbolic link",
    },
];

impl PlacedBy {
    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// As it is typed, with its value: `--volume SRC:DST[:OPTION,...]`.
    pub fn usage(self) -> String {
        format!("--{} {}", self.row().name, self.row().value)
    }

    /// As it is typed: `--volume`.
    pub fn name(self) -> String {
        format!("--{}", self.row().name)
    }
}

impl Args for Placements {
    fn augment_args(command: Command) -> Command {
        TABLE.iter().fold(command, |command, row| {
            let arg = Arg::new(row.name)
                .long(row.name)
                .help_heading(HEADING)
                .value_name(row.value)
                .help(row.help)
                .action(ArgAction::Append)
                .value_parser(value_parser!(OsString));
            command.arg(match row.short {
                Some(short) => arg.short(short),
                None => arg,
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Placements {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut found: Vec<(usize, Placement)> = TABLE
            .iter()
            .flat_map(|row| {
                let indices = matches.indices_of(row.name).into_iter().flatten();
                let values = matches.get_many::<OsString>(row.name).into_iter().flatten();
                indices
                    .zip(values.cloned())
                    .map(|(index, text)| (index, Placement { option: row.option, text }))
            })
            .collect();
        found.sort_by_key(|(index, _)| *index);
        Ok(Placements(found.into_iter().map(|(_, placement)| placement).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        root: RootArgs,
        #[arg(trailing_var_arg = true)]
        command: Vec<OsString>,
    }

    #[test]
    fn the_table_is_in_the_order_of_its_names() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.option as usize, index, "{}", row.name);
        }
    }

    #[test]
    fn the_order_of_the_command_line_is_kept_across_options() {
        let line = [
            "nsctl",
            "-v",
            "a:/1",
            "--symlink",
            "/2=x",
            "--tmpfs=/3",
            "-va:/4",
            "--file",
            "/5=-",
            "--mount",
            "dst=/6",
            "--read-only",
            "--device=/7",
            "-v=a:/8",
            "true",
            "-v",
            "b:/9",
        ];
        let line = Line::parse_from(line);
        let shown: Vec<(PlacedBy, &str)> = (line.root.placed.0.iter())
            .map(|placement| (placement.option, placement.text.to_str().unwrap()))
            .collect();
        assert_eq!(
            shown,
            [
                (PlacedBy::Volume, "a:/1"),
                (PlacedBy::Symlink, "/2=x"),
                (PlacedBy::Tmpfs, "/3"),
                (PlacedBy::Volume, "a:/4"),
                (PlacedBy::File, "/5=-"),
                (PlacedBy::Mount, "dst=/6"),
                (PlacedBy::Device, "/7"),
                (PlacedBy::Volume, "a:/8"),
            ]
        );
        assert_eq!(line.command, ["true", "-v", "b:/9"]);
    }

    #[test]
    fn an_overlay_takes_its_directory_only_behind_an_equals_sign() {
        let overlay = |line: &[&str]| {
            let line = Line::try_parse_from([&["nsctl"], line].concat()).unwrap();
            (line.root.overlay, line.command)
        };
        assert_eq!(overlay(&["true"]), (None, vec!["true".into()]));
        assert_eq!(overlay(&["--overlay", "true"]), (Some(None), vec!["true".into()]));
        let kept = Some(Some(PathBuf::from("/d")));
        assert_eq!(overlay(&["--overlay=/d", "true"]), (kept, vec!["true".into()]));
    }
}
