//! A word of memory that processes share over fork and clone.

use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU32;

use nix::errno::Errno;

/// An [`AtomicU32`], zero at first, that is the same in every process forked from here on.
///
/// mmap(2), `MAP_SHARED|MAP_ANONYMOUS`
#[derive(Debug)]
pub(crate) struct SharedWord(NonNull<AtomicU32>);

impl SharedWord {
    /// A new one.
    ///
    /// # Errors
    /// `ENOMEM`
    pub(crate) fn new() -> nix::Result<Self> {
        // SAFETY: asks for fresh memory at an address of the kernel's choice.
        let memory = unsafe {
            libc::mmap(
                ptr::null_mut(),
                size_of::<AtomicU32>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        NonNull::new(memory.cast()).map(SharedWord).ok_or(Errno::ENOMEM)
    }
}

impl Deref for SharedWord {
    type Target = AtomicU32;

    fn deref(&self) -> &AtomicU32 {
        // SAFETY: mapped until `drop`, zeroed, aligned to a page, and only ever used atomically.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for SharedWord {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and nobody borrows it any more.
        unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<AtomicU32>()) };
    }
}
