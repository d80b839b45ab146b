//! Runs the real image, as an ordinary child or as PID 1 of a new pid namespace.

use crate::subject::{self, DEADLINE};
use crate::sys::{self, Before};
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// As what nsinit runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A child like any other.
    Child,
    /// PID 1 of its own pid namespace.
    Pid1,
}

/// Both.
pub const MODES: [Mode; 2] = [Mode::Child, Mode::Pid1];

/// The init that is tested, under the name `name` if it is the image.
pub fn image(name: &str) -> PathBuf {
    subject::program().unwrap_or_else(|| own_image(name))
}

/// The init that is tested, for a shell to run.
pub fn line() -> String {
    let mut words = vec![image("nsinit").display().to_string()];
    words.extend(subject::options());
    words.push("--".into());
    words.join(" ")
}

/// The image in a file, under the name `name`.
pub fn own_image(name: &str) -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| {
        // By its contents, so that runs do not disturb each other and few are left behind.
        let hash = nsinit::IMAGE.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        });
        let directory = std::env::temp_dir().join(format!("nsinit-test-{hash:x}"));
        if !directory.join("catatonit").exists() {
            let making = directory.with_extension(std::process::id().to_string());
            fs::create_dir(&making).expect("a directory in the temporary one");
            fs::set_permissions(&making, fs::Permissions::from_mode(0o755)).expect("own directory");
            let file = making.join("nsinit");
            fs::write(&file, nsinit::IMAGE).expect("own directory");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("own file");
            for name in ["tini", "dumb-init", "catatonit"] {
                std::os::unix::fs::symlink("nsinit", making.join(name)).expect("own directory");
            }
            // Another run may have been faster; its files are the same.
            if fs::rename(&making, &directory).is_err() {
                let _ = fs::remove_dir_all(&making);
            }
        }
        directory
    });
    directory.join(name)
}

