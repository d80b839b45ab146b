//! Start to exit, interleaved.

use super::contestants::{Contestant, LeftOut};
use super::watchdog::{Watched, watch};
use crate::Result;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A contestant that fails this often is asked no more.
const PATIENCE: usize = 3;

/// Untimed rounds, to fill caches.
pub const WARM_UP: usize = 3;

/// What one contestant needed in each round; `None` where it failed.
#[derive(Serialize, Deserialize)]
pub struct Starts {
    pub name: String,
    pub us: Vec<Option<f64>>,
    pub failures: usize,
}

/// What was measured of this one.
pub fn times<'a>(all: &'a [Starts], name: &str) -> Option<&'a [Option<f64>]> {
    all.iter().find(|one| one.name == name).map(|one| &*one.us)
}

/// Runs each contestant until it has succeeded once, or says why it cannot.
pub fn probe(contestants: Vec<Contestant>) -> (Vec<Contestant>, Vec<LeftOut>) {
    let watched = watch(1);
    let mut left_out = Vec::new();
    let mut able = Vec::new();
    for contestant in contestants {
        match try_once(&contestant, &watched[0]) {
            Ok(()) => able.push(contestant),
            Err(reason) => left_out.push(LeftOut { name: contestant.name, reason }),
        }
    }
    (able, left_out)
}

fn try_once(contestant: &Contestant, watched: &Watched) -> std::result::Result<(), String> {
    // A file: a process left behind would hold a pipe open for ever.
    let file = Path::new(&std::env::var_os("HOME").unwrap_or_default()).join("stderr");
    let spoken = |error: std::io::Error| error.to_string();
    let stderr = File::create(&file).map_err(spoken)?;
    let mut child = silent(&mut contestant.command(0)).stderr(stderr).spawn().map_err(spoken)?;
    let status = watched.wait(&mut child).map_err(spoken)?;
    clear(contestant).map_err(spoken)?;
    if status.success() {
        return Ok(());
    }
    let said = std::fs::read(&file).map_err(spoken)?;
    let said = String::from_utf8_lossy(&said).trim().replace('\n', "; ");
    Err(format!("{status}: {}", said.chars().take(400).collect::<String>()))
}

/// Measures everyone in turn, until the time or the rounds are used up.
pub fn interleaved(
    contestants: &[Contestant],
    warm_up: usize,
    rounds: Option<usize>,
    budget: Duration,
) -> Result<Vec<Starts>> {
    let watched = watch(1);
    let mut commands: Vec<_> = contestants.iter().map(|c| c.command(0)).collect();
    commands.iter_mut().for_each(|command| {
        silent(command);
    });
    let mut results: Vec<_> = contestants
        .iter()
        .map(|c| Starts { name: c.name.clone(), us: Vec::new(), failures: 0 })
        .collect();

    let mut order: Vec<usize> = (0..commands.len()).collect();
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let begin = Instant::now();
    for round in 0.. {
        let measured = round.max(warm_up) - warm_up;
        if rounds.is_some_and(|limit| measured >= limit) || begin.elapsed() >= budget {
            break;
        }
        // A container's end costs more than its caller sees (the kernel takes a
        // network namespace apart later), and whoever comes next pays for it.
        // A new order each round shares that out; a rotation would not.
        dice.shuffle(&mut order);
        for &i in &order {
            let result = &mut results[i];
            let time = (result.failures < PATIENCE)
                .then(|| time_one(&mut commands[i], &watched[0]))
                .transpose()?
                .flatten();
            clear(&contestants[i])?;
            if time.is_none() {
                result.failures += 1;
            }
            if round >= warm_up {
                result.us.push(time.map(|time| time.as_secs_f64() * 1e6));
            }
        }
    }
    Ok(results)
}

/// From before the spawn (vfork and exec, as std does it) to after the wait;
/// `None` when it did not exit with 0.
fn time_one(command: &mut Command, watched: &Watched) -> Result<Option<Duration>> {
    let begin = Instant::now();
    let mut child: Child = command.spawn()?;
    let status = watched.wait(&mut child)?;
    let time = begin.elapsed();
    Ok(status.success().then_some(time))
}

/// Clears away what it left.
fn clear(contestant: &Contestant) -> std::io::Result<()> {
    let Some(mut command) = contestant.clearing() else { return Ok(()) };
    silent(&mut command).status().map(drop)
}

/// Standard streams to nowhere.
pub fn silent(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

/// xorshift64: reproducible, and good enough to shuffle ten things.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Fisher and Yates.
    fn shuffle(&mut self, order: &mut [usize]) {
        for i in (1..order.len()).rev() {
            order.swap(i, (self.next() % (i as u64 + 1)) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_keeps_everyone_and_puts_each_everywhere() {
        let mut dice = Dice(1);
        let mut seen = [[0; 4]; 4];
        for _ in 0..4000 {
            let mut order = [0, 1, 2, 3];
            dice.shuffle(&mut order);
            for (place, &who) in order.iter().enumerate() {
                seen[who][place] += 1;
            }
        }
        for row in seen {
            assert_eq!(row.iter().sum::<i32>(), 4000);
            assert!(row.iter().all(|&count| (850..1150).contains(&count)), "{seen:?}");
        }
    }
}
