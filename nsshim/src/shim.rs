//! The shim: makes the child, carries out the outside of the plan, watches.
//!
//! A fork of the program that starts the container, never an exec: it pays no
//! second start, and has the plan in memory. One thread; every signal is blocked
//! and read from a descriptor.

mod checker;
mod image;
mod monitor;
mod witness;

use std::cell::RefCell;
use std::convert::Infallible;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use nix::unistd::Pid;

use crate::affinity::{Held, Lingering};
use crate::channel::{self, Message, Received};
use crate::child;
use crate::error::{Failure, Named};
use crate::fault::{self, Side};
use crate::keep::{Keep, Keeper};
use crate::making::Making;
use crate::plan::Plan;
use crate::spec::Session;
use crate::step::{Entrances, Outside, OutsideContext, open_proc};
use crate::sys::{self, Cloned};
use crate::terminal::SavedTerminal;
use witness::Witness;

/// The container's first process, pinned.
pub(crate) struct Child {
    pub pid: Pid,
    pub pidfd: OwnedFd,
    /// The shim's end of the channel to it.
    pub channel: OwnedFd,
    /// The host's /proc, where no pid namespace ends the container as a whole.
    pub proc: Option<OwnedFd>,
    /// Where the workload is in the caller's process group, as we are.
    pub witness: Option<Witness>,
}

/// Makes the container and watches it until it is gone.
///
/// `nsctl` is the channel to the caller; when it ends, the container does.
/// `saved` is the caller's terminal, to be restored should the caller be killed.
pub(crate) fn run(
    mut plan: Plan,
    nsctl: OwnedFd,
    saved: Option<SavedTerminal>,
    held: Option<Held>,
    making: Making,
    keep: Option<Keep>,
) -> ! {
    // Until the monitor listens to it, nobody would notice that nsctl is dead. Only where
    // our death ends all: without a pid namespace we must live to end what the workload left.
    // And where nothing would stay of us: some of what is kept, when it is not all yet.
    die_with_caller(plan.ends_as_one && !plan.leaves_something());
    if channel::has_ended(&nsctl) {
        sys::exit_now(125);
    }
    let mut keeper = keep.map(Keeper::new);
    let locks = RefCell::default();
    let begin = Begin { making, held: held.as_ref(), locks: Some(&locks) };
    let made = make(&plan, nsctl.as_fd(), begin);
    let mut lingering = Lingering::new(held);
    if keeper.is_some() {
        // We have more to do, and whoever started us is about to leave.
        lingering.end();
    }
    if let Some(keeper) = keeper.as_mut().filter(|keeper| !keeper.needs_start()) {
        // The child has a copy, or has done with ours: nobody begins it once more. The steps stay:
        // they own descriptors, whose numbers may be others' by then.
        let words = (mem::take(&mut plan.exec.argv), mem::take(&mut plan.exec.env));
        keeper.needs_no_more(Box::new(words));
    }
    let outcome = made.and_then(|child| {
        let locks = locks.take();
        monitor::Monitor::new(child, nsctl.as_fd(), &plan, saved, keeper, locks, lingering)
            .call(|| "signalfd4()".into())
            .map_err(|error| error.during("watch the container"))
    });
    let mut monitor = match outcome {
        Ok(monitor) => monitor,
        Err(failure) => {
            let _ = channel::send(&nsctl, &Message::Failed(failure), None);
            sys::exit_now(125)
        }
    };
    loop {
        let (exit, wait) = monitor.run();
        let Some(wait) = wait else { sys::exit_now(i32::from(exit.status())) };
        if !monitor.rest(wait, exit) {
            sys::exit_now(i32::from(exit.status()));
        }
        match make_again(&plan) {
            Ok(child) => monitor.watch(child),
            // Nobody waits for this start, so there is nobody to tell but who asks later.
            Err(failure) => {
                monitor.was_not_made_again(&failure);
                sys::exit_now(125)
            }
        }
    }
}

/// What was joined stays joined; and no caller is there to lose patience.
fn make_again(plan: &Plan) -> Result<Child, Failure> {
    let purpose = "make the container again";
    let (_patient, caller) = channel::pair()
        .call(|| "socketpair(AF_UNIX, SOCK_SEQPACKET)".into())
        .map_err(|error| error.during(purpose))?;
    let making = Making::new()
        .call(|| "mmap(MAP_SHARED|MAP_ANONYMOUS)".into())
        .map_err(|error| error.during(purpose))?;
    make(plan, caller.as_fd(), Begin { making, held: None, locks: None })
}

/// What differs between the first time and the next.
struct Begin<'a> {
    making: Making,
    held: Option<&'a Held>,
    /// What is ours alone while we live; `None` the next time, when what comes first is done.
    locks: Option<&'a RefCell<Vec<OwnedFd>>>,
}

