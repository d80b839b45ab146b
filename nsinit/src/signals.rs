//! Signals: their names, and what becomes of one that arrives.

#![forbid(unsafe_code)]

use crate::sys::{SigInfo, signal};
use crate::text::{Text, parse_number, split};

/// Names without `SIG`, in the order of their numbers from 1 on (asm-generic/signal.h). One
/// string: as a table of strings it would be four times the size.
const NAMES: &str = "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT \
                     CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS";

fn names() -> impl Iterator<Item = (i32, &'static [u8])> {
    (1..).zip(NAMES.as_bytes().split(|byte| *byte == b' '))
}

/// The first real-time signal as people know them: the C libraries keep 32 and 33 for threads.
const RTMIN: i32 = 34;

/// The number of a signal that is given by name, with or without `SIG`, or by number.
pub fn number(text: &[u8]) -> Option<i32> {
    let signal = match parse_number(text) {
        Some(number) => number,
        None => by_name(match text {
            [b'S', b'I', b'G', name @ ..] => name,
            name => name,
        })?,
    };
    (1..=signal::LAST).contains(&signal).then_some(signal)
}

fn by_name(name: &[u8]) -> Option<i32> {
    // RTMIN+n and RTMAX-n: what is behind the sign, if anything.
    let (min, above) = split(name, b'+');
    if min == b"RTMIN" {
        return RTMIN.checked_add(above.map_or(Some(0), parse_number)?);
    }
    let (max, below) = split(name, b'-');
    if max == b"RTMAX" {
        let signal = signal::LAST - below.map_or(Some(0), parse_number)?;
        return (signal >= RTMIN).then_some(signal);
    }
    names().find(|(_, known)| *known == name).map(|(number, _)| number)
}

/// Appends the name of `signal`, or its number if it has none.
pub fn push_name(text: &mut Text, signal: i32) {
    if let Some((_, name)) = names().find(|(number, _)| *number == signal) {
        text.str("SIG").push(name);
    } else if signal < RTMIN {
        text.number(signal.into());
    } else {
        text.str("SIGRTMIN+").number((signal - RTMIN).into());
    }
}

/// Signals that ask the workload to end: they may be held back, and start the time of grace.
pub fn asks_to_stop(signal: i32) -> bool {
    matches!(signal, signal::TERM | signal::INT | signal::QUIT)
}

/// For every signal the one that is passed on instead.
#[derive(Clone, Debug)]
pub struct Rewrites([u8; 65]);

impl Rewrites {
    /// Every signal stays as it is.
    pub fn new() -> Rewrites {
        let mut rewrites = [0; 65];
        for (signal, entry) in (0..=u8::MAX).zip(&mut rewrites) {
            *entry = signal;
        }
        Rewrites(rewrites)
    }

    /// What `signal` is passed on as, if at all.
    pub fn map(&self, signal: i32) -> Option<i32> {
        let to = usize::try_from(signal).ok().and_then(|signal| self.0.get(signal))?;
        (*to != 0).then_some(i32::from(*to))
    }

    /// Takes `SIGNAL:SIGNAL`, or `SIGNAL:0` for one that is not passed on at all. `None` if
    /// `text` is no such thing.
    pub fn add(&mut self, text: &[u8]) -> Option<()> {
        let (from, to) = split(text, b':');
        let from = number(from)?;
        let to = match to? {
            b"0" => 0,
            to => number(to)?,
        };
        self.set(from, to);
        Some(())
    }

    /// What dumb-init does for a session of its own, whose group is an orphan to the kernel:
    /// there a terminal's stop signals are ignored, SIGSTOP is not.
    pub fn stop_for_session(&mut self) {
        for signal in [signal::TSTP, signal::TTIN, signal::TTOU] {
            // What was asked for stays.
            if self.map(signal) == Some(signal) {
                self.set(signal, signal::STOP);
            }
        }
    }

    fn set(&mut self, from: i32, to: i32) {
        if let Some(entry) = usize::try_from(from).ok().and_then(|from| self.0.get_mut(from)) {
            *entry = to as u8;
        }
    }
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
        for (name, signal) in [
            ("HUP", 1),
            ("SIGTERM", 15),
            ("SYS", 31),
            ("64", 64),
            ("33", 33),
            ("SIGIO", 29),
            ("RTMIN", 34),
            ("SIGRTMIN+3", 37),
            ("RTMAX", 64),
            ("SIGRTMAX-30", 34),
        ] {
            assert_eq!(number(name.as_bytes()), Some(signal), "{name}");
        }
        for wrong in [
            "",
            "0",
            "65",
            "-1",
            "TERMX",
            "SIGSIGTERM",
            "term x",
            "RTMIN+31",
            "RTMAX-31",
            "RTMIN-1",
            "RTMAX+1",
            "RTMIN+",
            "RTMIN+2147483647",
        ] {
            assert_eq!(number(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn every_signal_has_a_name_that_is_understood() {
        for signal in 1..=64 {
            let mut text = Text::new();
            push_name(&mut text, signal);
            assert_eq!(number(text.as_bytes()), Some(signal));
        }
    }

    #[test]
    fn rewrites_change_only_what_they_name() {
        let mut rewrites = Rewrites::new();
        for text in ["15:3", "SIGHUP:USR1", "RTMIN+3:TERM", "INT:0", "1:2"] {
            rewrites.add(text.as_bytes()).expect("a good rewrite");
        }
        let changed: Vec<_> =
            (1..=64).map(|s| (s, rewrites.map(s))).filter(|(s, to)| Some(*s) != *to).collect();
        assert_eq!(changed, [(1, Some(2)), (2, None), (15, Some(3)), (37, Some(15))]);
        for wrong in ["", "15", "15:", ":15", "0:15", "15:65", "X:1", "1:2:3"] {
            assert_eq!(Rewrites::new().add(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn the_defaults_of_dumb_init_leave_what_was_asked_for() {
        let mut rewrites = Rewrites::new();
        rewrites.add(b"TTIN:TERM").expect("a good rewrite");
        rewrites.stop_for_session();
        assert_eq!([20, 21, 22].map(|s| rewrites.map(s)), [Some(19), Some(15), Some(19)]);
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
