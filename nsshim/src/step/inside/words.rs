//! What each step is for, and the calls that it makes, as strace(1) prints them.

use std::fmt;

use super::super::{
    capabilities, group, identity, idmap, join, keyring, label, landlock, limits, mount, pty, time,
    workdir,
};
use super::Inside;

impl Inside {
    /// What the step is for, as it follows "cannot".
    pub fn purpose(&self) -> String {
        match self {
            Inside::Time(_) => "make the time namespace".into(),
            Inside::EnterGroups(_) => "enter the control groups".into(),
            Inside::CgroupNamespace => "make the cgroup namespace".into(),
            Inside::Join(kind, joined) => join::purpose(*kind, joined),
            Inside::MapSelf(_) => "map user and group ids".into(),
            Inside::Become(user) => format!("become user {}:{}", user.uid.0, user.gid.0),
            Inside::Propagate(_) => "set the propagation of mounts".into(),
            Inside::KeepPrivate(path) => format!("keep the mounts on {path} private"),
            Inside::Mount(call) => format!("mount {}", call.purpose),
            Inside::MaskFile(path) | Inside::MaskDirectory(path) => format!("hide {path}"),
            Inside::ReadOnly(path) | Inside::ReadOnlyTree(path) => {
                format!("make {path} read-only")
            }
            Inside::StandIn(path) => format!("enter {path}"),
            Inside::Device(name) => format!("give the device /dev/{name}"),
            Inside::Shared(name) => format!("share the host's /dev/{name}"),
            Inside::Directory(path) => format!("make the directory {path}"),
            Inside::Symlink(_, link) => format!("make the link {link}"),
            Inside::Tree(tree) => tree.purpose(),
            Inside::Hostname(name) => format!("set the hostname {}", name.to_string_lossy()),
            Inside::Domainname(name) => format!("set the domain name {}", name.to_string_lossy()),
            Inside::LoopbackUp => "set the loopback interface up".into(),
            Inside::NoUserNamespaces => "forbid user namespaces inside".into(),
            Inside::Rlimit(limit) => format!("set the limit {:?}", limit.resource),
            Inside::Nice(nice) => format!("set the nice value {nice}"),
            Inside::OomScore(adjustment) => format!("adjust the OOM score by {adjustment}"),
            Inside::Label(label) => format!("set the {}", label::name(label)),
            Inside::Keyring { .. } => "make a session keyring".into(),
            Inside::KeepCapabilities => "keep the capabilities".into(),
            Inside::Ambient(_) => "set the ambient capabilities".into(),
            Inside::Landlock(_) => "restrict what can be reached".into(),
            Inside::Chroot(path) => format!("make {} the root", path.display()),
            Inside::Umask(_) => "set the umask".into(),
            Inside::Session => "start a session".into(),
            Inside::Terminal(..) => "make a terminal".into(),
            Inside::Console => "make the console".into(),
            Inside::Workdir(_) => "enter the working directory".into(),
            Inside::DropBounding(_) => "limit the capabilities".into(),
            Inside::Capabilities(_) => "set the capabilities".into(),
            Inside::NoNewPrivs => "forbid new privileges".into(),
            Inside::Seccomp(_) => "load the system-call filter".into(),
            Inside::DieWithShim => "tie the container to its shim".into(),
            Inside::ReportNamespaces => "read the namespaces' ids".into(),
            Inside::CloseDescriptors { .. } => "keep the host's descriptors out".into(),
            Inside::IgnoreSigchld => "restore the disposition of SIGCHLD".into(),
        }
    }
}

