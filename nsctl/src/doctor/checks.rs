//! THE table of what doctor tries, in the order in which it is told.

use nix::errno::Errno;
use nsshim::Host;
use nsshim::spec::Kind;

use super::ask::{self, Answer};

/// One thing that works here or does not.
#[derive(Debug)]
pub struct Check {
    /// The word for it on the command line.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// What needs it.
    pub needed_for: &'static str,
    /// Whether a plain `nsctl run` does.
    pub by_run: bool,
    /// What must work before this can be tried.
    pub after: &'static [&'static str],
    /// How it is tried.
    pub how: How,
    /// What would fail when this does not work, to look for causes where it cannot be tried.
    pub supposed: &'static [(&'static str, Errno)],
}

/// How something is tried. In an option `DIR` is a directory in which nothing is mounted.
#[derive(Debug)]
pub enum How {
    /// By a run in these new namespaces and no others, with these options.
    Run(&'static [Kind], &'static [&'static str]),
    /// By a run with these options, and as a user or as root with more.
    RunAs {
        options: &'static [&'static str],
        user: &'static [&'static str],
        root: &'static [&'static str],
    },
    /// By asking the kernel.
    Ask(fn() -> Answer),
}

/// Root maps what ids it likes.
const ANY_RANGE: &[&str] = &["--map-users", "0:100000:65536", "--map-groups", "0:100000:65536"];
const CLONE: (&str, Errno) = ("clone3(", Errno::EPERM);
const LIMIT: (&str, Errno) = ("clone3(", Errno::ENOSPC);
const ALL_KINDS: &[Kind] =
    &[Kind::User, Kind::Mnt, Kind::Pid, Kind::Ipc, Kind::Uts, Kind::Net, Kind::Cgroup];

const fn kind(
    name: &'static str,
    what: &'static str,
    new: &'static [Kind],
    supposed: &'static [(&'static str, Errno)],
) -> Check {
    Check {
        name,
        what,
        needed_for: "run",
        by_run: true,
        after: &["start", "user"],
        how: How::Run(new, &[]),
        supposed,
    }
}

