//! Why each step is taken, and where to read about it: what `nsctl explain` tells.

use super::{Inside, MountCall, Outside, Tree};
use crate::spec::{Kind, PartKind, Propagation};

/// Why a step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// A sentence or two.
    pub why: &'static str,
    /// The man page that describes it, with its section.
    pub page: &'static str,
}

const fn reason(page: &'static str, why: &'static str) -> Reason {
    Reason { why, page }
}

const JOINED: Reason = reason("setns(2)", "this namespace exists and is shared");

/// What a new namespace of this kind is good for.
pub fn of_kind(kind: Kind) -> Reason {
    match kind {
        Kind::User => reason(
            "user_namespaces(7)",
            "user and group ids, and rights, of its own: root inside is an ordinary user outside. \
             It is made first, and gives the right to make the others",
        ),
        Kind::Cgroup => {
            reason("cgroup_namespaces(7)", "control groups are named from the container's on: /")
        }
        Kind::Ipc => reason(
            "ipc_namespaces(7)",
            "System V queues, semaphores and shared memory, and POSIX queues, of its own",
        ),
        Kind::Uts => reason("uts_namespaces(7)", "a host name and domain name of its own"),
        Kind::Net => reason(
            "network_namespaces(7)",
            "interfaces, addresses, routes and ports of its own; at first there is only lo",
        ),
        Kind::Pid => reason(
            "pid_namespaces(7)",
            "process numbers of its own from 1 on; nobody outside can be seen or signalled, and \
             when PID 1 ends the kernel kills all the others",
        ),
        Kind::Time => reason("time_namespaces(7)", "offsets of its own to the monotonic clocks"),
        Kind::Mnt => reason(
            "mount_namespaces(7)",
            "a tree of mounts of its own: what is mounted in it is not seen outside",
        ),
    }
}

impl Outside {
    /// Why it is done, and where to read about it.
    pub fn reason(&self) -> Reason {
        match self {
            Outside::Lock(_) => reason(
                "flock(2)",
                "two overlays with one directory for changes would spoil each other's",
            ),
            Outside::Undumpable => reason(
                "PR_SET_DUMPABLE(2const)",
                "processes of the namespace that is joined next must not trace the shim \
                 (CVE-2016-9962)",
            ),
            Outside::DropGroups => reason(
                "setgroups(2)",
                "setgroups will be denied inside, and groups that are not dropped before stay",
            ),
            Outside::Time(_) => reason(
                "time_namespaces(7)",
                "the offsets can be written only while no process is in it; children enter it",
            ),
            Outside::JoinTogether(_) => reason(
                "setns(2)",
                "all namespaces of a process at once, by a descriptor of it: each with the rights \
                 that the user namespace among them gives",
            ),
            Outside::Enable { .. } => reason(
                "cgroups(7)",
                "a group counts and limits only what the one around it has enabled for it",
            ),
            Outside::Group { own: true, .. } => reason(
                "cgroups(7)",
                "--cgroup-parent: what the container uses is counted there, it is frozen and ended \
                 as a whole; removed at its end",
            ),
            Outside::Group { own: false, .. } => {
                reason("cgroups(7)", "the container's control group, which the command is to join")
            }
            Outside::Join(..) => JOINED,
            Outside::WriteMaps(_) => reason(
                "user_namespaces(7)",
                "which ids exist inside, and who they are outside; written once, from outside",
            ),
            Outside::MapWithHelpers(_) => reason(
                "newuidmap(1)",
                "who is not root may map more than the own id only by these set-user-ID helpers, \
                 which look into /etc/subuid and /etc/subgid",
            ),
            Outside::Pass(_) => reason(
                "open_tree(2)",
                "opening it needs rights that the container has not: the shim passes a descriptor",
            ),
            Outside::Persist(_) => reason(
                "namespaces(7)",
                "a namespace lives as long as a process is in it, a descriptor is open on it, or a \
                 file is mounted from it: this one",
            ),
        }
    }
}

