//! How a container ended.

/// How the workload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// With this code.
    Code(u8),
    /// By this signal.
    Signaled {
        /// Its number.
        signal: i32,
        /// Whether it left a core dump.
        core: bool,
    },
}

impl Exit {
    /// Length of the encoded form.
    pub const LEN: usize = 3;

    /// The exit status that says the same: the code, or 128+n.
    pub fn status(&self) -> u8 {
        match *self {
            Exit::Code(code) => code,
            Exit::Signaled { signal, .. } => (128 + signal).clamp(129, 255) as u8,
        }
    }

    pub(crate) fn encode(&self) -> [u8; Self::LEN] {
        match *self {
            Exit::Code(code) => [0, code, 0],
            Exit::Signaled { signal, core } => [1, signal as u8, u8::from(core)],
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        match *bytes.get(..Self::LEN)? {
            [0, code, _] => Some(Exit::Code(code)),
            [1, signal, core] => {
                Some(Exit::Signaled { signal: i32::from(signal), core: core != 0 })
            }
            _ => None,
        }
    }
}
