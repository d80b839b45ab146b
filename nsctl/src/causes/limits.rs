//! How many there may be: namespaces, processes, mounts.

use nix::errno::Errno;
use nix::sched::unshare;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::ForkResult;
use nsshim::spec::Kind;
use nsshim::sys;

use super::machine::Machine;
use super::{Cause, Scene, call_name, makes_namespaces};
use crate::error::Finding;

pub const CAUSES: &[Cause] = &[
    Cause {
        name: "namespace-limit",
        // EUSERS before Linux 4.9.
        explains: |failure| {
            makes_namespaces(failure) && matches!(failure.errno, Errno::ENOSPC | Errno::EUSERS)
        },
        look: namespace_limit,
    },
    Cause {
        name: "process-limit",
        explains: |failure| {
            matches!(call_name(failure), "clone3" | "fork" | "execve")
                && failure.errno == Errno::EAGAIN
        },
        look: process_limit,
    },
    Cause {
        name: "mount-limit",
        explains: |failure| call_name(failure) == "mount" && failure.errno == Errno::ENOSPC,
        look: mount_limit,
    },
    Cause {
        name: "descriptor-limit",
        explains: |failure| failure.errno == Errno::EMFILE,
        look: descriptor_limit,
    },
    Cause {
        name: "file-size-limit",
        explains: |failure| failure.errno == Errno::EFBIG,
        look: file_size_limit,
    },
];

/// The kernel's only user namespace without a parent, include/linux/proc_ns.h `PROC_USER_INIT_INO`.
const FIRST_USER_NAMESPACE: &str = "user:[4026531837]";

/// What an ancestor's limit starts at in a new user namespace: none.
const NO_LIMIT: i64 = i32::MAX as i64;

fn namespace_limit(scene: &Scene<'_>) -> Option<Finding> {
    let kinds: Vec<Kind> = match call_name(scene.failure) {
        "unshare" => vec![Kind::Time],
        _ => scene.asked.new.iter().copied().filter(|&kind| kind != Kind::Time).collect(),
    };
    if kinds.contains(&Kind::Pid)
        && let Some(finding) = pid_depth(&scene.machine)
    {
        return Some(finding);
    }
    let limit = |kind: Kind| scene.machine.number(&format!("/proc/sys/user/{}", kind.limit()));
    let zero = kinds.iter().copied().find(|&kind| limit(kind) == Some(0));
    let kind = zero.or_else(|| first_refused(&kinds))?;
    let name = kind.limit();
    let first = scene.machine.link("/proc/self/ns/user")? == FIRST_USER_NAMESPACE;
    let raise = if first {
        format!("sudo sysctl -w user.{name}=10000")
    } else {
        format!("as root of this user namespace: echo 10000 > /proc/sys/user/{name}")
    };
    Some(match limit(kind) {
        Some(0) => Finding::new(format!(
            "no {kind} namespace may be made in this user namespace: user.{name} is 0"
        ))
        .try_this(raise),
        Some(limit) if first => Finding::new(format!(
            "user {} has as many {kind} namespaces as user.{name} allows: {limit}",
            scene.asked.host.uid.0
        ))
        .try_this(format!("end some, or {raise}")),
        Some(limit) if limit < NO_LIMIT => Finding::new(format!(
            "as many {kind} namespaces exist as user.{name} allows in this user namespace \
             ({limit}) or in one that it is nested in"
        ))
        .try_this(format!("end some, or {raise}")),
        // What is left when it is not here.
        _ => further_out(kind),
    })
}

/// MAX_PID_NS_LEVEL, include/linux/pid_namespace.h: 32 below the first. A process has
/// a number in each of them that its /proc knows.
fn pid_depth(machine: &Machine) -> Option<Finding> {
    let levels = machine.status("NSpid")?.split_whitespace().count();
    (levels > 32).then(|| {
        Finding::new(format!(
            "nsctl is in {levels} nested PID namespaces (NSpid in /proc/self/status), the most \
             there may be"
        ))
        .try_this("--pid host, or start nsctl further out")
    })
}

/// By elimination: nothing inside shows the limits of ancestors, nor how deep we are.
fn further_out(kind: Kind) -> Finding {
    let name = kind.limit();
    let not_here =
        format!("the limit of this user namespace is not it (user.{name} has none here)");
    let most = match kind {
        // kernel/user_namespace.c, create_user_ns()
        Kind::User => Some("33 user"),
        Kind::Pid => Some("33 PID"),
        _ => None,
    };
    let ancestor = format!("a user namespace that it is nested in has used up user.{name}");
    match most {
        Some(most) => Finding::new(format!(
            "{not_here}, so either {most} namespaces are nested, the most there may be, or \
             {ancestor}"
        ))
        .try_this("start nsctl further out"),
        None => Finding::new(format!("{not_here}, so {ancestor}"))
            .try_this(format!("raise user.{name} where that one's root can, or start further out")),
    }
}