impl fmt::Display for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Inside::Time(offsets) => time::describe(f, offsets),
            Inside::EnterGroups(groups) => group::describe_entering(f, groups),
            Inside::CgroupNamespace => f.write_str(group::NEW_NAMESPACE),
            Inside::Join(kind, joined) => join::describe(f, *kind, joined),
            Inside::MapSelf(maps) => idmap::describe(f, "self", maps),
            Inside::Become(user) => identity::describe(f, user),
            Inside::Propagate(propagation) => mount::describe_propagation(f, *propagation),
            Inside::KeepPrivate(path) => {
                write!(f, "mount(NULL, \"{path}\", NULL, MS_REC|MS_PRIVATE)")
            }
            Inside::Mount(call) => write!(f, "{call}"),
            Inside::MaskFile(path) => write!(f, "mount(\"/dev/null\", \"{path}\", NULL, MS_BIND)"),
            Inside::MaskDirectory(path) => write!(f, "{}", mount::empty(path)),
            Inside::ReadOnly(path) => write!(
                f,
                "mount(\"{path}\", \"{path}\", NULL, MS_BIND|MS_REC); {}",
                mount::SetReadOnly(path)
            ),
            Inside::ReadOnlyTree(path) => write!(f, "{}", mount::SetReadOnly(path)),
            Inside::StandIn(path) => write!(f, "chdir(\"{path}\")"),
            Inside::Device(name) => {
                write!(f, "mount(\"{name}\", \"/dev/{name}\", NULL, MS_BIND)")
            }
            Inside::Shared(name) => {
                write!(f, "mount(\"{name}\", \"/dev/{name}\", NULL, MS_BIND|MS_REC)")
            }
            Inside::Directory(path) => write!(f, "mkdir(\"{path}\", 0755)"),
            Inside::Symlink(target, link) => write!(f, "symlink(\"{target}\", \"{link}\")"),
            Inside::Tree(tree) => write!(f, "{tree}"),
            Inside::Hostname(name) => write!(f, "sethostname({name:?})"),
            Inside::Domainname(name) => write!(f, "setdomainname({name:?})"),
            Inside::LoopbackUp => f.write_str("ioctl(SIOCSIFFLAGS, \"lo\", IFF_UP)"),
            Inside::NoUserNamespaces => {
                write!(f, "write(\"/proc/{}\", \"0\")", limits::USER_NAMESPACES)
            }
            Inside::Rlimit(limit) => limits::describe_rlimit(f, limit),
            Inside::Nice(nice) => write!(f, "setpriority(PRIO_PROCESS, 0, {nice})"),
            Inside::OomScore(adjustment) => write!(f, "{}", limits::oom_score_call(*adjustment)),
            Inside::Label(label) => label::describe(f, label),
            Inside::Keyring { .. } => write!(f, "{}", keyring::CALL),
            Inside::KeepCapabilities => f.write_str("prctl(PR_SET_KEEPCAPS, 1)"),
            Inside::Ambient(set) => capabilities::describe_ambient(f, *set),
            Inside::Landlock(rules) => landlock::describe(f, rules),
            Inside::Chroot(path) => write!(f, "chroot({path:?}); chdir(\"/\")"),
            Inside::Umask(mask) => write!(f, "umask(0{mask:o})"),
            Inside::Session => f.write_str("setsid()"),
            Inside::Terminal(terminal, _) => pty::describe(f, terminal),
            Inside::Console => f.write_str("move_mount(tty, \"/dev/console\")"),
            Inside::Workdir(workdir) => workdir::describe(f, workdir),
            Inside::DropBounding(keep) => capabilities::describe_bounding(f, *keep),
            Inside::Capabilities(set) => capabilities::describe(f, *set),
            Inside::NoNewPrivs => f.write_str("prctl(PR_SET_NO_NEW_PRIVS, 1)"),
            Inside::Seccomp(filter) => write!(f, "{filter}"),
            Inside::DieWithShim => f.write_str("prctl(PR_SET_PDEATHSIG, SIGKILL)"),
            Inside::ReportNamespaces => f.write_str("stat(\"/proc/self/ns/*\")"),
            Inside::CloseDescriptors { from } => {
                write!(f, "close_range({from}, UINT_MAX)")
            }
            Inside::IgnoreSigchld => f.write_str("sigaction(SIGCHLD, SIG_IGN)"),
        }
    }
}
