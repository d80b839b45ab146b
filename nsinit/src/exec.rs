//! Finding and executing a program, as a shell does it.

#![forbid(unsafe_code)]

use crate::sys::{self, Errno, PathBuffer, Strings, With};
use crate::text::split;
use core::ffi::CStr;

/// Where a program is looked for when the environment has no PATH.
pub const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const SHELL: &CStr = c"/bin/sh";

/// Why there is no program running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What execve(2) said.
    pub errno: i32,
    /// Whether a file of that name was there at all. With `errno` ENOENT it is its interpreter
    /// or loader that was not.
    pub found: bool,
}

impl Failure {
    /// What shells exit with: 127 not found, 126 found but not executable.
    pub fn exit_code(&self) -> u8 {
        if self.found { 126 } else { 127 }
    }
}

/// Becomes the program `arguments[0]` with these arguments and this environment, found by the
/// PATH in it as a shell finds it, and told that it is called `argv0`. Returns only if that failed.
///
/// For the child of a fork; signal mask and dispositions are the caller's affair.
#[cfg(not(freestanding))]
pub fn exec(
    arguments: &[std::ffi::CString],
    argv0: Option<&CStr>,
    environment: &[std::ffi::CString],
) -> Failure {
    sys::with_strings(arguments, |strings| {
        sys::with_strings(environment, |environment| {
            let command = Command {
                strings,
                command: 1,
                argv0,
                environment: environment.skip(1),
                variable: None,
                seen: None,
            };
            command.exec()
        })
    })
}

/// What is executed: `strings[command]` is the program's name and what follows its arguments.
#[derive(Debug)]
pub(crate) struct Command<'a> {
    /// Has one slot, at least, before the program, for the shell that a script may need.
    pub strings: Strings<'a>,
    /// The program's index.
    pub command: usize,
    /// What the program is told that it is called, if not its name.
    pub argv0: Option<&'a CStr>,
    /// The environment, in whose PATH the program is looked for.
    pub environment: Strings<'a>,
    /// A variable (by index) that is another for the program.
    pub variable: Option<(usize, &'a CStr)>,
    /// What is known of the program, which must then have a slash in its name: from here on there
    /// may be a filter that allows nothing but execve.
    pub seen: Option<Seen>,
}

/// What [`Command::look`] saw of a program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// Whether there is a file of that name.
    found: bool,
    /// Whether it is no script, as [`looks_binary`] has it.
    binary: bool,
}

impl Command<'_> {
    /// Looks at the program of a name with a slash, for whoever may not when it turns out that
    /// the kernel does not execute it.
    pub fn look(&self) -> Seen {
        match self.strings.get(self.command) {
            Some(name) => Seen { found: exists(name), binary: looks_binary(name) },
            None => Seen { found: false, binary: false },
        }
    }

    /// Becomes the program. Returns only if that failed.
    ///
    /// A name without a slash is looked for in PATH. A directory that cannot be searched holds
    /// nothing, so a missing program beside one is still "not found". A file that the kernel does
    /// not know how to execute is run by /bin/sh, unless it is clearly no text.
    pub fn exec(&self) -> Failure {
        let Some(name) = self.strings.get(self.command) else {
            return Failure { errno: Errno::ENOENT.0, found: false };
        };
        if name.is_empty() || split(name.to_bytes(), b'/').1.is_some() {
            let errno = self.try_file(name);
            let found = |seen: Option<Seen>| seen.map_or_else(|| exists(name), |seen| seen.found);
            return Failure { errno: errno.0, found: errno != Errno::ENOENT || found(self.seen) };
        }
        let path = self.environment.variable(b"PATH=").map_or(DEFAULT_PATH, CStr::to_bytes);
        self.search(name, path)
    }

    fn search(&self, name: &CStr, path: &[u8]) -> Failure {
        let name = name.to_bytes();
        let mut failure = Failure { errno: Errno::ENOENT.0, found: false };
        let mut buffer = PathBuffer::new();
        for directory in path.split(|byte| *byte == b':') {
            // An empty element is the working directory.
            let file = match directory {
                [] => buffer.join(&[name]),
                _ => buffer.join(&[directory, b"/", name]),
            };
            let Some(file) = file else { continue };
            let errno = self.try_file(file);
            match errno {
                // Nothing there, unless the file is and its interpreter is not. (A dead mount is
                // nothing, too.)
                Errno::ENOENT | Errno::EACCES => {
                    if !failure.found && sys::is_file(file) == Ok(true) {
                        failure = Failure { errno: errno.0, found: true };
                    }
                }
                Errno::ENOTDIR
                | Errno::ENAMETOOLONG
                | Errno::ELOOP
                | Errno::ESTALE
                | Errno::ENODEV
                | Errno::ETIMEDOUT => {}
                _ => return Failure { errno: errno.0, found: true },
            }
        }
        failure
    }

    fn try_file(&self, file: &CStr) -> Errno {
        let program = self.strings.skip(self.command);
        let errno = match self.argv0 {
            Some(argv0) => self.execve(file, &program, &[argv0]),
            None => self.execve(file, &program, &[]),
        };
        if errno != Errno::ENOEXEC || self.command == 0 {
            return errno;
        }
        if self.seen.map_or_else(|| looks_binary(file), |seen| seen.binary) {
            return errno;
        }
        let script = self.strings.skip(self.command - 1);
        match self.execve(SHELL, &script, &[SHELL, file]) {
            // Without a shell the file is just not executable.
            Errno::ENOENT => errno,
            other => other,
        }
    }

    fn execve(&self, file: &CStr, arguments: &Strings<'_>, first: &[&CStr]) -> Errno {
        let arguments = With { strings: arguments, at: 0, others: first };
        let others = self.variable.map(|(_, variable)| [variable]);
        let environment = With {
            strings: &self.environment,
            at: self.variable.map_or(0, |(at, _)| at),
            others: others.as_ref().map_or(&[], |others| others),
        };
        sys::execve(file, &arguments, &environment)
    }
}

fn exists(file: &CStr) -> bool {
    sys::is_file(file).is_ok()
}

/// Whether `file` is no script: an ELF file of another processor, or a NUL in its first line.
/// What cannot be read is left to the shell to complain about.
fn looks_binary(file: &CStr) -> bool {
    let Ok(fd) = sys::open(file) else { return false };
    let mut buffer = [0; 128];
    let start = sys::read(fd, &mut buffer).unwrap_or(&[]);
    let (line, _) = split(start, b'\n');
    let binary = start.starts_with(b"\x7fELF") || split(line, 0).1.is_some();
    sys::close(fd);
    binary
}
