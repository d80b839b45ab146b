//! `nsctl ns diff`: in which namespaces two processes are not together, and what that changes.

use std::collections::BTreeSet;

use nsshim::spec::Kind;
use serde_json::{Value, json};

use super::{print, print_json, say_unread};
use crate::args::DiffArgs;
use crate::error::Error;
use crate::output::harmless_text;
use crate::scan::{self, Facts, Found, Id, Places, Sight, Target, unreadable};

/// No more lines of one thing than this, unless all are asked for.
const MOST: usize = 10;

/// One side.
struct Side {
    name: String,
    pid: Option<i32>,
    ids: [Id; 8],
    sight: Sight,
    target: Target,
}

impl Side {
    /// A network that is named by itself has no process, or any.
    fn look_inside(&mut self, facts: &Facts, found: &Found) {
        let network = found.namespaces.get(&self.ids[Kind::Net as usize]);
        let Some(network) = network.filter(|_| self.pid.is_none()) else { return };
        if let Some(pid) = network.first {
            self.sight = Sight::of(facts, pid);
        } else if let Some(network) =
            scan::networks([network].into_iter(), found).remove(&network.id)
        {
            self.sight.interfaces = network.interfaces;
            self.sight.addresses = network.addresses;
        }
    }
}

/// Prints it; the status is 1 when something differs, as diff(1) has it.
pub fn diff(args: &DiffArgs) -> Result<i32, Error> {
    let facts = Facts::new(scan::open_proc()?);
    let mut one = side(&args.one, &facts)?;
    let mut other = side(&args.other, &facts)?;
    for side in [&one, &other] {
        if let Target::Process(process) = &side.target {
            process.check()?;
        }
    }
    // A namespace may have no process.
    let all = one.pid.is_none() || other.pid.is_none();
    let found = Found::look(Places { all, relations: true })?;
    let hostnames = scan::hostnames(&found);
    one.look_inside(&facts, &found);
    other.look_inside(&facts, &found);
    let mut differs = false;
    let mut text = String::new();
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        let (a, b) = (one.ids[kind as usize], other.ids[kind as usize]);
        // A file is of one kind.
        if a == 0 || b == 0 {
            continue;
        }
        let name = |id: Id| hostnames.get(&id).cloned().into_iter().collect::<BTreeSet<_>>();
        let mut changes = Vec::new();
        for (what, a, b) in sights(kind, &one, &other, &name(a), &name(b)) {
            changes.push((what, minus(a, b), minus(b, a)));
        }
        changes.retain(|(_, gone, come)| !gone.is_empty() || !come.is_empty());
        differs |= a != b || !changes.is_empty();
        let verdict = if a == b { "same" } else { "different" };
        let ids = if a == b { a.to_string() } else { format!("{a} {b}") };
        text += &format!("{:<7} {verdict:<10} {ids}\n", kind.file());
        for (what, gone, come) in &changes {
            text += &lines(what, gone, come, args.all);
        }
        let changes: Vec<Value> = changes
            .iter()
            .map(|(what, gone, come)| json!({ "what": what, "only_first": gone, "only_second": come }))
            .collect();
        rows.push(
            json!({ "kind": kind.file(), "same": a == b, "ids": [a, b], "differences": changes }),
        );
    }
    if text.is_empty() {
        return Err(Error::new(format!("{} and {} are not of one kind", one.name, other.name))
            .try_this("two processes, or two files of one kind"));
    }
    if args.json {
        let all = json!({ "first": one.name, "second": other.name, "namespaces": rows });
        print_json(&all);
    } else {
        print(&format!("- {}\n+ {}\n{text}", harmless_text(&one.name), harmless_text(&other.name)));
        if one.pid.is_none() || other.pid.is_none() {
            say_unread(found.unread);
        }
    }
    Ok(i32::from(differs))
}

fn side(word: &str, facts: &Facts) -> Result<Side, Error> {
    let target = Target::find(word)?;
    Ok(match &target {
        Target::Process(process) => {
            let ids =
                scan::links_of(process.pid).map_err(|errno| unreadable(process.pid, errno))?;
            let name = match &process.container {
                Some(name) => format!("{name} (process {})", process.pid),
                None => format!("process {} ({})", process.pid, facts.command(process.pid)),
            };
            let pid = process.pid;
            Side { name, pid: Some(pid), ids, sight: Sight::of(facts, pid), target }
        }
        Target::Namespace(namespace) => {
            let mut ids = [0; 8];
            ids[namespace.kind as usize] = namespace.id;
            Side { name: word.into(), pid: None, ids, sight: Sight::default(), target }
        }
    })
}

type Compared<'a> = (&'static str, &'a BTreeSet<String>, &'a BTreeSet<String>);

/// What belongs to a kind.
fn sights<'a>(
    kind: Kind,
    one: &'a Side,
    other: &'a Side,
    name: &'a BTreeSet<String>,
    other_name: &'a BTreeSet<String>,
) -> Vec<Compared<'a>> {
    if kind == Kind::Uts {
        return vec![("host name", name, other_name)];
    }
    if kind != Kind::Net && (one.pid.is_none() || other.pid.is_none()) {
        return Vec::new();
    }
    let (a, b) = (&one.sight, &other.sight);
    match kind {
        Kind::User => vec![("id map", &a.maps, &b.maps), ("rights", &a.rights, &b.rights)],
        Kind::Cgroup => vec![("path", &a.cgroups, &b.cgroups)],
        Kind::Net => vec![
            ("interface", &a.interfaces, &b.interfaces),
            ("address", &a.addresses, &b.addresses),
        ],
        Kind::Time => vec![("clock", &a.clocks, &b.clocks)],
        Kind::Mnt => vec![("root", &a.root, &b.root), ("mount", &a.mounts, &b.mounts)],
        Kind::Ipc | Kind::Pid | Kind::Uts => Vec::new(),
    }
}

fn minus(from: &BTreeSet<String>, what: &BTreeSet<String>) -> Vec<String> {
    from.difference(what).cloned().collect()
}

fn lines(what: &str, gone: &[String], come: &[String], all: bool) -> String {
    let most = if all { usize::MAX } else { MOST };
    let mut text = String::new();
    for (sign, list) in [('-', gone), ('+', come)] {
        for line in list.iter().take(most) {
            text += &format!("  {sign} {what} {}\n", harmless_text(line));
        }
        if list.len() > most {
            text += &format!("  {sign} {what} … and {} more (--all)\n", list.len() - most);
        }
    }
    text
}
