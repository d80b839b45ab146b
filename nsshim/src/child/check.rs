//! A health check: another command in the container, with what its workload has.

use std::cell::RefCell;
use std::ffi::CString;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::sched::{CloneFlags, setns};

use super::{become_workload, fail, find_program, run_all};
use crate::error::Named;
use crate::plan::{Exec, Plan};
use crate::step::{Inside, InsideContext};

/// Carries out those steps that make a process the container's, in namespaces that were joined,
/// and becomes the command.
pub(crate) fn run(
    plan: &Plan,
    argv: &[CString],
    channel: BorrowedFd<'_>,
    proc: BorrowedFd<'_>,
    tasks: &[OwnedFd],
    late: (BorrowedFd<'_>, CloneFlags),
) -> ! {
    let context = InsideContext {
        channel,
        proc,
        image: None,
        assembly: RefCell::default(),
        tasks,
        kill: None,
    };
    run_all(&[Inside::DieWithShim], &context);
    let enters = |step: &&Inside| matches!(step, Inside::EnterGroups(_));
    plan.early.iter().filter(enters).for_each(|step| run_all(std::slice::from_ref(step), &context));
    let (container, kinds) = late;
    if !kinds.is_empty()
        && let Err(error) = setns(container, kinds).call(|| "setns(pidfd, CLONE_NEWCGROUP)".into())
    {
        fail(channel, error, "enter the container");
    }
    let (before, after) = plan.around_closing();
    // Who it is and whose session it is in; all else before is about namespaces, which are made.
    for step in before {
        if matches!(step, Inside::Become(_) | Inside::Label(_) | Inside::Session) {
            run_all(std::slice::from_ref(step), &context);
        }
    }
    run_all(&[Inside::CloseDescriptors { from: 3 }], &context);
    run_all(after.get(1..).unwrap_or_default(), &context);
    let exec = Exec { init: None, argv: argv.to_vec(), argv0: None, ..plan.exec.clone() };
    let program = exec.filter.as_ref().map(|_| find_program(&exec, channel));
    become_workload(&exec, program, channel, None)
}
