//! `nsctl ns can`: which capabilities a process has towards a namespace, and why.

use std::os::fd::OwnedFd;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nsshim::spec::Kind;
use serde_json::{Value, json};

use super::kinds::Kinds;
use super::{print, print_json};
use crate::args::CanArgs;
use crate::error::Error;
use crate::output::harmless_text;
use crate::scan::{self, Actor, Facts, Id, Reach, Rule, Target, unreadable};

/// Prints it; the status is 1 when it has none anywhere.
pub fn can(args: &CanArgs) -> Result<i32, Error> {
    let kinds = Kinds::parse(&args.kinds)?;
    let Target::Process(process) = Target::find(&args.process)? else {
        return Err(Error::new(format!("{} is a namespace, and not a process", args.process))
            .try_this("nsctl ns can PID NAMESPACE: first who, then where"));
    };
    let target = Target::find(&args.namespace)?;
    let facts = Facts::new(scan::open_proc()?);
    let actor = Actor::read(&facts, process.pid).map_err(|errno| unreadable(process.pid, errno))?;
    let mut places = places(&target)?;
    places.retain(|place| kinds.has(place.kind));
    let verdicts = judged(&actor, &places)?;
    process.check()?;
    if let Target::Process(process) = &target {
        process.check()?;
    }
    match args.json {
        true => print_json(&as_json(&actor, &facts, &verdicts)),
        false => print(&text(&actor, &facts, &verdicts)),
    }
    Ok(i32::from(verdicts.iter().all(|verdict| verdict.reach.capabilities == 0)))
}

/// A namespace that is asked about.
struct Place {
    kind: Kind,
    id: Id,
    fd: OwnedFd,
}

/// A user namespace, those asked about that it has the say over, and what the process has there.
struct Verdict<'a> {
    owner: Id,
    reach: Reach,
    places: Vec<(&'a Place, Join)>,
}

/// Whether setns(2) lets it in.
struct Join {
    may: bool,
    why: String,
}

fn places(target: &Target) -> Result<Vec<Place>, Error> {
    match target {
        Target::Namespace(one) => {
            let fd = one.fd.try_clone().map_err(|error| Error::new(error.to_string()))?;
            Ok(vec![Place { kind: one.kind, id: one.id, fd }])
        }
        Target::Process(process) => {
            let links =
                scan::links_of(process.pid).map_err(|errno| unreadable(process.pid, errno))?;
            let mut places = Vec::new();
            for kind in Kind::ALL.into_iter().filter(|kind| links[*kind as usize] != 0) {
                let path = format!("/proc/{}/ns/{}", process.pid, kind.file());
                let fd = open(path.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())
                    .map_err(|errno| unreadable(process.pid, errno))?;
                places.push(Place { kind, id: links[kind as usize], fd });
            }
            Ok(places)
        }
    }
}

fn judged<'a>(actor: &Actor, places: &'a [Place]) -> Result<Vec<Verdict<'a>>, Error> {
    let mut verdicts: Vec<Verdict<'a>> = Vec::new();
    for place in places {
        let failed = |errno: nix::errno::Errno| {
            let name = place.kind.file();
            Error::new(format!("cannot tell who owns {name}:[{}]: ioctl(): {errno}", place.id))
                .because("its owner is outside of our own user namespace, so it is not shown")
                .try_this("ask from the user namespace around")
        };
        let owner = scan::governing(&place.fd, place.kind).map_err(failed)?;
        let reach = actor.reach(&owner).map_err(failed)?;
        let join = join(actor, place, &reach);
        match verdicts.iter_mut().find(|verdict| verdict.owner == reach.path[0]) {
            Some(verdict) => verdict.places.push((place, join)),
            None => {
                verdicts.push(Verdict { owner: reach.path[0], reach, places: vec![(place, join)] })
            }
        }
    }
    Ok(verdicts)
}

/// The rules of setns(2), "Details for specific namespace types".
fn join(actor: &Actor, place: &Place, reach: &Reach) -> Join {
    const SYS_CHROOT: u64 = 1 << 18;
    const SYS_ADMIN: u64 = 1 << 21;
    let no = |why: &str| Join { may: false, why: why.into() };
    let kind = place.kind;
    if reach.capabilities & SYS_ADMIN == 0 {
        return no(match reach.rule {
            Rule::Unknown => "cannot be told from here",
            _ => "it needs sys_admin there",
        });
    }
    if kind == Kind::User {
        return match actor.links[kind as usize] == place.id {
            true => no("it is in there already"),
            false => Join { may: true, why: "with all capabilities inside".into() },
        };
    }
    let first_owner = |missing: &str| {
        let enters = reach.path[0] != actor.user_namespace();
        no(&match enters {
            true => format!(
                "it needs {missing} in its own user namespace, too; after joining user:[{}] it may",
                reach.path[0]
            ),
            false => format!("it needs {missing}, too"),
        })
    };
    if actor.effective & SYS_ADMIN == 0 {
        return first_owner("sys_admin");
    }
    if kind == Kind::Mnt && actor.effective & SYS_CHROOT == 0 {
        return first_owner("sys_chroot");
    }
    if kind == Kind::Pid && !scan::lies_in(&place.fd, actor.links[kind as usize]) {
        return no("a pid namespace can only be left for one that is nested in it");
    }
    Join { may: true, why: String::new() }
}

