//! A terminal of the container's own.
//!
//! It is made inside, in the container's own /dev/pts, so that `tty` names it
//! and nothing pushed into it reaches the user's terminal (CVE-2017-5226). The
//! master goes out to the one who talks to the user.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::sys::termios::{OutputFlags, SetArg, tcgetattr, tcsetattr};
use nix::unistd::{Uid, fchown, geteuid};

use super::InsideContext;
use crate::channel::{self, Message};
use crate::error::{CallError, Named, Result};
use crate::spec::{ContainerId, Terminal};
use crate::sys;

const PTMX: &str = "/dev/ptmx";

fn open_master() -> Result<OwnedFd> {
    nix::fcntl::open(PTMX, OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC, Mode::empty())
        .call(|| format!("open({PTMX:?}, O_RDWR|O_NOCTTY)"))
}

pub(super) fn open(
    context: &InsideContext<'_>,
    terminal: &Terminal,
    owner: Option<ContainerId>,
) -> Result<()> {
    let master = open_master()?;
    sys::unlock_pty(master.as_fd()).call(|| "ioctl(TIOCSPTLCK, 0)".into())?;
    let tty = sys::open_pty_peer(master.as_fd()).call(|| "ioctl(TIOCGPTPEER)".into())?;
    // So that the user inside can open it by its name.
    if let Some(owner) = owner.filter(|owner| owner.0 != geteuid().as_raw()) {
        fchown(&tty, Some(Uid::from_raw(owner.0)), None)
            .call(|| format!("fchown(tty, {}, -1)", owner.0))?;
    }
    sys::set_window_size(&tty, &terminal.size).call(|| "ioctl(TIOCSWINSZ)".into())?;
    set_modes(tty.as_fd(), terminal)?;
    sys::set_controlling_terminal(tty.as_fd()).call(|| "ioctl(TIOCSCTTY)".into())?;
    take_standard_streams(tty.as_fd(), if terminal.takes_errors { 2 } else { 1 })?;
    channel::send(context.channel, &Message::Terminal, Some(master.as_fd()))
        .map_err(|errno| CallError { call: "sendmsg(SCM_RIGHTS, master)".into(), errno })
}

fn set_modes(tty: BorrowedFd<'_>, terminal: &Terminal) -> Result<()> {
    let mut modes = match &terminal.modes {
        Some(modes) => modes.clone(),
        None => tcgetattr(tty).call(|| "ioctl(TCGETS)".into())?,
    };
    if !terminal.adds_returns {
        modes.output_flags.remove(OutputFlags::ONLCR);
    }
    tcsetattr(tty, SetArg::TCSANOW, &modes).call(|| "ioctl(TCSETS)".into())
}

fn take_standard_streams(tty: BorrowedFd<'_>, last: i32) -> Result<()> {
    for stream in 0..=last {
        sys::replace_standard_stream(tty, stream).call(|| format!("dup2(tty, {stream})"))?;
    }
    Ok(())
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, terminal: &Terminal) -> fmt::Result {
    write!(
        f,
        "open({PTMX:?}); ioctl(TIOCGPTPEER); ioctl(TIOCSWINSZ, {}x{}); ioctl(TIOCSCTTY); dup2(tty, 0..{})",
        terminal.size.ws_col,
        terminal.size.ws_row,
        if terminal.takes_errors { 2 } else { 1 },
    )
}
