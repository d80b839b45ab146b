//! Host and domain name, uts_namespaces(7).

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

use crate::error::{Named, Result};
use crate::sys;

pub(super) fn hostname(name: &CString) -> Result<()> {
    nix::unistd::sethostname(OsStr::from_bytes(name.to_bytes()))
        .call(|| format!("sethostname({name:?})"))
}

pub(super) fn domainname(name: &CString) -> Result<()> {
    sys::setdomainname(name).call(|| format!("setdomainname({name:?})"))
}
