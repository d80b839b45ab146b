//! nsinit as something to execute that nobody can change.
//!
//! A sealed memfd: what is inside reaches it through /proc/1/exe but can never
//! write it, and no file of the host is behind it (CVE-2019-5736).
//!
//! Where memory may not be executed, the child makes a file of the same bytes.
//!
//! A filter that only the workload gets comes with it, behind its code: nsinit has it in memory
//! without a descriptor to keep from the workload, and without reading anything.

use std::borrow::Cow;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::error::{CallError, Named, Result};
use crate::seccomp::Filter;

/// `MFD_EXEC`, include/uapi/linux/memfd.h, Linux 6.3.
const EXECUTABLE: MFdFlags = MFdFlags::from_bits_retain(0x10);

/// An image to execute, and what nsinit's `--filter` says where the filter is.
pub(super) struct Image {
    /// None where memory may not be executed: vm.memfd_noexec=2.
    pub file: Option<OwnedFd>,
    pub bytes: Cow<'static, [u8]>,
    pub filter: Option<u64>,
}

pub(super) fn open(filter: Option<&Filter>) -> Result<Image> {
    let Some(filter) = filter else {
        let bytes = Cow::Borrowed(nsinit::IMAGE);
        return Ok(Image { file: sealed(&bytes)?, bytes, filter: None });
    };
    let (bytes, place) = with_filter(nsinit::IMAGE, filter)
        .ok_or_else(|| CallError { call: "nsinit::IMAGE".into(), errno: Errno::ENOEXEC })?;
    Ok(Image { file: sealed(&bytes)?, bytes: Cow::Owned(bytes), filter: Some(place) })
}

/// The image with the filter at its end, and the last segment longer by it.
fn with_filter(image: &[u8], filter: &Filter) -> Option<(Vec<u8>, u64)> {
    // Offsets in the file's header, and in a segment's. elf(5)
    const E_PHOFF: usize = 32;
    const E_PHENTSIZE: usize = 54;
    const E_PHNUM: usize = 56;
    const P_OFFSET: usize = 8;
    const P_VADDR: usize = 16;
    const P_FILESZ: usize = 32;
    const P_MEMSZ: usize = 40;
    const LOAD: u32 = 1;
    let half = |at| Some(usize::from(u16::from_le_bytes(array(image, at)?)));
    let word = |at| Some(u64::from_le_bytes(array(image, at)?));

    let (first, size) = (word(E_PHOFF)? as usize, half(E_PHENTSIZE)?);
    let mut headers = (0..half(E_PHNUM)?).map(|index| first + index * size);
    let header = headers.rfind(|&at| array(image, at) == Some(LOAD.to_le_bytes()))?;
    let (offset, address) = (word(header + P_OFFSET)?, word(header + P_VADDR)?);

    let mut bytes = image.to_vec();
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let place = address + bytes.len() as u64 - offset;
    for instruction in filter.instructions() {
        bytes.extend(instruction.code.to_le_bytes());
        bytes.extend([instruction.jt, instruction.jf]);
        bytes.extend(instruction.k.to_le_bytes());
    }
    let size = (bytes.len() as u64 - offset).to_le_bytes();
    for field in [P_FILESZ, P_MEMSZ] {
        bytes.get_mut(header + field..header + field + 8)?.copy_from_slice(&size);
    }
    let place = u64::from(u32::try_from(place).ok()?);
    let count = u64::from(u16::try_from(filter.instructions().len()).ok()?);
    Some((bytes, u64::from(filter.flags()) << 48 | count << 32 | place))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

fn sealed(bytes: &[u8]) -> Result<Option<OwnedFd>> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let memfd = match memfd_create(c"nsinit", flags | EXECUTABLE) {
        // An older kernel: memory is executable without asking.
        Err(Errno::EINVAL) => memfd_create(c"nsinit", flags),
        Err(Errno::EACCES) => return Ok(None),
        other => other,
    }
    .call(|| "memfd_create(\"nsinit\", MFD_CLOEXEC|MFD_ALLOW_SEALING|MFD_EXEC)".into())?;
    let written = nix::unistd::write(&memfd, bytes).call(|| "write(memfd)".into())?;
    if written != bytes.len() {
        return Err(CallError { call: "write(memfd)".into(), errno: Errno::ENOSPC });
    }
    let seals = SealFlag::F_SEAL_WRITE
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_SEAL;
    fcntl(&memfd, FcntlArg::F_ADD_SEALS(seals)).call(|| "fcntl(memfd, F_ADD_SEALS)".into())?;
    Ok(Some(memfd))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seccomp;

    #[test]
    fn the_filter_is_where_nsinit_is_told_it_is() {
        for filter in [seccomp::default_filter(0), seccomp::no_user_namespaces()] {
            let (bytes, place) = with_filter(nsinit::IMAGE, &filter).unwrap();
            assert_eq!(bytes[0x200..nsinit::IMAGE.len()], nsinit::IMAGE[0x200..]);
            let count = filter.instructions().len();
            assert_eq!((place >> 32) as usize, count);
            // The last of the three program headers but one is the last segment.
            let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
            let last = 64 + 56;
            let (offset, address) = (word(last + 8), word(last + 16));
            assert_eq!(word(last + 32), bytes.len() as u64 - offset);
            assert_eq!(word(last + 40), word(last + 32));
            let start = ((place as u32 as u64) - address + offset) as usize;
            assert_eq!(start + count * 8, bytes.len());
            let first = &filter.instructions()[0];
            assert_eq!(bytes[start..start + 2], first.code.to_le_bytes());
            assert_eq!(bytes[start + 4..start + 8], first.k.to_le_bytes());
        }
    }

    #[test]
    fn what_is_no_program_gets_no_filter() {
        let filter = seccomp::default_filter(0);
        for length in [0, 10, 64] {
            assert_eq!(with_filter(&nsinit::IMAGE[..length], &filter), None);
        }
    }
}
