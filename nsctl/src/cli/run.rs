//! `nsctl run`: in the foreground, or on its own.

use std::mem::ManuallyDrop;

use super::dry_run;
use crate::args::{ForExec, RunArgs};
use crate::error::{self, Error};
use crate::inherited::Inherited;
use crate::{detached, foreground, pods, resolve};

/// Runs it, and returns the exit status.
pub fn run(mut args: RunArgs, inherited: &Inherited) -> Result<i32, Error> {
    let form = args.dry_run;
    // Not freed here; see there.
    let leftover = ManuallyDrop::new(std::mem::take(&mut args.leftover));
    let member = pods::enter(&mut args)?;
    let wanted = args.life.detach.then(|| detached::Wanted {
        life: args.life.clone(),
        // It is held by the container, not by us.
        name: args.name.take(),
        interactive: args.interactive,
        leftover: ManuallyDrop::into_inner(leftover),
        plain: args.for_exec() == ForExec::default(),
    });
    let mut request = resolve::run(args, inherited)?;
    for warning in request.warnings.drain(..) {
        error::warn(&warning);
    }
    request.member = member;
    match (form, wanted) {
        (Some(form), _) => dry_run::print(request, form),
        (None, Some(wanted)) => detached::run(request, wanted),
        (None, None) => foreground::run(request),
    }
}
