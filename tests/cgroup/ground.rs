//! Hierarchies that a test may play in: mounted in a mount and cgroup namespace of its own, each with
//! a group that belongs to the one who runs nsctl, and goes at the end.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::common::{Nsctl, Ran, Tag, Who, as_each, eventually, have, nsctl, program, skip};

/// The hierarchies of one test.
pub struct Ground {
    pub who: Who,
    /// The group in each of them that containers are made in.
    pub parent: String,
    /// `unified`, or the controllers of version 1: those that have the group.
    hierarchies: Vec<String>,
    holder: Child,
    state: PathBuf,
    tags: RefCell<Vec<Tag>>,
}

/// Runs the test as root and as a user with these hierarchies; what cannot be had is skipped.
pub fn on_each(hierarchies: &[&str], test: impl Fn(&Ground)) {
    as_each(|who| {
        if let Some(ground) = Ground::new(who, hierarchies) {
            test(&ground);
        }
    });
}

/// Named groups, `unified` for that of version 2.
const POINT: &str = "/sys/fs/cgroup";

impl Ground {
    pub fn new(who: Who, hierarchies: &[&str]) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            skip("control groups can be mounted and given away by root only");
            return None;
        }
        if !have("unshare") || !have("nsenter") || !have("setpriv") {
            return None;
        }
        let (ground, why) = Ground::mount(who, hierarchies);
        why.iter().for_each(|why| skip(&format!("control groups cannot be mounted: {why}")));
        why.is_none().then_some(ground)
    }

    /// As much of it as can be had, and why it is not all.
    fn mount(who: Who, hierarchies: &[&str]) -> (Self, Option<String>) {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let parent = format!("nsctl-tests-{}-{number}", std::process::id());
        let mut script = format!(
            "fail() {{ echo failed; exec 2>&-; read _; exit; }}
             umount -R {POINT} 2> /dev/null; mount -t tmpfs none {POINT} && cd {POINT} || fail\n"
        );
        for name in hierarchies {
            let mount = match *name {
                "unified" => "mount -t cgroup2 none".to_string(),
                name => format!("mount -t cgroup -o {name} none"),
            };
            let (uid, gid) = (who.uid(), who.gid());
            // What it says is removed at the end: a group is the machine's, and outlives the mount.
            script += &format!(
                "mkdir {name} && {mount} {name} && mkdir {name}/{parent} && echo {name} || fail
                 mkdir {name}/{parent}/own || fail\n"
            );
            // As systemd delegates: the directory, and what divides it.
            script += &format!(
                "cd {name}/{parent}; chown {uid}:{gid} . cgroup.procs own own/cgroup.procs
                 for f in tasks cgroup.subtree_control own/cgroup.subtree_control; do
                     [ ! -e $f ] || chown {uid}:{gid} $f; done; cd {POINT}\n"
            );
        }
        script += "echo ready; read _";
        let mut holder = Command::new("unshare")
            .args(["-mC", "--propagation", "private", "sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(holder.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut ready = false;
        let made = said.take_while(|line| {
            ready = line == "ready";
            !ready && line != "failed"
        });
        let hierarchies = made.collect();
        let mut why = || BufReader::new(holder.stderr.take().unwrap()).lines().next()?.ok();
        let why = if ready { None } else { Some(why().unwrap_or_default()) };
        let state = who.directory().join("state");
        let tags = RefCell::default();
        (Ground { who, parent, hierarchies, holder, state, tags }, why)
    }

    /// nsctl with these arguments, among these hierarchies; in a group of its own next to those of
    /// its containers.
    pub fn nsctl(&self, arguments: &[&str]) -> Nsctl {
        self.nsctl_in("own", arguments)
    }

    /// The same, but not in a group that belongs to the caller.
    pub fn outside(&self, arguments: &[&str]) -> Nsctl {
        self.nsctl_in("nowhere", arguments)
    }

    fn nsctl_in(&self, place: &str, arguments: &[&str]) -> Nsctl {
        let mut command = Command::new("nsenter");
        let script = "d=/sys/fs/cgroup/unified/$0; [ ! -d $d ] || echo $$ > $d/cgroup.procs
            who=$1; shift; exec setpriv --reuid $who --regid $who --clear-groups \"$@\"";
        let holder = self.holder.id().to_string();
        command.args(["-t", &holder, "-m", "-C", "sh", "-c", script]);
        command.arg(format!("{}/{place}", self.parent));
        let who = match self.who {
            Who::Root => "0".into(),
            Who::User => self.who.uid().to_string(),
        };
        command.arg(who).arg(program()).args(arguments);
        // setpriv makes it the user's; to enter the ground takes root.
        let nsctl = nsctl(self.who, [""; 0]).started_by(Who::Root, command);
        nsctl.env("NSCTL_STATE_DIR", &self.state)
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let (ran, tag) = self.nsctl(arguments).detached();
        self.tags.borrow_mut().push(tag);
        ran
    }

    /// Runs a container in the foreground, in a group of its own.
    pub fn run_in_group(&self, arguments: &[&str]) -> Ran {
        let parent = format!("--cgroup-parent=/{}", self.parent);
        self.run(&[&["run", &parent], arguments].concat())
    }

    /// Starts a container in a group of its own, called c.
    #[track_caller]
    pub fn start(&self, arguments: &[&str]) {
        let parent = format!("--cgroup-parent=/{}", self.parent);
        self.run(&[&["run", "-d", "--name=c", &parent], arguments].concat()).success();
    }

    /// A command of the host's root, in the namespaces of the test.
    pub fn host(&self, script: &str) -> bool {
        let holder = self.holder.id().to_string();
        let mut command = Command::new("nsenter");
        command.args(["-t", &holder, "-m", "-C", "sh", "-c", script]).status().unwrap().success()
    }

    /// A directory of the caller's, which is there inside, too.
    pub fn home(&self) -> &Path {
        self.state.parent().unwrap()
    }

    /// `inspect c`
    pub fn inspect(&self) -> serde_json::Value {
        let all: serde_json::Value =
            serde_json::from_str(self.run(&["inspect", "c"]).success()).unwrap();
        all[0].clone()
    }

    /// A path in the namespaces of the test, as the test sees it.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref().strip_prefix("/").unwrap();
        Path::new("/proc").join(self.holder.id().to_string()).join("root").join(path)
    }

    /// The directory of the parent in a hierarchy, as the test sees it.
    pub fn directory(&self, hierarchy: &str) -> PathBuf {
        self.path(POINT).join(hierarchy).join(&self.parent)
    }

    /// The containers' groups that there are, of all hierarchies.
    pub fn groups(&self) -> Vec<PathBuf> {
        let below = self.hierarchies.iter().flat_map(|name| {
            let entries = fs::read_dir(self.directory(name)).unwrap().flatten();
            entries.filter(|entry| entry.file_type().unwrap().is_dir()).map(|entry| entry.path())
        });
        below.filter(|path| path.file_name().unwrap() != "own").collect()
    }

    /// Makes groups in this one, as if something in it had.
    pub fn make(&self, group: &Path, below: &str) -> PathBuf {
        let mut path = group.to_path_buf();
        let owner = (Some(self.who.uid()), Some(self.who.gid()));
        for name in [""].into_iter().chain(below.split('/')) {
            path.push(name);
            if !path.exists() {
                fs::create_dir(&path).unwrap();
                for path in [&path, &path.join("cgroup.procs")] {
                    std::os::unix::fs::chown(path, owner.0, owner.1).unwrap();
                }
            }
        }
        path
    }

    #[track_caller]
    pub fn expect_no_group(&self) {
        assert_eq!(self.groups(), Vec::<PathBuf>::new());
    }

    /// The processes in a group, as the test numbers them.
    pub fn processes(&self, group: &Path) -> Vec<i32> {
        let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    /// What is written down of containers in the foreground.
    pub fn noted(&self) -> usize {
        fs::read_dir(self.state.join("groups")).map_or(0, Iterator::count)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let ids = self.run(&["ps", "-aq", "--no-trunc"]).stdout;
        let mut words = vec!["rm", "-f"];
        words.extend(ids.lines());
        if words.len() > 2 {
            self.run(&words);
        }
        let tags = self.tags.borrow();
        let gone = || tags.iter().all(|tag| tag.processes().is_empty());
        let ended = eventually(Duration::from_secs(5), gone);
        // What a test left would be left on the machine.
        let left = if ended { self.groups() } else { Vec::new() };
        for hierarchy in &self.hierarchies {
            let directory = self.directory(hierarchy);
            let own = directory.join("own");
            let _ = eventually(Duration::from_secs(5), || {
                fs::remove_dir(&own).is_ok() || !own.exists()
            });
            left.iter().for_each(|path| remove(path));
            let _ = fs::remove_dir(directory);
        }
        // The end of its input ends it.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
        if !std::thread::panicking() {
            assert!(
                ended,
                "left behind: {:?}",
                tags.iter().map(Tag::processes).collect::<Vec<_>>()
            );
            assert_eq!(left, Vec::<PathBuf>::new());
        }
    }
}

/// A group with those in it.
fn remove(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            remove(&entry.path());
        }
    }
    let _ = fs::remove_dir(path);
}

#[test]
fn what_can_be_had_of_it_goes_where_not_all_can() {
    on_each(&["unified"], |other| {
        let (ground, why) = Ground::mount(other.who, &["unified", "nsctl-tests-none"]);
        assert!(why.is_some_and(|why| why.contains("mount")));
        assert_eq!(ground.hierarchies, ["unified"]);
        let group = other.path(POINT).join("unified").join(&ground.parent);
        assert!(group.exists());
        drop(ground);
        assert!(!group.exists(), "{}", group.display());
    });
}
