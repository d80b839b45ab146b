//! Why the process cannot be set up as asked: limits, nice value, directory, arguments, ids.

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};
use nsshim::spec::{Kind, Workdir};

use super::access::{self, Obstacle};
use super::namespaces::{covers, mapped};
use super::view::Place;
use super::{Cause, Scene, call_name};
use crate::error::Finding;

pub const CAUSES: &[Cause] = &[
    Cause {
        name: "open-files-maximum",
        explains: |failure| call_name(failure) == "setrlimit" && failure.errno == Errno::EPERM,
        look: open_files_maximum,
    },
    Cause {
        name: "hard-limit",
        explains: |failure| call_name(failure) == "setrlimit" && failure.errno == Errno::EPERM,
        look: hard_limit,
    },
    Cause {
        name: "nice-limit",
        explains: |failure| call_name(failure) == "setpriority" && failure.errno == Errno::EACCES,
        look: nice_limit,
    },
    Cause {
        name: "oom-score",
        explains: |failure| {
            failure.call.contains("oom_score_adj") && failure.errno == Errno::EACCES
        },
        look: oom_score,
    },
    Cause {
        name: "key-quota",
        explains: |failure| call_name(failure) == "keyctl" && failure.errno == Errno::EDQUOT,
        look: key_quota,
    },
    Cause { name: "workdir", explains: |failure| call_name(failure) == "chdir", look: workdir },
    Cause {
        name: "memfd-noexec",
        explains: |failure| {
            let executes = matches!(call_name(failure), "memfd_create" | "execveat");
            (executes && failure.errno == Errno::EACCES) || failure.step == "prepare nsinit"
        },
        look: memfd_noexec,
    },
    Cause {
        name: "too-long-string",
        explains: |failure| failure.errno == Errno::E2BIG,
        look: too_long_string,
    },
    Cause {
        name: "too-many-strings",
        explains: |failure| failure.errno == Errno::E2BIG,
        look: too_many_strings,
    },
    Cause {
        name: "setgroups-denied",
        explains: |failure| call_name(failure) == "setgroups" && failure.errno == Errno::EPERM,
        look: setgroups_denied,
    },
    Cause {
        name: "id-not-mapped",
        explains: |failure| {
            matches!(call_name(failure), "setresuid" | "setresgid" | "setgroups")
                && failure.errno == Errno::EINVAL
        },
        look: id_not_mapped,
    },
];

fn shown(value: u64) -> String {
    if value == nix::sys::resource::RLIM_INFINITY { "unlimited".into() } else { value.to_string() }
}

fn open_files_maximum(scene: &Scene<'_>) -> Option<Finding> {
    let most = u64::try_from(scene.machine.number("/proc/sys/fs/nr_open")?).ok()?;
    let files = |limit: &&nsshim::spec::Rlimit| limit.resource == Resource::RLIMIT_NOFILE;
    let limit = scene.asked.rlimits.iter().filter(files).find(|limit| limit.hard > most)?;
    scene.failure.call.contains("NOFILE").then(|| {
        Finding::new(format!(
            "{} is above fs.nr_open, {most}, the most for any process",
            shown(limit.hard)
        ))
        .try_this(format!("--rlimit nofile={most}"))
    })
}

/// In a user namespace CAP_SYS_RESOURCE does not help: the limits are the machine's.
fn hard_limit(scene: &Scene<'_>) -> Option<Finding> {
    scene.asked.rlimits.iter().find_map(|limit| {
        if !scene.failure.call.contains(&format!("{:?}", limit.resource)) {
            return None;
        }
        let (_, hard) = getrlimit(limit.resource).ok()?;
        (limit.hard > hard).then(|| {
            Finding::new(format!(
                "the hard limit here is {}, and raising it needs CAP_SYS_RESOURCE on the host",
                shown(hard)
            ))
            .try_this(format!(
                "a limit up to {}, or raise it for the login: /etc/security/limits.conf",
                shown(hard)
            ))
        })
    })
}

fn nice_limit(scene: &Scene<'_>) -> Option<Finding> {
    let asked = scene.asked.nice?;
    // RLIMIT_NICE counts from 1 for nice 19 to 40 for -20.
    let (soft, _) = getrlimit(Resource::RLIMIT_NICE).ok()?;
    let lowest = 20 - i32::try_from(soft.min(40)).ok()?;
    (asked < lowest).then(|| {
        Finding::new(
            "a nice value below the own needs CAP_SYS_NICE on the host, or RLIMIT_NICE (ulimit -e)",
        )
        .try_this("a higher value, or sudo nsctl run …")
    })
}

fn oom_score(scene: &Scene<'_>) -> Option<Finding> {
    let asked = scene.asked.oom_score_adj?;
    let ours = scene.machine.number("/proc/self/oom_score_adj")?;
    (i64::from(asked) < ours).then(|| {
        Finding::new(format!("less than the caller's, {ours}, needs CAP_SYS_RESOURCE on the host"))
            .try_this(format!("--oom-score-adj {ours} or more, or sudo nsctl run …"))
    })
}

fn key_quota(scene: &Scene<'_>) -> Option<Finding> {
    let root = scene.asked.host.uid.0 == 0;
    let name = if root { "root_maxkeys" } else { "maxkeys" };
    let most = scene.machine.number(&format!("/proc/sys/kernel/keys/{name}"))?;
    Some(
        Finding::new(format!(
            "user {} has all the keys it may have: kernel.keys.{name} is {most}",
            scene.asked.host.uid.0
        ))
        .try_this(format!("sudo sysctl -w kernel.keys.{name}={}, or --keep-keyring", most * 10)),
    )
}

