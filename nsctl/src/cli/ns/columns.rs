//! The columns of `nsctl ns ls`: a table of names and how to get each cell.

use std::collections::HashMap;
use std::sync::OnceLock;

use nsshim::spec::Kind;
use serde_json::Value;

use crate::containers::Containers;
use crate::error::Error;
use crate::scan::{self, Facts, Found, Holder, Id, Namespace, Network};

/// What a cell holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// Not known, or there is none.
    Empty,
    /// A number.
    Number(u64),
    /// Others' words, as they are.
    Text(String),
}

impl Cell {
    fn number(number: Option<impl Into<u64>>) -> Cell {
        number.map_or(Cell::Empty, |number| Cell::Number(number.into()))
    }

    fn text(text: Option<String>) -> Cell {
        text.filter(|text| !text.is_empty()).map_or(Cell::Empty, Cell::Text)
    }

    /// Its words, where it has any.
    pub fn some(&self) -> Option<String> {
        match self {
            Cell::Empty => None,
            Cell::Number(number) => Some(number.to_string()),
            Cell::Text(text) => Some(text.clone()),
        }
    }

    /// For a table.
    pub fn shown(&self) -> String {
        self.some().unwrap_or_else(|| "-".into())
    }

    /// For JSON.
    pub fn json(&self) -> Value {
        match self {
            Cell::Empty => Value::Null,
            Cell::Number(number) => (*number).into(),
            Cell::Text(text) => text.clone().into(),
        }
    }
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The number of the link.
    Id,
    /// The number that is never used again.
    Unique,
    /// The kind.
    Kind,
    /// How many processes.
    Procs,
    /// The first of them.
    Pid,
    /// Its user, or who made it.
    User,
    /// The same as a number.
    Uid,
    /// The command line of the first process.
    Command,
    /// The user namespace that owns it.
    Owner,
    /// What it is nested in.
    Parent,
    /// What keeps it besides processes.
    Kept,
    /// The container.
    Container,
    /// The host name.
    Hostname,
    /// The addresses of a network.
    Addresses,
    /// How deep it is nested.
    Depth,
    /// The map of user ids.
    Map,
    /// What says most about its kind.
    Detail,
}

/// Names and lsns' names.
const NAMES: [(Column, &str, &str); 17] = [
    (Column::Id, "id", "ns"),
    (Column::Unique, "unique", "unique"),
    (Column::Kind, "kind", "type"),
    (Column::Procs, "procs", "nprocs"),
    (Column::Pid, "pid", "pid"),
    (Column::User, "user", "user"),
    (Column::Uid, "uid", "uid"),
    (Column::Owner, "owner", "ons"),
    (Column::Parent, "parent", "pns"),
    (Column::Depth, "depth", "depth"),
    (Column::Container, "container", "container"),
    (Column::Hostname, "hostname", "hostname"),
    (Column::Addresses, "addresses", "addresses"),
    (Column::Map, "map", "map"),
    (Column::Detail, "detail", "detail"),
    (Column::Kept, "kept", "nsfs"),
    (Column::Command, "command", "command"),
];

/// What is shown unless it is said.
pub const DEFAULT: [Column; 10] = [
    Column::Id,
    Column::Kind,
    Column::Procs,
    Column::Pid,
    Column::User,
    Column::Owner,
    Column::Container,
    Column::Detail,
    Column::Kept,
    Column::Command,
];

/// What is shown of a look at processes only.
pub const QUICK: [Column; 6] =
    [Column::Id, Column::Kind, Column::Procs, Column::Pid, Column::User, Column::Command];

impl Column {
    /// All of them.
    pub fn all() -> Vec<Column> {
        NAMES.iter().map(|row| row.0).collect()
    }

    /// The name.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// Whether all that it holds are numbers.
    pub fn is_number(self) -> bool {
        use Column::{Depth, Id, Owner, Parent, Pid, Procs, Uid, Unique};
        matches!(self, Id | Unique | Procs | Pid | Uid | Owner | Parent | Depth)
    }

