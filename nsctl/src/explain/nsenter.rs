//! nsenter(1) of util-linux.

use nsshim::spec::Kind;

use super::draft::{Draft, Translation};
use super::options::Takes::{Maybe, Nothing, One};
use super::options::{Ours, Row, Style, read, row};

const TABLE: &[Row] = &[
    row(
        &["-t", "--target"],
        One,
        Ours::By(|draft, values| {
            draft.keep("target", &values[0]);
            format!("pid:{}", values[0])
        }),
    ),
    row(
        &["-a", "--all"],
        Nothing,
        Ours::By(|draft, _| {
            Kind::ALL.into_iter().for_each(|kind| enter(draft, kind, &[]));
            "every kind".into()
        }),
    ),
    row(&["-m", "--mount"], Maybe, Ours::By(|draft, values| one(draft, Kind::Mnt, values))),
    row(&["-u", "--uts"], Maybe, Ours::By(|draft, values| one(draft, Kind::Uts, values))),
    row(&["-i", "--ipc"], Maybe, Ours::By(|draft, values| one(draft, Kind::Ipc, values))),
    row(&["-n", "--net"], Maybe, Ours::By(|draft, values| one(draft, Kind::Net, values))),
    row(&["-p", "--pid"], Maybe, Ours::By(|draft, values| one(draft, Kind::Pid, values))),
    row(&["-U", "--user"], Maybe, Ours::By(|draft, values| one(draft, Kind::User, values))),
    row(&["-C", "--cgroup"], Maybe, Ours::By(|draft, values| one(draft, Kind::Cgroup, values))),
    row(&["-T", "--time"], Maybe, Ours::By(|draft, values| one(draft, Kind::Time, values))),
    row(
        &["-S", "--setuid"],
        One,
        Ours::By(|draft, values| {
            draft.keep("uid", &values[0]);
            format!("--user {}", values[0])
        }),
    ),
    row(
        &["-G", "--setgid"],
        One,
        Ours::By(|draft, values| {
            draft.keep("gid", &values[0]);
            format!("--user …:{}", values[0])
        }),
    ),
    row(
        &["-r", "--root"],
        Maybe,
        Ours::Not(
            "a mount namespace that is joined has its own root; of one that is shared it stays",
        ),
    ),
    row(
        &["-w", "--wd"],
        Maybe,
        Ours::By(|draft, values| match values.first() {
            Some(directory) => {
                draft.add(&["--workdir", directory]);
                format!("--workdir {directory}")
            }
            None => {
                draft.differs(
                    "--wd: the target's directory is not known to a run; name it: --workdir",
                );
                "-".into()
            }
        }),
    ),
    row(&["-W", "--wdns"], One, Ours::Word("--workdir")),
    row(&["-e", "--env"], Nothing, Ours::Not("name variables: -e NAME=VALUE")),
    row(
        &["-F", "--no-fork"],
        Nothing,
        Ours::Not(
            "there is always a fork: signals and the exit \
        status pass through",
        ),
    ),
    row(&["-Z", "--follow-context"], Nothing, Ours::Not("--selinux-label names a label")),
    row(&["-c", "--join-cgroup"], Nothing, Ours::Not("the command stays in the caller's cgroup")),
    row(
        &["--preserve-credentials"],
        Nothing,
        Ours::Anyway("who may not change groups and ids keeps them, without a flag"),
    ),
    row(
        &["--keep-caps"],
        Nothing,
        Ours::By(|draft, _| {
            draft.add(&["--cap-ambient", "ALL"]);
            "--cap-ambient ALL".into()
        }),
    ),
    row(&["--user-parent"], Nothing, Ours::Not("name a process of the parent: --userns pid:PID")),
    row(&["-N", "--net-socket"], One, Ours::Not("a namespace is named by a process or a file")),
];

const STYLE: Style = Style { tool: "nsenter", abbreviates: true };

/// Which kinds are joined is known before the target may be.
const TARGETS: &str = "pid:TARGET";

fn enter(draft: &mut Draft, kind: Kind, values: &[String]) {
    let which = match values.first() {
        Some(file) => format!("path:{file}"),
        None => TARGETS.into(),
    };
    draft.join(kind, which);
}

fn one(draft: &mut Draft, kind: Kind, values: &[String]) -> String {
    enter(draft, kind, values);
    match values.first() {
        Some(file) => format!("the {kind} namespace path:{file}"),
        None => format!("the {kind} namespace of the target"),
    }
}

/// Translates the words after `nsenter`.
pub fn translate(words: &[String]) -> Result<Translation, String> {
    let mut draft = Draft::default();
    draft.command = read(STYLE, TABLE, words, &mut draft)?;
    if draft.command.is_empty() {
        draft.command = vec!["sh".into()];
        draft.differs("without a command nsenter starts $SHELL");
    }
    match (draft.kept("uid"), draft.kept("gid")) {
        (None, None) => {}
        (uid, gid) => {
            let user = format!("{}:{}", uid.unwrap_or("0".into()), gid.unwrap_or("0".into()));
            draft.add(&["--user", &user]);
        }
    }
    draft.add(&["--privileged"]);
    draft.differs(
        "rights: nsenter takes none away, so --privileged; without it they are docker's defaults",
    );
    draft.differs("a target's pid is pinned before it is used: a later process with it is refused");
    draft.differs("descriptors from 3 on are closed; --preserve-fds N keeps some");
    let target = draft.kept("target");
    let mut done = draft.finish();
    let joins_target = done.line.iter().any(|word| word == TARGETS);
    match target {
        Some(pid) => done.line.iter_mut().filter(|word| *word == TARGETS).for_each(|word| {
            *word = format!("pid:{pid}");
        }),
        None if joins_target => return Err("nsenter: no target PID is given (--target)".into()),
        None => {}
    }
    Ok(done)
}