fn workdir(scene: &Scene<'_>) -> Option<Finding> {
    let Workdir::Set(path) = &scene.asked.workdir else { return None };
    let path = match scene.asked.view.find(path) {
        Place::Host(path) => path,
        Place::Missing(root) => {
            let told = format!("there is no {} in {}", path.display(), root.display());
            return Some(Finding::new(told).try_this("--workdir DIR with one that is there"));
        }
        Place::Unknown => {
            return path.is_dir().then(|| {
                Finding::new(format!(
                    "{} is the host's; the container has a file system of its own there",
                    path.display()
                ))
            });
        }
    };
    // One more component, so that the directory itself must be entered too.
    let below = path.join("x");
    let told = match scene.failure.errno {
        // It is entered before the user changes; what is closed is not the reason here.
        Errno::ENOENT | Errno::ENOTDIR => {
            let absent = access::absent(&below)?;
            (absent != Obstacle::Missing(below)).then(|| absent.told(&scene.asked.ids))?
        }
        Errno::EACCES => [&scene.asked.starter, &scene.asked.ids]
            .into_iter()
            .find_map(|ids| Some(access::closed(&below, ids)?.told(ids)))?,
        _ => return None,
    };
    Some(Finding::new(told).try_this("--workdir DIR with one that it may enter"))
}

fn memfd_noexec(scene: &Scene<'_>) -> Option<Finding> {
    (scene.machine.number("/proc/sys/vm/memfd_noexec")? == 2).then(|| {
        Finding::new(
            "programs in memory may not be executed here (vm.memfd_noexec is 2), so nsinit needs a \
             mount, which only the owner of the mount namespace can make",
        )
        .try_this("sudo sysctl -w vm.memfd_noexec=1, or --no-init")
    })
}

/// MAX_ARG_STRLEN, include/uapi/linux/binfmts.h, with the zero byte at the end.
const MAX_STRING: usize = 128 * 1024 - 1;

fn too_long_string(scene: &Scene<'_>) -> Option<Finding> {
    let text = scene.asked.strings.iter().find(|text| text.count_bytes() > MAX_STRING)?;
    let start: String = text.to_string_lossy().chars().take(20).collect();
    Some(
        Finding::new(format!(
            "the word {start}… has {} bytes; the kernel takes at most {MAX_STRING} in one \
             argument or variable",
            text.count_bytes()
        ))
        .try_this("a file instead"),
    )
}

/// A quarter of the stack, at most 6 MiB, is for arguments and environment. execve(2)
fn too_many_strings(scene: &Scene<'_>) -> Option<Finding> {
    if scene.asked.strings.iter().any(|text| text.count_bytes() > MAX_STRING) {
        return None;
    }
    let of_stack = |limit: &&nsshim::spec::Rlimit| limit.resource == Resource::RLIMIT_STACK;
    let stack = match scene.asked.rlimits.iter().rfind(of_stack) {
        Some(limit) => limit.soft,
        None => getrlimit(Resource::RLIMIT_STACK).ok()?.0,
    };
    let most = (stack / 4).clamp(128 * 1024, 6 * 1024 * 1024);
    let size = scene.asked.size as u64;
    // nsinit's own words and the pointers come on top.
    (size + 512 > most).then(|| {
        Finding::new(format!(
            "arguments and environment have {size} bytes; with a stack limit of {} the kernel \
             takes at most {most}",
            shown(stack)
        ))
        .try_this("fewer arguments, --clear-env, or --rlimit stack=unlimited")
    })
}

fn setgroups_denied(scene: &Scene<'_>) -> Option<Finding> {
    let denied =
        !scene.asked.has_new_user() && scene.machine.read("/proc/self/setgroups")?.trim() == "deny";
    denied.then(|| {
        Finding::new("setgroups is denied in this user namespace (/proc/self/setgroups)")
            .try_this("--keep-groups")
    })
}

fn id_not_mapped(scene: &Scene<'_>) -> Option<Finding> {
    let file = if call_name(scene.failure) == "setresuid" { "uid_map" } else { "gid_map" };
    let of = match scene.asked.joined.iter().find(|(kind, _)| *kind == Kind::User) {
        // /proc/PID/ns/user
        Some((_, path)) => path.parent()?.parent()?.join(file),
        None if scene.asked.has_new_user() => return None,
        None => format!("/proc/self/{file}").into(),
    };
    let text = scene.machine.read(&of.to_string_lossy())?;
    let map = mapped(&text);
    let numbers = scene.failure.call.split(|c: char| !c.is_ascii_digit());
    let id = numbers.filter_map(|word| word.parse().ok()).find(|&id: &u32| !covers(&map, id))?;
    let map: Vec<String> = map
        .iter()
        .map(|&(first, count)| format!("{first} to {}", u64::from(first) + u64::from(count) - 1))
        .collect();
    let map = if map.is_empty() { "none".into() } else { map.join(", ") };
    Some(
        Finding::new(format!(
            "{} {id} does not exist in that user namespace; {} has {map}",
            &file[..3],
            of.display()
        ))
        .try_this("--user with ids that exist there"),
    )
}
