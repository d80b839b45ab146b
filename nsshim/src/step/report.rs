//! Telling the caller which namespaces the container has.

use std::os::fd::BorrowedFd;

use nix::fcntl::AtFlags;
use nix::sys::stat::fstatat;

use super::InsideContext;
use crate::channel::{self, Message};
use crate::error::{Named, Result};
use crate::spec::Kind;

pub(super) fn namespaces(context: &InsideContext<'_>) -> Result<()> {
    let ids = ids(context.proc)?;
    channel::send(context.channel, &Message::Namespaces(ids), None)
        .call(|| "sendmsg(namespaces)".into())
}

/// The inode numbers by which /proc/PID/ns names the namespaces.
fn ids(proc: BorrowedFd<'_>) -> Result<[u64; 8]> {
    let mut ids = [0; 8];
    for (id, kind) in ids.iter_mut().zip(Kind::ALL) {
        let path = format!("self/ns/{}", kind.file());
        let found = fstatat(proc, path.as_str(), AtFlags::empty());
        *id = found.call(|| format!("stat(\"/proc/{path}\")"))?.st_ino;
    }
    Ok(ids)
}
