//! `nsctl top`: the processes of a container.

use std::fs;

use serde_json::json;

use super::say;
use crate::args::TopArgs;
use crate::containers::Containers;
use crate::error::Error;
use crate::output::Table;

/// Prints them.
pub fn top(args: &TopArgs) -> Result<i32, Error> {
    let container = Containers::open()?.find(&args.container)?;
    let pids = container.processes(&container.state)?;
    // One that ended meanwhile is none.
    let all: Vec<Process> = pids.into_iter().filter_map(Process::read).collect();
    if args.json {
        let all: Vec<_> = all
            .iter()
            .map(|one| {
                json!({"pid": one.pid, "pid_inside": one.inside, "parent": one.parent,
                       "user": one.user, "state": one.state, "command": one.command})
            })
            .collect();
        say(&serde_json::to_string_pretty(&all).unwrap_or_default());
        return Ok(0);
    }
    let mut table = Table::new(&["PID", "INSIDE", "USER", "STATE", "COMMAND"]);
    for one in all {
        let user = one.user.map_or("?".into(), |user| user.to_string());
        table.row(vec![
            one.pid.to_string(),
            one.inside.to_string(),
            user,
            one.state,
            one.command.join(" "),
        ]);
    }
    say(table.text(true).trim_end());
    Ok(0)
}

struct Process {
    pid: i32,
    /// As its own pid namespace has it.
    inside: i32,
    /// The host's number.
    parent: i32,
    /// As its user namespace has it; `None` when it is not mapped there.
    user: Option<u32>,
    state: String,
    command: Vec<String>,
}

impl Process {
    fn read(pid: i32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map(str::trim)
        };
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = words.split(|&byte| byte == 0).filter(|word| !word.is_empty());
        let mut command: Vec<String> =
            words.map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        if command.is_empty() {
            // A zombie, or one that took its words away.
            command.push(format!("[{}]", field("Name")?));
        }
        Some(Process {
            pid,
            inside: field("NSpid")?.split_whitespace().last()?.parse().ok()?,
            parent: field("PPid")?.parse().ok()?,
            user: inside_id(pid, field("Uid")?.split_whitespace().nth(1)?.parse().ok()?),
            state: field("State")?.chars().take(1).collect(),
            command,
        })
    }
}

/// A user id of ours as the process's user namespace has it. user_namespaces(7)
fn inside_id(pid: i32, outside: u32) -> Option<u32> {
    let map = fs::read_to_string(format!("/proc/{pid}/uid_map")).ok()?;
    map.lines().find_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        let (inside, from, count) =
            (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
        let offset = outside.checked_sub(from).filter(|&offset| offset < count)?;
        inside.checked_add(offset)
    })
}
