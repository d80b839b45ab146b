//! Terminals and job control: nsinit below a shell, and as the leader of the session.

use crate::harness::{Mode, Run, Running, can, line};
use crate::subject::{DEADLINE, ours};
use crate::sys::{self, Before};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

/// A terminal with somebody who types and reads.
struct Person {
    master: File,
    seen: String,
}

impl Person {
    /// A new terminal, and its other side.
    fn new() -> (Person, OwnedFd) {
        let (master, name) = sys::pty().unwrap();
        let slave = File::options().read(true).write(true).open(name).unwrap().into();
        sys::resize(&master, 24, 200).unwrap();
        (Person { master: File::from(master), seen: String::new() }, slave)
    }

    fn types(&mut self, text: &str) -> &mut Person {
        self.master.write_all(text.as_bytes()).unwrap();
        self
    }

    /// Waits for `text`, and forgets it and what came before it.
    fn sees(&mut self, text: &str) -> &mut Person {
        self.reads(text);
        self
    }

    /// Waits for `text`, and returns what came before it.
    fn reads(&mut self, text: &str) -> String {
        let end = Instant::now() + *DEADLINE;
        loop {
            if let Some(at) = self.seen.find(text) {
                let rest = self.seen.split_off(at + text.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            let mut buffer = [0; 4096];
            let rest = end.saturating_duration_since(Instant::now());
            // Reading fails when nobody has the other side open any more.
            let length = match sys::readable(&self.master, rest) {
                true => self.master.read(&mut buffer).unwrap_or(0),
                false => 0,
            };
            assert!(length > 0, "{text:?} did not appear: {:?}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    }
}

const CTRL_C: &str = "\x03";
const CTRL_Z: &str = "\x1a";

/// An interactive shell that leads the session of a terminal; no nsinit in it yet.
fn bash() -> Option<(Person, std::process::Child, String)> {
    let (mut person, slave) = Person::new();
    let mut command = std::process::Command::new("bash");
    command.args(["--norc", "--noprofile", "-i"]).env("PS1", "P> ").env("TERM", "dumb");
    let copy = || sys::duplicate(slave.as_fd()).unwrap();
    command.stdin(copy()).stdout(copy()).stderr(copy());
    sys::before_exec(&mut command, vec![Before::Defaults, Before::Session]);
    let Ok(child) = command.spawn() else {
        println!("skip: no bash");
        return None;
    };
    drop((command, slave));
    person.sees("P> ");
    Some((person, child, line()))
}

/// The shell's exit code.
fn leave(mut person: Person, mut child: std::process::Child, code: i32) {
    person.types(&format!("exit {code}\n"));
    assert!(sys::wait_end(child.id() as i32, *DEADLINE), "{}", person.seen);
    assert_eq!(crate::harness::code(child.wait().unwrap()), code);
}

// What is typed appears, too: u''p is typed, and up is printed.

#[test]
fn ctrl_c_reaches_the_workload_once_and_is_130() {
    let Some((mut person, shell, nsinit)) = bash() else { return };
    person.types(&format!("{nsinit} sh -c \"echo u''p; exec sleep 1000\"\n")).sees("up\r\n");
    person.types(CTRL_C).sees("P> ");
    person.types("echo co''de-$?\n").sees("code-130");
    let script = "trap 'echo cau''ght' INT; echo u''p; while :; do read x && exit 5; done";
    person.types(&format!("{nsinit} sh -c \"{script}\"\n")).sees("up\r\n");
    person.types(CTRL_C).sees("caught\r\n");
    let rest = person.types("\n").reads("P> ");
    assert!(!rest.contains("caught"), "only once");
    person.types("echo co''de-$?\n").sees("code-5");
    leave(person, shell, 3);
}

#[test]
fn ctrl_z_and_fg_stop_and_continue_the_workload() {
    let Some((mut person, shell, nsinit)) = bash() else { return };
    let script = "echo u''p; read x; echo li''ne-\\$x; read y; exit 6";
    for _ in 0..2 {
        person.types(&format!("{nsinit} sh -c \"{script}\"\n")).sees("up\r\n");
        person.types(CTRL_Z).sees("Stopped").sees("P> ");
        person.types("echo betw''een\n").sees("between\r\n").sees("P> ");
        person.types("fg\n").sees("fg\r\n").sees("\r\n");
        person.types("hello\n").sees("line-hello\r\n");
        person.types(CTRL_Z).sees("Stopped").sees("P> ");
        person.types("bg\n").sees("&\r\n");
        // It wants to read: that stops it, as it would without an init.
        wait_until_stopped(&mut person);
        person.types("fg\n").sees("fg\r\n").sees("\r\n");
        person.types("more\n").sees("P> ");
        person.types("echo co''de-$?\n").sees("code-6").sees("P> ");
    }
    leave(person, shell, 0);
}

fn wait_until_stopped(person: &mut Person) {
    let end = Instant::now() + *DEADLINE;
    while !person.types("jobs; echo ask''ed\n").reads("asked\r\n").contains("Stopped") {
        assert!(Instant::now() < end);
    }
    person.sees("P> ");
}

#[test]
fn a_start_in_the_background_leaves_the_terminal_alone() {
    let Some((mut person, shell, nsinit)) = bash() else { return };
    person.types(&format!("{nsinit} sh -c \"echo u''p; read x; exit 7\" &\n")).sees("up\r\n");
    person.types("echo sti''ll\n").sees("still\r\n");
    wait_until_stopped(&mut person);
    person.types("fg\n").sees("fg\r\n").sees("\r\n");
    person.types("\n").sees("P> ");
    person.types("echo co''de-$?\n").sees("code-7");
    leave(person, shell, 0);
}

#[test]
fn with_input_from_a_file_the_terminal_still_controls_the_workload() {
    let Some((mut person, shell, nsinit)) = bash() else { return };
    for redirection in ["< /dev/null", "< /dev/null 2> /dev/null", "<&- 2>&-"] {
        let script = "echo u''p > /dev/tty; exec sleep 1000";
        let line = format!("{nsinit} sh -c \"{script}\" {redirection} | cat\n");
        person.types(&line).sees("up\r\n");
        person.types(CTRL_C).sees("P> ");
        person.types("echo co''de-${PIPESTATUS[0]}\n").sees("code-130").sees("P> ");
    }
    // It can read from there, too.
    let script = "read x < /dev/tty; echo g''ot-\\$x";
    person.types(&format!("{nsinit} sh -c \"{script}\" < /dev/null\n"));
    person.types("word\n").sees("got-word");
    leave(person, shell, 0);
}

#[test]
fn a_script_gets_the_terminal_back() {
    let Some((mut person, shell, nsinit)) = bash() else { return };
    let script = format!("{nsinit} true; echo rea''dy; read x; echo g''ot-\\$x");
    person.types(&format!("sh -c \"{script}\"\n")).sees("ready\r\n");
    person.types("word\n").sees("got-word");
    leave(person, shell, 0);
}

#[test]
fn a_shell_under_an_init_under_a_shell_has_job_control() {
    let Some((mut person, shell, nsinit)) = bash() else { return };
    person.types(&format!("PS1='Q''> ' {nsinit} bash --norc --noprofile -i\n")).sees("Q> ");
    job_control(&mut person);
    person.types("exit 9\n").sees("P> ");
    person.types("echo co''de-$?\n").sees("code-9");
    leave(person, shell, 0);
}

/// In a shell whose prompt is `Q> `.
fn job_control(person: &mut Person) {
    person.types("sh -c \"echo u''p; exec sed -u s/^/got-/\"\n").sees("up\r\n");
    person.types("one\n").sees("got-one\r\n");
    person.types(CTRL_Z).sees("Stopped").sees("Q> ");
    // What it answers to is in the foreground for sure.
    person.types("fg\n").sees("fg\r\n").types("two\n").sees("got-two\r\n");
    person.types(CTRL_C).sees("Q> ");
    person.types("echo co''de-$?\n").sees("code-130").sees("Q> ");
}

/// nsinit as the leader of a terminal's session: what `docker run -t` makes of PID 1.
fn leader(name: &str, words: &[&str]) -> (Person, Running) {
    let (person, slave) = Person::new();
    let run = Run::new(Mode::Child, words)
        .named(name)
        .before(Before::Session)
        .env("PS1", "Q> ")
        .env("TERM", "dumb")
        .terminal(&slave)
        .start();
    (person, run)
}

#[test]
fn as_the_leader_of_the_session_it_gives_a_shell_job_control() {
    for name in ["nsinit", "tini", "dumb-init", "catatonit"] {
        let (mut person, run) = leader(name, &["bash", "--norc", "--noprofile", "-i"]);
        person.sees("Q> ");
        job_control(&mut person);
        person.types("exit 9\n");
        assert_eq!(run.finish().code, 9, "{name}");
    }
}

#[test]
fn a_hang_up_reaches_the_workload() {
    for name in ["nsinit", "dumb-init"] {
        let script = "trap 'exit 5' HUP; echo up; while :; do sleep 0.01; done";
        let (mut person, run) = leader(name, &["sh", "-c", script]);
        person.sees("up\r\n");
        drop(person);
        assert_eq!(run.finish().code, 5, "{name}");
    }
}

#[test]
fn a_new_size_is_told_to_the_workload_once() {
    let script = "trap 'echo resized' WINCH; echo up; while :; do read x && exit 4; done";
    let (mut person, run) = leader("nsinit", &["sh", "-c", script]);
    person.sees("up\r\n");
    sys::resize(&sys::duplicate(person.master.as_fd()).unwrap(), 30, 90).unwrap();
    person.sees("resized\r\n").types("\n").sees("\r\n");
    assert_eq!(run.finish().code, 4);
    assert!(!person.seen.contains("resized"));
}

#[test]
fn without_a_terminal_the_workload_has_a_group_of_its_own() {
    // pid, ppid, pgrp, session
    let script = "cut -d' ' -f4,5,6 < /proc/$$/stat; echo $PPID $$ $PPID";
    let done = Run::shell(Mode::Child, script).before(Before::Session).finish();
    let second = |line: &String| line.split(' ').nth(1).map(str::to_owned);
    assert_eq!(second(&done.out[0]), second(&done.out[1]));
    assert!(done.out[0] == done.out[1] || !ours(), "{:?}", done.out);
    if !ours() {
        return;
    }
    for (how, fields) in
        [("own", "$PPID $$ $PPID"), ("keep", "$PPID $PPID $PPID"), ("session", "$PPID $$ $$")]
    {
        let script = format!("cut -d' ' -f4,5,6 < /proc/$$/stat; echo {fields}");
        let done = Run::new(Mode::Child, ["--pgroup", how, "sh", "-c", &script])
            .before(Before::Session)
            .finish();
        assert_eq!(done.out[0], done.out[1], "{how}");
    }
}

#[test]
fn under_unshare_in_a_shell_the_terminal_works() {
    if !can(Mode::Pid1) || !crate::harness::is_root() {
        println!("skip: needs root, for a line that is the same everywhere");
        return;
    }
    let Some((mut person, shell, nsinit)) = bash() else { return };
    let script = "echo u''p; read x; echo g''ot-\\$x; exec sleep 1000";
    let line = format!("unshare --pid --fork {nsinit} sh -c \"{script}\"\n");
    person.types(&line).sees("up\r\n");
    person.types("word\n").sees("got-word\r\n");
    person.types(CTRL_C).sees("P> ");
    person.types("echo co''de-$?\n").sees("code-130");
    leave(person, shell, 0);
}
