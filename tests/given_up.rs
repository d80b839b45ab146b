//! A start that hangs can be given up: a signal that would end any program ends nsctl
//! while the container is still being made, and nothing is left.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use super::common::{Nsctl, Who, as_each, eventually, have, install, nsctl, shell, skip};

const SECOND: Duration = Duration::from_secs(1);
const DEADLINE: Duration = Duration::from_secs(20);

/// nsctl that waits for newuidmap(1) and newgidmap(1), which never end.
fn with_hanging_helpers() -> Option<Nsctl> {
    if !geteuid().is_root() || !have("newuidmap") || Who::User.name().is_none() {
        skip("a set-user-ID helper of root's that hangs is needed");
        return None;
    }
    let directory = Who::Root.directory();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["newuidmap", "newgidmap"] {
        // Sleeps for as many seconds as its arguments add up to.
        install("/usr/bin/sleep", &directory.join(name), 0o4755);
    }
    let path = format!("{}:/usr/bin:/bin", directory.display());
    Some(nsctl(Who::User, ["run", "--map-auto", "true"]).env("PATH", path))
}

fn helpers(run: &Nsctl) -> usize {
    run.tag.processes().iter().filter(|(_, command)| command.starts_with("new")).count()
}

#[test]
fn a_signal_ends_a_start_that_waits_for_a_helper() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR1] {
        let Some(mut run) = with_hanging_helpers() else { return };
        let nsctl = run.spawn();
        assert!(eventually(DEADLINE, || helpers(&run) == 2), "no helper hangs");
        // What ends nobody is kept for the workload.
        let pid = Pid::from_raw(nsctl.id() as i32);
        kill(pid, Signal::SIGWINCH).unwrap();
        kill(pid, signal).unwrap();
        run.tag.expect_none_within(SECOND);
        let output = nsctl.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(128 + signal as i32));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(signal.as_str()) && said.contains("newuidmap "), "{said}");
    }
}

/// The kernel clears the parent-death signal of a set-user-ID program.
#[test]
fn sigkill_of_nsctl_ends_the_helpers_that_it_waits_for() {
    let Some(mut run) = with_hanging_helpers() else { return };
    let mut nsctl = run.spawn();
    assert!(eventually(DEADLINE, || helpers(&run) == 2), "no helper hangs");
    nsctl.kill().unwrap();
    nsctl.wait().unwrap();
    run.tag.expect_none_within(SECOND);
}

/// A directory of a file system whose server never answers.
const MOUNT: &str = "mkdir -m 755 $HOME/deaf; exec 9<>/dev/fuse
    mount -i -t fuse -o fd=9,rootmode=40755,user_id=0,group_id=0,allow_other none $HOME/deaf";

#[test]
fn a_signal_ends_a_start_whose_step_waits_for_a_file_system() {
    if !geteuid().is_root() || !std::path::Path::new("/dev/fuse").exists() {
        return skip("root and /dev/fuse are needed to mount a file system that hangs");
    }
    as_each(|who| {
        // With ranges of ids the shim waits for the child, else it stands still.
        let options: &[&str] = match who {
            Who::User => &["", "--map-auto"],
            Who::Root => &["", "--persist uts=$HOME/kept"],
        };
        for option in options {
            for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGKILL] {
                give_up_step(who, option, signal);
            }
        }
    });
}

fn give_up_step(who: Who, option: &str, signal: Signal) {
    let home = who.directory();
    let become_user = match who {
        Who::Root => String::new(),
        Who::User => {
            format!("setpriv --reuid {} --regid {} --clear-groups", who.uid(), who.gid())
        }
    };
    let script = format!(
        "exec unshare -m sh -ec '{MOUNT}
         {become_user} \"$NSCTL\" run {option} --workdir $HOME/deaf true 9>&- & echo $!
         wait $!'"
    );
    let mut run = shell(Who::Root, &script).env("HOME", &home).env("NSCTL_STATE_DIR", &home);
    let mut server = run.spawn();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let nsctl: i32 = lines.next().unwrap().unwrap().parse().unwrap();
    let waits = || {
        let what = |pid| fs::read_to_string(format!("/proc/{pid}/wchan")).unwrap_or_default();
        run.tag.processes().iter().any(|(pid, _)| what(*pid).contains("fuse"))
    };
    assert!(eventually(DEADLINE, waits), "no step hangs: {:?}", run.tag.processes());
    kill(Pid::from_raw(nsctl), signal).unwrap();
    run.tag.expect_none_within(SECOND);
    let status = server.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&status.stderr);
    assert_eq!(status.status.code(), Some(128 + signal as i32), "{who:?} {option}: {said}");
    assert_eq!(said.contains(signal.as_str()), signal != Signal::SIGKILL, "{said}");
    assert!(!home.join("kept").exists(), "{who:?} {signal}: kept for what did not begin");
}
