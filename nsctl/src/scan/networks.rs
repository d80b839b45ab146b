//! Networks that no process is in: a child goes there and opens the files that tell of them, and they
//! are read here.

use std::collections::{BTreeSet, HashMap};
use std::ffi::CStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nsshim::spec::Kind;

use super::process::{addresses, interface};
use super::visit::visit;
use super::{Found, Id, Namespace};

/// What there is in one.
#[derive(Debug, Default)]
pub struct Network {
    /// Its interfaces.
    pub interfaces: BTreeSet<String>,
    /// Their addresses.
    pub addresses: BTreeSet<String>,
}

/// Those of them that may be entered and have no process.
pub fn networks<'a>(
    all: impl Iterator<Item = &'a Namespace>,
    found: &Found,
) -> HashMap<Id, Network> {
    let empty = all.filter(|one| one.kind == Kind::Net && one.first.is_none());
    visit(empty, found, files_there, read).into_iter().collect()
}

/// What tells of the network that one is in. proc_pid_net(5)
const FILES: [&CStr; 3] =
    [c"/proc/self/net/dev", c"/proc/self/net/fib_trie", c"/proc/self/net/if_inet6"];

/// Does not allocate. Without IPv6 its file is missing.
fn files_there() -> Option<[Option<OwnedFd>; 3]> {
    let opened = |file| open(file, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).ok();
    Some(FILES.map(opened))
}

fn read(files: [Option<OwnedFd>; 3]) -> Network {
    let [devices, trie, inet6] = files.map(|file| {
        let mut text = Vec::new();
        let _ = file.map(|file| File::from(file).read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    });
    Network {
        interfaces: devices.lines().filter_map(interface).collect(),
        addresses: addresses(&trie, &inet6),
    }
}
