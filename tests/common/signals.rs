//! The signal state that the programs of the tests begin with.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// No signal is ignored and none is blocked, whoever started the tests: a shell without job control
/// leaves SIGINT and SIGQUIT ignored for what it runs with `&`, nohup SIGHUP. What a test itself has
/// done before exec afterwards holds.
pub fn with_default_actions(command: &mut Command) {
    // SAFETY: rt_sigaction and rt_sigprocmask are safe between fork and exec; they read the kernel's
    // sigaction, no longer than this, whose default is zero, and a set of 64 signals.
    unsafe {
        command.pre_exec(|| {
            let (default, none) = ([0_u64; 4], 0_u64);
            // Not by signal(): it refuses the two that are glibc's own, of which posix_spawn has one
            // ignored. Of SIGKILL and SIGSTOP the kernel refuses it.
            for signal in 1..=64 {
                libc::syscall(libc::SYS_rt_sigaction, signal, &raw const default, 0, 8);
            }
            libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const none, 0, 8);
            Ok(())
        });
    }
}