/// Whether the tests run as root.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// The words before a command that make it PID 1.
fn unshare(privileged: bool) -> &'static [&'static str] {
    if privileged {
        &["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    } else {
        &["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"]
    }
}

/// Whether there can be a PID 1 here; if not, says that the test is skipped.
pub fn can(mode: Mode) -> bool {
    static PID1: OnceLock<bool> = OnceLock::new();
    if !subject::wants(mode) {
        return false;
    }
    let can = mode == Mode::Child
        || *PID1.get_or_init(|| {
            let [program, arguments @ ..] = unshare(is_root()) else { return false };
            Command::new(program)
                .args(arguments)
                .arg("true")
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        });
    if !can {
        println!("skip: no new pid namespaces here (unshare fails)");
    }
    can
}

/// What to run, and how.
pub struct Run {
    mode: Mode,
    name: String,
    root: Option<(PathBuf, String)>,
    wrapper: Vec<String>,
    privileged: bool,
    arguments: Vec<OsString>,
    before: Vec<Before>,
    environment: Vec<(String, Option<String>)>,
    stdin: Option<Stdio>,
    stdout: Option<Stdio>,
    stderr: Option<Stdio>,
    directory: Option<PathBuf>,
    held: Vec<OwnedFd>,
}

impl Run {
    /// nsinit with these arguments.
    pub fn new<S: AsRef<std::ffi::OsStr>>(
        mode: Mode,
        arguments: impl IntoIterator<Item = S>,
    ) -> Run {
        Run {
            mode,
            name: "nsinit".into(),
            root: None,
            wrapper: Vec::new(),
            privileged: is_root(),
            arguments: arguments.into_iter().map(|a| a.as_ref().to_owned()).collect(),
            before: Vec::new(),
            environment: Vec::new(),
            stdin: None,
            stdout: None,
            stderr: None,
            directory: None,
            held: Vec::new(),
        }
    }

    /// `sh -c SCRIPT` under nsinit.
    pub fn shell(mode: Mode, script: &str) -> Run {
        Run::new(mode, ["sh", "-c", script])
    }

    /// A payload of this program under nsinit with these options.
    pub fn payload(mode: Mode, options: &[&str], payload: &str) -> Run {
        let own = std::env::current_exe().expect("/proc");
        let mut run = Run::new(mode, options);
        run.arguments.push(own.into_os_string());
        run.env("NSINIT_TEST_PAYLOAD", payload)
    }

    /// Called by another name.
    pub fn named(mut self, name: &str) -> Run {
        self.name = name.into();
        self
    }

    /// nsinit in a root directory of its own, where it has this path.
    pub fn root(mut self, root: &Path, path: &str) -> Run {
        self.root = Some((root.to_owned(), path.into()));
        self
    }

    /// A program and its arguments that exec what follows them: first another such one, or nsinit.
    pub fn wrapper(mut self, wrapper: &[&str]) -> Run {
        self.wrapper.extend(wrapper.iter().map(|word| (*word).to_owned()));
        self
    }

    /// As an ordinary user, if the tests run as root.
    pub fn unprivileged(mut self) -> Run {
        self.privileged = false;
        if is_root() {
            self.wrapper(&["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", "--"])
        } else {
            self
        }
    }

    /// Something to do just before the exec.
    pub fn before(mut self, step: Before) -> Run {
        self.before.push(step);
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: &str) -> Run {
        self.environment.push((name.into(), Some(value.into())));
        self
    }

    /// Removes a variable.
    pub fn without_env(mut self, name: &str) -> Run {
        self.environment.push((name.into(), None));
        self
    }

    /// Standard input, which otherwise is empty.
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Run {
        self.stdin = Some(stdin.into());
        self
    }

    /// Standard output, which otherwise is read.
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Run {
        self.stdout = Some(stdout.into());
        self
    }

    /// Standard error, which otherwise is read.
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Run {
        self.stderr = Some(stderr.into());
        self
    }

    /// The working directory.
    pub fn directory(mut self, directory: impl AsRef<Path>) -> Run {
        self.directory = Some(directory.as_ref().to_owned());
        self
    }

    /// Holds a descriptor open until nsinit has been started.
    pub fn holding(mut self, fd: impl Into<OwnedFd>) -> Run {
        self.held.push(fd.into());
        self
    }

    /// All three on one terminal, whose session nsinit leads.
    pub fn terminal(self, slave: &OwnedFd) -> Run {
        let copy = || sys::duplicate(slave.as_fd()).expect("a few descriptors");
        self.stdin(copy()).stdout(copy()).stderr(copy())
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        let mut words: Vec<OsString> = self.wrapper.into_iter().map(OsString::from).collect();
        if self.mode == Mode::Pid1 {
            // The namespace is made by whoever the wrapper makes us.
            words.extend(unshare(self.privileged).iter().map(OsString::from));
        }
        match self.root {
            None => words.push(image(&self.name).into_os_string()),
            Some((root, path)) => {
                words.extend(["chroot".into(), root.into_os_string(), path.into()])
            }
        }
        words.extend(subject::options().into_iter().map(OsString::from));
        let option = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
        let program = self.arguments.iter().position(|word| !option(word));
        if let Some(program) = program
            && !subject::ours()
            && !self.arguments[..program].iter().any(|word| word == "--")
        {
            // Others take options of the program's for their own.
            self.arguments.insert(program, "--".into());
        }
        words.extend(self.arguments);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        for (name, value) in self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(directory) = self.directory {
            command.current_dir(directory);
        }
        command
            .stdin(self.stdin.unwrap_or_else(Stdio::null))
            .stdout(self.stdout.unwrap_or_else(Stdio::piped))
            .stderr(self.stderr.unwrap_or_else(Stdio::piped));
        sys::before_exec(&mut command, self.before);
        let mut child = command.spawn().expect("nsinit is a program");
        let lines = child.stdout.take().map(read_lines);
        let errors = child.stderr.take().map(read_all);
        Running { child, mode: self.mode, lines, errors, seen: Vec::new() }
    }

    /// Runs it to its end.
    pub fn finish(self) -> Finished {
        self.start().finish()
    }
}

fn read_lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
        }
    });
    receiver
}

fn read_all(mut from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut all = Vec::new();
        let _ = from.read_to_end(&mut all);
        let _ = sender.send(String::from_utf8_lossy(&all).into_owned());
    });
    receiver
}

