//! Extended attributes.

use std::ffi::CStr;

/// The value of an extended attribute, `None` when there is none. getxattr(2)
pub fn get_xattr(path: &CStr, name: &CStr) -> Option<Vec<u8>> {
    let mut value = vec![0_u8; 256];
    // SAFETY: both strings end in NUL; the kernel writes at most the length that is passed.
    let length = unsafe {
        libc::getxattr(path.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast(), value.len())
    };
    value.truncate(usize::try_from(length).ok()?);
    Some(value)
}
