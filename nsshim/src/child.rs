//! The container's first process: from the clone to nsinit. Runs inside.

pub(crate) mod check;
mod image;

use std::cell::RefCell;
use std::ffi::CString;
use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use nsinit::exec::Failure;

use crate::affinity::Held;
use crate::channel::{self, Message, Received};
use crate::error::CallError;
use crate::fault::{self, Side};
use crate::making::Making;
use crate::plan::{Exec, Group, InitOptions, Plan};
use crate::program;
use crate::seccomp;
use crate::step::{Inside, InsideContext};
use crate::sys;

/// The status when the workload could not be started; the reason goes over the channel.
const FAILED: i32 = 125;

/// What the child executes, when that is nsinit.
#[derive(Clone, Copy)]
pub(crate) struct Image<'a> {
    /// nsinit; None where memory may not be executed.
    pub file: Option<BorrowedFd<'a>>,
    /// What is or would be in it.
    pub bytes: &'a [u8],
    /// Where in it the workload's filter is, as its `--filter` has it.
    pub filter: Option<u64>,
}

/// The control groups' files that the child uses, opened by the shim.
pub(crate) struct Doors<'a> {
    /// It writes itself into these.
    pub tasks: &'a [OwnedFd],
    /// What nsinit ends all by when the shim dies.
    pub kill: Option<BorrowedFd<'a>>,
}

/// Carries out the inside of the plan and becomes nsinit, or reports why not.
///
/// May run in the shim's memory ([`sys::clone_vfork`]), so it owns nothing.
pub(crate) fn run(
    plan: &Plan,
    channel: BorrowedFd<'_>,
    proc: BorrowedFd<'_>,
    image: Option<Image<'_>>,
    held: Option<&Held>,
    making: &Making,
    doors: &Doors<'_>,
) -> ! {
    let file = image.and_then(|image| image.file);
    let mut context = InsideContext {
        channel,
        proc,
        image: file,
        assembly: RefCell::default(),
        tasks: doors.tasks,
        kill: doors.kill,
    };
    // Again at the end, since a change of ids makes the kernel forget it.
    run_all(&[Inside::DieWithShim], &context);
    run_all(&plan.early, &context);
    if !plan.outside.is_empty() {
        if !plan.early.is_empty() {
            say(channel, &Message::Reached);
        }
        wait_for_go(&context);
    }
    // Made when its mounts are, and while it has the right; kept when the host's descriptors go.
    let (before, after) = plan.around_closing();
    run_all(before, &context);
    let own = image.filter(|image| image.file.is_none()).map(|image| {
        image::in_own_mount(image.bytes)
            .unwrap_or_else(|error| fail(channel, error, "prepare nsinit"))
    });
    context.image = context.image.or(own.as_ref().map(AsFd::as_fd));
    run_all(after, &context);
    let program = plan.exec.filter.as_ref().map(|_| find_program(&plan.exec, channel));
    if !making.begin() {
        sys::exit_now(FAILED);
    }
    match (&plan.exec.init, context.image) {
        (Some(options), Some(file)) => {
            let mut argv = words(&plan.exec, options, channel, held);
            argv.extend(
                image
                    .and_then(|image| image.filter)
                    .map(|filter| number(format!("--filter={filter:x}"))),
            );
            if let Some(kill) = doors.kill {
                argv.extend([c"--kill-fd".into(), number(kill.as_raw_fd().to_string())]);
            }
            become_init(&plan.exec, argv, program, (channel, doors.kill), file)
        }
        _ => become_workload(&plan.exec, program, channel, held),
    }
}

fn run_all(steps: &[Inside], context: &InsideContext<'_>) {
    for step in steps {
        let start = Instant::now();
        if let Err(error) = fault::check(Side::Inside).and_then(|()| step.run(context)) {
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

/// Looks for the program while looking is still allowed.
fn find_program(exec: &Exec, channel: BorrowedFd<'_>) -> CString {
    let name = exec.argv.first().map_or(c"", CString::as_c_str);
    program::find(name, &exec.env).unwrap_or_else(|failure| not_executed(&failure, channel))
}

fn not_executed(failure: &Failure, channel: BorrowedFd<'_>) -> ! {
    let code = failure.exit_code();
    say(channel, &Message::NotExecuted { errno: failure.errno, code });
    sys::exit_now(i32::from(code))
}

fn number(number: String) -> CString {
    CString::new(number).unwrap_or_default()
}

/// nsinit's options.
fn words(
    exec: &Exec,
    options: &InitOptions,
    channel: BorrowedFd<'_>,
    held: Option<&Held>,
) -> Vec<CString> {
    let group = match options.group {
        Group::Keep => c"keep",
        Group::Own => c"own",
        Group::Foreground => c"foreground",
    };
    if options.pause {
        return vec![c"nsinit".into(), c"--no-env".into(), c"--pause".into()];
    }
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
        argv.extend([c"--pdeathsig".into(), c"--die-with-parent".into()]);
    }
    argv
}

fn become_init(
    exec: &Exec,
    mut argv: Vec<CString>,
    program: Option<CString>,
    (channel, kill): (BorrowedFd<'_>, Option<BorrowedFd<'_>>),
    image: BorrowedFd<'_>,
) -> ! {
    let (argv0, command) = command(exec, program);
    if let Some(argv0) = argv0 {
        argv.extend([c"--argv0".into(), argv0]);
    }
    argv.push(c"--".into());
    argv.extend(command);

    // Without a workload there is nothing to report: the end of the channel says that it began.
    let reports_to = exec.has_workload().then_some(channel);
    let errno = sys::exec_with(image, &[reports_to, kill], &argv, &exec.env);
    fail(channel, CallError { call: "execveat(memfd:nsinit)".into(), errno }, "start nsinit")
}

/// The name that the workload is told, if it is another, and what is executed.
fn command(exec: &Exec, program: Option<CString>) -> (Option<CString>, Vec<CString>) {
    let mut argv = exec.argv.clone();
    let Some(found) = program else { return (exec.argv0.clone(), argv) };
    let Some(name) = argv.first_mut() else { return (exec.argv0.clone(), argv) };
    let name = std::mem::replace(name, found);
    (exec.argv0.clone().or(Some(name)), argv)
}

fn become_workload(
    exec: &Exec,
    program: Option<CString>,
    channel: BorrowedFd<'_>,
    held: Option<&Held>,
) -> ! {
    if let Some(held) = held {
        held.let_go();
    }
    if sys::set_signal_mask(exec.signal_mask).is_err() {
        sys::exit_now(FAILED);
    }
    let (argv0, argv) = command(exec, program);
    if let Some(filter) = &exec.filter
        && let Err(errno) = seccomp::install(filter)
    {
        let call = "seccomp(SECCOMP_SET_MODE_FILTER)".into();
        fail(channel, CallError { call, errno }, "load the system-call filter");
    }
    let failure = nsinit::exec::exec(&argv, argv0.as_deref(), &exec.env);
    not_executed(&failure, channel)
}
