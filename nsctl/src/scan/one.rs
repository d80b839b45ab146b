//! The namespaces of a single process, with whose they are.

use nsshim::spec::Kind;

use super::links::links_of;
use super::listing::open_directory;
use super::{Found, Process, open_proc, relations};
use crate::error::Error;

impl Found {
    /// Looks at one process only. What cannot be read is not there: it may have ended.
    ///
    /// # Errors
    /// There is no /proc.
    pub fn look_at(pid: i32) -> Result<Found, Error> {
        let proc = open_proc()?;
        let mut found = Found::default();
        let (Ok(links), Ok(directory)) =
            (links_of(pid), open_directory(&proc, &format!("{pid}/ns")))
        else {
            return Ok(found);
        };
        for (kind, &id) in Kind::ALL.into_iter().zip(&links).filter(|(_, id)| **id != 0) {
            let (namespace, new) = found.entry(kind, id);
            namespace.processes += 1;
            namespace.first.get_or_insert(pid);
            if new {
                relations::of_link(&directory, kind.file(), id, &mut found);
            }
        }
        found.processes.push(Process { pid, links });
        Ok(found)
    }
}
