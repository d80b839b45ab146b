//! What a container says, in files: docker's json-file format, or as it came.

use std::ffi::CString;
use std::fmt::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::{Mode, fstat};
use nix::sys::uio::pread;
use nix::unistd::ftruncate;

use super::clock::Time;
use super::lines::Lines;
use super::{Stream, json};

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

pub(super) struct Log {
    to: LogTo,
    file: Option<OwnedFd>,
    size: u64,
    lines: Lines,
    /// Bytes that found no room on the disk since the last that did.
    lost: u64,
    /// All that found none before.
    lost_before: u64,
}

impl Log {
    pub fn open(directory: &OwnedFd, to: LogTo) -> Self {
        remove_from(directory, to.max_files);
        let file = open(directory);
        let mut log = Log { to, file, size: 0, lines: Lines::default(), lost: 0, lost_before: 0 };
        log.size = log.length();
        if to.format == Format::Json {
            log.end_cut_line(directory);
        }
        log
    }

    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(AsFd::as_fd)
    }

    /// Bytes that found no room, of those that were to be written.
    pub fn lost(&self) -> u64 {
        self.lost_before + self.lost
    }

    /// Changes the limits; what is too much goes.
    pub fn limit(&mut self, directory: &OwnedFd, max_size: u64, max_files: u32) {
        remove_from(directory, max_files);
        (self.to.max_size, self.to.max_files) = (max_size, max_files);
    }

    pub fn write(&mut self, directory: &OwnedFd, stream: Stream, bytes: &[u8]) {
        if self.to.format == Format::Plain {
            let room = usize::try_from(self.to.max_size).unwrap_or(usize::MAX);
            bytes.chunks(room).for_each(|part| self.put(directory, part));
            return;
        }
        let mut records = String::new();
        let now = Time::now().text();
        let mut lines = std::mem::take(&mut self.lines);
        lines.hear(stream, bytes, |line| {
            let before = records.len();
            record(&mut records, stream, line, &now);
            if before > 0 && self.size + records.len() as u64 > self.to.max_size {
                self.put(directory, &records.as_bytes()[..before]);
                records.drain(..before);
            }
        });
        self.lines = lines;
        self.put(directory, records.as_bytes());
    }

    /// Lines without an end, when no more can come.
    pub fn flush(&mut self, directory: &OwnedFd) {
        let mut records = String::new();
        let now = Time::now().text();
        for stream in [Stream::Stdout, Stream::Stderr] {
            if let Some(line) = self.lines.rest(stream) {
                record(&mut records, stream, &line, &now);
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
        if self.lost > 0 && self.to.format == Format::Json {
            let mut note = String::new();
            let text = format!("nsctl: {} bytes were lost: no room for the log\n", self.lost);
            record(&mut note, Stream::Stderr, text.as_bytes(), &Time::now().text());
            if self.append(note.as_bytes()) < note.len() {
                self.lost += bytes.len() as u64;
                return;
            }
        }
        let written = self.append(bytes);
        if written > 0 {
            self.lost_before += std::mem::take(&mut self.lost);
        }
        self.lost += (bytes.len() - written) as u64;
    }

    /// Returns how much was written: in JSON only whole lines.
    fn append(&mut self, bytes: &[u8]) -> usize {
        let Some(file) = &self.file else { return 0 };
        let mut written = 0;
        while written < bytes.len() {
            match nix::unistd::write(file, &bytes[written..]) {
                Ok(more) => written += more,
                Err(nix::errno::Errno::EINTR) => {}
                Err(_) => break,
            }
        }
        if written < bytes.len() && self.to.format == Format::Json {
            let whole = bytes[..written].iter().rposition(|&byte| byte == b'\n');
            written = whole.map_or(0, |at| at + 1);
            let _ = ftruncate(file, (self.size + written as u64) as i64);
        }
        self.size += written as u64;
        written
    }

    fn length(&self) -> u64 {
        self.file.as_ref().and_then(|file| fstat(file).ok()).map_or(0, |f| f.st_size as u64)
    }

    /// A shim that was killed may have left half a line, and what comes must not be glued to it.
    fn end_cut_line(&mut self, directory: &OwnedFd) {
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        let Ok(file) = openat(directory.as_fd(), "log", flags, Mode::empty()) else { return };
        let mut last = [0];
        let end = self.size.saturating_sub(1) as i64;
        if self.size > 0 && pread(&file, &mut last, end) == Ok(1) && last != *b"\n" {
            self.append(b"\n");
        }
    }

    /// `log` becomes `log.1`, `log.1` becomes `log.2`, and the last goes.
    fn rotate(&mut self, directory: &OwnedFd) {
        let at = directory.as_fd();
        for number in (0..self.to.max_files.saturating_sub(1)).rev() {
            let _ = renameat(at, name(number).as_c_str(), at, name(number + 1).as_c_str());
        }
        if self.to.max_files <= 1 {
            let _ = remove(directory, 0);
        }
        self.file = None;
        self.size = 0;
    }
}

/// The name of the file of that age.
fn name(number: u32) -> CString {
    let text = if number == 0 { "log".into() } else { format!("log.{number}") };
    CString::new(text).unwrap_or_default()
}

fn remove(directory: &OwnedFd, number: u32) -> nix::Result<()> {
    let flags = nix::unistd::UnlinkatFlags::NoRemoveDir;
    nix::unistd::unlinkat(directory.as_fd(), name(number).as_c_str(), flags)
}

/// Those of that age and older: there may be more than there are to be now.
fn remove_from(directory: &OwnedFd, number: u32) {
    let _ = (number.max(1)..).find(|&number| remove(directory, number).is_err());
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
    json::push(out, line);
    let _ = writeln!(out, "\",\"stream\":\"{stream}\",\"time\":\"{time}\"}}");
}
