//! bwrap(1), bubblewrap.

mod places;
mod rights;

use nsshim::spec::Kind;

use self::places::{bind, device_files, directory, proc, symlink, tmpfs};
use super::draft::{Draft, Translation};
use super::options::Takes::{Nothing, One, Three, Two};
use super::options::{Ours, Row, Style, read, row};

const FD: &str = "it names a descriptor of the caller's, and a line cannot carry what is in it";

const TABLE: &[Row] = &[
    row(&["--unshare-user", "--unshare-user-try"], Nothing, Ours::New(Kind::User)),
    row(&["--unshare-ipc"], Nothing, Ours::New(Kind::Ipc)),
    row(&["--unshare-pid"], Nothing, Ours::New(Kind::Pid)),
    row(&["--unshare-net"], Nothing, Ours::New(Kind::Net)),
    row(&["--unshare-uts"], Nothing, Ours::New(Kind::Uts)),
    row(&["--unshare-cgroup", "--unshare-cgroup-try"], Nothing, Ours::New(Kind::Cgroup)),
    row(
        &["--unshare-all"],
        Nothing,
        Ours::By(|draft, _| {
            Kind::ALL
                .into_iter()
                .filter(|kind| *kind != Kind::Time)
                .for_each(|kind| draft.new_namespace(kind));
            "all namespaces are new anyway".into()
        }),
    ),
    row(
        &["--share-net"],
        Nothing,
        Ours::By(|draft, _| {
            draft.share(Kind::Net);
            "--share net".into()
        }),
    ),
    row(
        &["--uid"],
        One,
        Ours::By(|draft, values| {
            draft.keep("uid", &values[0]);
            format!("--map-user {}", values[0])
        }),
    ),
    row(
        &["--gid"],
        One,
        Ours::By(|draft, values| {
            draft.keep("gid", &values[0]);
            format!("--map-group {}", values[0])
        }),
    ),
    row(&["--hostname"], One, Ours::Word("--hostname")),
    row(&["--chdir"], One, Ours::Word("--workdir")),
    row(
        &["--setenv"],
        Two,
        Ours::By(|draft, values| {
            let variable = values.join("=");
            draft.add(&["--env", &variable]);
            format!("--env {variable}")
        }),
    ),
    row(&["--unsetenv"], One, Ours::Not("variables are set, or all left out by --clear-env")),
    row(&["--clearenv"], Nothing, Ours::Word("--clear-env")),
    row(&["--bind", "--bind-try"], Two, Ours::By(|draft, values| bind(draft, values, ""))),
    row(
        &["--dev-bind", "--dev-bind-try"],
        Two,
        Ours::By(|draft, values| bind(draft, values, "dev")),
    ),
    row(&["--ro-bind", "--ro-bind-try"], Two, Ours::By(|draft, values| bind(draft, values, "ro"))),
    row(
        &["--remount-ro"],
        One,
        Ours::By(|draft, values| match values[0].as_str() {
            "/" => {
                draft.add_once(&["--read-only"]);
                "--read-only".into()
            }
            path => {
                draft.differs(format!("--remount-ro {path}: say ro where it is mounted"));
                "-".into()
            }
        }),
    ),
    row(&["--proc"], One, Ours::By(|draft, values| proc(draft, &values[0]))),
    row(&["--dev"], One, Ours::By(|draft, values| device_files(draft, &values[0]))),
    row(&["--tmpfs"], One, Ours::By(|draft, values| tmpfs(draft, &values[0]))),
    row(
        &["--perms"],
        One,
        Ours::By(|draft, values| {
            draft.keep("perms", &values[0]);
            "the mode of what follows".into()
        }),
    ),
    row(
        &["--size"],
        One,
        Ours::By(|draft, values| {
            draft.keep("size", &values[0]);
            "the size of the --tmpfs that follows".into()
        }),
    ),
    row(
        &["--mqueue"],
        One,
        Ours::By(|draft, values| {
            let text = format!("type=mqueue,dst={}", places::inside(&values[0]));
            draft.add(&["--mount", &text]);
            format!("--mount {text}")
        }),
    ),
    row(&["--dir"], One, Ours::By(|draft, values| directory(draft, &values[0]))),
    row(&["--symlink"], Two, Ours::By(|draft, values| symlink(draft, &values[0], &values[1]))),
    row(
        &["--file", "--bind-data", "--ro-bind-data"],
        Two,
        Ours::By(|draft, _| {
            draft.take("perms");
            draft.differs(
                "--file, --bind-data, --ro-bind-data: --file DST=CONTENT, or --file DST=- with standard \
                 input",
            );
            "-".into()
        }),
    ),
    row(&["--bind-fd", "--ro-bind-fd"], Two, Ours::Not(FD)),
    row(&["--chmod"], Two, Ours::Not("a --tmpfs has mode=OCTAL")),
    row(&["--overlay-src"], One, Ours::Not("--overlay-lower DIR, for the root")),
    row(&["--overlay"], Three, Ours::Not("--overlay=DIR, for the root; -v SRC:DST:O for others")),
    row(&["--tmp-overlay", "--ro-overlay"], One, Ours::Not("-v SRC:DST:O")),
    row(&["--cap-add"], One, Ours::By(|draft, values| rights::add(draft, &values[0]))),
    row(&["--cap-drop"], One, Ours::By(|draft, values| rights::drop(draft, &values[0]))),
    row(&["--die-with-parent"], Nothing, Ours::Anyway("nothing survives")),
    row(
        &["--new-session"],
        Nothing,
        Ours::Anyway("a session of its own, and at a terminal an own one with job control"),
    ),
    row(&["--as-pid-1"], Nothing, Ours::Word("--no-init")),
    row(&["--argv0"], One, Ours::Word("--argv0")),
    row(
        &["--disable-userns", "--assert-userns-disabled"],
        Nothing,
        Ours::Word("--no-nested-userns"),
    ),
    row(&["--exec-label"], One, Ours::Word("--selinux-label")),
    row(&["--file-label"], One, Ours::Not("mounts have no label of their own")),
    row(&["--lock-file"], One, Ours::Not("flock(1) before nsctl holds a lock as long")),
    row(&["--info-fd", "--json-status-fd"], One, Ours::Word("--status-fd")),
    row(
        &[
            "--args",
            "--userns",
            "--userns2",
            "--pidns",
            "--seccomp",
            "--add-seccomp-fd",
            "--sync-fd",
            "--block-fd",
            "--userns-block-fd",
        ],
        One,
        Ours::Not(FD),
    ),
];

