//! System call filters: the default policy, and how one is loaded.
//!
//! ```text
//!  default (docker's, by capabilities) ──▶ policy ──compile──▶ Filter ──install──▶ kernel
//!  profile (a file, docker's or OCI's) ────┘         arguments, tree, assembler
//!    arch, x86_64, i386, x32: names and numbers
//! ```
//!
//! The filters of the usual capability sets are made when this crate is built: build.rs includes
//! the same modules. seccompiler's compiler would serve, but its program tries one number after
//! the other: 1700 instructions for x86_64 alone take 0.74 ms to load. These are 198 for x86_64
//! and i386, in 0.05 to 0.08 ms (Linux 6.18, JIT on; an empty filter takes 0.01 ms).

#![deny(unsafe_code)]

mod arch;
mod arguments;
mod assembler;
mod capabilities;
mod compile;
mod default;
mod i386;
mod policy;
pub mod profile;
#[allow(unsafe_code)]
mod sys;
mod tree;
mod user_namespaces;
mod x32;
mod x86_64;

#[cfg(test)]
mod interpreter;
#[cfg(test)]
mod tests;

pub use capabilities::{DOCKER_DEFAULT_CAPABILITIES, NESTING};
pub use seccompiler::sock_filter;
use std::borrow::Cow;
use std::fmt;
pub use user_namespaces::no_user_namespaces;

/// A program that the kernel runs at each system call, to allow or refuse it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    program: Cow<'static, [sock_filter]>,
    flags: u32,
}

impl Filter {
    fn new(program: Vec<sock_filter>, flags: u32) -> Self {
        Self { program: Cow::Owned(program), flags }
    }

    /// The program.
    pub fn instructions(&self) -> &[sock_filter] {
        &self.program
    }

    /// `SECCOMP_FILTER_FLAG_…`
    pub fn flags(&self) -> u32 {
        self.flags
    }
}

impl fmt::Display for Filter {
    /// The call that loads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seccomp(SECCOMP_SET_MODE_FILTER, {} instructions)", self.program.len())
    }
}

/// The default policy's filter for a container with these capabilities in its bounding set
/// (bit n: capability n of `linux/capability.h`).
///
/// It also keeps the workload from pushing input into a terminal (TIOCSTI, TIOCLINUX), whether it
/// inherits one or has its own: another can come in later.
///
/// For most sets the filter is ready and nothing is allocated: for docker's default set, for none,
/// for the default with CAP_SYS_ADMIN, for all, and for any that differs from one of these in
/// capabilities which the policy does not ask about. Others take 0.1 ms. With [`NESTING`] it also
/// lets what makes containers of its own do so.
pub fn default_filter(capabilities: u64) -> Filter {
    static PREBUILT: [(u64, &[sock_filter]); capabilities::PREBUILT.len()] =
        include!(concat!(env!("OUT_DIR"), "/seccomp.rs"));

    let as_good = |set: u64| (set ^ capabilities) & default::CAPABILITIES_THAT_MATTER == 0;
    if let Some((_, program)) = PREBUILT.iter().find(|(set, _)| as_good(*set)) {
        return Filter { program: Cow::Borrowed(program), flags: 0 };
    }
    let arches = arch::Arch::of_target(std::env::consts::ARCH)
        .expect("build.rs does not build for a target without tables");
    Filter::new(compile::compile(&default::policy(arches, capabilities)), 0)
}

/// Loads the filter into the calling thread; what it starts from then on has it too, and nobody
/// can take it off.
///
/// # Errors
/// `EACCES` unless the thread has no_new_privs set, or CAP_SYS_ADMIN in its user namespace;
/// `EINVAL` if the program is longer than 4096 instructions, or the kernel has no filters or not
/// these flags;
/// `ENOMEM` if it and those loaded before are longer than 32768 together.
///
/// See seccomp(2).
pub fn install(filter: &Filter) -> nix::Result<()> {
    sys::seccomp_set_mode_filter(filter.instructions(), filter.flags)
}
