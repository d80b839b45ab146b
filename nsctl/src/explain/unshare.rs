//! unshare(1) of util-linux.

use nsshim::spec::Kind;

use super::draft::{Draft, Translation};
use super::options::Takes::{MaybeLong, Nothing, One};
use super::options::{Ours, Row, Style, read, row};

const TABLE: &[Row] = &[
    row(&["-m", "--mount"], MaybeLong, Ours::New(Kind::Mnt)),
    row(&["-u", "--uts"], MaybeLong, Ours::New(Kind::Uts)),
    row(&["-i", "--ipc"], MaybeLong, Ours::New(Kind::Ipc)),
    row(&["-n", "--net"], MaybeLong, Ours::New(Kind::Net)),
    row(&["-p", "--pid"], MaybeLong, Ours::New(Kind::Pid)),
    row(&["-U", "--user"], MaybeLong, Ours::New(Kind::User)),
    row(&["-C", "--cgroup"], MaybeLong, Ours::New(Kind::Cgroup)),
    row(&["-T", "--time"], MaybeLong, Ours::New(Kind::Time)),
    row(
        &["-f", "--fork"],
        Nothing,
        Ours::By(|draft, _| {
            draft.keep("fork", "");
            "so anyway: the command is always a process of its own".into()
        }),
    ),
    row(&["--mount-proc"], MaybeLong, Ours::By(mount_proc)),
    row(&["-r", "--map-root-user"], Nothing, Ours::By(|draft, _| map(draft, &["--map-root-user"]))),
    row(&["-c", "--map-current-user"], Nothing, Ours::By(|draft, _| map(draft, &["--keep-id"]))),
    row(&["--map-user"], One, Ours::By(|draft, values| map(draft, &["--map-user", &values[0]]))),
    row(&["--map-group"], One, Ours::By(|draft, values| map(draft, &["--map-group", &values[0]]))),
    row(
        &["--map-users"],
        One,
        Ours::By(|draft, values| map(draft, &["--map-users", &range(&values[0])])),
    ),
    row(
        &["--map-groups"],
        One,
        Ours::By(|draft, values| map(draft, &["--map-groups", &range(&values[0])])),
    ),
    row(&["--map-auto"], Nothing, Ours::By(|draft, _| map(draft, &["--map-auto"]))),
    row(
        &["--map-subids"],
        Nothing,
        Ours::By(|draft, _| map(draft, &["--map-users", "subids", "--map-groups", "subids"])),
    ),
    row(&["--setgroups"], One, Ours::Word("--setgroups")),
    row(&["--propagation"], One, Ours::Word("--propagation")),
    row(&["-R", "--root"], One, Ours::By(root)),
    row(&["-w", "--wd"], One, Ours::Word("--workdir")),
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
        &["--kill-child"],
        MaybeLong,
        Ours::Anyway("nothing survives, whichever process of ours is killed"),
    ),
    row(
        &["--forward-signals"],
        Nothing,
        Ours::Anyway("every signal that can be caught reaches the command"),
    ),
    row(&["--monotonic"], One, Ours::By(|draft, values| clock(draft, "--monotonic", &values[0]))),
    row(&["--boottime"], One, Ours::By(|draft, values| clock(draft, "--boottime", &values[0]))),
    row(
        &["--keep-caps"],
        Nothing,
        Ours::By(|draft, _| {
            draft.add(&["--cap-ambient", "ALL"]);
            "--cap-ambient ALL".into()
        }),
    ),
    row(&["-l", "--load-interp"], One, Ours::Not("nsctl registers no interpreters (binfmt_misc)")),
];

const STYLE: Style = Style { tool: "unshare", abbreviates: true, switches: false };

/// Translates the words after `unshare`.
pub fn translate(words: &[String]) -> Result<Translation, String> {
    let mut draft = Draft::default();
    draft.command = read(STYLE, &[TABLE], words, &mut draft)?;
    if draft.command.is_empty() {
        draft.command = vec!["sh".into()];
        draft.differs("without a command unshare starts $SHELL");
    }
    if draft.is_new(Kind::User) && !MAPS.iter().any(|word| draft.has(word)) {
        draft.add(&["--map-users", "none", "--map-groups", "none"]);
    }
    match (draft.kept("uid"), draft.kept("gid")) {
        (None, None) => {}
        (uid, gid) => {
            let user = format!("{}:{}", uid.unwrap_or("0".into()), gid.unwrap_or("0".into()));
            draft.add(&["--user", &user]);
            draft.differs(
                "--setuid, --setgid: with --map-root-user unshare fails at them, for setgroups is denied",);
        }
    }
    draft.add(&["--privileged"]);
    map_differences(&mut draft);
    differences(&mut draft);
    Ok(draft.finish())
}

