//! From what was typed to what is meant: [`RunArgs`] → [`Spec`].
//!
//! Reads the world (files, terminals, the caller's rights) and refuses what
//! contradicts itself, before anything is made.

mod accounts;
mod cgroup;
mod environment;
mod files;
mod identity;
mod mounts;
mod namespaces;
mod numbers;
mod paths;
mod process;
mod rights;
mod root;
pub mod subids;
mod terminal;
mod word;

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nsshim::spec::{Root, RootSource, Session, Spec};
use nsshim::{Host, SavedTerminal};

use self::accounts::Accounts;
use self::environment::OwnRoot;
use crate::args::RunArgs;
use crate::error::Error;
use crate::inherited::Inherited;
use crate::own_signals;
use crate::pods::Member;
use crate::state::{Claim, PidFile};
use crate::status::Status;

pub use environment::callers_environment;
pub use namespaces::kind;
pub use numbers::{bytes, duration, signal, switch};
pub use process::{is_terminal, limit_names};
pub use terminal::is_controlling_terminal;

/// A run, ready to be carried out.
#[derive(Debug)]
pub struct Request {
    /// The container.
    pub spec: Spec,
    /// Who makes it.
    pub host: Host,
    /// The user's terminal, when the container gets one of its own.
    pub terminal: Option<SavedTerminal>,
    /// What a request to terminate becomes, 1 to 64.
    pub stop_signal: i32,
    /// The name, held as long as this lives.
    pub claim: Option<Claim>,
    /// The pod that it is in, held as long as this lives.
    pub member: Option<Member>,
    /// Where to write the pid.
    pub pid_file: Option<PathBuf>,
    /// Where to write what happens.
    pub status: Option<OwnedFd>,
    /// What the caller should know beforehand.
    pub warnings: Vec<String>,
}

/// Resolves `nsctl run`.
pub fn run(args: RunArgs, inherited: &Inherited) -> Result<Request, Error> {
    // First, while the numbers from 3 on are still the caller's.
    let preserve_fds = process::check_preserved(args.preserve_fds)?;
    let status = args.status_fd.map(process::status_descriptor).transpose()?;
    match resolve(args, inherited, preserve_fds) {
        Ok(request) => Ok(Request { status, ..request }),
        Err(error) => {
            // A reader that has gone must not end us by SIGPIPE before we have said why.
            let mask = own_signals::without_sigpipe(inherited.signal_mask);
            let _ = nsshim::sys::set_signal_mask(mask);
            Status::new(status).failed(&error);
            Err(error)
        }
    }
}

fn resolve(mut args: RunArgs, inherited: &Inherited, preserve_fds: u32) -> Result<Request, Error> {
    let host = Host::probe();

    let together = args.together.take();
    let asked = namespaces::resolve(&args, together, &host)?;
    let mut root = root::resolve(&args, &host, &asked.namespaces, asked.propagation)?;
    let accounts = Accounts::of(root.as_ref())?;
    let identity = identity::resolve(&args, &host, &asked.namespaces, &accounts)?;
    let around =
        mounts::Around { namespaces: &asked.namespaces, maps: identity.maps.as_ref(), host: &host };
    root::check_maps(&args, root.as_ref(), &around)?;
    let rights = rights::resolve(&args.rights, &asked.namespaces, &identity, &host)?;
    let terminal = terminal::resolve(&args)?;
    let own_root = own_root(root.as_ref(), &asked, &identity, &accounts, &terminal);
    let mut process = process::resolve(&args, inherited, identity.user, preserve_fds, own_root)?;
    let mut placed = files::resolve(
        &args.root.etc,
        root.as_ref(),
        &asked.namespaces,
        asked.hostname.as_deref(),
    )?;
    placed.extend(mounts::resolve(&args.root.placed.0, &around)?);
    let warnings = root::take_apart(&args.root, root.as_mut(), &placed)?;
    process::make_room(root.as_ref().map_or(0, |root| root.parts.len()), &mut process.rlimits);
    let stop_signal = match &args.stop_signal {
        Some(name) => numbers::signal(name)?,
        None => libc::SIGTERM,
    };
    let pid_file = args.pid_file.clone();
    pid_file.as_deref().map_or(Ok(()), PidFile::check)?;
    let claim = match (&args.name, args.dry_run) {
        (Some(name), None) => Some(Claim::take(name)?),
        _ => None,
    };
    let cgroup = cgroup::resolve(&mut args.cgroup)?;
    let spec = Spec {
        namespaces: asked.namespaces,
        id_maps: identity.maps,
        hostname: asked.hostname,
        domainname: asked.domainname,
        time_offsets: asked.time_offsets,
        propagation: asked.propagation,
        root,
        mounts: placed,
        cgroup,
        report_start: args.status_fd.is_some()
            || pid_file.is_some()
            || args.life.detach
            || !asked.persist.is_empty(),
        persist: asked.persist,
        process,
        terminal: terminal.own,
        session: terminal.session,
        rights,
        init: !args.no_init,
        timeout: args.life.timeout.map(|seconds| std::time::Duration::from_secs(seconds.into())),
        report_namespaces: args.status_fd.is_some(),
    };
    Ok(Request {
        spec,
        host,
        terminal: terminal.users,
        stop_signal,
        claim,
        member: None,
        pid_file,
        status: None,
        warnings,
    })
}

/// What the workload is told when its root is not the host's.
fn own_root(
    root: Option<&Root>,
    asked: &namespaces::Asked,
    identity: &identity::Identity,
    accounts: &Accounts,
    terminal: &terminal::Terminals,
) -> Option<OwnRoot> {
    root.filter(|root| root.source != RootSource::Host)?;
    let uid = identity.uid.0;
    Some(OwnRoot {
        home: accounts.home(uid),
        is_root: uid == 0,
        hostname: files::hostname(&asked.namespaces, asked.hostname.as_deref()),
        terminal: terminal.own.is_some() || terminal.session == Session::Callers,
    })
}
