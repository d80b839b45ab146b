//! What wait(2) says of a child.

#![forbid(unsafe_code)]

/// What became of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It exited with this code.
    Exited(u8),
    /// It was killed.
    Signaled {
        /// By this signal.
        signal: u8,
        /// And left a core file.
        core: bool,
    },
    /// It was stopped by this signal and lives.
    Stopped(u8),
    /// It goes on.
    Continued,
}

impl Outcome {
    /// From the number that wait4(2) fills in. (All 64 signals: libraries that check for a known
    /// signal lose the real-time ones, with the zombie already gone.)
    pub fn of(status: i32) -> Outcome {
        let low = (status & 0xff) as u8;
        let high = (status >> 8 & 0xff) as u8;
        match low & 0x7f {
            _ if status == 0xffff => Outcome::Continued,
            0 => Outcome::Exited(high),
            0x7f => Outcome::Stopped(high),
            signal => Outcome::Signaled { signal, core: low & 0x80 != 0 },
        }
    }

    /// The exit code that tells of it, as shells have it. `None` while the child lives.
    pub fn exit_code(self) -> Option<u8> {
        match self {
            Outcome::Exited(code) => Some(code),
            Outcome::Signaled { signal, .. } => Some(128 + (signal & 0x7f)),
            Outcome::Stopped(_) | Outcome::Continued => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_code_is_kept() {
        for code in 0..=255_u8 {
            assert_eq!(Outcome::of(i32::from(code) << 8), Outcome::Exited(code));
        }
    }

    #[test]
    fn every_signal_is_kept() {
        for signal in 1..=64_u8 {
            let killed = Outcome::of(i32::from(signal));
            assert_eq!(killed, Outcome::Signaled { signal, core: false });
            assert_eq!(killed.exit_code(), Some(128 + signal));
            let dumped = Outcome::of(i32::from(signal) | 0x80);
            assert_eq!(dumped, Outcome::Signaled { signal, core: true });
            let stopped = Outcome::of(i32::from(signal) << 8 | 0x7f);
            assert_eq!(stopped, Outcome::Stopped(signal));
            assert_eq!(stopped.exit_code(), None);
        }
        assert_eq!(Outcome::of(0xffff), Outcome::Continued);
    }
}
