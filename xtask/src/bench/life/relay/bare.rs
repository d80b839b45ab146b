//! The floor of each relay: two descriptors, poll, read and write, and nothing else. What such a
//! loop costs is the kernel's, and on a virtual machine that of waking its processors.

use super::super::Bench;
use super::{TIMES, echo};
use crate::Result;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

/// Megabytes a second from a terminal to a file.
pub fn pour(bench: &Bench<'_>, megabytes: usize) -> Result<f64> {
    let words = [bench.arena.program("pour"), megabytes.to_string()];
    let mut best = Duration::MAX;
    for _ in 0..TIMES {
        let pty = openpty(None, None)?;
        let mut log = File::create(format!("{}/bare.log", bench.home.0))?;
        let begin = Instant::now();
        // Its end of the terminal is closed with the command that it was given to.
        let mut child = bench
            .identity
            .command(&words, &bench.home)
            .stdin(Stdio::null())
            .stdout(File::from(pty.slave))
            .spawn()?;
        let master = File::from(pty.master);
        // EIO: nobody has the other end any more. pty(7)
        while first_ready(&[&master])
            .and_then(|_| pass(&master, &mut log))
            .is_ok_and(|length| length > 0)
        {}
        best = best.min(begin.elapsed());
        child.wait()?;
    }
    Ok(megabytes as f64 / best.as_secs_f64())
}

/// The median time from a key to its echo, µs: from one terminal to another and back.
pub fn echoes() -> Result<f64> {
    let (outer, inner) = (openpty(None, None)?, openpty(None, None)?);
    let mut raw = tcgetattr(&outer.slave)?;
    cfmakeraw(&mut raw);
    tcsetattr(&outer.slave, SetArg::TCSANOW, &raw)?;
    let mut keyboard = File::from(outer.master);
    let (user, container) = (File::from(outer.slave), File::from(inner.master));
    let relay = thread::spawn(move || {
        let turn = || match first_ready(&[&user, &container])? {
            0 => pass(&user, &mut &container),
            _ => pass(&container, &mut &user),
        };
        while turn().is_ok_and(|length| length > 0) {}
    });
    let us = echo(&mut keyboard);
    drop(keyboard);
    relay.join().map_err(|_| "the bare relay failed")?;
    us
}

/// Waits until one can be read, and returns its place.
fn first_ready(files: &[&File]) -> io::Result<usize> {
    let mut fds: Vec<PollFd<'_>> =
        files.iter().map(|file| PollFd::new(file.as_fd(), PollFlags::POLLIN)).collect();
    poll(&mut fds, PollTimeout::NONE)?;
    Ok(fds.iter().position(|fd| fd.any() == Some(true)).unwrap_or_default())
}

/// Passes what there is; returns how much it was.
fn pass(mut from: &File, to: &mut impl Write) -> io::Result<usize> {
    let mut room = [0; 1 << 16];
    let length = from.read(&mut room)?;
    to.write_all(&room[..length])?;
    Ok(length)
}
