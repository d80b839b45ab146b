//! What is mounted or made where.

use super::Draft;

/// Where it is: bwrap takes it from the root on, also without a slash.
pub fn inside(path: &str) -> String {
    if path.starts_with('/') { path.into() } else { format!("/{path}") }
}

/// What was mounted so far, a line each: `bind /usr`, `tmpfs /run`.
const MOUNTED: &str = "mounted";

fn mounted(draft: &mut Draft, what: &str, target: &str) {
    let before = draft.kept(MOUNTED).unwrap_or_default();
    draft.keep(MOUNTED, &format!("{before}{what} {target}\n"));
}

/// Whether it lies in something of the host's.
fn of_the_hosts(draft: &Draft, path: &str) -> bool {
    let all = draft.kept(MOUNTED).unwrap_or_default();
    let last = all.lines().rev().filter_map(|line| line.split_once(' ')).find(|(_, target)| {
        let target = target.trim_end_matches('/');
        path.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    last.is_some_and(|(what, _)| what == "bind")
}

/// `--tmpfs`, with the mode and the size that were said before.
pub fn tmpfs(draft: &mut Draft, path: &str) -> String {
    let path = inside(path);
    let mode = draft.take("perms").unwrap_or("755".into());
    let size = draft.take("size").map(|size| format!(",size={size}")).unwrap_or_default();
    if path == "/" {
        if draft.kept("root").is_some() {
            draft.differs("--tmpfs / over another root: there is one root, the other");
            return "-".into();
        }
        return "so anyway: the root is empty".into();
    }
    let text = format!("{path}:mode={mode}{size},exec");
    draft.add(&["--tmpfs", &text]);
    mounted(draft, "tmpfs", &path);
    format!("--tmpfs {text}")
}

/// `--dir`: made where it is missing.
pub fn directory(draft: &mut Draft, path: &str) -> String {
    let path = inside(path);
    let mode = draft.take("perms").unwrap_or("755".into());
    if path == "/" {
        return "so anyway".into();
    }
    if of_the_hosts(draft, &path) {
        draft.differs(format!(
            "--dir {path}: nothing is made in a directory of the host's; where it is missing: mkdir -p"
        ));
        return "-".into();
    }
    let text = format!("{path}:mode={mode}");
    draft.add(&["--tmpfs", &text]);
    mounted(draft, "tmpfs", &path);
    format!("--tmpfs {text}")
}

/// `--symlink`
pub fn symlink(draft: &mut Draft, to: &str, link: &str) -> String {
    let text = format!("{}={to}", inside(link));
    draft.add(&["--symlink", &text]);
    format!("--symlink {text}")
}

/// `--proc`
pub fn proc(draft: &mut Draft, path: &str) -> String {
    match inside(path).as_str() {
        "/proc" => "so anyway: /proc is the container's own".into(),
        path => {
            draft.add(&["--mount", &format!("type=proc,dst={path}")]);
            format!("--mount type=proc,dst={path}")
        }
    }
}

/// `--dev`
pub fn device_files(draft: &mut Draft, path: &str) -> String {
    match inside(path).as_str() {
        "/dev" => "so anyway: /dev is the container's own".into(),
        path => {
            draft.differs(format!("--dev {path}: the own devices are in /dev"));
            "-".into()
        }
    }
}

/// `--bind` and its kin, with an option of ours.
pub fn bind(draft: &mut Draft, values: &[String], option: &str) -> String {
    let [source, target] = values else { return "-".into() };
    let target = inside(target);
    mounted(draft, "bind", &target);
    if target == "/" {
        return root(draft, source, option);
    }
    if target == "/proc" && source == "/proc" {
        draft.differs(
            "--bind /proc /proc: /proc is the container's own, of the PID namespace that it runs in",
        );
        return "-".into();
    }
    let (word, text) = if [source, &target].iter().any(|path| path.contains([':', ','])) {
        let option = if option.is_empty() { String::new() } else { format!(",{option}") };
        ("--mount", format!("type=bind,src={source},dst={target}{option}"))
    } else {
        let option = if option.is_empty() { String::new() } else { format!(":{option}") };
        ("-v", format!("{source}:{target}{option}"))
    };
    draft.add(&[word, &text]);
    format!("{word} {text}")
}

fn root(draft: &mut Draft, source: &str, option: &str) -> String {
    draft.keep("root", source);
    if option == "dev" {
        draft.differs(
            "--dev-bind with / as the place: /dev is the container's own; -v /dev:/dev:dev shows the \
             host's",
        );
    }
    let mut ours = vec!["the root"];
    if source != "/" {
        draft.add(&["--rootfs", source]);
        ours = vec!["--rootfs", source];
    }
    if option == "ro" {
        draft.add(&["--read-only"]);
        ours.push("--read-only");
    }
    ours.join(" ")
}
