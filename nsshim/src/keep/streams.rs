//! What a container says, and what is said to it.

use nix::errno::Errno;

use super::clients::Said;
use super::room::LITTLE;
use super::{Keeper, Stream};

impl Keeper {
    pub(super) fn hear_stream(&mut self, at: usize) {
        let (stream, fd) = &self.output[at];
        let stream = *stream;
        let mut little = [0; LITTLE];
        match self.room.read(fd, &mut little) {
            Ok([]) => {
                self.output.swap_remove(at);
            }
            Ok(bytes) => self.told.hear(&self.directory, stream, bytes),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(_) => {
                self.output.swap_remove(at);
            }
        }
    }

    pub(super) fn hear_terminal(&mut self) {
        let Some(terminal) = &self.terminal else { return };
        let mut little = [0; LITTLE];
        match self.room.read(terminal, &mut little) {
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            // EIO: nobody has its other side open. A later process may open it again, but
            // then the first one has ended, and with it the container.
            Ok([]) | Err(_) => self.terminal = None,
            Ok(bytes) => {
                let stream = Stream::Stdout;
                self.told.hear(&self.directory, stream, bytes);
            }
        }
    }

    /// Says in the log what nobody is there to hear.
    pub fn complain(&mut self, why: &str) {
        let text = format!("nsctl: {why}\n");
        self.told.hear(&self.directory, Stream::Stderr, text.as_bytes());
    }

    pub(super) fn answer(&mut self, said: Said) {
        match said {
            Said::Input(bytes) => self.unread.extend(bytes),
            Said::EndOfInput => self.input_ends = true,
            Said::Settings(settings) => {
                self.restart = settings.restart;
                if let Some(log) = &mut self.told.log {
                    log.limit(&self.directory, settings.log_max_size, settings.log_max_files);
                }
            }
            Said::Resize { rows, columns } => {
                if let Some(terminal) = &self.terminal {
                    let size = nix::pty::Winsize {
                        ws_row: rows,
                        ws_col: columns,
                        ws_xpixel: 0,
                        ws_ypixel: 0,
                    };
                    let _ = crate::sys::set_window_size(terminal, &size);
                }
            }
        }
    }

    pub(super) fn pass_input(&mut self) {
        let Some(to) = self.terminal.as_ref().or(self.input.as_ref()) else {
            self.unread.clear();
            return;
        };
        while !self.unread.is_empty() {
            match nix::unistd::write(to, &self.unread) {
                Ok(written) => drop(self.unread.drain(..written)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return,
                // Nobody reads it any more.
                Err(_) => self.unread.clear(),
            }
        }
        if self.input_ends {
            self.input = None;
        }
    }
}
