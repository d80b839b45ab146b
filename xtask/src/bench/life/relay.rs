//! What passes through the shim on its way to the log, and through nsctl to a terminal.

mod bare;

use super::Bench;
use crate::Result;
use crate::bench::arena::SLEEP;
use crate::bench::memory::switches;
use crate::bench::report::Target;
use nix::pty::openpty;
use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

const STATE: &str = "relay";

/// How often each is measured; the best counts, for the rest was disturbed.
const TIMES: usize = 3;

/// Keystrokes.
const ECHOES: usize = 1500;

pub fn measure(bench: &Bench<'_>) -> Result<Vec<Target>> {
    let pipe = pour(bench, 1024, &["--log-driver", "file"])?;
    let json = pour(bench, 256, &[])?;
    let pty = pour(bench, 64, &["-t", "--log-driver", "file"])?;
    let bare_pty = bare::pour(bench, 64)?;
    let (direct, through) = echoes(bench)?;
    let bare = bare::echoes()?;
    let at_least = |what: &str, value, bound| Target::at_least(what.into(), Some(value), bound);
    Ok(vec![
        at_least("from a pipe to a log of bytes, MB/s", pipe, 1000.0),
        Target::at_most("from a pipe to a log of JSON, MB/s".into(), Some(json), None),
        at_least("from a terminal to a log, MB/s", pty, 100.0),
        Target::at_most(
            "… by a loop that does nothing else (the kernel's floor), MB/s".into(),
            Some(bare_pty),
            None,
        ),
        Target::at_most(
            "echo of a key through nsctl, µs more than a terminal's own".into(),
            Some(through - direct),
            Some(15.0),
        ),
        Target::at_most(
            "… through a loop that does nothing else (the kernel's floor), µs more".into(),
            Some(bare - direct),
            None,
        ),
        Target::at_most(
            "wake-ups of nsctl and shim for 2 GB to where the caller's output goes".into(),
            Some(without_relay(bench)? as f64),
            Some(0.0),
        ),
    ])
}

/// Megabytes a second, all that it takes to start and to end the container included.
fn pour(bench: &Bench<'_>, megabytes: usize, options: &[&str]) -> Result<f64> {
    let program = bench.arena.program("pour");
    let count = megabytes.to_string();
    let mut best = Duration::MAX;
    for _ in 0..TIMES {
        let words = ["run", "-d", "--name", "pour", "--log-max-size", "256m"];
        let words = [&words, options, &["--log-max-files", "1", "--", &program, &count]].concat();
        let begin = Instant::now();
        bench.ask(STATE, &words)?;
        bench.ask(STATE, &["wait", "pour"])?;
        best = best.min(begin.elapsed());
        bench.ask(STATE, &["rm", "-f", "pour"])?;
    }
    Ok(megabytes as f64 / best.as_secs_f64())
}

/// The median time from a key to its echo, µs: by a terminal alone, and through nsctl.
fn echoes(bench: &Bench<'_>) -> Result<(f64, f64)> {
    let alone = openpty(None, None)?;
    let mut master = File::from(alone.master);
    let direct = echo(&mut master)?;

    let outer = openpty(None, None)?;
    let mut master = File::from(outer.master);
    let (nsctl, sleep) = (bench.arena.program("nsctl"), bench.arena.program(SLEEP));
    let words = ["setsid", "-c", &nsctl, "run", "-t", "--", &sleep];
    let slave = File::from(outer.slave);
    let mut child = bench
        .identity
        .command(&words, &bench.home)
        .stdin(slave.try_clone()?)
        .stdout(slave.try_clone()?)
        .stderr(Stdio::null())
        .spawn()?;
    drop(slave);
    // The workload says that it runs.
    master.read_exact(&mut [0])?;
    let through = echo(&mut master);
    // The end of a line is the end of that workload.
    master.write_all(b"\n")?;
    child.wait()?;
    Ok((direct, through?))
}

/// The median time from a key to its echo, µs.
fn echo(master: &mut File) -> Result<f64> {
    let mut us: Vec<f64> = Vec::new();
    for _ in 0..ECHOES {
        let begin = Instant::now();
        master.write_all(b"x")?;
        master.read_exact(&mut [0])?;
        us.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    crate::bench::statistics::quantile(&us, 0.5).ok_or_else(|| "no echo".into())
}

/// Context switches of nsctl and its shim while the workload writes.
fn without_relay(bench: &Bench<'_>) -> Result<u64> {
    let program = bench.arena.program("pour");
    let mut child =
        bench.nsctl(STATE, &["run", "--", &program, "1000000"]).stdout(Stdio::piped()).spawn()?;
    let mut output = child.stdout.take().ok_or("no pipe")?;
    let mut block = vec![0; 1 << 20];
    output.read_exact(&mut block)?;
    // A borrowed identity is taken on by a program that then becomes nsctl.
    let nsctl = child.id() as i32;
    let children = std::fs::read_to_string(format!("/proc/{nsctl}/task/{nsctl}/children"))?;
    let mut both = vec![nsctl];
    both.extend(children.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
    let count = || both.iter().map(|&pid| switches(pid)).sum::<u64>();
    std::thread::sleep(Duration::from_millis(200));
    let before = count();
    for _ in 0..2048 {
        output.read_exact(&mut block)?;
    }
    let after = count();
    drop(output);
    child.wait()?;
    Ok(after - before)
}