impl Inside {
    /// Why it is done, and where to read about it.
    pub fn reason(&self) -> Reason {
        match self {
            Inside::Time(_) => reason(
                "time_namespaces(7)",
                "clone3(2) cannot set offsets, which can be written only while no process is in it",
            ),
            Inside::EnterGroups(_) => reason(
                "cgroups(7)",
                "a hierarchy of version 1 is not known to clone3(2); and who moves itself alone need \
                 not wait for all that fork on the machine",
            ),
            Inside::CgroupNamespace => reason(
                "cgroup_namespaces(7)",
                "control groups are named from the one on that the process is in now: clone3(2) \
                 would take the shim's",
            ),
            Inside::Join(..) => JOINED,
            Inside::MapSelf(_) => reason(
                "user_namespaces(7)",
                "which ids exist inside, and who they are outside. One id each, one's own, needs no \
                 help; setgroups must be denied before, or dropping a group could open a file",
            ),
            Inside::Become(_) => {
                reason("setresuid(2)", "the ids of the command; groups before group before user")
            }
            Inside::Propagate(propagation) => of_propagation(*propagation),
            Inside::KeepPrivate(_) => {
                reason("mount_namespaces(7)", "what is mounted on it next must not travel out")
            }
            Inside::Mount(call) => of_mount(call),
            Inside::MaskFile(_) | Inside::MaskDirectory(_) => reason(
                "proc(5)",
                "it tells about the machine, or changes it; covered by what is empty. --privileged \
                 leaves it",
            ),
            Inside::ReadOnly(_) | Inside::ReadOnlyTree(_) => reason(
                "mount_setattr(2)",
                "not all settings of the kernel are in a namespace: who writes them changes the \
                 machine",
            ),
            Inside::StandIn(_) => {
                reason("chdir(2)", "what is needed of the directory is still reached from in it")
            }
            Inside::Device(_) => reason(
                "mount(2)",
                "a user namespace lets nobody make device nodes: the host's node is shown",
            ),
            Inside::Shared(_) => reason("mount(2)", "its namespace is the host's, so this is, too"),
            Inside::Directory(_) | Inside::Symlink(..) => {
                reason("pts(4)", "programs expect it in /dev")
            }
            Inside::Tree(tree) => tree.reason(),
            Inside::Hostname(_) => reason("sethostname(2)", "--hostname; the host's stays"),
            Inside::Domainname(_) => reason("setdomainname(2)", "--domainname; the host's stays"),
            Inside::LoopbackUp => {
                reason("netdevice(7)", "a new network namespace has lo, but not up: 127.0.0.1")
            }
            Inside::NoUserNamespaces => reason(
                "namespaces(7)",
                "--no-nested-userns: a user namespace of its own would give all rights back in it",
            ),
            Inside::Rlimit(_) => reason("getrlimit(2)", "--rlimit"),
            Inside::Nice(_) => reason("setpriority(2)", "--nice"),
            Inside::OomScore(_) => reason("proc_pid_oom_score_adj(5)", "--oom-score-adj"),
            Inside::Label(_) => reason("proc_pid_attr(5)", "what a security module calls it"),
            Inside::Keyring { .. } => reason(
                "session-keyring(7)",
                "the caller's keys are in its session keyring: the command gets an empty one",
            ),
            Inside::KeepCapabilities => reason(
                "PR_SET_KEEPCAPS(2const)",
                "who stops being root loses the capabilities, but these are to be ambient",
            ),
            Inside::Ambient(_) => {
                reason("capabilities(7)", "--cap-ambient: kept over execve by who is not root")
            }
            Inside::Landlock(_) => reason("landlock(7)", "--landlock; nothing takes it back"),
            Inside::Umask(_) => reason("umask(2)", "--umask"),
            Inside::Session => {
                reason("setsid(2)", "no terminal of the caller's is the container's")
            }
            Inside::Terminal(..) => reason(
                "pty(7)",
                "made inside, so that its name is there; the caller's own terminal stays out of \
                 reach (TIOCSTI)",
            ),
            Inside::Console => reason("console(4)", "programs that are an init write to it"),
            Inside::Chroot(_) => reason(
                "chroot(2)",
                "the root of the process that is entered is not its namespace's",
            ),
            Inside::Workdir(_) => reason("chdir(2)", "where the command starts"),
            Inside::DropBounding(_) => reason(
                "capabilities(7)",
                "capabilities that no execve can ever bring back; docker's default stays",
            ),
            Inside::Capabilities(_) => {
                reason("capabilities(7)", "what root inside may do, as docker has it")
            }
            Inside::NoNewPrivs => reason(
                "PR_SET_NO_NEW_PRIVS(2const)",
                "set-user-ID programs raise no rights, and a filter may be loaded without any",
            ),
            Inside::Seccomp(_) => reason(
                "seccomp(2)",
                "docker's policy for system calls. Last, because it denies what the steps do",
            ),
            Inside::DieWithShim => reason(
                "PR_SET_PDEATHSIG(2const)",
                "when the shim is killed the container is; every change of ids forgets it, so now",
            ),
            Inside::ReportNamespaces => reason("namespaces(7)", "--status-fd tells them"),
            Inside::CloseDescriptors { .. } => reason(
                "close_range(2)",
                "no file of the host's comes in by an open descriptor (CVE-2024-21626)",
            ),
            Inside::IgnoreSigchld => reason("sigaction(2)", "as the caller had it"),
        }
    }
}

