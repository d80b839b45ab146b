//! A program that tells what happens, while it does.

use std::cell::RefCell;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::Value;

use super::processes::eventually;
use super::run::Nsctl;

const DEADLINE: Duration = Duration::from_secs(60);

/// It, and the lines that it says.
pub struct Watch {
    pub child: Child,
    lines: Receiver<String>,
}

impl Watch {
    pub fn start(mut nsctl: Nsctl) -> Self {
        let mut child = nsctl.spawn();
        let (say, lines) = channel();
        let from = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            from.lines().map_while(Result::ok).all(|line| say.send(line).is_ok())
        });
        Watch { child, lines }
    }

    /// The next line, which must come.
    #[track_caller]
    pub fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("nothing more is told")
    }

    /// The lines that are there and have not been asked for.
    pub fn told(&self) -> impl Iterator<Item = String> {
        self.lines.try_iter()
    }

    /// All lines that have not been asked for, until its end, which must come.
    #[track_caller]
    pub fn rest(&self) -> Vec<String> {
        let mut rest = Vec::new();
        loop {
            match self.lines.recv_timeout(DEADLINE) {
                Ok(line) => rest.push(line),
                Err(RecvTimeoutError::Disconnected) => return rest,
                Err(RecvTimeoutError::Timeout) => panic!("still open after {rest:?}"),
            }
        }
    }

    /// The next line.
    #[track_caller]
    pub fn json(&self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"))
    }

    /// The next event for which this holds; others are passed over.
    #[track_caller]
    pub fn find(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.json();
            if wanted(&event) {
                return event;
            }
        }
    }

    /// Sends a signal and returns by which it ended.
    #[track_caller]
    pub fn end(&mut self, signal: i32) -> Option<i32> {
        self.signal(signal);
        self.wait().signal()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: i32) {
        // SAFETY: our own child, not waited for yet.
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, signal) }, 0);
    }

    /// Waits for its end, which must come.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let child = RefCell::new(&mut self.child);
        let ended = || child.borrow_mut().try_wait().unwrap().is_some();
        assert!(eventually(DEADLINE, ended), "it does not end");
        self.child.wait().unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