/// Asks the kernel, kind by kind, in a child that ends at once: which is refused?
fn first_refused(kinds: &[Kind]) -> Option<Kind> {
    match sys::fork_single_threaded().ok()? {
        ForkResult::Child => {
            // The user namespace gives the right to make the others.
            let refused =
                |kind: &Kind| matches!(unshare(kind.flag()), Err(Errno::ENOSPC | Errno::EUSERS));
            let index = kinds.iter().position(refused);
            sys::exit_now(index.map_or(0, |index| index as i32 + 1))
        }
        ForkResult::Parent { child } => match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, code)) => kinds.get((code as usize).checked_sub(1)?).copied(),
            _ => None,
        },
    }
}

fn process_limit(scene: &Scene<'_>) -> Option<Finding> {
    in_cgroup(&scene.machine).or_else(|| of_user(scene))
}

fn in_cgroup(machine: &Machine) -> Option<Finding> {
    let own = machine.read("/proc/self/cgroup")?;
    let unified = own.lines().find_map(|line| line.strip_prefix("0::"));
    let version_1 = own.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        controllers.split(',').any(|name| name == "pids").then_some(path)
    });
    let directories = [("/sys/fs/cgroup", unified), ("/sys/fs/cgroup/pids", version_1)];
    directories.into_iter().find_map(|(base, path)| {
        // The limit of an ancestor counts too.
        let mut path = path?.trim_end_matches('/');
        loop {
            let directory = format!("{base}{path}");
            let most = machine.number(&format!("{directory}/pids.max"));
            let now = machine.number(&format!("{directory}/pids.current"));
            if let (Some(most), Some(now)) = (most, now)
                && now >= most
            {
                return Some(
                    Finding::new(format!(
                        "the cgroup has {now} processes and may have {most} ({directory}/pids.max)"
                    ))
                    .try_this("end some, or raise that limit (systemd: TasksMax=)"),
                );
            }
            path = path.rsplit_once('/')?.0;
        }
    })
}

fn of_user(scene: &Scene<'_>) -> Option<Finding> {
    let (soft, _) = getrlimit(Resource::RLIMIT_NPROC).ok()?;
    let own = scene.asked.host.uid.0;
    let threads: u64 = std::fs::read_dir(scene.machine.path("/proc"))
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(|pid| scene.machine.read(&format!("/proc/{pid}/status")))
        .filter_map(|status| {
            let field = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name))?;
                line.split_whitespace().next()?.parse::<u32>().ok()
            };
            (field("Uid:")? == own).then(|| field("Threads:"))?
        })
        .map(u64::from)
        .sum();
    (threads + 1 >= soft).then(|| {
        Finding::new(format!("user {own} has {threads} processes and may have {soft} (ulimit -u)"))
            .try_this("end some, or raise the limit: ulimit -u, /etc/security/limits.conf")
    })
}

fn mount_limit(scene: &Scene<'_>) -> Option<Finding> {
    let most = scene.machine.number("/proc/sys/fs/mount-max")?;
    let now = scene.machine.mounts()?.len() as i64;
    // A start makes some fifty.
    (now + 64 >= most).then(|| {
        Finding::new(format!("there are {now} mounts here, and fs.mount-max is {most}"))
            .try_this("unmount some, or sudo sysctl -w fs.mount-max=100000")
    })
}

fn descriptor_limit(_: &Scene<'_>) -> Option<Finding> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    // nsctl opens about a dozen.
    (soft < 64
        || std::fs::read_dir("/proc/self/fd").is_ok_and(|all| all.count() as u64 + 16 > soft))
    .then(|| {
        Finding::new(format!("a process may have {soft} open files here (ulimit -n)"))
            .try_this(raised("n", "nofile", soft, hard, ENOUGH_FILES))
    })
}

const ENOUGH_FILES: u64 = 1024;

/// The image of nsinit is written to a file in memory.
fn file_size_limit(_: &Scene<'_>) -> Option<Finding> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_FSIZE).ok()?;
    (soft != RLIM_INFINITY).then(|| {
        Finding::new(format!("a file may have {soft} bytes here (ulimit -f)")).try_this(raised(
            "f",
            "fsize",
            soft,
            hard,
            RLIM_INFINITY,
        ))
    })
}

/// How a shell's limit is raised: by itself up to its hard one, further by root only.
fn raised(letter: &str, name: &str, soft: u64, hard: u64, enough: u64) -> String {
    let number = |limit| match limit {
        RLIM_INFINITY => "unlimited".to_string(),
        limit => limit.to_string(),
    };
    let most = hard.min(enough);
    match most > soft {
        true => format!("ulimit -S{letter} {}", number(most)),
        false => format!(
            "sudo prlimit --pid $$ --{name}={0}:{0} (the shell may not raise it itself: its hard \
             limit is {1})",
            number(enough.max(soft.saturating_mul(2))),
            number(hard)
        ),
    }
}
