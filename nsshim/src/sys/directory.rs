//! Reading links and directories into room that is used again, for who reads very many.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

/// What a link says; what does not fit into `room` is cut off. readlinkat(2)
///
/// # Errors
/// `EACCES` and `ENOENT` as the kernel says them.
pub fn readlinkat<'a>(
    directory: impl AsFd,
    name: &CStr,
    room: &'a mut [u8],
) -> nix::Result<&'a [u8]> {
    let (fd, length) = (directory.as_fd().as_raw_fd(), room.len());
    // SAFETY: the kernel writes at most `length` bytes to `room`, which is borrowed alone.
    let count = unsafe { libc::readlinkat(fd, name.as_ptr(), room.as_mut_ptr().cast(), length) };
    Ok(&room[..Errno::result(count)? as usize])
}

/// The next entries of an open directory, for [`names`]; none at its end. getdents64(2)
///
/// # Errors
/// `EINVAL`: `room` is too small for one entry; `ENOENT`: the directory is gone.
pub fn getdents64(directory: impl AsFd, room: &mut [u8]) -> nix::Result<&[u8]> {
    let (fd, length) = (directory.as_fd().as_raw_fd(), room.len());
    // SAFETY: the kernel writes at most `length` bytes to `room`, which is borrowed alone.
    let count = unsafe { libc::syscall(libc::SYS_getdents64, fd, room.as_mut_ptr(), length) };
    Ok(&room[..Errno::result(count)? as usize])
}

/// The names in what [`getdents64`] gave.
pub fn names(mut entries: &[u8]) -> impl Iterator<Item = &CStr> {
    // struct linux_dirent64: d_ino, d_off, d_reclen, d_type, d_name
    const D_RECLEN: usize = 16;
    const D_NAME: usize = 19;
    std::iter::from_fn(move || {
        let length = entries.get(D_RECLEN..D_RECLEN + 2)?;
        let length = usize::from(u16::from_ne_bytes(length.try_into().ok()?));
        let entry = entries.get(..length)?;
        entries = &entries[length..];
        CStr::from_bytes_until_nul(entry.get(D_NAME..)?).ok()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs::{self, File};

    use super::*;

    #[test]
    fn all_names_of_a_directory_are_read() {
        let directory = File::open("/etc").unwrap();
        let mut found = BTreeSet::new();
        let mut room = [0; 512];
        loop {
            let entries = getdents64(&directory, &mut room).unwrap();
            if entries.is_empty() {
                break;
            }
            found.extend(names(entries).map(|name| name.to_str().unwrap().to_string()));
        }
        let expected = fs::read_dir("/etc").unwrap();
        let mut expected: BTreeSet<String> =
            expected.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        expected.extend([".".into(), "..".into()]);
        assert_eq!(found, expected);
    }

    #[test]
    fn a_link_is_read_as_far_as_there_is_room() {
        let directory = File::open("/proc/self").unwrap();
        let whole = fs::read_link("/proc/self/exe").unwrap().into_os_string().into_encoded_bytes();
        assert_eq!(readlinkat(&directory, c"exe", &mut [0; 4096]), Ok(&whole[..]));
        assert_eq!(readlinkat(&directory, c"exe", &mut [0; 5]), Ok(&whole[..5]));
        assert_eq!(readlinkat(&directory, c"none", &mut [0; 5]), Err(Errno::ENOENT));
    }
}
