//! Asking a system-call filter around us what it answers.

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::ForkResult;

use super::{exit_now, fork_single_threaded};

/// A call whose arguments the kernel refuses before it does anything.
struct Probe {
    call: &'static str,
    number: libc::c_long,
    arguments: [libc::c_long; 5],
    /// What the kernel says.
    refusal: Errno,
    /// Whether the kernel looks first whether the caller may mount.
    mounts: bool,
}

/// Null pointers and descriptors that are none: nothing can come of these calls.
/// The namespace bits are there for filters that look at them.
const PROBES: [Probe; 14] = [
    probe("clone3", libc::SYS_clone3, [0; 5], Errno::EINVAL),
    probe("unshare", libc::SYS_unshare, [CLONE_NEWUSER | 1, 0, 0, 0, 0], Errno::EINVAL),
    probe("setns", libc::SYS_setns, [-1, 0, 0, 0, 0], Errno::EBADF),
    probe("mount", libc::SYS_mount, [0; 5], Errno::EFAULT),
    probe("mount_setattr", libc::SYS_mount_setattr, [-1, 0, 0, 0, 0], Errno::EINVAL),
    probe("memfd_create", libc::SYS_memfd_create, [0, 0xffff_ffff, 0, 0, 0], Errno::EINVAL),
    probe("execveat", libc::SYS_execveat, [-1, 0, 0, 0, 0], Errno::EFAULT),
    probe("seccomp", libc::SYS_seccomp, [0xffff, 0, 0, 0, 0], Errno::EINVAL),
    probe("umount2", libc::SYS_umount2, [0, 0xffff, 0, 0, 0], Errno::EINVAL),
    probe("openat2", libc::SYS_openat2, [-1, 0, 0, 0, 0], Errno::EINVAL),
    probe("open_tree", libc::SYS_open_tree, [-1, 0, 0x7fff_ffff, 0, 0], Errno::EINVAL),
    mounts("move_mount", libc::SYS_move_mount, [-1, 0, -1, 0, 0x7fff_ffff], Errno::EINVAL),
    mounts("fsopen", libc::SYS_fsopen, [0, 0xffff, 0, 0, 0], Errno::EINVAL),
    mounts("pivot_root", libc::SYS_pivot_root, [0; 5], Errno::EFAULT),
];

const CLONE_NEWUSER: libc::c_long = libc::CLONE_NEWUSER as libc::c_long;

const fn probe(
    call: &'static str,
    number: libc::c_long,
    arguments: [libc::c_long; 5],
    refusal: Errno,
) -> Probe {
    Probe { call, number, arguments, refusal, mounts: false }
}

const fn mounts(
    call: &'static str,
    number: libc::c_long,
    arguments: [libc::c_long; 5],
    refusal: Errno,
) -> Probe {
    Probe { mounts: true, ..probe(call, number, arguments, refusal) }
}

impl Probe {
    fn answer(&self) -> Option<Errno> {
        let [a, b, c, d, e] = self.arguments;
        // SAFETY: every pointer among the arguments is null and every descriptor -1, so
        // the kernel reads and writes nothing, and refuses before it makes anything.
        let result = unsafe { libc::syscall(self.number, a, b, c, d, e) };
        Errno::result(result).err()
    }

    /// Asked where we may mount, by a child that ends at once: a filter is around it as well.
    fn answer_where_we_may_mount(&self) -> Option<Errno> {
        match fork_single_threaded().ok()? {
            ForkResult::Child => {
                let own = CloneFlags::CLONE_NEWNS;
                let may = unshare(own | CloneFlags::CLONE_NEWUSER).or_else(|_| unshare(own));
                let answer = may.ok().and_then(|()| self.answer());
                exit_now(answer.map_or(0, |answer| answer as i32))
            }
            ForkResult::Parent { child } => match waitpid(child, None) {
                Ok(WaitStatus::Exited(_, code)) if code != 0 => Some(Errno::from_raw(code)),
                _ => None,
            },
        }
    }
}

/// What a filter, or a kernel without it, answers to `call` in the kernel's place.
///
/// `None` when the kernel itself answers, or when nothing is known about `call`.
pub fn intercepted(call: &str) -> Option<Errno> {
    let probe = PROBES.iter().find(|probe| probe.call == call)?;
    let answer = match probe.mounts {
        true => probe.answer_where_we_may_mount(),
        false => probe.answer(),
    };
    answer.filter(|answer| *answer != probe.refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_refuses_every_probe_as_foreseen() {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        if !status.contains("Seccomp:\t0") {
            println!("skip: a system-call filter is around this test");
            return;
        }
        for Probe { call, .. } in PROBES {
            assert_eq!(intercepted(call), None, "{call}");
        }
    }
}
