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
use super::who::{Who, program};

/// What the shells of the tests prompt with.
pub const PROMPT: &str = "ready> ";

const DEADLINE: Duration = Duration::from_secs(20);

/// A terminal with a program at it, which is its session leader.
pub struct Screen {
    /// The user's side: what is written here was typed.
    pub master: OwnedFd,
    /// The program's side, held open to look at the modes.
    pub tty: OwnedFd,
    pub child: Child,
    pub tag: Tag,
    /// The modes before the program changed them.
    pub started_with: Termios,
    shown: RefCell<Vec<u8>>,
}

impl Screen {
    /// nsctl at a terminal of 24 rows and 80 columns.
    pub fn nsctl<S: AsRef<OsStr>>(who: Who, arguments: impl IntoIterator<Item = S>) -> Self {
        let nsctl = nsctl(who, arguments);
        Screen::start(who, nsctl.command, nsctl.tag)
    }

    /// An interactive shell at a terminal, with the program under test as `$NSCTL`. Its
    /// prompt is [`PROMPT`], and it has been shown.
    pub fn shell(who: Who) -> Self {
        let mut bash = Command::new("bash");
        bash.args(["--norc", "--noprofile", "-i"]).env("NSCTL", program());
        // No escape sequences around what is typed.
        bash.env("TERM", "dumb").env("PS1", PROMPT);
        let bash = nsctl(who, [""; 0]).started_by(who, bash);
        let screen = Screen::start(who, bash.command, bash.tag);
        screen.expect(PROMPT);
        screen
    }

    /// Any command at a terminal, such as a shell that starts nsctl.
    pub fn start(who: Who, mut command: Command, tag: Tag) -> Self {
        // SAFETY: setsid and an ioctl by number are safe between fork and exec.
        unsafe {
            command.pre_exec(|| {
                nix::unistd::setsid()?;
                nix::errno::Errno::result(libc::ioctl(0, libc::TIOCSCTTY, 0))?;
                Ok(())
            });
        }
        Screen::spawn(who, command, tag)
    }

    /// A command whose streams are a terminal, but not that of its session; it has none.
    pub fn without_session(who: Who, mut command: Command, tag: Tag) -> Self {
        // SAFETY: setsid is safe between fork and exec.
        unsafe { command.pre_exec(|| Ok(nix::unistd::setsid().map(drop)?)) };
        Screen::spawn(who, command, tag)
    }

    fn spawn(who: Who, mut command: Command, tag: Tag) -> Self {
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
        let started_with = tcgetattr(&pty.slave).unwrap();
        let child = command.spawn().unwrap();
        Screen {
            master: pty.master,
            tty: pty.slave,
            child,
            tag,
            started_with,
            shown: RefCell::default(),
        }
    }

    /// How many bytes wait to be looked at.
    pub fn waiting(&self) -> i32 {
        let mut count = 0;
        // SAFETY: the kernel writes one int through the pointer.
        unsafe { libc::ioctl(self.master.as_raw_fd(), libc::FIONREAD, &raw mut count) };
        count
    }

    /// Types.
    pub fn send(&self, keys: &str) {
        let mut bytes = keys.as_bytes();
        while !bytes.is_empty() {
            let count = nix::unistd::write(&self.master, bytes).unwrap();
            bytes = &bytes[count..];
        }
    }

    /// Types a line.
    pub fn line(&self, text: &str) {
        self.send(text);
        self.send("\r");
    }

    /// Types a command at a prompt; returns what it shows until the next prompt.
    #[track_caller]
    pub fn command(&self, text: &str) -> String {
        self.line(text);
        let shown = self.expect(PROMPT);
        let after_echo = shown.split_once('\n').map_or("", |(_, rest)| rest);
        after_echo.trim_end_matches(PROMPT).trim_end().replace('\r', "")
    }

    /// Closes the window.
    pub fn hang_up(&mut self) {
        self.master = std::fs::File::open("/dev/null").unwrap().into();
    }

    /// Waits until `text` is shown after what was expected before; returns all up to its end.
    #[track_caller]
    pub fn expect(&self, text: &str) -> String {
        let end = Instant::now() + DEADLINE;
        let mut searched: usize = 0;
        loop {
            let found = {
                let shown = self.shown.borrow();
                let from = searched.saturating_sub(text.len());
                searched = shown.len();
                let found =
                    shown[from..].windows(text.len()).position(|part| part == text.as_bytes());
                found.map(|at| from + at)
            };
            if let Some(at) = found {
                let up_to: Vec<u8> = self.shown.borrow_mut().drain(..at + text.len()).collect();
                return String::from_utf8_lossy(&up_to).into_owned();
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.look(left) {
                let rest = self.rest();
                let last = rest.char_indices().rev().nth(2000).map_or(0, |(at, _)| at);
                panic!("{text:?} did not come; shown: {:?}", &rest[last..]);
            }
        }
    }

    /// Looks at what came; returns whether `text` is in it, which stays to be expected.
    pub fn sees(&self, text: &str) -> bool {
        self.look(Duration::from_millis(1));
        self.rest().contains(text)
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

    /// Whether every key goes to the program as it is.
    pub fn is_raw(&self) -> bool {
        use nix::sys::termios::LocalFlags;
        !self.modes().local_flags.intersects(LocalFlags::ICANON | LocalFlags::ISIG)
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
