//! Whoever is killed while namespaces are kept: all of them are, or nothing is left.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::common::{Nsctl, Who, have, shell, skip};

/// A mount namespace with a tmpfs of its own, in whose mounts nothing of the machine's changes.
struct Mounts {
    holder: Child,
    directory: String,
}

impl Mounts {
    fn new() -> Mounts {
        let directory = Who::Root.directory().to_str().unwrap().to_string();
        let script = format!(
            "exec unshare -m --propagation private sh -c 'mount -t tmpfs none {directory} && \
             echo ready; read end'"
        );
        let mut holder = shell(Who::Root, &script).spawn();
        let mut line = String::new();
        BufReader::new(holder.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Mounts { holder, directory }
    }

    /// nsctl among these mounts; the process that is started becomes it.
    fn nsctl(&self, words: &str) -> Nsctl {
        let (pid, directory) = (self.holder.id(), &self.directory);
        shell(
            Who::Root,
            &format!(
                "exec nsenter --mount=/proc/{pid}/ns/mnt \
                 sh -c 'cd {directory} && exec \"$NSCTL\" {words}'"
            ),
        )
    }

    /// Whether there is a file of this name.
    fn has(&self, name: &str) -> bool {
        let pid = self.holder.id();
        fs::symlink_metadata(format!("/proc/{pid}/root{}/{name}", self.directory)).is_ok()
    }

    /// The names in the directory, and what is mounted on them.
    fn look(&self) -> Vec<String> {
        let pid = self.holder.id();
        let names = fs::read_dir(format!("/proc/{pid}/root{}", self.directory)).unwrap();
        let mut all: Vec<String> =
            names.flatten().map(|name| name.file_name().into_string().unwrap()).collect();
        all.sort();
        let mounts = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap();
        let mounts = mounts.lines().filter(|line| line.contains(&format!("{}/", self.directory)));
        let mut mounts: Vec<String> =
            mounts.map(|line| line.split(' ').nth(3).unwrap().into()).collect();
        mounts.sort();
        all.extend(mounts);
        all
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// So many that a kill is likely to come between two of them.
const MORE: usize = 60;

fn words_to_keep() -> String {
    let more = (0..MORE).map(|number| format!(" --persist uts=u{number}"));
    format!("--persist uts=before{} --persist net=n", more.collect::<String>())
}

/// Kills nsctl or its shim when it is time. Returns whether nsctl said that the command runs.
fn killed(mounts: &Mounts, shim: bool, is_time: impl Fn() -> bool) -> bool {
    let keep = words_to_keep();
    let mut run = mounts.nsctl(&format!("run {keep} --status-fd 1 sleep 30 2>/dev/null"));
    let child = run.spawn();
    let end = Instant::now() + Duration::from_secs(5);
    while !is_time() {
        assert!(Instant::now() < end, "nothing was kept");
        std::hint::spin_loop();
    }
    let nsctl = Pid::from_raw(child.id() as i32);
    if shim {
        kill(nsctl, Signal::SIGSTOP).unwrap();
        let children = fs::read_to_string(format!("/proc/{nsctl}/task/{nsctl}/children"));
        let found = children.unwrap_or_default().split_whitespace().next().map(str::to_string);
        match found {
            // Stopped, it cannot have waited for it, so the number is still its own.
            Some(shim) => kill(Pid::from_raw(shim.parse().unwrap()), Signal::SIGKILL).unwrap(),
            None => kill(nsctl, Signal::SIGKILL).unwrap(),
        }
        let _ = kill(nsctl, Signal::SIGCONT);
    } else {
        kill(nsctl, Signal::SIGKILL).unwrap();
    }
    let said = child.wait_with_output().unwrap().stdout;
    run.tag.expect_none_within(Duration::from_secs(2));
    String::from_utf8(said).unwrap().contains("\"started\"")
}

fn mounts() -> Option<Mounts> {
    if !nix::unistd::geteuid().is_root() {
        skip("--persist needs root");
        return None;
    }
    if !have("nsenter") || !have("unshare") {
        return None;
    }
    let mounts = Mounts::new();
    // What is kept already stays, whatever happens on top of it.
    mounts.nsctl("run --persist uts=before true").run().success();
    Some(mounts)
}

fn is_kept_or_not(mounts: &Mounts, shim: bool, what: &str, is_time: impl Fn() -> bool) {
    let before = mounts.look();
    let started = killed(mounts, shim, is_time);
    let after = mounts.look();
    // An nsctl that is killed may not have come to saying it.
    assert!(after == before || started || !shim, "{what}: {after:?}");
    if after == before {
        return;
    }
    // The files but the one that was there, and all mounts.
    let whole = after.len() == before.len() + (1 + MORE) + (2 + MORE);
    let whole = whole && before.iter().all(|one| after.contains(one));
    assert!(whole, "{what}: {after:?}, before {before:?}");
    let more: String = (0..MORE).map(|number| format!(" u{number}")).collect();
    mounts.nsctl(&format!("ns drop n before{more}")).run().success();
    assert_eq!(mounts.look(), before, "{what}");
}

#[test]
fn by_sigkill_at_any_moment_all_is_kept_or_nothing() {
    let Some(mounts) = mounts() else { return };
    for round in 0..40_u64 {
        let delay = Duration::from_micros(round / 2 * 700);
        let begin = Instant::now();
        let what = format!("{round} {delay:?}");
        is_kept_or_not(&mounts, round % 2 == 1, &what, || begin.elapsed() >= delay);
    }
}

#[test]
fn by_sigkill_between_two_of_them_all_is_kept_or_nothing() {
    let Some(mounts) = mounts() else { return };
    for round in 0..20 {
        let name = format!("u{}", round / 2 * 5);
        let what = format!("{round} {name}");
        is_kept_or_not(&mounts, round % 2 == 1, &what, || mounts.has(&name));
    }
}