fn of_propagation(propagation: Propagation) -> Reason {
    const PAGE: &str = "mount_namespaces(7)";
    match propagation {
        Propagation::Private => reason(
            PAGE,
            "systemd makes the host's mounts shared; then what is mounted inside would appear \
             outside. Private: neither sees what the other mounts",
        ),
        Propagation::Slave => reason(PAGE, "what the host mounts comes in, nothing goes out"),
        Propagation::Shared => reason(PAGE, "mounts travel both ways"),
        Propagation::Unchanged => reason(PAGE, "mounts travel as the host has it"),
    }
}

fn of_mount(call: &MountCall) -> Reason {
    match call.fstype {
        "proc" => reason(
            "proc(5)",
            "/proc shows the processes of the PID namespace of who mounted it: ps would show the \
             host's",
        ),
        "sysfs" => reason(
            "sysfs(5)",
            "/sys shows the network interfaces of the network namespace of who mounted it",
        ),
        "devpts" => reason("pts(4)", "terminals of its own: the host's cannot be opened"),
        "mqueue" => reason("mq_overview(7)", "shows the POSIX queues of the IPC namespace"),
        "cgroup2" | "cgroup" => {
            reason("cgroups(7)", "shows the control groups from the container's on")
        }
        "tmpfs" => reason("tmpfs(5)", "an empty file system in memory, gone with the container"),
        _ => reason("mount(2)", "the container's own"),
    }
}

impl Tree {
    /// Why it is done, and where to read about it.
    pub fn reason(&self) -> Reason {
        match self {
            Tree::Take(_) => reason(
                "open_tree(2)",
                "a copy of the mount, held by a descriptor, while its path still means what it \
                 means on the host",
            ),
            Tree::TakeImage { .. } => reason("mount(2)", "the file is shown as a file system"),
            Tree::TakePassed => reason("unix(7)", "the shim passes what it opened with its rights"),
            Tree::Stage => reason(
                "pivot_root(2)",
                "the new root is put together on a tmpfs that nobody else sees",
            ),
            Tree::RootOfTaken => reason("move_mount(2)", "the directory of --rootfs"),
            Tree::RootOfLayers(_) => {
                reason("mount(2)", "overlay: changes go to another directory; see overlayfs")
            }
            Tree::RootEmpty { .. } => reason("tmpfs(5)", "--rootfs none"),
            Tree::Part { part, .. } => match part.what {
                PartKind::Layer => reason(
                    "mount(2)",
                    "overlay: what is changed is copied into memory first, and vanishes with it",
                ),
                PartKind::ReadOnly => reason(
                    "mount_setattr(2)",
                    "what no overlay can be over must not be changed through the container either",
                ),
                PartKind::Directory | PartKind::Symlink(_) => reason(
                    "mount_namespaces(7)",
                    "an overlay would show what the mounts in it cover, and a user namespace may \
                     not: so it is made of its entries",
                ),
            },
            Tree::Graft { .. } => {
                reason("move_mount(2)", "finished outside, where nobody could lead it astray")
            }
            Tree::Place { .. } => reason(
                "openat2(2)",
                "what was asked for; no symbolic link of the root leads out of it \
                 (CVE-2021-30465)",
            ),
            Tree::SealRoot { .. } => reason("mount_setattr(2)", "nothing more is made in it"),
            Tree::Enter => reason(
                "pivot_root(2)",
                "the root is changed for the mount namespace, and the host's tree let go of: unlike \
                 chroot(2), there is no way back",
            ),
            Tree::Share => reason("mount_namespaces(7)", "--propagation, for the new root"),
        }
    }
}
