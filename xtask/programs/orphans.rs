// Leaves orphans to its init, one after the other, each dead already: as many as
// the argument says. An init that is slow to reap them makes this one wait for
// processors and process numbers.
use std::ffi::c_void;

unsafe extern "C" {
    fn clone(run: extern "C" fn(*mut c_void) -> i32, stack: *mut c_void, flags: i32, arg: *mut c_void) -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
}

// linux/sched.h: CLONE_VM, CLONE_VFORK; SIGCHLD. The parent sleeps until the child has ended.
const BORROWED: i32 = 0x100 | 0x4000 | 17;

extern "C" fn end(_: *mut c_void) -> i32 {
    0
}

extern "C" fn leave_one(stack: *mut c_void) -> i32 {
    unsafe { clone(end, stack, BORROWED, std::ptr::null_mut()) };
    0
}

fn main() {
    let count: u32 = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1);
    let (mut stack, mut other) = ([0_u128; 1024], [0_u128; 1024]);
    let (top, other) = (stack.as_mut_ptr_range().end, other.as_mut_ptr_range().end);
    for _ in 0..count {
        let pid = unsafe { clone(leave_one, top.cast(), BORROWED, other.cast()) };
        assert!(pid > 0, "{}", std::io::Error::last_os_error());
        unsafe { waitpid(pid, std::ptr::null_mut(), 0) };
    }
}