const MAPS: [&str; 7] = [
    "--map-root-user",
    "--keep-id",
    "--map-user",
    "--map-group",
    "--map-users",
    "--map-groups",
    "--map-auto",
];

/// Who the command is when the maps do not say.
fn map_differences(draft: &mut Draft) {
    let whole = ["--map-root-user", "--keep-id"].iter().any(|word| draft.has(word));
    match (draft.has("--map-user"), draft.has("--map-group")) {
        _ if whole => {}
        (true, false) => draft.differs(
            "--map-user without a group: unshare's command has none (65534), ours has 0; --map-group",
        ),
        (false, true) => draft.differs(
            "--map-group without a user: unshare's command has none (65534), ours is 0; --map-user",
        ),
        (false, false)
            if draft.kept("uid").is_none()
                && ["--map-auto", "--map-users"].iter().any(|word| draft.has(word)) =>
        {
            draft.differs(
                "who it runs as: the caller is in none of these ids, so unshare's command is 65534; \
                 ours becomes the first of them",
            );
        }
        _ => {}
    }
}

fn differences(draft: &mut Draft) {
    draft.differs(
        "rights: unshare takes none away, so --privileged; without it they are docker's defaults",
    );
    if draft.is_new(Kind::Pid) {
        draft.differs(
            "the command is PID 2 under an init that reaps and passes signals on; --no-init makes it \
             PID 1",
        );
        if draft.kept("fork").is_none() {
            draft.differs(
                "without --fork unshare's command stays in the old PID namespace, and its first child \
                 becomes PID 1, whose end makes every later fork fail (ENOMEM)",
            );
        }
    } else {
        draft.differs("the command is a child of an init of ours; unshare becomes the command");
    }
    if draft.is_new(Kind::Mnt) {
        draft.differs("/dev is the container's own, with terminals of its own");
        match (draft.is_new(Kind::Pid), draft.kept("proc").is_some()) {
            (true, false) => draft.differs(
                "/proc shows the processes inside; with unshare it is the old one without \
                 --mount-proc",
            ),
            (false, true) => draft.differs("--mount-proc without --pid: /proc is bound as it is"),
            _ => {}
        }
    }
    if draft.is_new(Kind::Net) {
        draft.differs("lo is up");
    }
    draft.differs("descriptors from 3 on are closed; --preserve-fds N keeps some");
}

fn mount_proc(draft: &mut Draft, values: &[String]) -> String {
    draft.new_namespace(Kind::Mnt);
    draft.keep("proc", "");
    match values.first().map(|path| path.trim_end_matches('/')) {
        Some(path) if path != "/proc" => {
            draft.add(&["--mount", &format!("type=proc,dst={path}")]);
            format!("a new mount namespace, --mount type=proc,dst={path}")
        }
        _ => "a new mount namespace, whose /proc fits the PID namespace anyway".into(),
    }
}

/// All maps imply --user.
fn map(draft: &mut Draft, words: &[&str]) -> String {
    draft.new_namespace(Kind::User);
    draft.add(words);
    words.join(" ")
}

/// util-linux before 2.39 has `outer,inner,count`, later `inner:outer:count`.
fn range(value: &str) -> String {
    let fields: Vec<&str> = value.split(',').collect();
    match fields[..] {
        [outer, inner, count] => format!("{inner}:{outer}:{count}"),
        _ => value.into(),
    }
}

fn root(draft: &mut Draft, values: &[String]) -> String {
    draft.new_namespace(Kind::Mnt);
    draft.add(&["--rootfs", &values[0]]);
    draft.differs(
        "--root: unshare changes it by chroot(2), from which root inside can break out; nsctl makes a \
         mount namespace for it and leaves the host's tree by pivot_root(2)",
    );
    format!("--rootfs {}", values[0])
}

fn clock(draft: &mut Draft, word: &'static str, value: &str) -> String {
    draft.new_namespace(Kind::Time);
    draft.add(&[word, value]);
    format!("{word} {value}")
}
