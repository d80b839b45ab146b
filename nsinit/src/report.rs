//! What nsinit tells the program that started it with `--report-fd`: records of eight bytes.
//!
//! ```text
//! nsinit ── Started{pid} ──▶ (Stopped ──▶ Continued)* ──▶ Exited | Signaled ──▶ end of file
//!        └─ Failed{stage, errno, code} ──▶ end of file
//! ```
//!
//! End of file without a last word means that nsinit itself was killed.

/// How far the start of the workload came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Making its process.
    Fork,
    /// Changing to `--chdir`.
    Chdir,
    /// Becoming `--user`.
    User,
    /// Loading its system-call filter.
    Filter,
    /// Executing it.
    Exec,
}

impl Stage {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Fork => "fork",
            Stage::Chdir => "chdir",
            Stage::User => "user",
            Stage::Filter => "filter",
            Stage::Exec => "exec",
        }
    }
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// The workload runs, its execve(2) has succeeded.
    Started {
        /// In nsinit's pid namespace.
        pid: i32,
    },
    /// There is no workload.
    Failed {
        /// What failed.
        stage: Stage,
        /// Why.
        errno: i32,
        /// What nsinit exits with: 127 not found, 126 found but not executable, 125 the rest.
        code: u8,
    },
    /// The workload was stopped.
    Stopped {
        /// By which signal.
        signal: u8,
    },
    /// The workload goes on.
    Continued,
    /// The workload exited.
    Exited {
        /// Its exit status.
        code: u8,
    },
    /// The workload was killed.
    Signaled {
        /// By which signal.
        signal: u8,
        /// Whether it left a core file.
        core: bool,
    },
}

const STARTED: u8 = 1;
const FAILED: u8 = 2;
const STOPPED: u8 = 3;
const CONTINUED: u8 = 4;
const EXITED: u8 = 5;
const SIGNALED: u8 = 6;

#[cfg(not(freestanding))]
const STAGES: [Stage; 5] = [Stage::Fork, Stage::Chdir, Stage::User, Stage::Filter, Stage::Exec];

impl Report {
    /// The size of a record. One write(2) of so little is never split in a pipe or socket.
    pub const LEN: usize = 8;

    /// The record: its kind, two small fields, one zero, a little-endian number.
    pub fn encode(&self) -> [u8; Report::LEN] {
        let (kind, a, b, number) = match *self {
            Report::Started { pid } => (STARTED, 0, 0, pid),
            Report::Failed { stage, errno, code } => (FAILED, stage as u8, code, errno),
            Report::Stopped { signal } => (STOPPED, signal, 0, 0),
            Report::Continued => (CONTINUED, 0, 0, 0),
            Report::Exited { code } => (EXITED, code, 0, 0),
            Report::Signaled { signal, core } => (SIGNALED, signal, u8::from(core), 0),
        };
        let [n0, n1, n2, n3] = number.to_le_bytes();
        [kind, a, b, 0, n0, n1, n2, n3]
    }

    /// Reads a record; `None` if it is none.
    #[cfg(not(freestanding))]
    pub fn decode(bytes: &[u8]) -> Option<Report> {
        let &[kind, a, b, 0, n0, n1, n2, n3] = bytes else { return None };
        let number = i32::from_le_bytes([n0, n1, n2, n3]);
        Some(match (kind, a, b, number) {
            (STARTED, 0, 0, pid) => Report::Started { pid },
            (FAILED, stage, code, errno) => {
                Report::Failed { stage: *STAGES.get(usize::from(stage))?, errno, code }
            }
            (STOPPED, signal, 0, 0) => Report::Stopped { signal },
            (CONTINUED, 0, 0, 0) => Report::Continued,
            (EXITED, code, 0, 0) => Report::Exited { code },
            (SIGNALED, signal, core @ 0..=1, 0) => Report::Signaled { signal, core: core == 1 },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_survives_the_way_over_the_wire() {
        let mut all = vec![
            Report::Started { pid: 2 },
            Report::Started { pid: i32::MAX },
            Report::Stopped { signal: 20 },
            Report::Continued,
            Report::Exited { code: 0 },
            Report::Exited { code: 255 },
            Report::Signaled { signal: 11, core: true },
            Report::Signaled { signal: 64, core: false },
        ];
        all.extend(STAGES.map(|stage| Report::Failed { stage, errno: 13, code: 126 }));
        for report in all {
            assert_eq!(Report::decode(&report.encode()), Some(report));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            &[][..],
            &[0; 8],
            &[9, 0, 0, 0, 0, 0, 0, 0],
            &[FAILED, 5, 0, 0, 0, 0, 0, 0],
            &[SIGNALED, 9, 2, 0, 0, 0, 0, 0],
            &[EXITED, 0, 0, 1, 0, 0, 0, 0],
            &[EXITED, 0, 0, 0, 0, 0, 0],
            &[EXITED, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(Report::decode(wrong), None, "{wrong:?}");
        }
    }
}