const STYLE: Style = Style { tool: "bwrap", abbreviates: false, switches: false };

/// Translates the words after `bwrap`.
pub fn translate(words: &[String]) -> Result<Translation, String> {
    let mut draft = Draft::default();
    draft.new_namespace(Kind::Mnt);
    draft.new_namespace(Kind::User);
    draft.command = read(STYLE, &[TABLE], words, &mut draft)?;
    if draft.command.is_empty() {
        return Err("bwrap: no command is given".into());
    }
    if draft.kept("root").is_none() {
        draft.add(&["--rootfs", "none"]);
    }
    match (draft.kept("uid"), draft.kept("gid")) {
        (None, None) => draft.add(&["--keep-id"]),
        (uid, gid) => {
            if uid.is_none() || gid.is_none() {
                draft.differs(
                    "--uid without --gid, or --gid without --uid: bwrap keeps the caller's other number, \
                     which with nsctl is 0; --map-group and --map-user say another",
                );
            }
            uid.inspect(|uid| draft.add(&["--map-user", uid]));
            gid.inspect(|gid| draft.add(&["--map-group", gid]));
        }
    }
    rights::finish(&mut draft);
    draft.add(&["--seccomp", "unconfined"]);
    draft.differs(
        "rights: bwrap takes all capabilities from a user and filters no system call; leave \
         --seccomp away for docker's policy",
    );
    draft.differs(
        "as root bwrap makes a user namespace only for --unshare-user and takes no capability away: \
         there --privileged in place of --userns new, --keep-id, --cap-drop and --seccomp",
    );
    draft.differs("/proc, /dev and /sys are always there, and parts of /proc hidden or read-only");
    draft.differs("TIOCSTI: at a terminal the command gets one of its own, with job control");
    draft.differs("signals sent to nsctl reach the command, and its exit status is kept");
    draft.differs("bwrap's …-try options leave out what is missing; nsctl says so and ends");
    Ok(draft.finish())
}
