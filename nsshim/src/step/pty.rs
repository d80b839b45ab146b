//! A terminal of the container's own.
//!
//! It is made inside, in the container's own /dev/pts, so that `tty` names it
//! and nothing pushed into it reaches the user's terminal (CVE-2017-5226). The
//! master goes out to the one who talks to the user.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::sys::termios::{SetArg, tcsetattr};

use super::InsideContext;
use crate::channel::{self, Message};
use crate::error::{CallError, Named, Result};
use crate::spec::Terminal;
use crate::sys;

const PTMX: &str = "/dev/ptmx";

fn open_master() -> Result<OwnedFd> {
    nix::fcntl::open(PTMX, OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC, Mode::empty())
        .call(|| format!("open({PTMX:?}, O_RDWR|O_NOCTTY)"))
}

pub(super) fn open(context: &InsideContext<'_>, terminal: &Terminal) -> Result<()> {
    let master = open_master()?;
    sys::unlock_pty(master.as_fd()).call(|| "ioctl(TIOCSPTLCK, 0)".into())?;
    let tty = sys::open_pty_peer(master.as_fd()).call(|| "ioctl(TIOCGPTPEER)".into())?;
    sys::set_window_size(&tty, &terminal.size).call(|| "ioctl(TIOCSWINSZ)".into())?;
    if let Some(modes) = &terminal.modes {
        tcsetattr(&tty, SetArg::TCSANOW, modes).call(|| "ioctl(TCSETS)".into())?;
    }
    sys::set_controlling_terminal(tty.as_fd()).call(|| "ioctl(TIOCSCTTY)".into())?;
    take_standard_streams(tty.as_fd())?;
    channel::send(context.channel, &Message::Terminal, Some(master.as_fd()))
        .map_err(|errno| CallError { call: "sendmsg(SCM_RIGHTS, master)".into(), errno })
}

fn take_standard_streams(tty: BorrowedFd<'_>) -> Result<()> {
    for stream in 0..=2 {
        sys::replace_standard_stream(tty, stream).call(|| format!("dup2(tty, {stream})"))?;
    }
    Ok(())
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, terminal: &Terminal) -> fmt::Result {
    write!(
        f,
        "open({PTMX:?}); ioctl(TIOCGPTPEER); ioctl(TIOCSWINSZ, {}x{}); ioctl(TIOCSCTTY); dup2(tty, 0..2)",
        terminal.size.ws_col, terminal.size.ws_row
    )
}