    /// By name.
    pub fn parse(name: &str) -> Result<Column, Error> {
        let lower = name.to_ascii_lowercase();
        let found = NAMES.iter().find(|row| row.1 == lower || row.2 == lower);
        found.map(|row| row.0).ok_or_else(|| {
            let known: Vec<&str> = NAMES.iter().map(|row| row.1).collect();
            Error::new(format!("no such column: {}", crate::error::shown(name)))
                .try_this(format!("one of {}", known.join(", ")))
        })
    }
}

/// What cells are made of.
pub struct Cells<'a> {
    found: &'a Found,
    facts: Facts,
    hostnames: OnceLock<HashMap<Id, String>>,
    networks: OnceLock<HashMap<Id, Network>>,
    containers: OnceLock<HashMap<Id, Vec<String>>>,
}

impl<'a> Cells<'a> {
    /// Of what was found.
    pub fn new(found: &'a Found) -> Result<Self, Error> {
        let facts = Facts::new(scan::open_proc()?);
        let (hostnames, networks, containers) = Default::default();
        Ok(Cells { found, facts, hostnames, networks, containers })
    }

    /// One cell.
    pub fn get(&self, namespace: &Namespace, column: Column) -> Cell {
        let process = namespace.process();
        match column {
            Column::Id => Cell::Number(namespace.id),
            Column::Unique => Cell::number(namespace.unique),
            Column::Kind => Cell::Text(namespace.kind.file().into()),
            Column::Procs => Cell::Number(namespace.processes.into()),
            Column::Pid => Cell::number(process.map(|pid| pid as u32)),
            Column::Uid => Cell::number(self.uid(namespace)),
            Column::User => Cell::text(self.uid(namespace).map(|uid| self.facts.user(uid))),
            Column::Command => Cell::text(process.map(|pid| self.facts.command(pid))),
            Column::Owner => Cell::number(namespace.owner),
            Column::Parent => Cell::number(namespace.parent),
            Column::Kept => Cell::text(kept(namespace)),
            Column::Container => Cell::text(self.container(namespace)),
            Column::Hostname => Cell::text(self.hostname(namespace)),
            Column::Addresses => Cell::text(self.addresses(namespace)),
            Column::Depth => match namespace.kind {
                Kind::User | Kind::Pid => Cell::Number(self.found.depth(namespace.id) as u64),
                _ => Cell::Empty,
            },
            Column::Map => Cell::text(self.map(namespace)),
            Column::Detail => Cell::text(self.detail(namespace)),
        }
    }

    /// Learns what is known of all at once, before several ask for single cells.
    pub fn prepare(&self, shown: &[&Namespace], columns: &[Column]) {
        let asks = |column: Column| columns.contains(&column);
        if asks(Column::Container) {
            self.containers.get_or_init(|| our_containers(self.found));
        }
        let has_hosts = shown.iter().any(|namespace| namespace.kind == Kind::Uts);
        if has_hosts && (asks(Column::Hostname) || asks(Column::Detail)) {
            self.hostnames.get_or_init(|| scan::hostnames(self.found));
        }
        let is_empty = |one: &&Namespace| one.kind == Kind::Net && one.first.is_none();
        if shown.iter().any(is_empty) && (asks(Column::Addresses) || asks(Column::Detail)) {
            self.networks();
        }
    }

    /// The facts about processes.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The container that a process is in, where it is in a namespace that only that has.
    pub fn container_of(&self, pid: i32) -> Option<String> {
        let ours = self.containers.get_or_init(|| our_containers(self.found));
        let at = self.found.processes.binary_search_by_key(&pid, |process| process.pid).ok()?;
        let only = |id: &Id| match ours.get(id)?.as_slice() {
            [name] => Some(name.clone()),
            _ => None,
        };
        let name = self.found.processes[at].links.iter().find_map(only);
        name.or_else(|| self.facts.cgroup(pid))
    }

    fn uid(&self, namespace: &Namespace) -> Option<u32> {
        match (namespace.first, namespace.maker) {
            // Who made it says more of a user namespace that has no process.
            (None, Some(maker)) => Some(maker),
            _ => namespace.process().and_then(|pid| self.facts.uid(pid)),
        }
    }

    fn map(&self, namespace: &Namespace) -> Option<String> {
        (namespace.kind == Kind::User).then_some(())?;
        self.facts.id_map(namespace.first?, "uid_map")
    }

