//! Running nsctl without a terminal.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use super::processes::{Tag, eventually};
use super::signals::with_default_actions;
use super::who::{Who, program};

/// No test's container may take longer.
const DEADLINE: Duration = Duration::from_secs(60);

/// An nsctl to be run.
pub struct Nsctl {
    pub command: Command,
    pub tag: Tag,
    input: Vec<u8>,
}

/// What came of it.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; `None` when a signal ended nsctl itself.
    pub code: Option<i32>,
    /// The signal that ended nsctl itself.
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// nsctl with these arguments, as `who`.
pub fn nsctl<S: AsRef<OsStr>>(who: Who, arguments: impl IntoIterator<Item = S>) -> Nsctl {
    let mut command = Command::new(program());
    let tag = Tag::new();
    let (name, value) = tag.variable();
    let home = who.directory();
    command
        .args(arguments)
        .env(name, value)
        .env("HOME", &home)
        .env("XDG_RUNTIME_DIR", &home)
        .env("NSCTL_STATE_DIR", home.join("state"))
        .env_remove("RUST_LOG")
        .current_dir("/");
    with_default_actions(&mut command);
    who.apply(&mut command);
    Nsctl { command, tag, input: Vec::new() }
}

/// A script of sh(1) that plays the host, as `who`; it finds the program in `$NSCTL`
/// and a directory of its own in `$HOME`.
pub fn shell(who: Who, script: &str) -> Nsctl {
    let mut command = Command::new("sh");
    command.args(["-c", script]).env("NSCTL", program());
    nsctl(who, [""; 0]).started_by(who, command)
}

/// Gives `to` the variables that `from` gets, and takes from it what that does not.
pub fn environment(from: &Command, to: &mut Command) {
    for (name, value) in from.get_envs() {
        match value {
            Some(value) => to.env(name, value),
            None => to.env_remove(name),
        };
    }
}

impl Nsctl {
    /// What it reads from standard input.
    pub fn input(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.input = text.into();
        self
    }

    /// Sets a variable of nsctl's own environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Another program in its place, which may start it: in the same environment, with the same
    /// signal actions and as `who`.
    pub fn started_by(mut self, who: Who, mut command: Command) -> Self {
        environment(&self.command, &mut command);
        command.current_dir("/");
        with_default_actions(&mut command);
        who.apply(&mut command);
        self.command = command;
        self
    }

    /// Starts it with all three streams as pipes.
    pub fn spawn(&mut self) -> Child {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs it to its end, which must come, and must leave no process.
    pub fn run(self) -> Ran {
        let (ran, tag) = self.detached();
        tag.expect_none_within(Duration::from_secs(1));
        ran
    }

    /// Runs it to its end; a container of its own may go on.
    pub fn detached(mut self) -> (Ran, Tag) {
        let mut child = self.spawn();
        let mut stdin = child.stdin.take().unwrap();
        let input = std::mem::take(&mut self.input);
        let writer = std::thread::spawn(move || {
            let _ = stdin.write_all(&input);
        });
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        let ended = std::cell::Cell::new(None);
        let child = std::cell::RefCell::new(child);
        let in_time = eventually(DEADLINE, || {
            ended.set(child.borrow_mut().try_wait().unwrap());
            ended.get().is_some()
        });
        if !in_time {
            let _ = child.borrow_mut().kill();
        }
        let status = child.borrow_mut().wait().unwrap();
        writer.join().unwrap();
        let ran = Ran {
            code: status.code(),
            signal: status.signal(),
            stdout: stdout.join().unwrap(),
            stderr: stderr.join().unwrap(),
        };
        assert!(in_time, "still running after {DEADLINE:?}: {:?}: {ran:?}", self.command);
        (ran, self.tag)
    }
}

fn collect(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

impl Ran {
    /// Fails, with what was said, unless it exited with `code`.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// Fails unless it exited 0; returns what it wrote, without the last line end.
    #[track_caller]
    pub fn success(&self) -> &str {
        self.expect_code(0);
        self.stdout.trim_end_matches('\n')
    }

    /// Fails unless it failed with `code` and says all of `words`.
    #[track_caller]
    pub fn expect_error(&self, code: i32, words: &[&str]) {
        self.expect_code(code);
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in:\n{}", self.stderr);
        }
    }
}
