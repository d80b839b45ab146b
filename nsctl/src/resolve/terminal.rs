//! Whether the container gets a terminal of its own, and whose session it is in.

use std::io::{stderr, stdin, stdout};
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::stat::fstat;
use nix::sys::termios::tcgetsid;
use nix::unistd::{getpgrp, tcgetpgrp};
use nsshim::spec::{Session, Terminal};
use nsshim::{SavedTerminal, sys};

use super::process::is_terminal;
use crate::args::RunArgs;
use crate::error::Error;

/// What was decided about terminals.
pub struct Terminals {
    /// The container's own, to be made.
    pub own: Option<Terminal>,
    /// The user's, whose modes we change and must give back.
    pub users: Option<SavedTerminal>,
    /// The workload's session.
    pub session: Session,
}

/// An own terminal when the user sits at one, or when it is asked for.
pub fn resolve(args: &RunArgs) -> Result<Terminals, Error> {
    if args.life.detach {
        // The caller leaves, and takes its terminal along.
        let own =
            Terminal { size: DEFAULT_SIZE, modes: None, adds_returns: true, takes_errors: true };
        let own = Some(own).filter(|_| args.tty);
        return Ok(Terminals { own, users: None, session: Session::Own });
    }
    let (stdin, stdout, stderr) = (stdin(), stdout(), stderr());
    let interactive = is_terminal(stdin.as_fd()) && is_terminal(stdout.as_fd());
    if args.no_tty || !(args.tty || interactive) {
        let streams = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
        let callers = streams.into_iter().any(is_controlling_terminal);
        let session = if callers { Session::Callers } else { Session::Own };
        return Ok(Terminals { own: None, users: None, session });
    }
    // The user's keys come from stdin; the size is that of the screen.
    let users = match is_terminal(stdin.as_fd()) {
        true => Some(save(stdin.as_fd())?),
        false => None,
    };
    let size = [stdout.as_fd(), stdin.as_fd(), stderr.as_fd()]
        .into_iter()
        .find_map(|stream| sys::get_window_size(stream).ok())
        .unwrap_or(DEFAULT_SIZE);
    let own = Terminal {
        size,
        modes: users.as_ref().map(|saved| saved.modes().clone()),
        // Else what shows the lines adds it, or nobody wants it: a file, a pipe.
        adds_returns: users.is_some() && is_terminal(stdout.as_fd()),
        takes_errors: is_terminal(stderr.as_fd()) || is_same_file(stderr.as_fd(), stdout.as_fd()),
    };
    Ok(Terminals { own: Some(own), users, session: Session::Own })
}

fn save(stdin: BorrowedFd<'_>) -> Result<SavedTerminal, Error> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::new(format!("cannot use the terminal on standard input: {error}"))
    };
    let tty = stdin.try_clone_to_owned().map_err(|error| failed(&error))?;
    let mut saved = SavedTerminal::save(tty).map_err(|error| failed(&error))?;
    if tcgetpgrp(stdin).is_ok_and(|group| group != getpgrp()) {
        saved.assume_lines();
    }
    Ok(saved)
}

fn is_same_file(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    let id = |stream| fstat(stream).map(|stat| (stat.st_dev, stat.st_ino));
    id(one).is_ok_and(|one| id(other) == Ok(one))
}

/// What a terminal without a screen is usually given.
const DEFAULT_SIZE: nix::pty::Winsize =
    nix::pty::Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };

/// Whether a stream is the terminal of our own session: then the workload must
/// stay in the session to read it.
pub fn is_controlling_terminal(stream: BorrowedFd<'_>) -> bool {
    let own = nix::unistd::getsid(None);
    is_terminal(stream) && own.is_ok() && tcgetsid(stream).ok() == own.ok()
}
