//! Memory and wake-ups of the processes that a runtime keeps beside a sleeping
//! workload, over many containers at once.

use super::arena::{Home, SLEEP};
use super::contestants::{Contestant, LeftOut};
use super::identity::Identity;
use crate::Result;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Serialize;
use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// As many as the goal for memory speaks of.
pub const CONTAINERS: usize = 50;

/// The longest look at sleeping processes.
pub const WINDOW: Duration = Duration::from_secs(2);

/// Until all workloads run, and until all containers are gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// From "the workload runs" to "everything has come to rest".
const SETTLE: Duration = Duration::from_millis(200);

pub struct Memory {
    pub containers: usize,
    pub window: Duration,
    pub rows: Vec<Row>,
    pub left_out: Vec<LeftOut>,
}

/// What one role of one contestant holds, per container.
#[derive(Clone, Serialize)]
pub struct Row {
    pub name: String,
    pub role: &'static str,
    pub processes: f64,
    /// None: the kernel does not let us look.
    pub pss_kb: Option<f64>,
    pub private_dirty_kb: Option<f64>,
    /// Context switches of all these processes together, within the window.
    pub wakeups: u64,
}

/// A process of a container that is not its workload.
pub struct Process {
    pub pid: i32,
    pub role: &'static str,
}

/// Measures one contestant after the other, as long as the budget lasts.
pub fn measure(
    contestants: &[Contestant],
    identity: &Identity,
    home: &Home,
    containers: usize,
    budget: Duration,
) -> Result<Memory> {
    let share = budget / contestants.len().max(1) as u32;
    let mut memory = Memory {
        containers,
        window: share.mul_f64(0.6).min(WINDOW),
        rows: Vec::new(),
        left_out: Vec::new(),
    };
    let begin = Instant::now();
    for contestant in contestants {
        let outcome = if begin.elapsed() < budget {
            measure_one(contestant, identity, home, &mut memory)?
        } else {
            Err("no time left".to_string())
        };
        if let Err(reason) = outcome {
            memory.left_out.push(LeftOut { name: contestant.name.clone(), reason });
        }
    }
    Ok(memory)
}

fn measure_one(
    contestant: &Contestant,
    identity: &Identity,
    home: &Home,
    memory: &mut Memory,
) -> Result<std::result::Result<(), String>> {
    // The workloads read the one pipe until it ends and report on the other.
    let (stdin, end) = std::io::pipe()?;
    let (mut reports, stdout) = std::io::pipe()?;
    let mut launchers = Vec::new();
    for slot in 0..memory.containers {
        let child = identity
            .command(&contestant.argv(slot), home)
            .stdin(Stdio::from(stdin.try_clone()?))
            .stdout(Stdio::from(stdout.try_clone()?))
            .stderr(Stdio::null())
            .spawn()?;
        launchers.push(child);
    }
    drop((stdin, stdout));
    let (sender, started) = mpsc::channel();
    thread::spawn(
        move || {
            while matches!(reports.read(&mut [0]), Ok(1)) && sender.send(()).is_ok() {}
        },
    );

    let deadline = Instant::now() + PATIENCE;
    let left = || deadline.saturating_duration_since(Instant::now());
    let running =
        (0..memory.containers).take_while(|_| started.recv_timeout(left()).is_ok()).count();
    let outcome = if running == memory.containers {
        thread::sleep(SETTLE);
        let processes = runtime_processes(&launchers)?;
        memory.rows.extend(look(&contestant.name, &processes, memory.containers, memory.window));
        Ok(())
    } else {
        Err(format!("only {running} of {} sleeping workloads came up", memory.containers))
    };
    drop(end);
    clear_away(launchers)?;
    Ok(outcome)
}

/// Wake-ups first: to look at memory does not wake, but takes time.
pub fn look(name: &str, processes: &[Process], containers: usize, window: Duration) -> Vec<Row> {
    let before: HashMap<i32, u64> = processes.iter().map(|p| (p.pid, switches(p.pid))).collect();
    thread::sleep(window);
    let mut roles: Vec<&'static str> = Vec::new();
    for process in processes {
        if !roles.contains(&process.role) {
            roles.push(process.role);
        }
    }
    let after: HashMap<i32, u64> = processes.iter().map(|p| (p.pid, switches(p.pid))).collect();
    let row = |role| {
        let ours: Vec<_> = processes.iter().filter(|p| p.role == role).collect();
        let per_container = |field: &str| {
            let sum: Option<u64> = ours.iter().map(|p| rollup_kb(p.pid, field)).sum();
            sum.map(|sum| sum as f64 / containers as f64)
        };
        Row {
            name: name.to_string(),
            role,
            processes: ours.len() as f64 / containers as f64,
            pss_kb: per_container("Pss:"),
            private_dirty_kb: per_container("Private_Dirty:"),
            wakeups: ours.iter().map(|p| after[&p.pid].saturating_sub(before[&p.pid])).sum(),
        }
    };
    roles.into_iter().map(row).collect()
}

/// All descendants of the launchers, and they themselves, but no workload.
fn runtime_processes(launchers: &[Child]) -> Result<Vec<Process>> {
    let mut found = Vec::new();
    for (pid, depth) in tree(launchers)? {
        let Ok(comm) = fs::read_to_string(format!("/proc/{pid}/comm")) else { continue };
        if comm.trim_end() != SLEEP {
            let role = match (in_new_pid_namespace(pid), depth) {
                (true, _) => "init",
                (false, 0) => "launcher",
                (false, _) => "shim",
            };
            found.push(Process { pid, role });
        }
    }
    Ok(found)
}

/// Pids of the launchers and their descendants, with their depth below them.
fn tree(launchers: &[Child]) -> Result<Vec<(i32, usize)>> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(parent) = parent(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found: Vec<(i32, usize)> = launchers.iter().map(|c| (c.id() as i32, 0)).collect();
    let mut next = 0;
    while next < found.len() {
        let (pid, depth) = found[next];
        found.extend(children.get(&pid).into_iter().flatten().map(|&child| (child, depth + 1)));
        next += 1;
    }
    Ok(found)
}

/// The fourth field of /proc/PID/stat; the second may hold spaces and brackets.
fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// `NSpid:` lists a pid per nested namespace, outermost first.
fn in_new_pid_namespace(pid: i32) -> bool {
    let depth = |pid: &str| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        line.unwrap_or_default().split_whitespace().count()
    };
    depth(&pid.to_string()) > depth("self")
}

/// Voluntary and other context switches of all threads so far.
pub fn switches(pid: i32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    tasks
        .map(|task| {
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            let counts = status.lines().filter(|line| line.contains("_ctxt_switches:"));
            counts
                .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
                .sum::<u64>()
        })
        .sum()
}

fn rollup_kb(pid: i32, field: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    text.lines().find_map(|line| line.strip_prefix(field)?.split_whitespace().next()?.parse().ok())
}

/// Standard input has ended, so all should go by themselves; who does not is killed.
fn clear_away(mut launchers: Vec<Child>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let mut killed = false;
    while !launchers.is_empty() {
        launchers.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        if Instant::now() > deadline && !killed {
            for (pid, _) in tree(&launchers)? {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            killed = true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
