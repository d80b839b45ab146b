//! `nsctl run`: in the foreground, on its own, or on its own with us attached to it.

use std::io::{stdin, stdout};
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, OwnedFd};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nsshim::{SavedTerminal, sys};

use super::containers::{Keys, Session};
use super::dry_run;
use crate::args::{ForExec, RunArgs};
use crate::containers::{Containers, Pinned};
use crate::error::{self, Error};
use crate::inherited::Inherited;
use crate::resolve::{self, Request, is_terminal};
use crate::{detached, foreground, pods};

/// Runs it, and returns the exit status.
pub fn run(mut args: RunArgs, inherited: &Inherited) -> Result<i32, Error> {
    let form = args.dry_run;
    let session = Wish::of(&mut args)?;
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
        attached: None,
    });
    let mut request = resolve::run(args, inherited)?;
    for warning in request.warnings.drain(..) {
        error::warn(&warning);
    }
    request.member = member;
    match (form, wanted, session) {
        (Some(form), ..) => dry_run::print(request, form),
        (None, Some(wanted), Some(session)) => session.begin(request, wanted),
        (None, Some(wanted), None) => detached::run(request, wanted),
        (None, None, _) => foreground::run(request),
    }
}

/// To stay at a container that may live on without us: then it is one on its own from the
/// beginning, nobody is its only owner who could die, and we are attached to it before it starts.
struct Wish {
    keys: Keys,
    sig_proxy: bool,
}

impl Wish {
    /// What asks for it makes the run a detached one, of which nothing stays.
    fn of(args: &mut RunArgs) -> Result<Option<Self>, Error> {
        let life = &mut args.life;
        if life.detach || (life.detach_keys.is_none() && life.sig_proxy) {
            return Ok(None);
        }
        let keys = Keys::parse(life.detach_keys.as_deref().unwrap_or("ctrl-p,ctrl-q"))?;
        (life.detach, life.rm) = (true, true);
        args.interactive = true;
        args.tty |= !args.no_tty && is_terminal(stdin().as_fd()) && is_terminal(stdout().as_fd());
        Ok(Some(Wish { keys, sig_proxy: args.life.sig_proxy }))
    }

    fn begin(self, mut request: Request, mut wanted: detached::Wanted) -> Result<i32, Error> {
        let (ours, theirs) = connection()?;
        wanted.attached = Some(theirs);
        let tty = request.spec.terminal.is_some();
        // As it would have it in the foreground, before the first look at it.
        if let Some(terminal) = &mut request.spec.terminal {
            if let Ok(size) = sys::get_window_size(stdout().as_fd()) {
                terminal.size = size;
            }
            let users = stdin().as_fd().try_clone_to_owned().ok();
            let users = users.and_then(|tty| SavedTerminal::save(tty).ok());
            terminal.modes = users.map(|users| users.modes().clone());
        }
        let begun = detached::begin(request, wanted)?;
        // One that has ended since gets no signal.
        let state = Containers::open()?.find(&begun.id).map(|container| container.state).ok();
        let first = state.and_then(|state| Pinned::open(state.pid?, state.start_ticks));
        let first = first.filter(|_| self.sig_proxy);
        let name = &begun.name;
        Session { name, socket: ours, first, tty, input: true, keys: self.keys }.converse()
    }
}

fn connection() -> Result<(OwnedFd, OwnedFd), Error> {
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).map_err(
        |errno| Error::new(format!("cannot attach to the container: socketpair(): {errno}")),
    )
}
