//! What stays open where, and other things that are inherited.

use crate::harness::{MODES, Mode, Run, can, eventually};
use crate::subject::{DEADLINE, ours};
use crate::sys::{self, Before};
use std::os::fd::AsRawFd;
use std::process::Stdio;

#[test]
fn the_init_holds_nothing_that_it_inherited() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut run = Run::shell(mode, "exec 5>&-; echo ready; read x; exit 2")
            .before(Before::Keep(writer.as_raw_fd(), 5))
            .stdin(Stdio::piped())
            .start();
        drop(writer);
        run.until("ready");
        if mode == Mode::Child {
            // (Around PID 1 unshare holds it, too.)
            assert!(sys::readable(&reader, *DEADLINE), "the pipe's reader sees the end");
        }
        let held = format!("/proc/{}/fd", run.init());
        let pipe = std::fs::read_link(format!("/proc/self/fd/{}", reader.as_raw_fd())).unwrap();
        eventually("nothing is held", || {
            // Of another init it is enough that it is nothing inherited.
            let mut held = std::fs::read_dir(&held).unwrap().flatten();
            held.all(|fd| !ours() && std::fs::read_link(fd.path()).is_ok_and(|to| to != pipe))
        });
        run.end_input();
        assert_eq!(run.finish().code, 2);
    }
}

#[test]
fn the_init_sits_in_the_root_directory() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = Run::shell(mode, "echo ready; read x")
            .directory(std::env::temp_dir())
            .stdin(Stdio::piped())
            .start();
        run.until("ready");
        let directory = format!("/proc/{}/cwd", run.init());
        eventually("it goes there", || {
            std::fs::read_link(&directory).unwrap().to_str() == Some("/")
        });
    }
}

#[test]
fn the_workload_gets_what_was_open_and_nothing_else() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let (_reader, writer) = std::io::pipe().unwrap();
        // The shell opens none for itself.
        let script = "for fd in /proc/$$/fd/*; do [ -e $fd ] && echo ${fd##*/}; done; :";
        for options in [&[][..], &["--report-fd", "9", "--status-fd", "8"]] {
            if !options.is_empty() && !ours() {
                continue;
            }
            let words = options.iter().copied().chain(["sh", "-c", script]);
            let mut run = Run::new(mode, words).before(Before::Keep(writer.as_raw_fd(), 7));
            if !options.is_empty() {
                run = run
                    .before(Before::Keep(writer.as_raw_fd(), 8))
                    .before(Before::Keep(writer.as_raw_fd(), 9));
            }
            let done = run.finish();
            assert_eq!(done.out, ["0", "1", "2", "7"], "{mode:?} {options:?}");
        }
    }
}

#[test]
fn socket_activation_is_meant_for_the_workload() {
    let script =
        "echo $LISTEN_FDS; [ $LISTEN_PID = $$ ] && echo mine || echo $LISTEN_PID is not $$";
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        // Whatever the number of digits.
        let pid = if mode == Mode::Pid1 { "1" } else { "$$" };
        let set = format!("export LISTEN_FDS=1 LISTEN_PID={pid}; exec \"$@\"");
        let done = Run::shell(mode, script).wrapper(&["sh", "-c", &set, "sh"]).finish();
        assert_eq!(done.out, ["1", "mine"], "{mode:?}");
        // Meant for somebody else it stays.
        let done = Run::shell(mode, "echo $LISTEN_PID").env("LISTEN_PID", "7777777").finish();
        assert_eq!(done.out, ["7777777"]);
    }
}

#[test]
fn all_three_standard_descriptors_may_be_closed() {
    for closed in [&[0][..], &[1], &[2], &[0, 1, 2]] {
        let mut run = Run::shell(Mode::Child, "exit 8");
        for fd in closed {
            run = run.before(Before::Close(*fd));
        }
        assert_eq!(run.finish().code, 8, "{closed:?}");
    }
}

#[test]
fn neither_subreaper_nor_parent_death_signal_reach_the_workload_of_pid_1() {
    if can(Mode::Pid1) {
        let options = if ours() { &["-s", "-p", "TERM"][..] } else { &[] };
        let done = Run::payload(Mode::Pid1, options, "prctl").finish();
        assert_eq!(done.out, ["(0, 0)"]);
    }
    // Elsewhere the workload has to go when its init is killed.
    if can(Mode::Child) && ours() {
        let done = Run::payload(Mode::Child, &["-s"], "prctl").finish();
        assert_eq!(done.out, ["(9, 0)"]);
    }
}

#[test]
fn a_killed_init_takes_its_workload_along() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        for user in [false, true] {
            let mut run = Run::shell(mode, "echo ready; exec sleep 1000");
            if user {
                run = run.unprivileged();
            }
            let mut run = run.start();
            run.until("ready");
            let workload = run.workload();
            run.signal(libc::SIGKILL);
            assert!(sys::wait_end(workload, *DEADLINE), "{mode:?}");
        }
    }
}