    fn hostname(&self, namespace: &Namespace) -> Option<String> {
        (namespace.kind == Kind::Uts).then_some(())?;
        self.hostnames.get_or_init(|| scan::hostnames(self.found)).get(&namespace.id).cloned()
    }

    /// By a process that is in it, or else from inside.
    fn addresses(&self, namespace: &Namespace) -> Option<String> {
        (namespace.kind == Kind::Net).then_some(())?;
        let addresses = match namespace.first {
            Some(pid) => scan::network_addresses(&self.facts, pid),
            None => scan::without_loopback(&self.networks().get(&namespace.id)?.addresses),
        };
        Some(addresses.join(" "))
    }

    /// Those that no process is in.
    fn networks(&self) -> &HashMap<Id, Network> {
        let all = || scan::networks(self.found.namespaces.values(), self.found);
        self.networks.get_or_init(all)
    }

    /// What says most: the name of a host, the map of ids, addresses, how deep, how far the clock is.
    fn detail(&self, namespace: &Namespace) -> Option<String> {
        match namespace.kind {
            Kind::Uts => self.hostname(namespace),
            Kind::User => self.map(namespace),
            Kind::Net => self.addresses(namespace),
            Kind::Pid => Some(self.found.depth(namespace.id))
                .filter(|&depth| depth > 0)
                .map(|depth| format!("depth {depth}")),
            Kind::Time => {
                let pid = namespace.first?;
                let offsets = self.facts.text(pid, "timens_offsets")?;
                let words: Vec<String> = offsets.lines().filter_map(offset).collect();
                Some(words.join(" "))
            }
            _ => None,
        }
    }

    fn container(&self, namespace: &Namespace) -> Option<String> {
        let ours = self.containers.get_or_init(|| our_containers(self.found));
        if let Some(name) = ours.get(&namespace.id).and_then(|names| names.last()) {
            return Some(name.clone());
        }
        self.facts.cgroup(namespace.process()?)
    }
}

/// `boottime 864000 0`
fn offset(line: &str) -> Option<String> {
    let mut fields = line.split_whitespace();
    let (clock, seconds, nanoseconds) = (fields.next()?, fields.next()?, fields.next()?);
    let none = seconds == "0" && nanoseconds == "0";
    (!none).then(|| match nanoseconds {
        "0" => format!("{clock}={seconds}s"),
        _ => format!("{clock}={seconds}s+{nanoseconds}ns"),
    })
}

/// The namespaces of containers of ours, unless they share them with us, and who has each.
fn our_containers(found: &Found) -> HashMap<Id, Vec<String>> {
    let mut names: HashMap<Id, Vec<String>> = HashMap::new();
    let own = scan::links_of(std::process::id() as i32).unwrap_or_default();
    let all = Containers::open().and_then(|containers| containers.all()).unwrap_or_default();
    for container in all {
        let Some(pid) = container.state.pid else { continue };
        let at = found.processes.binary_search_by_key(&pid, |process| process.pid);
        let Some(process) = at.ok().map(|at| &found.processes[at]) else { continue };
        // One that has ended is in none of most kinds.
        for id in process.links.into_iter().filter(|id| *id != 0 && !own.contains(id)) {
            names.entry(id).or_default().push(container.about.name.clone());
        }
    }
    names
}

/// What keeps it, in words: the first thing, and how many more there are.
fn kept(namespace: &Namespace) -> Option<String> {
    let first = namespace.holders.first().map(held)?;
    Some(match namespace.holders.len() - 1 {
        0 => first,
        more => format!("{first} (+{more})"),
    })
}

/// One thing that keeps it.
pub fn held(holder: &Holder) -> String {
    match holder {
        Holder::Thread { pid, tid } => format!("thread {tid} of {pid}"),
        Holder::Children { pid } => format!("next child of {pid}"),
        Holder::Descriptor { pid, fd } => format!("/proc/{pid}/fd/{fd}"),
        Holder::Socket { pid, fd } => format!("socket /proc/{pid}/fd/{fd}"),
        Holder::Mount { seen_by: None, path } => path.display().to_string(),
        Holder::Mount { seen_by: Some(pid), path } => {
            format!("/proc/{pid}/root{}", path.display())
        }
        Holder::Owned(id) => format!("owner of {id}"),
        Holder::Child(id) => format!("parent of {id}"),
    }
}
