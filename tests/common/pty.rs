//! Running nsctl at a terminal: the test plays the user and looks at the screen.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::termios::{Termios, tcgetattr};

use super::processes::Tag;
use super::run::nsctl;
use super::who::Who;

const DEADLINE: Duration = Duration::from_secs(20);

/// A terminal with a program at it, which is its session leader.
pub struct Screen {
    /// The user's side: what is written here was typed.
    pub master: OwnedFd,
    /// The program's side, held open to look at the modes.
    pub tty: OwnedFd,
    pub child: Child,
    pub tag: Tag,
    shown: RefCell<Vec<u8>>,
}

impl Screen {
    /// nsctl at a terminal of 24 rows and 80 columns.
    pub fn nsctl<S: AsRef<OsStr>>(who: Who, arguments: impl IntoIterator<Item = S>) -> Self {
        let nsctl = nsctl(who, arguments);
        Screen::start(who, nsctl.command, nsctl.tag)
    }

    /// Any command at a terminal, such as a shell that starts nsctl.
    pub fn start(who: Who, mut command: Command, tag: Tag) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        if nix::unistd::geteuid().is_root() {
            nix::unistd::fchown(&pty.slave, Some(who.uid().into()), Some(who.gid().into()))
                .unwrap();
        }
        for fd in [pty.master.as_fd(), pty.slave.as_fd()] {
            nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))
                .unwrap();
        }
        let stream = || Stdio::from(pty.slave.try_clone().unwrap());
        command.stdin(stream()).stdout(stream()).stderr(stream());
        // SAFETY: setsid and an ioctl by number are safe between fork and exec.
        unsafe {
            command.pre_exec(|| {
                nix::unistd::setsid()?;
                nix::errno::Errno::result(libc::ioctl(0, libc::TIOCSCTTY, 0))?;
                Ok(())
            });
        }
        let child = command.spawn().unwrap();
        Screen { master: pty.master, tty: pty.slave, child, tag, shown: RefCell::default() }
    }

    /// Types.
    pub fn send(&self, keys: &str) {
        let mut bytes = keys.as_bytes();
        while !bytes.is_empty() {
            let count = nix::unistd::write(&self.master, bytes).unwrap();
            bytes = &bytes[count..];
        }
    }

    /// Waits until `text` is shown after what was expected before; returns all up to its end.
    #[track_caller]
    pub fn expect(&self, text: &str) -> String {
        let end = Instant::now() + DEADLINE;
        loop {
            let found = {
                let shown = self.shown.borrow();
                shown.windows(text.len()).position(|part| part == text.as_bytes())
            };
            if let Some(at) = found {
                let up_to: Vec<u8> = self.shown.borrow_mut().drain(..at + text.len()).collect();
                return String::from_utf8_lossy(&up_to).into_owned();
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && self.look(left),
                "{text:?} did not come; shown: {:?}",
                String::from_utf8_lossy(&self.shown.borrow())
            );
        }
    }

    /// Waits for output; returns whether some came.
    fn look(&self, limit: Duration) -> bool {
        let mut fds = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        let limit = u16::try_from(limit.as_millis()).unwrap_or(u16::MAX);
        if poll(&mut fds, limit) != Ok(1) {
            return false;
        }
        let mut buffer = [0; 4096];
        match nix::unistd::read(&self.master, &mut buffer) {
            Ok(count) if count > 0 => {
                self.shown.borrow_mut().extend_from_slice(&buffer[..count]);
                true
            }
            _ => false,
        }
    }

    /// Gives the window another size; the foreground gets SIGWINCH.
    pub fn resize(&self, rows: u16, columns: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: the kernel reads one struct winsize through the pointer.
        let result =
            unsafe { libc::ioctl(self.master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
        assert_eq!(result, 0);
    }

    /// The modes of the user's terminal.
    pub fn modes(&self) -> Termios {
        tcgetattr(&self.tty).unwrap()
    }

    /// Waits for the end while showing what comes; returns the exit code, or 128+n.
    #[track_caller]
    pub fn wait(&mut self) -> i32 {
        use std::os::unix::process::ExitStatusExt;
        let end = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                while self.look(Duration::from_millis(1)) {}
                return status.code().unwrap_or_else(|| 128 + status.signal().unwrap());
            }
            if Instant::now() > end {
                let _ = self.child.kill();
                let _ = self.child.wait();
                panic!("no end; shown: {:?}", String::from_utf8_lossy(&self.shown.borrow()));
            }
            self.look(Duration::from_millis(5));
        }
    }

    /// What was shown and not yet expected.
    pub fn rest(&self) -> String {
        String::from_utf8_lossy(&self.shown.borrow()).into_owned()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Our own child; a test that failed must not leave it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
