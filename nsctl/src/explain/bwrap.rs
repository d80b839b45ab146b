//! bwrap(1), bubblewrap.

use nsshim::spec::Kind;

use super::draft::{Draft, Translation};
use super::options::Takes::{Nothing, One, Two};
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
    row(
        &["--proc"],
        One,
        Ours::By(|draft, values| match values[0].as_str() {
            "/proc" => "so anyway: /proc is the container's own".into(),
            path => {
                draft.add(&["--mount", &format!("type=proc,dst={path}")]);
                format!("--mount type=proc,dst={path}")
            }
        }),
    ),
    row(
        &["--dev"],
        One,
        Ours::By(|draft, values| match values[0].as_str() {
            "/dev" => "so anyway: /dev is the container's own".into(),
            path => {
                draft.differs(format!("--dev {path}: the own devices are in /dev"));
                "-".into()
            }
        }),
    ),
    row(
        &["--tmpfs"],
        One,
        Ours::By(|draft, values| {
            let text =
                format!("{}:mode={},exec", values[0], draft.kept("perms").unwrap_or("755".into()));
            draft.add(&["--tmpfs", &text]);
            format!("--tmpfs {text}")
        }),
    ),
    row(
        &["--perms"],
        One,
        Ours::By(|draft, values| {
            draft.keep("perms", &values[0]);
            "the mode of what follows".into()
        }),
    ),
    row(&["--size"], One, Ours::Not("--tmpfs DST:size=BYTES")),
    row(
        &["--mqueue"],
        One,
        Ours::By(|draft, values| {
            draft.add(&["--mount", &format!("type=mqueue,dst={}", values[0])]);
            format!("--mount type=mqueue,dst={}", values[0])
        }),
    ),
    row(
        &["--dir"],
        One,
        Ours::By(|draft, values| {
            let text = format!("{}:mode=755", values[0]);
            draft.add(&["--tmpfs", &text]);
            format!("--tmpfs {text}")
        }),
    ),
    row(
        &["--symlink"],
        Two,
        Ours::By(|draft, values| {
            let text = format!("{}={}", values[1], values[0]);
            draft.add(&["--symlink", &text]);
            format!("--symlink {text}")
        }),
    ),
    row(
        &["--file", "--bind-data", "--ro-bind-data"],
        Two,
        Ours::Not("--file DST=CONTENT, or --file DST=- with standard input"),
    ),
    row(&["--chmod"], Two, Ours::Not("a --tmpfs has mode=OCTAL")),
    row(&["--overlay-src"], One, Ours::Not("--overlay-lower DIR, for the root")),
    row(&["--overlay"], Two, Ours::Not("--overlay=DIR, for the root; -v SRC:DST:O for others")),
    row(&["--tmp-overlay", "--ro-overlay"], One, Ours::Not("-v SRC:DST:O")),
    row(&["--cap-add"], One, Ours::Word("--cap-add")),
    row(&["--cap-drop"], One, Ours::Word("--cap-drop")),
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
            uid.inspect(|uid| draft.add(&["--map-user", uid]));
            gid.inspect(|gid| draft.add(&["--map-group", gid]));
        }
    }
    if !draft.has("--cap-add") {
        draft.add_once(&["--cap-drop", "ALL"]);
    }
    draft.add(&["--seccomp", "unconfined"]);
    draft.differs(
        "rights: bwrap takes all capabilities from a user and filters no system call; leave \
         --seccomp away for docker's policy",
    );
    draft.differs("/proc, /dev and /sys are always there, and parts of /proc hidden or read-only");
    draft.differs("TIOCSTI: at a terminal the command gets one of its own, with job control");
    draft.differs("signals sent to nsctl reach the command, and its exit status is kept");
    draft.differs("bwrap's …-try options leave out what is missing; nsctl says so and ends");
    Ok(draft.finish())
}

fn bind(draft: &mut Draft, values: &[String], option: &str) -> String {
    let [source, target] = values else { return "-".into() };
    if target == "/" {
        draft.keep("root", source);
        let mut ours = vec!["the root"];
        if source != "/" {
            draft.add(&["--rootfs", source]);
            ours = vec!["--rootfs", source];
        }
        if option == "ro" {
            draft.add(&["--read-only"]);
            ours.push("--read-only");
        }
        return ours.join(" ");
    }
    let (word, text) = if [source, target].iter().any(|path| path.contains([':', ','])) {
        let option = if option.is_empty() { String::new() } else { format!(",{option}") };
        ("--mount", format!("type=bind,src={source},dst={target}{option}"))
    } else {
        let option = if option.is_empty() { String::new() } else { format!(":{option}") };
        ("-v", format!("{source}:{target}{option}"))
    };
    draft.add(&[word, &text]);
    format!("{word} {text}")
}
