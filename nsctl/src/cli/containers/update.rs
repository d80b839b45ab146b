//! `nsctl update`: what can be changed of a container, also while it lives.
//!
//! What is written down holds for the next start; a shim that lives is told, and answers when
//! it holds.

use std::os::fd::{AsFd, AsRawFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv, send};
use nsshim::keep::{Packet, Settings, TAKES_AT_MOST};

use super::attach::connect_to;
use super::each;
use crate::args::UpdateArgs;
use crate::containers::{About, Container, Status};
use crate::error::Error;
use crate::{detached, resolve};

/// Changes them.
pub fn update(args: &UpdateArgs) -> Result<i32, Error> {
    let wanted = Wanted::parse(args)?;
    each(&args.names, |_, mut container| {
        let about = container.change(|about| {
            wanted.apply(about)?;
            Ok(about.clone())
        })?;
        container.look_again();
        if !matches!(container.state.status, Status::Exited | Status::Dead) {
            tell(&container, &about)?;
        }
        Ok(about.name)
    })
}

struct Wanted<'a> {
    args: &'a UpdateArgs,
    stop_signal: Option<i32>,
    log_max_size: Option<u64>,
    log_max_files: Option<u32>,
}

impl<'a> Wanted<'a> {
    fn parse(args: &'a UpdateArgs) -> Result<Self, Error> {
        let UpdateArgs { restart, stop_signal, stop_timeout, label, label_rm, .. } = args;
        let any = restart.is_some()
            || stop_signal.is_some()
            || stop_timeout.is_some()
            || !(label.is_empty() && label_rm.is_empty())
            || args.log_max_size.is_some()
            || args.log_max_files.is_some()
            || !args.log_opt.is_empty();
        if !any {
            return Err(Error::new("nothing to change was said").try_this(
                "--restart, --stop-signal, --stop-timeout, --label, --label-rm, --log-max-size \
                 or --log-max-files",
            ));
        }
        detached::restart(restart.as_deref())?;
        let dockers = detached::log_limits(&args.log_opt)?;
        let max_size = dockers.0.as_deref().or(args.log_max_size.as_deref());
        Ok(Wanted {
            args,
            stop_signal: stop_signal.as_deref().map(resolve::signal).transpose()?,
            log_max_size: max_size.map(detached::log_size).transpose()?,
            log_max_files: dockers.1.or(args.log_max_files),
        })
    }

    fn apply(&self, about: &mut About) -> Result<(), Error> {
        let args = self.args;
        let name = &about.name;
        let refused = |why: &str| Err(Error::new(format!("cannot change {name}")).because(why));
        if args.restart.as_deref().is_some_and(|policy| policy != "no") && about.rm {
            return refused("it is removed when it has ended, so it cannot come back");
        }
        let limits = self.log_max_size.is_some() || self.log_max_files.is_some();
        if limits && !["json-file", "file"].contains(&about.log_driver.as_str()) {
            return refused("it writes no log files");
        }
        if let Some(policy) = &args.restart {
            about.restart.clone_from(policy);
        }
        about.stop_signal = self.stop_signal.unwrap_or(about.stop_signal);
        about.stop_timeout = args.stop_timeout.unwrap_or(about.stop_timeout);
        let limits = &mut about.log_limits;
        limits.max_size = self.log_max_size.unwrap_or(limits.max_size);
        limits.max_files = self.log_max_files.unwrap_or(limits.max_files);
        let replaced = args.label.iter().chain(&args.label_rm).map(|label| key(label));
        for old in replaced {
            about.labels.retain(|label| key(label) != old);
        }
        about.labels.extend(args.label.iter().cloned());
        Ok(())
    }
}

fn key(label: &str) -> &str {
    label.split_once('=').map_or(label, |(key, _)| key)
}

/// How long a shim may take to answer, in milliseconds.
const PATIENCE: u16 = 10_000;

fn tell(container: &Container, about: &About) -> Result<(), Error> {
    let settings = Settings {
        restart: detached::restart(Some(&about.restart))?,
        log_max_size: about.log_limits.max_size,
        log_max_files: about.log_limits.max_files,
    };
    let failed = |why: &str| {
        Error::new(format!("{} was changed, but not as it runs now", about.name))
            .because(why)
            .try_this(format!("nsctl restart {}", about.name))
    };
    // One that ends meanwhile needs not be told.
    let Ok(socket) = connect_to(container) else { return Ok(()) };
    for packet in [Packet::OnlyTheEnd, Packet::Settings(settings)] {
        let _ = send(socket.as_raw_fd(), &packet.encode(), MsgFlags::MSG_NOSIGNAL);
    }
    let mut buffer = [0; TAKES_AT_MOST + 1];
    loop {
        let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, PollTimeout::from(PATIENCE)) == Ok(0) {
            return Err(failed("its shim does not answer"));
        }
        match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            Err(nix::errno::Errno::EINTR | nix::errno::Errno::ECONNRESET) => {}
            Ok(length) if length > 0 => {
                let said = Packet::decode(&buffer[..length]);
                if matches!(said, Some(Packet::Done | Packet::Ended(_))) {
                    return Ok(());
                }
            }
            _ if container.is_alive() => return Err(failed("its shim is of an older nsctl")),
            _ => return Ok(()),
        }
    }
}