fn make(plan: &Plan, nsctl: BorrowedFd<'_>, begin: Begin<'_>) -> Result<Child, Failure> {
    let locks = begin.locks;
    if plan.session == Session::Own {
        // Nothing the user's terminal sends reaches us, and we cannot take it.
        let _ = nix::unistd::setsid();
    }
    if !plan.ends_as_one {
        // No pid namespace ends the container as a whole: what it leaves comes to us.
        let _ = nix::sys::prctl::set_child_subreaper(true);
    }
    let proc = open_proc().map_err(|error| error.during("prepare the container"))?;
    let image = match plan.exec.init {
        Some(_) => Some(
            image::open(plan.exec.filter.as_ref())
                .map_err(|error| error.during("prepare nsinit"))?,
        ),
        None => None,
    };
    let entrances = RefCell::default();
    let context = OutsideContext {
        child: None,
        channel: None,
        proc: proc.as_fd(),
        nsctl,
        locks,
        entrances: &entrances,
    };
    if locks.is_some() {
        run_all(&plan.before, &context)?;
    }
    run_all(&plan.each, &context)?;
    make_child(plan, begin, &context, image, entrances.take())
        .inspect_err(|_| plan.each.iter().rev().for_each(Outside::undo))
        .map(|mut child| {
            child.proc = (!plan.ends_as_one).then_some(proc);
            child
        })
}

fn make_child(
    plan: &Plan,
    begin: Begin<'_>,
    context: &OutsideContext<'_>,
    image: Option<image::Image>,
    entrances: Entrances,
) -> Result<Child, Failure> {
    let Begin { making, held, .. } = begin;
    let Entrances { clone: group, tasks, kill } = entrances;
    // Where a pid namespace ends with its init nothing else is needed.
    let kill = kill.as_ref().map(AsFd::as_fd).filter(|_| !plan.ends_as_one);
    let doors = child::Doors { tasks: &tasks, kill };
    let proc = context.proc;
    let (ours, theirs) = channel::pair()
        .call(|| "socketpair(AF_UNIX, SOCK_SEQPACKET)".into())
        .map_err(|error| error.during("prepare the container"))?;
    let start = Instant::now();
    let become_child = || -> Infallible {
        // Our end must close with us alone: it is how the child sees us die.
        sys::close_in_child(ours.as_fd());
        let image = image.as_ref().map(|image| child::Image {
            file: image.file.as_ref().map(AsFd::as_fd),
            bytes: &image.bytes,
            filter: image.filter,
        });
        child::run(plan, theirs.as_fd(), proc, image, held, &making, &doors)
    };
    let (pid, pidfd) = if plan.child_may_share_memory() {
        sys::Stack::new()
            .and_then(|mut stack| sys::clone_vfork_pinned(&mut stack, plan.clone, become_child))
    } else {
        sys::clone3(plan.clone, group.as_ref().map(AsFd::as_fd)).map(|cloned| match cloned {
            Cloned::Child => match become_child() {},
            Cloned::Parent { pid, pidfd } => (pid, pidfd),
        })
    }
    .call(|| plan.clone_call())
    .map_err(|error| error.during("create the namespaces"))?;
    log::debug!("outside {:>5} µs  {}", start.elapsed().as_micros(), plan.clone_call());
    drop(theirs);
    drop(image);
    let mut child = Child { pid, pidfd, channel: ours, proc: None, witness: None };
    if !plan.outside.is_empty() {
        let to_child = Some(child.channel.as_fd());
        let context = OutsideContext { child: Some(child.pid), channel: to_child, ..*context };
        meet(plan, &child, &context).inspect_err(|_| monitor::kill(&child))?;
    }
    if plan.session == Session::Callers {
        child.witness = proc.try_clone_to_owned().ok().map(|proc| Witness::new(proc, pid, plan));
    }
    Ok(child)
}

fn die_with_caller(whether: bool) {
    let signal = whether.then_some(nix::sys::signal::Signal::SIGKILL);
    // Without it, as where prctl(2) is denied, nsctl's death is noticed a little later.
    let _ = nix::sys::prctl::set_pdeathsig(signal);
}

/// While the child waits: the steps that need its namespaces to exist.
fn meet(plan: &Plan, child: &Child, context: &OutsideContext<'_>) -> Result<(), Failure> {
    // The clone made all namespaces but those of the early steps.
    if !plan.early.is_empty() {
        hear_reached(child)?;
    }
    let go = || {
        channel::send(&child.channel, &Message::Go, None)
            .call(|| "send(child, go)".into())
            .inspect_err(|_| plan.outside.iter().rev().for_each(Outside::undo))
            .map_err(|error| error.during("prepare the container"))
    };
    let done = run_all(&plan.outside, context).and_then(|()| go());
    // A child that is dead has said why; that it cannot be talked to is what follows.
    done.map_err(|failure| match channel::receive(&child.channel, false) {
        Received::Message(Message::Failed(first), _) => first,
        _ => failure,
    })
}

fn hear_reached(child: &Child) -> Result<(), Failure> {
    match channel::receive(&child.channel, true) {
        Received::Message(Message::Reached, _) => Ok(()),
        Received::Message(Message::Failed(failure), _) => Err(failure),
        _ => Err(Failure {
            step: "prepare the container".into(),
            call: "recv(child)".into(),
            errno: nix::errno::Errno::ECHILD,
        }),
    }
}

fn run_all(steps: &[Outside], context: &OutsideContext<'_>) -> Result<(), Failure> {
    for (at, step) in steps.iter().enumerate() {
        let start = Instant::now();
        fault::check(Side::Outside)
            .map_err(|error| error.during(step.purpose()))
            .and_then(|()| step.run(context))
            .inspect_err(|_| steps[..at].iter().rev().for_each(Outside::undo))?;
        log::debug!("outside {:>5} µs  {step}", start.elapsed().as_micros());
    }
    Ok(())
}
