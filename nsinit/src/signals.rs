//! Signals: their names, and what becomes of one that arrives.

#![forbid(unsafe_code)]

use crate::sys::{SigInfo, signal};
use crate::text::parse_number;

/// Names without `SIG`, by number from 1 on (asm-generic/signal.h).
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// The number of a signal that is given by name, with or without `SIG`, or by number.
pub fn number(text: &[u8]) -> Option<i32> {
    if let Some(number) = parse_number(text) {
        return (1..=signal::LAST).contains(&number).then_some(number);
    }
    let name = text.strip_prefix(b"SIG").unwrap_or(text);
    NAMES.iter().zip(1..).find(|(known, _)| known.as_bytes() == name).map(|(_, number)| number)
}

/// What becomes of a signal that nsinit has received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// It is not for the workload, or the workload has it already.
    Drop,
    /// Sent on by kill(2).
    Kill,
    /// Sent on by rt_sigqueueinfo(2), with code and payload.
    Queue,
}

/// Where nsinit is.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its pid.
    pub pid: i32,
    /// Whether it leads its session.
    pub session_leader: bool,
    /// Whether the workload is in the same process group.
    pub same_group: bool,
}

/// Decides by who made the signal: a process (`code <= 0`) or the kernel.
pub fn route(info: &SigInfo, place: &Place) -> Route {
    match info.code {
        // A SIGPIPE of a log that nobody reads any more; the group's share of our own signals.
        SigInfo::SI_USER if info.pid == place.pid => Route::Drop,
        // Only the kernel and kill(2) may use these codes.
        SigInfo::SI_USER | SigInfo::SI_TKILL => Route::Kill,
        ..=-1 => Route::Queue,
        _ => match info.signo {
            // A terminal signals one whole group, the workload's or ours.
            signal::INT
            | signal::QUIT
            | signal::TSTP
            | signal::TTIN
            | signal::TTOU
            | signal::WINCH
                if place.same_group =>
            {
                Route::Drop
            }
            // When a terminal hangs up, only the leader of its session is told.
            signal::HUP | signal::CONT if place.same_group && !place.session_leader => Route::Drop,
            // Our own CPU time, and our own children.
            signal::XCPU | signal::CHLD => Route::Drop,
            _ => Route::Kill,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Place = Place { pid: 1, session_leader: false, same_group: false };
    const SAME: Place = Place { same_group: true, ..OWN };
    const LEADER: Place = Place { session_leader: true, ..SAME };

    #[test]
    fn names_and_numbers_are_both_understood() {
        for (name, signal) in
            [("HUP", 1), ("SIGTERM", 15), ("SYS", 31), ("64", 64), ("33", 33), ("SIGIO", 29)]
        {
            assert_eq!(number(name.as_bytes()), Some(signal), "{name}");
        }
        for wrong in ["", "0", "65", "-1", "TERMX", "SIGSIGTERM", "term x"] {
            assert_eq!(number(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn what_processes_send_is_forwarded_as_it_came() {
        for signo in 1..=64 {
            for place in [OWN, SAME, LEADER] {
                for (code, expected) in [
                    (SigInfo::SI_USER, Route::Kill),
                    (SigInfo::SI_TKILL, Route::Kill),
                    (-1, Route::Queue),
                    (-2, Route::Queue),
                    (-3, Route::Queue),
                    (-60, Route::Queue),
                ] {
                    let info = SigInfo::new(signo, code, 77);
                    assert_eq!(route(&info, &place), expected, "{signo} {code}");
                }
            }
        }
    }

    #[test]
    fn what_nsinit_did_to_itself_is_not_forwarded() {
        let info = SigInfo::new(signal::PIPE, SigInfo::SI_USER, 1);
        assert_eq!(route(&info, &OWN), Route::Drop);
    }

    #[test]
    fn a_terminal_signal_reaches_the_workload_exactly_once() {
        for signo in [signal::INT, signal::QUIT, signal::TSTP, signal::WINCH] {
            let info = SigInfo::new(signo, SigInfo::SI_KERNEL, 0);
            assert_eq!(route(&info, &OWN), Route::Kill, "our group had it");
            assert_eq!(route(&info, &SAME), Route::Drop, "the workload had it, too");
        }
    }

    #[test]
    fn a_hang_up_that_only_the_session_leader_is_told_of_is_forwarded() {
        for signo in [signal::HUP, signal::CONT] {
            let info = SigInfo::new(signo, SigInfo::SI_KERNEL, 0);
            assert_eq!(route(&info, &LEADER), Route::Kill);
            assert_eq!(route(&info, &OWN), Route::Kill);
            assert_eq!(route(&info, &SAME), Route::Drop);
        }
    }

    #[test]
    fn a_timer_from_before_the_exec_is_the_workloads() {
        assert_eq!(route(&SigInfo::new(14, SigInfo::SI_KERNEL, 0), &SAME), Route::Kill);
        assert_eq!(route(&SigInfo::new(signal::XCPU, SigInfo::SI_KERNEL, 0), &OWN), Route::Drop);
    }
}
