//! A program that tells what happens, while it does.

use std::cell::RefCell;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use super::processes::eventually;
use super::run::nsctl;
use super::who::Who;

const DEADLINE: Duration = Duration::from_secs(60);

/// `nsctl ns watch`, and the lines that it says.
pub struct Watch {
    pub child: Child,
    lines: Receiver<String>,
}

impl Watch {
    pub fn start(who: Who, options: &[&str]) -> Watch {
        let mut child = nsctl(who, [&["ns", "watch"], options].concat()).spawn();
        let (say, lines) = channel();
        let from: BufReader<ChildStdout> = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            from.lines().map_while(Result::ok).all(|line| say.send(line).is_ok())
        });
        Watch { child, lines }
    }

    #[track_caller]
    pub fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("nothing more is told")
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"))
    }

    /// Sends a signal and returns by which it ended.
    pub fn end(&mut self, signal: i32) -> Option<i32> {
        use std::os::unix::process::ExitStatusExt;
        // SAFETY: our own child, not waited for yet.
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, signal) }, 0);
        let child = RefCell::new(&mut self.child);
        let ended = || child.borrow_mut().try_wait().unwrap().is_some();
        assert!(eventually(DEADLINE, ended), "signal {signal} does not end it");
        self.child.wait().unwrap().signal()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
