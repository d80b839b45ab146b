//! Words for the kernel.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

use crate::error::Error;

/// A word as the kernel takes it.
pub fn c_string(word: &OsStr) -> Result<CString, Error> {
    // The kernel gave us this word as a C string, so it cannot hold a zero byte.
    CString::new(word.as_bytes()).map_err(|_| Error::new(format!("{word:?} holds a zero byte")))
}
