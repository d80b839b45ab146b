//! The container's first process: from the clone to nsinit. Runs inside.

use std::cell::RefCell;
use std::ffi::CString;
use std::fmt;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Instant;

use crate::affinity::Held;
use crate::channel::{self, Message, Received};
use crate::error::CallError;
use crate::making::Making;
use crate::plan::{Exec, Group, InitOptions, Plan};
use crate::step::{Inside, InsideContext};
use crate::sys;

/// The status when the workload could not be started; the reason goes over the channel.
const FAILED: i32 = 125;

/// Carries out the inside of the plan and becomes nsinit, or reports why not.
///
/// May run in the shim's memory ([`sys::clone_vfork`]), so it owns nothing.
pub(crate) fn run(
    plan: &Plan,
    channel: BorrowedFd<'_>,
    proc: BorrowedFd<'_>,
    image: Option<BorrowedFd<'_>>,
    held: Option<&Held>,
    making: &Making,
) -> ! {
    let context = InsideContext { channel, proc, image, assembly: RefCell::default() };
    // Again at the end, since a change of ids makes the kernel forget it.
    run_all(&[Inside::DieWithShim], &context);
    run_all(&plan.early, &context);
    if !plan.outside.is_empty() {
        if !plan.early.is_empty() {
            say(channel, &Message::Reached);
        }
        wait_for_go(&context);
    }
    run_all(&plan.inside, &context);
    if !making.begin() {
        sys::exit_now(FAILED);
    }
    match (&plan.exec.init, image) {
        (Some(options), Some(image)) => become_init(&plan.exec, options, channel, image, held),
        _ => become_workload(&plan.exec, channel, held),
    }
}

fn run_all(steps: &[Inside], context: &InsideContext<'_>) {
    for step in steps {
        let start = Instant::now();
        if let Err(error) = step.run(context) {
            fail(context.channel, error, step.purpose());
        }
        log::debug!("inside {:>6} µs  {step}", start.elapsed().as_micros());
    }
}

fn wait_for_go(context: &InsideContext<'_>) {
    loop {
        match channel::receive(context.channel, true) {
            Received::Message(Message::Go, _) => return,
            Received::Message(Message::Tree, Some(tree)) => {
                context.assembly.borrow_mut().pass(tree);
            }
            // The shim is dead or gave up; it has said why.
            _ => sys::exit_now(FAILED),
        }
    }
}

fn say(channel: BorrowedFd<'_>, message: &Message) {
    // A dead shim has nobody to tell; DieWithShim ends us.
    let _ = channel::send(channel, message, None);
}

fn fail(channel: BorrowedFd<'_>, error: CallError, purpose: impl fmt::Display) -> ! {
    say(channel, &Message::Failed(error.during(purpose)));
    sys::exit_now(FAILED)
}

fn become_init(
    exec: &Exec,
    options: &InitOptions,
    channel: BorrowedFd<'_>,
    image: BorrowedFd<'_>,
    held: Option<&Held>,
) -> ! {
    let group = match options.group {
        Group::Keep => c"keep",
        Group::Own => c"own",
        Group::Foreground => c"foreground",
    };
    let number = |number: String| CString::new(number).unwrap_or_default();
    let mut argv: Vec<CString> = vec![
        c"nsinit".into(),
        c"--no-env".into(),
        c"--report-fd".into(),
        // Never one that the workload keeps: those were open before there was a channel.
        number(channel.as_raw_fd().to_string()),
        c"--mask".into(),
        number(format!("{:x}", exec.signal_mask)),
        c"--pgroup".into(),
        group.into(),
    ];
    if held.is_some() {
        argv.push(c"--all-cpus".into());
    }
    if options.kill_workload {
        argv.push(c"--pdeathsig".into());
    }
    if let Some(argv0) = &exec.argv0 {
        argv.extend([c"--argv0".into(), argv0.clone()]);
    }
    argv.push(c"--".into());
    argv.extend(exec.argv.iter().cloned());

    let errno = sys::exec_with_channel(image, channel, &argv, &exec.env);
    fail(channel, CallError { call: "execveat(memfd:nsinit)".into(), errno }, "start nsinit")
}

fn become_workload(exec: &Exec, channel: BorrowedFd<'_>, held: Option<&Held>) -> ! {
    if let Some(held) = held {
        held.let_go();
    }
    if sys::set_signal_mask(exec.signal_mask).is_ok() {
        let failure = nsinit::exec::exec(&exec.argv, exec.argv0.as_deref(), &exec.env);
        let code = failure.exit_code();
        say(channel, &Message::NotExecuted { errno: failure.errno, code });
        sys::exit_now(i32::from(code));
    }
    sys::exit_now(FAILED)
}