/// A running nsinit. Killed if the test fails.
pub struct Running {
    child: Child,
    mode: Mode,
    lines: Option<Receiver<String>>,
    errors: Option<Receiver<String>>,
    seen: Vec<String>,
}

/// One that has ended.
#[derive(Debug)]
pub struct Finished {
    /// As a shell tells it.
    pub code: i32,
    /// Lines of standard output that were not read before.
    pub out: Vec<String>,
    /// Standard error.
    pub err: String,
}

impl Finished {
    /// Fails unless standard error is `words`, which name `what`; that is all that is asked of
    /// another init.
    #[track_caller]
    pub fn complains(&self, words: &str, what: &str) {
        if subject::ours() {
            assert_eq!(self.err, words);
        }
        assert!(self.err.contains(what), "{what} is not in: {}", self.err);
    }
}

impl Running {
    /// The pid of the process that was started: nsinit, or the unshare around it.
    pub fn outer(&self) -> i32 {
        self.child.id() as i32
    }

    /// nsinit's pid, as seen from here. It has to have started.
    pub fn init(&self) -> i32 {
        match self.mode {
            Mode::Child => self.outer(),
            Mode::Pid1 => only_child(self.outer()),
        }
    }

    /// The workload's pid, as seen from here. It has to have started.
    pub fn workload(&self) -> i32 {
        only_child(self.init())
    }

    /// The workload's pid, if nsinit has `count` children: it is the first that nsinit had.
    pub fn workload_of(&self, count: usize) -> i32 {
        let init = self.init();
        let mut found = Vec::new();
        eventually("nsinit has adopted all", || {
            found = children(init);
            found.len() == count
        });
        found[0]
    }

    /// The next line of standard output.
    pub fn line(&mut self) -> String {
        let lines = self.lines.as_ref().expect("standard output is read");
        match lines.recv_timeout(*DEADLINE) {
            Ok(line) => {
                self.seen.push(line.clone());
                line
            }
            Err(error) => panic!("no line came ({error}); before: {:?}", self.seen),
        }
    }

    /// Reads lines up to this one.
    pub fn until(&mut self, wanted: &str) -> &mut Running {
        while self.line() != wanted {}
        self
    }

    /// Sends a signal to nsinit.
    pub fn signal(&self, signal: i32) -> &Running {
        sys::kill(self.init(), signal).expect("nsinit runs");
        self
    }

    /// Ends the standard input that was piped.
    pub fn end_input(&mut self) -> &mut Running {
        drop(self.child.stdin.take());
        self
    }

    /// Kills the workload and waits for the end.
    pub fn end_workload(self) -> Finished {
        sys::kill(self.workload(), libc::SIGKILL).expect("the workload runs");
        self.finish()
    }

    /// Whether it ends within `time`.
    pub fn ends_within(&self, time: Duration) -> bool {
        sys::wait_end(self.outer(), time)
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Finished {
        assert!(self.ends_within(*DEADLINE), "nsinit does not end; before: {:?}", self.seen);
        let status = self.child.wait().expect("our child");
        let rest = Instant::now() + *DEADLINE;
        let mut out = Vec::new();
        if let Some(lines) = self.lines.take() {
            while let Ok(line) = lines.recv_timeout(rest.saturating_duration_since(Instant::now()))
            {
                out.push(line);
            }
        }
        let err = self.errors.take().and_then(|all| all.recv_timeout(*DEADLINE).ok());
        Finished { code: code(status), out, err: err.unwrap_or_default() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // unshare --kill-child takes the namespace along; a workload goes with nsinit.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The exit code as a shell tells it.
pub fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().expect("it has ended"))
}

/// The children of a process.
pub fn children(pid: i32) -> Vec<i32> {
    fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|child| child.parse().ok())
        .collect()
}

fn only_child(pid: i32) -> i32 {
    match children(pid)[..] {
        [child] => child,
        ref others => panic!("not one child of {pid}: {others:?}"),
    }
}

/// A field of /proc/PID/status.
pub fn status(pid: i32, field: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or("gone").trim().to_owned()
}

/// Asks again and again until it is so. For what /proc shows and nothing tells of.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + *DEADLINE;
    while !condition() {
        assert!(Instant::now() < end, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
