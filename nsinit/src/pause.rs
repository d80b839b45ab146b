//! Pause mode: no workload. As the first process of a pod nsinit keeps the namespaces, reaps, and
//! ends when it is told to.

#![forbid(unsafe_code)]

use crate::sys::{self, SigSet, signal};

/// Reaps until TERM or INT comes.
pub fn run() -> u8 {
    loop {
        match sys::rt_sigtimedwait(SigSet::ALL, None) {
            Ok(info) => match info.signo {
                signal::TERM | signal::INT => return 0,
                signal::CHLD => while let Ok(Some(_)) = sys::wait4(None) {},
                _ => {}
            },
            Err(error) => sys::nap_unless(error),
        }
    }
}
