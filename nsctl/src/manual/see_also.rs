//! Which pages are worth reading next. Every page names nsctl(1).

/// By verb.
pub const TABLE: &[(&str, &str)] = &[
    ("nsctl", "nsinit(1) unshare(1) nsenter(1) lsns(8) bwrap(1) namespaces(7) capabilities(7)"),
    (
        "run",
        "nsctl-exec(1) nsctl-explain(1) nsctl-doctor(1) nsctl-ps(1) nsinit(1) unshare(1) \
         namespaces(7) user_namespaces(7) capabilities(7) seccomp(2) landlock(7) subuid(5)",
    ),
    ("ps", "nsctl-inspect(1) nsctl-stats(1) nsctl-events(1) nsctl-run(1)"),
    ("inspect", "nsctl-ps(1) nsctl-ns(1)"),
    ("logs", "nsctl-attach(1) nsctl-run(1)"),
    ("exec", "nsctl-enter(1) nsctl-run(1) setns(2)"),
    ("attach", "nsctl-exec(1) nsctl-logs(1)"),
    ("stop", "nsctl-kill(1) nsctl-start(1) nsctl-rm(1) signal(7)"),
    ("kill", "nsctl-stop(1) kill(1) signal(7)"),
    ("start", "nsctl-restart(1) nsctl-stop(1)"),
    ("restart", "nsctl-start(1) nsctl-stop(1)"),
    ("pause", "nsctl-unpause(1) nsctl-stop(1)"),
    ("unpause", "nsctl-pause(1)"),
    ("wait", "nsctl-ps(1) nsctl-events(1)"),
    ("top", "nsctl-stats(1) ps(1) pid_namespaces(7)"),
    ("stats", "nsctl-top(1) cgroups(7)"),
    ("events", "nsctl-ps(1) nsctl-wait(1)"),
    ("cp", "nsctl-exec(1) cp(1)"),
    ("rename", "nsctl-ps(1)"),
    ("rm", "nsctl-prune(1) nsctl-stop(1)"),
    ("prune", "nsctl-rm(1)"),
    ("enter", "nsctl-exec(1) nsctl-ns(1) nsenter(1) setns(2) user_namespaces(7)"),
    ("ns", "nsctl-enter(1) lsns(8) namespaces(7) ioctl_ns(2)"),
    ("doctor", "nsctl-explain(1) nsctl-run(1) namespaces(7) subuid(5)"),
    ("explain", "nsctl-doctor(1) nsctl-run(1) unshare(1) nsenter(1) bwrap(1)"),
    ("init-file", "nsinit(1)"),
    ("completion", "bash(1) zshcompsys(1) fish(1)"),
];

/// As troff(1) shows references.
pub fn of(verb: &str) -> String {
    let row = TABLE.iter().find(|(name, _)| *name == verb).map_or("", |(_, pages)| *pages);
    let own = if verb == "nsctl" { None } else { Some("nsctl(1)") };
    let pages: Vec<String> = own
        .into_iter()
        .chain(row.split_whitespace())
        .filter_map(|page| page.split_once('('))
        .map(|(name, section)| format!(".BR {} ({section}", super::roff::escaped(name)))
        .collect();
    pages.join(",\n") + "\n"
}
