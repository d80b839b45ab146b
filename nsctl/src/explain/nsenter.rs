//! nsenter(1) of util-linux, whose words `nsctl enter` takes.

use super::draft::{Draft, Translation};
use super::options::Takes::{Maybe, Nothing, One};
use super::options::{Ours, Row, Style, read, row};

const TABLE: &[Row] = &[
    row(&["-t", "--target"], One, Ours::Word("--target")),
    row(&["-a", "--all"], Nothing, Ours::Word("--all")),
    row(&["-m", "--mount"], Maybe, Ours::By(|draft, values| own(draft, "--mount", values))),
    row(&["-u", "--uts"], Maybe, Ours::By(|draft, values| own(draft, "--uts", values))),
    row(&["-i", "--ipc"], Maybe, Ours::By(|draft, values| own(draft, "--ipc", values))),
    row(&["-n", "--net"], Maybe, Ours::By(|draft, values| own(draft, "--net", values))),
    row(&["-p", "--pid"], Maybe, Ours::By(|draft, values| own(draft, "--pid", values))),
    row(&["-U", "--user"], Maybe, Ours::By(|draft, values| own(draft, "--user", values))),
    row(&["-C", "--cgroup"], Maybe, Ours::By(|draft, values| own(draft, "--cgroup", values))),
    row(&["-T", "--time"], Maybe, Ours::By(|draft, values| own(draft, "--time", values))),
    row(&["-r", "--root"], Maybe, Ours::By(|draft, values| place(draft, "--root", values))),
    row(&["-w", "--wd"], Maybe, Ours::By(|draft, values| place(draft, "--wd", values))),
    row(&["-W"], One, Ours::By(|draft, values| word(draft, "--wd", values))),
    row(&["--wdns"], Maybe, Ours::By(|draft, values| word(draft, "--wd", values))),
    row(&["-e", "--env"], Nothing, Ours::Word("--env")),
    row(&["-S", "--setuid"], One, Ours::Word("--setuid")),
    row(&["-G", "--setgid"], One, Ours::Word("--setgid")),
    row(&["--preserve-credentials"], Nothing, Ours::Word("--preserve-credentials")),
    row(&["--keep-caps"], Nothing, Ours::Word("--keep-caps")),
    row(&["--user-parent"], Nothing, Ours::Word("--user-parent")),
    row(
        &["-F", "--no-fork"],
        Nothing,
        Ours::Not("there is always a fork: signals and the exit status pass through"),
    ),
    row(&["-Z", "--follow-context"], Nothing, Ours::Not("the security label stays the caller's")),
    row(&["-c", "--join-cgroup"], Nothing, Ours::Word("--join-cgroup")),
    row(&["-N", "--net-socket"], One, Ours::Word("--net-socket")),
];

const STYLE: Style = Style { tool: "nsenter", abbreviates: true, switches: false };

/// A namespace, of the target or a file.
fn own(draft: &mut Draft, name: &str, values: &[String]) -> String {
    if let Some(file) = values.first() {
        draft.keep("file", file);
    }
    word(draft, name, values)
}

/// A directory, of the target or the caller's.
fn place(draft: &mut Draft, name: &str, values: &[String]) -> String {
    if let Some(directory) = values.first() {
        draft.keep("ours", directory);
    }
    word(draft, name, values)
}

/// A value stands behind `=`.
fn word(draft: &mut Draft, name: &str, values: &[String]) -> String {
    let text = match values.first() {
        Some(value) => format!("{name}={value}"),
        None => name.to_string(),
    };
    draft.add(&[&text]);
    text
}

/// Translates the words after `nsenter`.
pub fn translate(words: &[String]) -> Result<Translation, String> {
    let mut draft = Draft::default();
    draft.command = read(STYLE, &[TABLE], words, &mut draft)?;
    draft.differs("the target is pinned by a descriptor: a later process with its pid is refused");
    draft.differs(
        "as the same unprivileged user it needs no --preserve-credentials, and nested user namespaces \
         are entered in the right order",
    );
    draft
        .differs("at a terminal the command gets one of its own; descriptors from 3 on are closed");
    if draft.kept("ours").is_some() {
        draft.differs(
            "--root, --wd: nsenter opens the directory before it enters, so it is one of the caller's; \
             ours is looked up inside",
        );
    }
    if !draft.has("--target") && draft.kept("file").is_none() {
        return Err("nsenter: no target PID is given (--target)".into());
    }
    Ok(draft.finish_as("enter"))
}
