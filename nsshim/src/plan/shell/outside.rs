//! The outside: joins, new namespaces, and what must be done from there.

use std::fmt::Write;

use super::words::{quoted, user};
use crate::plan::Plan;
use crate::spec::{IdKind, IdMap, IdMaps, Joined, Kind, Persist, Setgroups, TimeOffsets};
use crate::step::{Inside, Outside};

pub fn script(plan: &Plan) -> String {
    let mut script = groups(plan);
    if plan.outside.is_empty() {
        return script + &alone(plan);
    }
    let _ = writeln!(
        script,
        "# The namespaces wait until what only the outside can do is done.\n\
         fifos=$(mktemp -d)\n\
         mkfifo \"$fifos/made\" \"$fifos/go\"\n\
         chmod 711 \"$fifos\"; chmod 666 \"$fifos/made\" \"$fifos/go\"\n\
         exec 3<&0\n\
         {{\n    \
             status=0\n    \
             {} \\\n        \
             sh -euc 'echo $$ > \"$2/made\"; read _ < \"$2/go\"; exec {} sh -euc \"$1\"' \\\n        \
             sh \"$inside\" \"$fifos\" <&3 3<&- || status=$?\n    \
             [ ! -e \"$fifos/made\" ] || echo 0 > \"$fifos/made\"\n    \
             exit $status\n\
         }} &\n\
         read child < \"$fifos/made\"\n\
         rm \"$fifos/made\"\n\
         if [ \"$child\" -ne 0 ]; then",
        chain(plan, false),
        fork(plan),
    );
    for step in &plan.outside {
        match step {
            Outside::WriteMaps(maps) => write_maps(&mut script, maps),
            Outside::MapWithHelpers(maps) => helpers(&mut script, maps),
            Outside::Persist(persist) => keep(&mut script, persist),
            other => {
                let _ = writeln!(script, "    # no command: {other}");
            }
        }
    }
    script += "    echo > \"$fifos/go\"\nfi\nstatus=0\nwait $! || status=$?\nrm -r \"$fifos\"\nexit $status\n";
    script
}

/// The script itself goes in, and what it starts with it.
fn groups(plan: &Plan) -> String {
    let mut script = String::new();
    for step in &plan.each {
        let Outside::Group { group, own } = step else { continue };
        let path = quoted(&group.path().to_string_lossy());
        if *own {
            let _ = writeln!(script, "# Afterwards: rmdir {path}\nmkdir {path}");
        }
        let _ = writeln!(script, "echo $$ > {path}/cgroup.procs\n");
    }
    script
}

fn alone(plan: &Plan) -> String {
    format!("exec {} {}sh -euc \"$inside\"\n", chain(plan, true), become_first(plan))
}

/// The words that put what follows them into its namespaces.
fn chain(plan: &Plan, forks: bool) -> String {
    let mut words: Vec<String> = Vec::new();
    for step in &plan.before {
        if let Outside::Lock(directory) = step {
            words.push(format!("flock --nonblock {}", quoted(&directory.to_string_lossy())));
        }
    }
    if plan.before.iter().any(|step| matches!(step, Outside::DropGroups)) {
        words.push("setpriv --clear-groups".into());
    }
    let joins: Vec<String> = plan
        .before
        .iter()
        .filter_map(|step| match step {
            Outside::Join(kind, joined) => Some(join(*kind, joined)),
            _ => None,
        })
        .chain(plan.early.iter().filter_map(|step| match step {
            Inside::Join(kind, joined) => Some(join(*kind, joined)),
            _ => None,
        }))
        .collect();
    if !joins.is_empty() {
        words.push(format!("nsenter {}", joins.join(" ")));
        if plan.before.iter().any(|step| matches!(step, Outside::Join(Kind::User, _))) {
            words.push("--preserve-credentials".into());
        }
    }
    words.push("unshare".into());
    words.extend(
        Kind::ALL
            .into_iter()
            .filter(|kind| plan.clone.contains(kind.flag()))
            .map(|kind| kind.unshare_option().to_string()),
    );
    if plan.early.iter().any(|step| matches!(step, Inside::CgroupNamespace)) {
        words.push(Kind::Cgroup.unshare_option().into());
    }
    words.extend(own_map(plan));
    if plan.is_new_user() {
        // Else execve takes the rights in the new namespace from who is not root there.
        words.push("--keep-caps".into());
    }
    words.extend(time(plan));
    if plan.clone.contains(Kind::Mnt.flag()) {
        words.push("--propagation unchanged".into());
    }
    if forks {
        words.push("--fork --kill-child".into());
    }
    words.join(" ")
}

