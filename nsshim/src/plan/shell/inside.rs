//! The inside: a line or a few for each step, in the plan's order.

use std::ffi::CString;
use std::fmt::Write;
use std::iter::Peekable;
use std::slice::Iter;

use super::command;
use super::tree::Trees;
use super::words::{capabilities, limit, mount_options, quoted, user};
use crate::plan::Plan;
use crate::spec::{Label, Propagation, Session, Workdir};
use crate::step::{Inside, MountCall, mount};

pub fn script(plan: &Plan, callers_env: &[CString]) -> String {
    let mut script =
        Script { text: String::new(), device: None, setpriv: Vec::new(), trees: Trees::default() };
    let mut skip_first_identity = plan.first_identity().is_some();
    let mut steps = plan.inside.iter().peekable();
    script.offsets(plan);
    while let Some(step) = steps.next() {
        match step {
            Inside::Become(_) if skip_first_identity => skip_first_identity = false,
            Inside::MaskFile(_) => {
                script.mask_files(&run_of(step, &mut steps, |step| match step {
                    Inside::MaskFile(path) => Some(path),
                    _ => None,
                }));
            }
            Inside::MaskDirectory(_) => {
                script.mask_directories(&run_of(step, &mut steps, |step| match step {
                    Inside::MaskDirectory(path) => Some(path),
                    _ => None,
                }));
            }
            Inside::ReadOnly(_) => {
                script.read_only(&run_of(step, &mut steps, |step| match step {
                    Inside::ReadOnly(path) => Some(path),
                    _ => None,
                }));
            }
            step => script.step(plan, step),
        }
    }
    script.finish(plan, callers_env);
    script.text
}

/// The paths of this step and of those like it that follow.
fn run_of<'a>(
    first: &'a Inside,
    steps: &mut Peekable<Iter<'a, Inside>>,
    path: impl Fn(&'a Inside) -> Option<&'static str>,
) -> Vec<&'static str> {
    let mut paths: Vec<&str> = path(first).into_iter().collect();
    while let Some(step) = steps.next_if(|step| path(step).is_some()) {
        paths.extend(path(step));
    }
    paths
}

struct Script {
    text: String,
    /// Where the new /dev is assembled, while it is.
    device: Option<&'static str>,
    /// The options that wait for the end.
    setpriv: Vec<String>,
    /// What the container's own root is made of.
    trees: Trees,
}

impl Script {
    fn line(&mut self, line: impl std::fmt::Display) {
        let _ = writeln!(self.text, "{line}");
    }

