//! The host names of UTS namespaces: the kernel tells one's own only.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;

use nix::sys::utsname::uname;
use nsshim::spec::Kind;

use super::visit::visit;
use super::{Found, Id};

/// A name and its length; `__NEW_UTS_LEN`, include/uapi/linux/utsname.h
struct Name([u8; 64], usize);

/// The names of all that may be entered.
pub fn hostnames(found: &Found) -> HashMap<Id, String> {
    let own = super::links_of(std::process::id() as i32).map(|links| links[Kind::Uts as usize]);
    let all = found.namespaces.values().filter(|namespace| namespace.kind == Kind::Uts);
    let others = all.filter(|namespace| own != Ok(namespace.id));
    let text = |Name(bytes, length)| String::from_utf8_lossy(&bytes[..length]).into_owned();
    let mut names: HashMap<Id, String> =
        visit(others, found, name_there, text).into_iter().collect();
    if let Some(own) = own.ok().filter(|own| found.namespaces.contains_key(own)) {
        names.insert(own, name_here());
    }
    names
}

/// Does not allocate.
fn name_there() -> Option<Name> {
    let names = uname().ok()?;
    let from = names.nodename().as_bytes();
    let mut name = [0; 64];
    let length = from.len().min(name.len());
    name[..length].copy_from_slice(&from[..length]);
    Some(Name(name, length))
}

fn name_here() -> String {
    uname().map(|names| names.nodename().to_string_lossy().into_owned()).unwrap_or_default()
}