/// A second step into the namespaces that only children get.
fn fork(plan: &Plan) -> String {
    format!("{}unshare --fork --kill-child", become_first(plan))
}

fn become_first(plan: &Plan) -> String {
    match plan.first_identity() {
        None => String::new(),
        Some(first) if first.uid.0 == 0 => format!("setpriv {} ", user(first)),
        Some(first) => {
            format!("setpriv {} --inh-caps +all --ambient-caps +all ", user(first))
        }
    }
}

fn join(kind: Kind, joined: &Joined) -> String {
    let path = joined.path.display().to_string();
    // The kernel shows the owner of a namespace by an ioctl only; that of the
    // process is the same in all but odd cases.
    let owned = path.strip_prefix("(owner of ").and_then(|rest| rest.strip_suffix(')'));
    let path = match owned.and_then(|path| path.rsplit_once('/')) {
        Some((directory, _)) => format!("{directory}/user"),
        None => path,
    };
    format!("{}={}", kind.unshare_option(), quoted(&path))
}

/// A single id is mapped by unshare(1) itself.
fn own_map(plan: &Plan) -> Option<String> {
    plan.inside.iter().find_map(|step| match step {
        Inside::MapSelf(maps) => {
            let one = |lines: &[IdMap], option: &str| {
                lines.first().map(|line| format!("{option}={}", line.inside.0))
            };
            let words = [one(&maps.users, "--map-user"), one(&maps.groups, "--map-group")];
            Some(words.into_iter().flatten().collect::<Vec<_>>().join(" "))
        }
        _ => None,
    })
}

fn time(plan: &Plan) -> Option<String> {
    let offsets = plan.offsets()?;
    let seconds = |nanoseconds: i128| nanoseconds.div_euclid(1_000_000_000);
    let mut words = vec!["--time".to_string()];
    if offsets.monotonic != 0 {
        words.push(format!("--monotonic={}", seconds(offsets.monotonic)));
    }
    if offsets.boottime != 0 {
        words.push(format!("--boottime={}", seconds(offsets.boottime)));
    }
    Some(words.join(" "))
}

fn write_maps(script: &mut String, maps: &IdMaps) {
    deny(script, maps);
    for (file, lines) in [("uid_map", &maps.users), ("gid_map", &maps.groups)] {
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        if !lines.is_empty() {
            // The kernel takes a map only in one write: dd, not the shell.
            let _ = writeln!(
                script,
                "    printf '{}\\n' | dd of=/proc/$child/{file} bs=64k status=none",
                lines.join("\\n")
            );
        }
    }
}

fn helpers(script: &mut String, maps: &IdMaps) {
    deny(script, maps);
    for kind in [IdKind::User, IdKind::Group] {
        let lines: Vec<String> = maps.lines(kind).iter().map(ToString::to_string).collect();
        let _ = writeln!(script, "    {} \"$child\" {}", kind.helper(), lines.join(" "));
    }
}

fn deny(script: &mut String, maps: &IdMaps) {
    if maps.setgroups == Setgroups::Deny {
        script.push_str("    echo deny > /proc/$child/setgroups\n");
    }
}

fn keep(script: &mut String, persist: &Persist) {
    let path = quoted(&persist.path.display().to_string());
    let file = persist.kind.children_file();
    let _ = writeln!(script, "    [ -e {path} ] || : > {path}");
    let _ = writeln!(script, "    mount --bind /proc/$child/ns/{file} {path}");
}

impl Plan {
    /// The offsets of a new time namespace.
    pub(super) fn offsets(&self) -> Option<TimeOffsets> {
        let inside = self.early.iter().chain(&self.inside).find_map(|step| match step {
            Inside::Time(offsets) => Some(*offsets),
            _ => None,
        });
        let outside = self.before.iter().find_map(|step| match step {
            Outside::Time(offsets) => Some(*offsets),
            _ => None,
        });
        inside.or(outside)
    }
}