/// The checks; what comes after something stands below it.
pub const ALL: &[Check] = &[
    Check {
        name: "start",
        what: "a program under nsinit, in no namespace of its own",
        needed_for: "run",
        by_run: true,
        after: &[],
        how: How::Run(&[], &[]),
        supposed: &[("memfd_create", Errno::EACCES)],
    },
    Check {
        name: "pidfd",
        what: "descriptors that stand for processes",
        needed_for: "run, stop, enter",
        by_run: true,
        after: &[],
        how: How::Ask(ask::pidfd),
        supposed: &[],
    },
    Check {
        after: &["start"],
        ..kind("user", "user namespace, the own id mapped", &[Kind::User], &[CLONE, LIMIT])
    },
    kind("mnt", "mount namespace with an own /dev", &[Kind::Mnt], &[LIMIT]),
    kind("pid", "PID namespace", &[Kind::Pid], &[LIMIT]),
    kind("net", "network namespace, loopback up", &[Kind::Net], &[LIMIT]),
    kind("ipc", "IPC namespace", &[Kind::Ipc], &[LIMIT]),
    kind("uts", "UTS namespace", &[Kind::Uts], &[LIMIT]),
    kind("cgroup", "cgroup namespace", &[Kind::Cgroup], &[LIMIT]),
    Check {
        name: "time",
        what: "time namespace with offsets",
        needed_for: "--time-offset",
        by_run: false,
        after: &["start", "user"],
        how: How::Run(&[Kind::Time], &["--boottime", "1"]),
        supposed: &[("unshare(CLONE_NEWTIME)", Errno::ENOSPC)],
    },
    Check {
        after: &["mnt", "pid"],
        ..kind(
            "proc",
            "own /proc",
            &[Kind::Mnt, Kind::Pid],
            &[("mount(\"proc\", \"/proc\", \"proc\")", Errno::EPERM)],
        )
    },
    Check {
        after: &["mnt", "net"],
        ..kind(
            "sys",
            "own /sys",
            &[Kind::Mnt, Kind::Net],
            &[("mount(\"sysfs\", \"/sys\", \"sysfs\")", Errno::EPERM)],
        )
    },
    Check {
        name: "tty",
        what: "a terminal of the container's own",
        needed_for: "run at a terminal, -t",
        by_run: true,
        after: &["mnt"],
        how: How::Run(&[Kind::Mnt], &["--tty"]),
        supposed: &[],
    },
    Check {
        name: "seccomp",
        what: "system-call filter",
        needed_for: "run",
        by_run: true,
        after: &["start"],
        how: How::Run(&[], &["--seccomp", "default"]),
        supposed: &[],
    },
    Check {
        name: "run",
        what: "a run with all defaults",
        needed_for: "run",
        by_run: true,
        after: &["user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "proc", "sys", "seccomp"],
        how: How::RunAs { options: &[], user: &[], root: &[] },
        supposed: &[],
    },
    Check {
        name: "ranges",
        what: "ranges of ids: subuid, subgid, newuidmap, newgidmap",
        needed_for: "--map-auto",
        by_run: false,
        after: &["user"],
        how: How::RunAs {
            options: &["--userns", "new", "--share", "mnt,pid,net,ipc,uts,cgroup"],
            user: &["--map-auto"],
            root: ANY_RANGE,
        },
        supposed: &[],
    },
    Check {
        name: "rootfs",
        what: "a root of its own, by pivot_root(2)",
        needed_for: "--rootfs",
        by_run: false,
        after: &["mnt"],
        how: How::Run(&[Kind::Mnt], &["--rootfs", "none"]),
        supposed: &[],
    },
    Check {
        name: "volume",
        what: "the mount interface with descriptors: open_tree(2), mount_setattr(2)",
        needed_for: "-v, --mount",
        by_run: false,
        after: &["rootfs"],
        how: How::Run(&[Kind::Mnt], &["--rootfs", "none", "-v", "DIR:/host:ro"]),
        supposed: &[],
    },
    Check {
        name: "overlay",
        what: "overlay, with userxattr for a user",
        needed_for: "--overlay",
        by_run: false,
        after: &["rootfs"],
        how: How::Run(&[Kind::Mnt], &["--rootfs", "DIR", "--overlay"]),
        supposed: &[],
    },
    Check {
        name: "idmap",
        what: "mounts that map the owners of files",
        needed_for: "--rootfs DIR:idmap as root",
        by_run: false,
        after: &["rootfs"],
        how: How::RunAs { options: &["--rootfs", "DIR:idmap"], user: &[], root: ANY_RANGE },
        supposed: &[],
    },
    Check {
        name: "nesting",
        what: "containers in the container",
        needed_for: "--nesting",
        by_run: false,
        after: &["run"],
        how: How::RunAs { options: &["--nesting"], user: &[], root: ANY_RANGE },
        supposed: &[],
    },
    Check {
        name: "landlock",
        what: "Landlock",
        needed_for: "--landlock",
        by_run: false,
        after: &["start"],
        how: How::Run(&[], &["--landlock", "rw=/"]),
        supposed: &[],
    },
    Check {
        name: "delegation",
        what: "a control group to make others in",
        needed_for: "--cgroup-parent .",
        by_run: false,
        after: &[],
        how: How::Ask(ask::delegation),
        supposed: &[],
    },
];

/// Words for several checks.
pub const GROUPS: &[(&str, &[&str])] = &[
    ("rootless", &["user", "mnt", "pid", "proc", "run"]),
    ("network", &["net", "sys"]),
    ("mounts", &["mnt", "rootfs", "volume", "overlay"]),
];

impl How {
    /// The words after `nsctl run`, for this caller; `None` where there is no run.
    pub fn words(&self, host: &Host) -> Option<Vec<String>> {
        let (kinds, options): (&[Kind], &[&str]) = match self {
            How::Ask(_) => return None,
            How::RunAs { options, user, root } => {
                let more = if host.is_privileged() { root } else { user };
                return Some(
                    options.iter().chain(*more).map(|word| with_directory(word)).collect(),
                );
            }
            How::Run(kinds, options) => (kinds, options),
        };
        // Without rights on the host a user namespace must give them.
        let user = kinds.contains(&Kind::User) || (!kinds.is_empty() && !host.is_privileged());
        let new = |kind: &Kind| kinds.contains(kind) || (*kind == Kind::User && user);
        let shared: Vec<&str> =
            ALL_KINDS.iter().filter(|kind| !new(kind)).map(|kind| kind.file()).collect();
        let mut words = Vec::new();
        if user {
            words.extend(["--userns", "new"]);
        }
        let shared = shared.join(",");
        words.extend(["--share", &shared]);
        if !options.contains(&"--seccomp") {
            words.extend(["--seccomp", "unconfined"]);
        }
        words.extend(options);
        Some(words.into_iter().map(with_directory).collect())
    }
}

fn with_directory(word: &str) -> String {
    word.replace("DIR", ask::directory())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_before_stands_above() {
        for (at, check) in ALL.iter().enumerate() {
            for name in check.after {
                assert!(
                    ALL[..at].iter().any(|above| above.name == *name),
                    "{}: {name}",
                    check.name
                );
            }
        }
        for name in GROUPS.iter().flat_map(|(_, names)| *names) {
            assert!(ALL.iter().any(|check| check.name == *name), "{name}");
        }
    }

    #[test]
    fn a_trial_makes_the_namespaces_it_is_about_and_no_others() {
        let net = ALL.iter().find(|check| check.name == "net").unwrap();
        let host = |capabilities| Host { capabilities, ..Host::probe() };
        let words = |capabilities| net.how.words(&host(capabilities)).unwrap().join(" ");
        assert_eq!(words(0), "--userns new --share mnt,pid,ipc,uts,cgroup --seccomp unconfined");
        assert_eq!(words(u64::MAX), "--share user,mnt,pid,ipc,uts,cgroup --seccomp unconfined");
    }
}
