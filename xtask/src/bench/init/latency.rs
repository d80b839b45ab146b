//! How long a signal takes through an init: there by way of the init, back directly, on one
//! processor, so that nobody waits for another one to wake.

use super::{Init, PLAIN};
use crate::Result;
use crate::bench::arena::Arena;
use crate::bench::measure::Starts;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{Pid, getpid};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The signal that is passed on, and the answer to it.
const PING: Signal = Signal::SIGUSR1;
const PONG: Signal = Signal::SIGUSR2;

/// Signals in a round: few enough for many rounds.
const COUNT: usize = 1000;

fn only(signal: Signal) -> SigSet {
    let mut set = SigSet::empty();
    set.add(signal);
    set
}

/// Has the calling thread, and those that it starts, leave the answers to who waits for them.
pub fn block_answers() -> Result<()> {
    Ok(only(PONG).thread_block()?)
}

/// The workload: answers every signal until it is ended.
pub fn pong(to: i32) -> Result<()> {
    let ping = only(PING);
    ping.thread_block()?;
    println!("ready");
    loop {
        ping.wait()?;
        kill(Pid::from_raw(to), PONG)?;
    }
}

/// Each in turn, the workload without an init included; the median of a round counts.
pub fn interleaved(
    inits: &[Init],
    arena: &Arena,
    rounds: Option<usize>,
    budget: Duration,
) -> Result<Vec<Starts>> {
    let all = sched_getaffinity(Pid::from_raw(0))?;
    let last = (0..CpuSet::count()).rev().find(|cpu| all.is_set(*cpu) == Ok(true));
    let mut one = CpuSet::new();
    one.set(last.ok_or("no processor to run on")?)?;
    sched_setaffinity(Pid::from_raw(0), &one)?;
    let results = take_turns(inits, arena, rounds, budget);
    sched_setaffinity(Pid::from_raw(0), &all)?;
    results
}

fn take_turns(
    inits: &[Init],
    arena: &Arena,
    rounds: Option<usize>,
    budget: Duration,
) -> Result<Vec<Starts>> {
    let lines = std::iter::once((PLAIN, Vec::new()))
        .chain(inits.iter().map(|init| (init.name, init.line())));
    let lines: Vec<_> = lines.collect();
    let mut results: Vec<Starts> = lines
        .iter()
        .map(|(name, _)| Starts { name: (*name).into(), us: Vec::new(), failures: 0 })
        .collect();
    let begin = Instant::now();
    for round in 0.. {
        if rounds.is_some_and(|limit| round >= limit) || begin.elapsed() >= budget {
            break;
        }
        for ((_, line), result) in lines.iter().zip(&mut results) {
            result.us.push(Some(one_round(line, arena)?));
        }
    }
    Ok(results)
}

/// The median time from ping to pong, in microseconds.
fn one_round(line: &[String], arena: &Arena) -> Result<f64> {
    let mut words = line.to_vec();
    words.extend([arena.program("xtask"), "bench-pong".into(), getpid().to_string()]);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Ended(command.spawn()?);
    let mut stdout = child.0.stdout.take().expect("asked for a pipe");
    stdout.read_exact(&mut [0; 6])?;

    let (to, pong) = (Pid::from_raw(child.0.id() as i32), only(PONG));
    let mut times = Vec::with_capacity(COUNT);
    for _ in 0..COUNT {
        let begin = Instant::now();
        kill(to, PING)?;
        pong.wait()?;
        times.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    kill(to, Signal::SIGTERM)?;
    child.0.wait()?;
    Ok(crate::bench::statistics::quantile(&times, 0.5).unwrap_or_default())
}

/// A child that does not outlive an error.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