    fn step(&mut self, plan: &Plan, step: &Inside) {
        // Its last piece is a link; the next step needs its own name.
        if self.device.is_some() && !is_piece_of_dev(step) {
            self.put_dev();
        }
        match step {
            // Options of unshare(1) and nsenter(1), and what the whole script is in.
            Inside::Time(_) | Inside::MapSelf(_) => {}
            Inside::EnterGroups(_) | Inside::CgroupNamespace | Inside::Join(..) => {}
            Inside::Become(who) => self.setpriv.push(user(who)),
            Inside::Propagate(propagation) => self.propagate(*propagation),
            Inside::KeepPrivate(path) => self.line(format_args!("mount --make-rprivate {path}")),
            Inside::Mount(call) => self.mount(call),
            // Taken together, above.
            Inside::MaskFile(_) | Inside::MaskDirectory(_) | Inside::ReadOnly(_) => {}
            Inside::ReadOnlyTree(path) => self.read_only_tree(path),
            Inside::StandIn(_) => self.assemble_dev(plan),
            Inside::Device(name) => {
                let target = self.placed(&format!("/dev/{name}"));
                let bind = format!(": > {target}; mount --bind /dev/{name} {target}");
                if *name == "null" {
                    self.line(bind);
                } else {
                    self.line(format_args!("[ ! -e /dev/{name} ] || {{ {bind}; }}"));
                }
            }
            Inside::Shared(name) => {
                let target = self.placed(&format!("/dev/{name}"));
                self.line(format_args!(
                    "[ ! -e /dev/{name} ] || mount --rbind /dev/{name} {target}"
                ));
            }
            Inside::Directory(path) => {
                let path = self.placed(path);
                self.line(format_args!("mkdir -m 0755 {path}"));
            }
            Inside::Symlink(target, link) => {
                let link = self.placed(link);
                self.line(format_args!("ln -s {target} {link}"));
            }
            Inside::Tree(tree) => {
                for line in self.trees.lines(tree) {
                    self.line(line);
                }
            }
            Inside::Hostname(name) => {
                self.line(format_args!("hostname {}", quoted(&name.to_string_lossy())));
            }
            Inside::Domainname(name) => {
                self.line(format_args!("domainname {}", quoted(&name.to_string_lossy())));
            }
            Inside::LoopbackUp => self.line("ip link set lo up"),
            Inside::NoUserNamespaces => self.line(format_args!(
                "{{ echo 0 > /proc/{}; }} 2> /dev/null || :",
                crate::step::limits::USER_NAMESPACES
            )),
            Inside::Rlimit(rlimit) => self.line(format_args!("prlimit --pid $$ {}", limit(rlimit))),
            Inside::Nice(nice) => self.line(format_args!("renice -n {nice} -p $$ > /dev/null")),
            Inside::OomScore(adjustment) => {
                self.line(format_args!("echo {adjustment} > /proc/self/oom_score_adj"));
            }
            Inside::Label(Label::AppArmor(profile)) => {
                self.setpriv.push(format!("--apparmor-profile {}", quoted(profile)));
            }
            Inside::Label(Label::SeLinux(context)) => {
                self.setpriv.push(format!("--selinux-label {}", quoted(context)));
            }
            Inside::Keyring { .. } => self.line("# keyctl session - would go before the command"),
            Inside::KeepCapabilities => {}
            Inside::Ambient(set) => {
                let set = capabilities(*set);
                let set = set.strip_prefix("-all,").unwrap_or(&set);
                self.setpriv.push(format!("--inh-caps {set} --ambient-caps {set}"));
            }
            Inside::Landlock(rules) => self.line(format_args!("# no command: {}", Inside::Landlock(rules.clone()))),
            Inside::Chroot(path) => {
                self.line(format_args!("# no command: {}", Inside::Chroot(path.clone())));
            }
            Inside::Umask(mask) => self.line(format_args!("umask 0{mask:o}")),
            Inside::Session => {}
            Inside::Terminal(..) => self.line(
                "# no command: a terminal of its own, in its own /dev/pts. This script uses the caller's.",
            ),
            Inside::Console => {}
            Inside::Workdir(Workdir::Keep(path)) => {
                let path = quoted(&path.display().to_string());
                self.line(format_args!("cd {path} 2> /dev/null || cd /"));
            }
            Inside::Workdir(Workdir::Set(path)) => {
                self.line(format_args!("cd {}", quoted(&path.display().to_string())));
            }
            Inside::DropBounding(keep) => {
                self.setpriv.push(format!("--bounding-set {}", capabilities(*keep)));
            }
            // execve gives root what the bounding set leaves, and others nothing.
            Inside::Capabilities(_) => {
                self.setpriv.push("--inh-caps -all --ambient-caps -all".into());
            }
            Inside::NoNewPrivs => self.setpriv.push("--no-new-privs".into()),
            Inside::Seccomp(filter) => self.line(format_args!(
                "# no command: the system-call filter, {} instructions",
                filter.instructions().len()
            )),
            Inside::DieWithShim => self.setpriv.push("--pdeathsig KILL".into()),
            // Nobody is told by a script.
            Inside::ReportNamespaces => {}
            Inside::CloseDescriptors { from } => self.line(format_args!(
                "# no command: closing the caller's descriptors from {from} on"
            )),
            Inside::IgnoreSigchld => self.line("trap '' CHLD"),
        }
    }

    fn offsets(&mut self, plan: &Plan) {
        let whole = |nanoseconds: i128| nanoseconds.rem_euclid(1_000_000_000) == 0;
        if plan.offsets().is_some_and(|o| !whole(o.monotonic) || !whole(o.boottime)) {
            self.line(
                "# no command: fractions of a second in time offsets; they are rounded down.",
            );
        }
    }

    fn propagate(&mut self, propagation: Propagation) {
        let option = match propagation {
            Propagation::Private => "--make-rprivate",
            Propagation::Slave => "--make-rslave",
            Propagation::Shared => "--make-rshared",
            Propagation::Unchanged => return,
        };
        self.line("# What is mounted from here on stays here.");
        self.line(format_args!("mount {option} /"));
    }

    fn mount(&mut self, call: &MountCall) {
        let options = mount_options(call.flags, call.options);
        let target = self.placed(call.target);
        let optional = if call.absent.is_empty() { "" } else { " 2> /dev/null || :" };
        self.line(format_args!(
            "mount -t {} -o {options} {} {target}{optional}",
            call.fstype, call.fstype
        ));
    }

    /// mount(8) resolves the names of what it binds, so the new /dev must not yet
    /// cover the host's: it is assembled elsewhere and moved.
    fn assemble_dev(&mut self, plan: &Plan) {
        self.line("# The container's /dev, assembled elsewhere while /dev is the host's.");
        let shared = plan.inside.iter().any(|step| matches!(step, Inside::KeepPrivate(_)));
        if shared {
            // What is mounted in /tmp would appear on the host; /dev/shm may be bound.
            self.device = Some("/dev/pts");
        } else {
            self.line("dev=$(mktemp -d)");
            self.device = Some("\"$dev\"");
        }
    }

