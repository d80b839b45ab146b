//! What a container says, in files: docker's json-file format, or as it came.

use std::ffi::CString;
use std::fmt::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::{Mode, fstat};

use super::Stream;
use super::clock::Time;

/// Where output is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogTo {
    /// How.
    pub format: Format,
    /// A file that is longer, in bytes, is put away as `log.1` and a new one begun.
    pub max_size: u64,
    /// How many files there are at most, the current one included; at least 1.
    pub max_files: u32,
}

/// How output is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A line of JSON for each line: `{"log":"…\n","stream":"stdout","time":"…"}`.
    Json,
    /// The bytes, both streams mixed.
    Plain,
}

/// docker cuts longer lines, too: a record must end some time.
const LONGEST: usize = 16 * 1024;

pub(super) struct Log {
    to: LogTo,
    file: Option<OwnedFd>,
    size: u64,
    /// The beginning of a line whose end was not heard yet, of stdout and stderr.
    partial: [Vec<u8>; 2],
    /// Bytes that found no room on the disk since the last that did.
    lost: u64,
}

impl Log {
    pub fn open(directory: &OwnedFd, to: LogTo) -> Self {
        let file = open(directory);
        let size = file.as_ref().and_then(|file| fstat(file).ok()).map_or(0, |f| f.st_size as u64);
        Log { to, file, size, partial: [Vec::new(), Vec::new()], lost: 0 }
    }

    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(AsFd::as_fd)
    }

    pub fn write(&mut self, directory: &OwnedFd, stream: Stream, bytes: &[u8]) {
        if self.to.format == Format::Plain {
            self.put(directory, bytes);
            return;
        }
        let mut records = String::new();
        let now = Time::now().text();
        let partial = &mut self.partial[stream as usize];
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = rest.iter().position(|&byte| byte == b'\n').map(|at| at + 1);
            let room = LONGEST - partial.len();
            let (taken, whole) = match end {
                Some(end) if end <= room => (end, true),
                _ if rest.len() >= room => (room, true),
                _ => (rest.len(), false),
            };
            partial.extend(&rest[..taken]);
            rest = &rest[taken..];
            if whole {
                record(&mut records, stream, partial, &now);
                partial.clear();
            }
        }
        self.put(directory, records.as_bytes());
    }

    /// Lines without an end, when no more can come.
    pub fn flush(&mut self, directory: &OwnedFd) {
        let mut records = String::new();
        let now = Time::now().text();
        for stream in [Stream::Stdout, Stream::Stderr] {
            let partial = std::mem::take(&mut self.partial[stream as usize]);
            if !partial.is_empty() {
                record(&mut records, stream, &partial, &now);
            }
        }
        self.put(directory, records.as_bytes());
    }

    fn put(&mut self, directory: &OwnedFd, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.size > 0 && self.size + bytes.len() as u64 > self.to.max_size {
            self.rotate(directory);
        }
        if self.file.is_none() {
            self.file = open(directory);
        }
        let Some(file) = &self.file else { return };
        if self.lost > 0 && self.to.format == Format::Json {
            let mut note = String::new();
            let text = format!("nsctl: {} bytes were lost: no room for the log\n", self.lost);
            record(&mut note, Stream::Stderr, text.as_bytes(), &Time::now().text());
            if nix::unistd::write(file, note.as_bytes()) != Ok(note.len()) {
                self.lost += bytes.len() as u64;
                return;
            }
            self.size += note.len() as u64;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            match nix::unistd::write(file, rest) {
                Ok(written) => rest = &rest[written..],
                Err(nix::errno::Errno::EINTR) => {}
                Err(_) => break,
            }
        }
        self.size += (bytes.len() - rest.len()) as u64;
        self.lost = if rest.is_empty() { 0 } else { self.lost + rest.len() as u64 };
    }

    /// `log` becomes `log.1`, `log.1` becomes `log.2`, and the last goes.
    fn rotate(&mut self, directory: &OwnedFd) {
        let name = |number: u32| {
            let text = if number == 0 { "log".into() } else { format!("log.{number}") };
            CString::new(text).unwrap_or_default()
        };
        let at = directory.as_fd();
        for number in (0..self.to.max_files.saturating_sub(1)).rev() {
            let _ = renameat(at, name(number).as_c_str(), at, name(number + 1).as_c_str());
        }
        if self.to.max_files <= 1 {
            let _ = nix::unistd::unlinkat(at, c"log", nix::unistd::UnlinkatFlags::NoRemoveDir);
        }
        self.file = None;
        self.size = 0;
    }
}

fn open(directory: &OwnedFd) -> Option<OwnedFd> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_APPEND | OFlag::O_CLOEXEC;
    let flags = flags | OFlag::O_NOFOLLOW;
    openat(directory.as_fd(), "log", flags, Mode::from_bits_truncate(0o600)).ok()
}

fn record(out: &mut String, stream: Stream, line: &[u8], time: &str) {
    let stream = match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    };
    out.push_str("{\"log\":\"");
    for character in String::from_utf8_lossy(line).chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Line ends of JavaScript, as docker writes them.
            control if control < ' ' || matches!(control, '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04x}", control as u32);
            }
            other => out.push(other),
        }
    }
    let _ = writeln!(out, "\",\"stream\":\"{stream}\",\"time\":\"{time}\"}}");
}
