//! The init itself: the order in which everything happens.

#![forbid(unsafe_code)]

use crate::config::{Config, Group, Personality};
use crate::environment;
use crate::log;
use crate::options::{self, Words};
use crate::pause;
use crate::report::{Report, Stage};
use crate::show;
use crate::status;
use crate::supervise::{Supervisor, report};
use crate::sys::{self, Disposition, Errno, SigSet, Strings, signal};
use crate::terminal::Terminal;
use crate::workload::{self, Inherited, Unstarted};

/// Runs the init with the arguments and the environment of its process, and returns what the
/// process is to exit with.
///
/// Blocks all signals, reaps all children of the process and closes its descriptors: it is the
/// `main` of a process of its own.
pub fn run(arguments: Strings<'static>, environment: Strings<'static>) -> u8 {
    // First of all, so that a signal from here on waits until there is somebody to give it to.
    let mask = sys::rt_sigprocmask(SigSet::ALL);
    // Ignored, as some shells and daemons leave it, it would make the kernel reap for us and the
    // workload's exit code be lost.
    let sigchld = sys::rt_sigaction(signal::CHLD, Disposition::Default);
    let inherited = Inherited { mask, sigchld };

    let personality = Personality::of(arguments.get(0).map_or(b"", |name| name.to_bytes()));
    let config = configure(personality, &arguments, &environment);
    if let Some(problem) = config.problem {
        show::complain(&config, problem);
        return personality.failure_code();
    }
    if let Some(show) = config.show {
        show::print(&config, show);
        return 0;
    }
    if config.pause {
        prepare(&config);
        return pause::run();
    }
    if config.command >= arguments.len() {
        show::no_program(&config);
        return personality.failure_code();
    }

    // Until it is told otherwise, whoever dies after this is the one that started us.
    let parent = if config.die_with_parent { sys::getppid() } else { 0 };
    let orphan = prepare(&config);
    if orphan == Some(signal::KILL) {
        return 128 + signal::KILL as u8;
    }
    let terminal = find_terminal(&config);
    let workload = match workload::start(&config, &arguments, &environment, inherited, terminal) {
        Ok(workload) => workload,
        Err(unstarted) => return tell_unstarted(&config, &arguments, &unstarted),
    };
    if config.all_cpus {
        let _ = sys::use_all_processors();
    }
    // The workload runs: from here on nothing may end this process but the workload's end.
    leave_group(&config);
    report(&config, Report::Started { pid: workload.pid });
    status::started(&config, workload.pid);
    let mut supervisor = Supervisor::new(&config, workload, terminal, parent);
    supervisor.settle();
    if let Some(signal) = orphan {
        supervisor.pass_on(signal);
    }
    supervisor.run()
}

/// The defaults of `personality`, changed by the environment, changed by the command line.
fn configure(
    personality: Personality,
    arguments: &Strings<'static>,
    variables: &Strings<'static>,
) -> Config {
    // Once without the environment, to see whether it counts.
    let mut config = Config::new(personality);
    parse_arguments(&mut config, arguments);
    if config.environment && config.problem.is_none() {
        config = Config::new(personality);
        environment::parse(&mut config, variables);
        parse_arguments(&mut config, arguments);
    }
    if personality == Personality::DumbInit && config.group == Group::Session {
        config.rewrites.stop_for_session();
    }
    config
}

fn parse_arguments(config: &mut Config, strings: &Strings<'static>) {
    let mut words = Words::Arguments { strings, index: 1 };
    options::parse(config, &mut words);
    if let Words::Arguments { index, .. } = words {
        config.command = index;
    }
}

/// What is done once before the workload starts, and gone without where it is denied. Returns the
/// signal that nsinit wants when its parent dies, if it has done so already.
fn prepare(config: &Config) -> Option<i32> {
    if sys::getpid() != 1 {
        let _ = sys::set_child_subreaper();
    }
    // The workload, with the same rights as we, must not speak for us.
    if config.report_fd.is_some() {
        let _ = sys::set_undumpable();
        // Executed from memory it would be called memfd:nsinit, or 7.
        let _ = sys::set_name(c"nsinit");
    }
    for fd in [config.report_fd, config.status_fd, config.kill_fd].into_iter().flatten() {
        // The workload keeps its three, if one of them is asked to serve for that, too.
        if fd > 2 {
            let _ = sys::set_cloexec(fd);
        }
    }
    if config.die_with_parent {
        // Any that wakes us: that the parent is another tells.
        let _ = sys::set_pdeathsig(signal::TERM);
    }
    let signal = config.parent_death?;
    let parent = sys::getppid();
    let _ = sys::set_pdeathsig(signal);
    (sys::getppid() != parent || is_orphan(parent)).then_some(signal)
}

/// Whether `parent` has only adopted this process. A process is born into its parent's session,
/// and leaves it only to lead its own: a session that is neither of the two is the one of a
/// parent who is gone.
fn is_orphan(parent: i32) -> bool {
    match (sys::getsid(0), sys::getsid(parent)) {
        // A parent outside of our pid namespace (0) would be asked for as ourselves.
        // A session from outside of it (0) says nothing: its PID 1 may have left it since.
        (Ok(ours), Ok(theirs)) => {
            parent != 0 && ours != 0 && ours != theirs && ours != sys::getpid()
        }
        _ => false,
    }
}

/// What is sent to the group that the workload shares with the program that started us reaches it
/// without us. A session of our own, not a group: a parent in another group of its session would
/// make the kernel take the workload's for one that a shell looks after. Only as PID 1, whose
/// session no other nsinit takes for a sign that it is an orphan.
fn leave_group(config: &Config) {
    if config.report_fd.is_some() && config.group == Group::Keep && sys::getpid() == 1 {
        let _ = sys::setsid();
    }
}

/// Finds the terminal that the workload is to get; nsinit leaves it where the workload is to have
/// it for a session of its own.
fn find_terminal(config: &Config) -> Option<Terminal> {
    match config.group {
        Group::Keep | Group::Own => None,
        Group::Foreground => Terminal::find(),
        Group::Session => {
            let terminal = Terminal::find()?;
            let _ = sys::tiocnotty(terminal.fd);
            if sys::getsid(0) == Ok(sys::getpid()) {
                // A leader who leaves it hangs up for the terminal's group, which we are in.
                for signal in [signal::HUP, signal::CONT] {
                    let _ = sys::rt_sigtimedwait(SigSet::of(signal), Some(0));
                }
            }
            Some(terminal)
        }
    }
}

fn tell_unstarted(config: &Config, arguments: &Strings<'static>, unstarted: &Unstarted) -> u8 {
    let Unstarted { stage, failure } = *unstarted;
    let errno = failure.errno;
    let code = match stage {
        Stage::Exec => failure.exit_code(),
        _ => config.personality.failure_code(),
    };
    status::failed(config, stage, errno, code);
    if config.report_fd.is_some() {
        report(config, Report::Failed { stage, errno, code });
        return code;
    }
    log::line(config, &|text| {
        match stage {
            Stage::Fork => text.str("cannot make a process"),
            Stage::User => text.str("cannot become the user"),
            Stage::Filter => text.str("cannot load the filter"),
            Stage::Chdir => text.push(config.chdir.unwrap_or(b"")),
            Stage::Exec => {
                text.push(arguments.get(config.command).map_or(b"", |name| name.to_bytes()))
            }
        };
        text.str(": ");
        if stage == Stage::Exec && failure.found && errno == Errno::ENOENT.0 {
            text.str("its interpreter or loader is missing");
        } else {
            log::push_error(text, errno);
        }
    });
    code
}