    fn put_dev(&mut self) {
        let Some(place) = self.device.take() else { return };
        // -n: without it mount(8) wants to note the move in /run, which is the host's.
        self.line(format_args!("mount -n --move {place} /dev"));
        if place != "/dev/pts" {
            self.line(format_args!("rmdir {place}"));
        }
    }

    /// Where a path is while /dev is assembled.
    fn placed(&self, path: &str) -> String {
        match (self.device, path.strip_prefix("/dev")) {
            (Some(place), Some(rest)) => format!("{place}{rest}"),
            _ => path.to_string(),
        }
    }

    fn mask_files(&mut self, paths: &[&str]) {
        self.put_dev();
        self.line("# Files that tell about, or act on, the whole machine.");
        self.line(format_args!("for path in {}; do", paths.join(" ")));
        self.line("    [ ! -e \"$path\" ] || mount --bind /dev/null \"$path\"\ndone");
    }

    fn mask_directories(&mut self, paths: &[&str]) {
        self.put_dev();
        let call = mount::empty("$path");
        let options = mount_options(call.flags, call.options);
        self.line("# Directories likewise.");
        self.line(format_args!("for path in {}; do", paths.join(" ")));
        self.line(format_args!(
            "    [ ! -e \"$path\" ] || mount -t {} -o {options} {} \"$path\"\ndone",
            call.fstype, call.fstype
        ));
    }

    fn read_only(&mut self, paths: &[&str]) {
        self.put_dev();
        self.line(format_args!("for path in {}; do", paths.join(" ")));
        self.line("    [ -e \"$path\" ] || continue");
        self.line("    mount --rbind \"$path\" \"$path\"");
        self.line("    mount -o remount,bind,ro,nosuid,nodev,noexec \"$path\"\ndone");
    }

    fn read_only_tree(&mut self, path: &str) {
        self.line("# Read-only, all below it too; the other flags stay, some are locked.");
        self.line(format_args!(
            "findmnt -Rnr -o TARGET,VFS-OPTIONS {path} | while read -r target options; do"
        ));
        self.line(
            "    mount -o \"remount,bind,$(echo \"$options\" | sed 's/^rw/ro/')\" \"$target\"",
        );
        self.line("done");
    }

    fn finish(&mut self, plan: &Plan, callers_env: &[CString]) {
        self.put_dev();
        if let Some(filter) = &plan.exec.filter {
            self.line(format_args!(
                "# no command: the command's own system-call filter, {} instructions",
                filter.instructions().len()
            ));
        }
        if plan.exec.init.is_some() {
            self.line("# nsctl starts nsinit here, as PID 1. Without it the command ignores signals it does not handle.");
        }
        if plan.exec.argv0.is_some() {
            self.line("# no command of POSIX: another argv[0]");
        }
        let mut words = Vec::new();
        // At the caller's terminal a new session would lose job control.
        if plan.session == Session::Own && !plan.terminal {
            words.push("setsid --wait".to_string());
        }
        if !self.setpriv.is_empty() {
            words.push(format!("setpriv {}", self.setpriv.join(" ")));
        }
        let environment = self.environment(plan, callers_env);
        words.extend(environment);
        words.push(command(plan));
        self.line(format_args!("exec {}", words.join(" \\\n    ")));
    }

    /// What differs from the caller's: never the whole of it, which holds secrets.
    fn environment(&mut self, plan: &Plan, callers: &[CString]) -> Option<String> {
        let name = |variable: &CString| {
            variable.to_bytes().split(|&byte| byte == b'=').next().map(<[u8]>::to_vec)
        };
        let is_kept =
            |variable: &CString| plan.exec.env.iter().any(|other| name(other) == name(variable));
        let shown = |variable: &CString| quoted(&variable.to_string_lossy());
        if callers.iter().all(is_kept) {
            let new = plan.exec.env.iter().filter(|variable| !callers.contains(variable));
            let new: Vec<String> = new.map(shown).collect();
            return (!new.is_empty()).then(|| format!("env {}", new.join(" ")));
        }
        let all: Vec<String> = plan.exec.env.iter().map(shown).collect();
        Some(format!("env -i {}", all.join(" ")))
    }
}

fn is_piece_of_dev(step: &Inside) -> bool {
    match step {
        Inside::Mount(call) => call.target.starts_with("/dev"),
        Inside::Device(_) | Inside::Shared(_) | Inside::Directory(_) | Inside::Symlink(..) => true,
        _ => false,
    }
}
