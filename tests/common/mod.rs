//! The harness: who runs nsctl, running it, waiting for events, skipping.

mod busybox;
mod console;
mod debian;
mod helper;
mod processes;
mod pty;
mod run;
mod signals;
mod skip;
mod watch;
mod who;

pub use busybox::{busybox_root, static_busybox, tree, write_as};
pub use console::{document, play};
pub use debian::{Debian, as_each_debian};
pub use helper::helper;
pub use processes::{Tag, eventually};
pub use pty::{PROMPT, Screen};
pub use run::{Nsctl, Ran, environment, nsctl, shell};
pub use signals::with_default_actions;
pub use skip::{have, skip};
pub use watch::Watch;
pub use who::{Who, as_each, install, program};