/// Each step to the answer, with where it is written.
fn why(actor: &Actor, verdict: &Verdict<'_>) -> Vec<(String, &'static str)> {
    const SAY: &str =
        "user_namespaces(7), \"Interaction of user namespaces and other types of namespaces\"";
    const RULES: &str = "user_namespaces(7), \"Capabilities\"";
    const NESTED: &str = "user_namespaces(7), \"Nested namespaces, namespace membership\"";
    let (owner, own) = (verdict.owner, actor.user_namespace());
    let names: Vec<String> = verdict
        .places
        .iter()
        .filter(|(place, _)| place.kind != Kind::User)
        .map(|(place, _)| format!("{}:[{}]", place.kind.file(), place.id))
        .collect();
    let mut steps = Vec::new();
    if !names.is_empty() {
        let verb = if names.len() == 1 { "belongs" } else { "belong" };
        let names = names.join(" ");
        steps.push((format!("{names} {verb} to user:[{owner}]: rights over it count there"), SAY));
    }
    let has = scan::capabilities(actor.effective);
    let effective = format!("its effective set is: {has}");
    let path: Vec<String> = verdict.reach.path.iter().map(|id| format!("user:[{id}]")).collect();
    let nested = format!("{} (each is nested in the next)", path.join(" "));
    match verdict.reach.rule {
        Rule::Member => {
            steps.push(("the process is in that user namespace".into(), RULES));
            steps.push((effective, "capabilities(7)"));
        }
        Rule::Ancestor => {
            steps.push((format!("the process is in user:[{own}], which lies around: {nested}"), NESTED));
            steps.push(("what it has there it has in all that is nested there".into(), RULES));
            steps.push((effective, "capabilities(7)"));
        }
        Rule::Maker(made) => {
            steps.push((format!("the process is in user:[{own}], which lies around: {nested}"), NESTED));
            steps.push((
                format!("its effective user, {}, made user:[{made}], right below: so it has all capabilities in that, and in what is nested there", actor.euid),
                RULES,
            ));
        }
        Rule::Stranger => steps.push((
            format!("the process is in user:[{own}], which neither is user:[{owner}] nor lies around it: rights do not reach outwards, nor to the side"),
            RULES,
        )),
        Rule::Unknown => steps.push((
            format!("of {nested} nothing more can be seen from here, or the user who made it has no number here"),
            "ioctl_nsfs(2)",
        )),
    }
    if actor.filtered {
        steps.push((
            "a system-call filter is around the process, which may forbid what the capabilities allow".into(),
            "seccomp(2)",
        ));
    }
    steps
}

fn text(actor: &Actor, facts: &Facts, verdicts: &[Verdict<'_>]) -> String {
    let command = harmless_text(&facts.command(actor.pid));
    let mut text = format!(
        "process {} ({command}), user {}, in user:[{}]\n",
        actor.pid,
        harmless_text(&facts.user(actor.euid)),
        actor.user_namespace()
    );
    for verdict in verdicts {
        let has = match verdict.reach.rule {
            Rule::Unknown => "cannot be told from here".into(),
            _ => scan::capabilities(verdict.reach.capabilities),
        };
        text += &format!("\nuser:[{}]  capabilities: {has}\n", verdict.owner);
        for (place, join) in &verdict.places {
            let name = format!("{}:[{}]", place.kind.file(), place.id);
            let may = if join.may { "may be joined" } else { "may not be joined" };
            let why = if join.why.is_empty() { String::new() } else { format!(": {}", join.why) };
            text += &format!("  {name:<22} {may}{why}\n");
        }
        for (number, (step, page)) in why(actor, verdict).iter().enumerate() {
            text += &format!("  {}. {step}\n     {page}\n", number + 1);
        }
    }
    text
}

fn as_json(actor: &Actor, facts: &Facts, verdicts: &[Verdict<'_>]) -> Value {
    let one = |verdict: &Verdict<'_>| {
        let (rule, by) = match verdict.reach.rule {
            Rule::Member => ("member", None),
            Rule::Ancestor => ("ancestor", None),
            Rule::Maker(id) => ("maker", Some(id)),
            Rule::Stranger => ("stranger", None),
            Rule::Unknown => ("unknown", None),
        };
        let namespaces: Vec<Value> = verdict
            .places
            .iter()
            .map(|(place, join)| {
                let why = Some(&join.why).filter(|why| !why.is_empty());
                json!({ "kind": place.kind.file(), "id": place.id, "join": join.may, "why": why })
            })
            .collect();
        let steps: Vec<Value> = why(actor, verdict)
            .iter()
            .map(|(step, page)| json!({ "step": step, "page": page }))
            .collect();
        json!({
            "user_namespace": verdict.owner,
            "capabilities": scan::capability_names(verdict.reach.capabilities),
            "rule": rule,
            "made": by,
            "nested_in": verdict.reach.path[1..],
            "why": steps,
            "namespaces": namespaces,
        })
    };
    json!({
        "pid": actor.pid,
        "command": facts.command(actor.pid),
        "uid": actor.euid,
        "user_namespace": actor.user_namespace(),
        "effective": scan::capability_names(actor.effective),
        "filtered": actor.filtered,
        "towards": verdicts.iter().map(one).collect::<Value>(),
    })
}
