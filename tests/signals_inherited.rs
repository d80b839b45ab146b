//! The workload's signal state is what a plain exec of it would have: the caller's.

use std::os::unix::process::CommandExt;
use std::process::Command;

use super::common::{Who, as_each, nsctl, with_default_actions};

const SHOW: [&str; 3] = ["grep", "^Sig[BIC]", "/proc/self/status"];

/// Ignores and blocks what a caller may have left so, and nothing that ours did.
fn prepare(command: &mut Command, ignored: &'static [i32], blocked: u64) {
    with_default_actions(command);
    // SAFETY: signal and sigprocmask are safe between fork and exec.
    unsafe {
        command.pre_exec(move || {
            for &signal in ignored {
                libc::signal(signal, libc::SIG_IGN);
            }
            libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const blocked, 0, 8);
            Ok(())
        });
    }
}

/// nsjail and firejail change the mask; what is written in Rust often leaves SIGPIPE ignored.
#[test]
fn mask_and_dispositions_equal_those_of_a_plain_exec() {
    let bit = |signal: i32| 1_u64 << (signal - 1);
    let ignored: [&[i32]; 5] = [
        &[],
        &[libc::SIGCHLD],
        &[libc::SIGPIPE, libc::SIGHUP],
        &[libc::SIGCHLD, libc::SIGPIPE, libc::SIGHUP, libc::SIGINT, libc::SIGTSTP, 64],
        &[libc::SIGTERM, libc::SIGCONT, libc::SIGWINCH, 34],
    ];
    let blocked = [
        0,
        bit(libc::SIGUSR1) | bit(libc::SIGCHLD),
        bit(libc::SIGTERM) | bit(libc::SIGTSTP) | bit(32) | bit(33) | bit(64),
        !(bit(libc::SIGKILL) | bit(libc::SIGSTOP)),
    ];
    as_each(|who| {
        for ignored in ignored {
            for blocked in blocked {
                let mut plain = Command::new(SHOW[0]);
                plain.args(&SHOW[1..]);
                prepare(&mut plain, ignored, blocked);
                let plain = plain.output().unwrap();
                let plain = String::from_utf8(plain.stdout).unwrap();
                assert!(plain.lines().count() == 3, "{plain}");
                for options in [&[] as &[&str], &["--no-init"], &["--pid=host"], &["-t"]] {
                    let mut nsctl = nsctl(who, [&["run"], options, &SHOW[..]].concat());
                    prepare(&mut nsctl.command, ignored, blocked);
                    let ran = nsctl.run();
                    let shown = ran.success().replace('\r', "");
                    assert_eq!(shown, plain.trim_end(), "{who:?} {options:?} {ignored:?}");
                }
            }
        }
    });
}

/// An ignored SIGCHLD makes the kernel reap: the status must not be lost.
#[test]
fn the_exit_status_is_kept_when_the_caller_ignores_sigchld() {
    as_each(|who| {
        for options in
            [&[] as &[&str], &["--no-init"], &["--pid=host"], &["--pid=host", "--no-init"]]
        {
            for (script, code) in [("exit 3", 3), ("kill -9 $$", 137)] {
                let mut nsctl = nsctl(who, [&["run"], options, &["sh", "-c", script]].concat());
                prepare(&mut nsctl.command, &[libc::SIGCHLD], 0);
                let code = if code == 137 && options == ["--no-init"] { 0 } else { code };
                // PID 1 cannot be killed from inside: it goes on, to its end.
                nsctl.run().expect_code(code);
            }
        }
    });
}

#[test]
fn nohup_goes_on_working() {
    as_each(|who: Who| {
        let inner = nsctl(who, ["run", "sh", "-c", "kill -HUP $$; echo survived"]);
        let mut command = Command::new("nohup");
        command.arg(inner.command.get_program()).args(inner.command.get_args());
        let ran = inner.started_by(who, command).run();
        assert_eq!(ran.stdout, "survived\n", "{ran:?}");
    });
}

/// The tests themselves may run under nohup, or by `&` of a script.
#[test]
fn what_a_test_starts_does_not_inherit_from_who_started_the_tests() {
    let mut command = Command::new("grep");
    command.args(["^Sig[BI]", "/proc/self/status"]);
    prepare(&mut command, &[libc::SIGINT, libc::SIGHUP, libc::SIGCHLD, 64], 1 << 14);
    with_default_actions(&mut command);
    let shown = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let none = "0".repeat(16);
    assert_eq!(shown, format!("SigBlk:\t{none}\nSigIgn:\t{none}\n"));
}
