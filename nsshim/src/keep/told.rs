//! Who hears what a container says.

use std::os::fd::OwnedFd;

use super::Stream;
use super::clients::Clients;
use super::journal::Journal;
use super::log::Log;

/// All of them; none is waited for.
pub(super) struct Told {
    pub log: Option<Log>,
    pub journal: Option<Journal>,
    pub clients: Clients,
}

impl Told {
    pub fn hear(&mut self, directory: &OwnedFd, stream: Stream, bytes: &[u8]) {
        if let Some(log) = &mut self.log {
            log.write(directory, stream, bytes);
        }
        if let Some(journal) = &mut self.journal {
            journal.write(stream, bytes);
        }
        self.clients.tell(stream, bytes);
    }
}
