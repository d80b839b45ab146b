//! The order, as text and as rules that hold for every request.

use std::ffi::CString;
use std::path::Path;
use std::rc::Rc;

use caps::Capability;
use nix::mount::MsFlags;

use super::{Plan, plan};
use crate::cgroup::{Group, Version};
use crate::host::Host;
use crate::seccomp::DOCKER_DEFAULT_CAPABILITIES;
use crate::spec::*;
use crate::step::{Inside, Outside};

const USER: Host = Host {
    uid: HostId(1000),
    gid: HostId(1000),
    capabilities: 0,
    tty_group: true,
    setgroups_denied: false,
    proc_flags: MsFlags::empty(),
    sys_flags: MsFlags::empty(),
    cgroup2: false,
};
const ROOT: Host = Host { uid: HostId(0), gid: HostId(0), capabilities: u64::MAX, ..USER };

fn line(inside: u32, outside: u32, count: u32) -> IdMap {
    IdMap { inside: ContainerId(inside), outside: HostId(outside), count }
}

fn maps(lines: &[IdMap], setgroups: Setgroups) -> Option<IdMaps> {
    Some(IdMaps { users: lines.to_vec(), groups: lines.to_vec(), setgroups })
}

/// What `nsctl run true` means, with these kinds not new.
fn spec(id_maps: Option<IdMaps>, shared: &[Kind]) -> Spec {
    let mut namespaces = Namespaces::default();
    for kind in Kind::ALL.into_iter().filter(|kind| !shared.contains(kind)) {
        namespaces.set(kind, Choice::New);
    }
    Spec {
        namespaces,
        id_maps,
        hostname: None,
        domainname: None,
        time_offsets: TimeOffsets::default(),
        propagation: Propagation::Private,
        root: None,
        mounts: Vec::new(),
        cgroup: None,
        persist: Vec::new(),
        process: Process {
            argv: vec![c"true".into()],
            argv0: None,
            env: vec![c"A=1".into()],
            workdir: Workdir::Keep("/home".into()),
            user: None,
            rlimits: Vec::new(),
            umask: None,
            nice: None,
            oom_score_adj: None,
            preserve_fds: 0,
            signal_mask: 0,
            sigchld_ignored: false,
        },
        terminal: None,
        session: Session::Own,
        rights: Rights {
            capabilities: DOCKER_DEFAULT_CAPABILITIES,
            no_new_privs: true,
            seccomp: Seccomp::Default,
            mask_paths: true,
            ambient: 0,
            nested: Nested::Default,
            keyring: Keyring::OwnWithinQuota,
            label: None,
            landlock: None,
        },
        init: true,
        timeout: None,
        report_namespaces: false,
        report_start: false,
    }
}

fn user(id: u32) -> Option<User> {
    Some(User { uid: ContainerId(id), gid: ContainerId(id), groups: Some(vec![]) })
}

/// The plan's text without the long lists that are the same everywhere.
fn text(plan: &Plan) -> String {
    let short = |line: &str| {
        let boring = ["/dev/", "/proc/", "/sys/firmware", "powercap", "_SYS_ADMIN", "CAP_CHOWN"];
        let maps = line.contains("map\"");
        match boring.iter().any(|word| line.contains(word)) && !maps {
            true => None,
            false => Some(format!("{line}\n")),
        }
    };
    plan.to_string().lines().filter_map(short).collect()
}

#[test]
fn a_user_maps_itself_and_needs_nothing_from_outside() {
    let mut spec = spec(maps(&[line(0, 1000, 1)], Setgroups::Deny), &[Kind::Time]);
    spec.hostname = Some(c"bird".into());
    assert_eq!(
        text(&plan(spec, &USER)),
        r#"outside  clone3({flags=CLONE_NEWUSER|CLONE_NEWCGROUP|CLONE_NEWIPC|CLONE_NEWUTS|CLONE_NEWNET|CLONE_NEWPID|CLONE_NEWNS|CLONE_PIDFD})
inside   write("/proc/self/uid_map", "0 1000 1\n"); write("/proc/self/setgroups", "deny"); write("/proc/self/gid_map", "0 1000 1\n")
inside   mount(NULL, "/", NULL, MS_REC|MS_PRIVATE)
inside   mount("proc", "/proc", "proc", MS_NOSUID|MS_NODEV|MS_NOEXEC)
inside   chdir("/dev")
inside   mount("tmpfs", "/dev", "tmpfs", MS_NOSUID|MS_NODEV|MS_STRICTATIME, "mode=0755,size=65536k")
inside   mount("sysfs", "/sys", "sysfs", MS_RDONLY|MS_NOSUID|MS_NODEV|MS_NOEXEC)
inside   sethostname("bird")
inside   ioctl(SIOCSIFFLAGS, "lo", IFF_UP)
inside   setsid()
inside   close_range(3, UINT_MAX)
inside   chdir("/home") || chdir("/")
inside   keyctl(KEYCTL_JOIN_SESSION_KEYRING, NULL)
inside   prctl(PR_SET_NO_NEW_PRIVS, 1)
inside   prctl(PR_SET_PDEATHSIG, SIGKILL)
inside   seccomp(SECCOMP_SET_MODE_FILTER, 198 instructions)
inside   execveat(nsinit, --pgroup own)
inside   nsinit: execve ["true"]
"#
    );
}

#[test]
fn ranges_are_written_outside_and_the_child_becomes_root_before_it_mounts() {
    let mut wanted = spec(maps(&[line(0, 100_000, 65536)], Setgroups::Allow), &[Kind::Time]);
    wanted.process.user = user(0);
    let text = text(&plan(wanted, &USER));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[1..4],
        [
            "outside  newuidmap CHILD 0 100000 65536 & newgidmap CHILD 0 100000 65536",
            "inside   setgroups(0, []); setresgid(0, 0, 0); setresuid(0, 0, 0)",
            "inside   mount(NULL, \"/\", NULL, MS_REC|MS_PRIVATE)",
        ]
    );
    let mut wanted = spec(maps(&[line(5, 100_000, 10)], Setgroups::Allow), &[Kind::Time]);
    wanted.process.user = user(5);
    let plan = plan(wanted, &ROOT);
    assert!(matches!(plan.outside[..], [Outside::WriteMaps(_)]));
    assert!(matches!(&plan.inside[0], Inside::Become(user) if user.uid == ContainerId(5)));
}

#[test]
fn groups_that_cannot_be_dropped_inside_are_dropped_before() {
    let wanted = || {
        let mut wanted = spec(maps(&[line(0, 0, 1)], Setgroups::Deny), &[Kind::Time]);
        wanted.process.user = user(0);
        wanted
    };
    let plan_of_root = plan(wanted(), &ROOT);
    assert!(matches!(plan_of_root.before[..], [Outside::DropGroups]));
    assert!(!plan_of_root.to_string().contains("inside   setgroups("));
}

#[test]
fn a_clock_is_made_by_whoever_has_the_rights() {
    let shared = [Kind::User];
    let with_root = plan(spec(None, &shared), &ROOT);
    assert!(matches!(with_root.before[..], [Outside::Time(_)]));
    assert!(with_root.early.is_empty());
    let with_user = plan(spec(maps(&[line(0, 1000, 1)], Setgroups::Deny), &[]), &USER);
    assert!(with_user.before.is_empty());
    assert!(matches!(with_user.early[..], [Inside::Time(_)]));
}

#[test]
fn locked_flags_of_the_hosts_mounts_are_repeated() {
    let host = Host { proc_flags: MsFlags::MS_NOATIME, sys_flags: MsFlags::MS_NODIRATIME, ..USER };
    let text = plan(spec(maps(&[line(0, 1000, 1)], Setgroups::Deny), &[]), &host).to_string();
    assert!(
        text.contains(r#""/proc", "proc", MS_NOSUID|MS_NODEV|MS_NOEXEC|MS_NOATIME)"#),
        "{text}"
    );
    assert!(text.contains("MS_NODIRATIME"), "{text}");
}

/// Many different requests: each combination of kinds, maps, propagation and rights.
fn each_plan(check: impl Fn(&Plan, Propagation)) {
    let all_maps = [
        (None, USER),
        (None, ROOT),
        (maps(&[line(0, 1000, 1)], Setgroups::Deny), USER),
        (maps(&[line(0, 100_000, 65536)], Setgroups::Allow), USER),
        (maps(&[line(7, 100_000, 65536)], Setgroups::Allow), ROOT),
    ];
    let propagations =
        [Propagation::Private, Propagation::Slave, Propagation::Shared, Propagation::Unchanged];
    for bits in 0..256_u32 {
        let shared: Vec<Kind> =
            Kind::ALL.into_iter().filter(|kind| bits & (1 << *kind as u32) != 0).collect();
        for (maps, host) in &all_maps {
            for propagation in propagations {
                for opened in [false, true] {
                    let maps = maps.clone().filter(|_| !shared.contains(&Kind::User));
                    let mut wanted = spec(maps, &shared);
                    wanted.propagation = propagation;
                    wanted.process.user = user(3);
                    wanted.process.umask = Some(0o77);
                    wanted.process.sigchld_ignored = opened;
                    wanted.rights.no_new_privs = !opened;
                    wanted.rights.mask_paths = !opened;
                    check(&plan(wanted, host), propagation);
                }
            }
        }
    }
}

fn places(plan: &Plan, is: impl Fn(&Inside) -> bool) -> Vec<usize> {
    plan.inside.iter().enumerate().filter(|(_, step)| is(step)).map(|(at, _)| at).collect()
}

fn is_mount(step: &Inside) -> bool {
    matches!(
        step,
        Inside::Mount(_)
            | Inside::Device(_)
            | Inside::Shared(_)
            | Inside::MaskFile(_)
            | Inside::MaskDirectory(_)
            | Inside::ReadOnly(_)
            | Inside::ReadOnlyTree(_)
    )
}

#[test]
fn rights_end_in_the_order_that_each_needs() {
    each_plan(|plan, _| {
        let last = |is: &dyn Fn(&Inside) -> bool| places(plan, is).last().copied();
        let identity = last(&|step| matches!(step, Inside::Become(_))).unwrap();
        let bounding = last(&|step| matches!(step, Inside::DropBounding(_)));
        let filter = last(&|step| matches!(step, Inside::Seccomp(_))).unwrap();
        let no_new_privs = last(&|step| matches!(step, Inside::NoNewPrivs));
        let dies = last(&|step| matches!(step, Inside::DieWithShim)).unwrap();
        let capabilities = last(&|step| matches!(step, Inside::Capabilities(_))).unwrap();
        assert!(bounding.is_none_or(|bounding| bounding < identity), "{plan}");
        assert!(identity < capabilities && capabilities < dies, "{plan}");
        match no_new_privs {
            // The filter denies what no step after it may need.
            Some(at) => assert!(at < filter && filter + 1 == plan.inside.len(), "{plan}"),
            // Loading it needs CAP_SYS_ADMIN, which a change of user loses.
            None => assert!(filter < identity, "{plan}"),
        }
    });
}

#[test]
fn mounts_come_after_the_maps_and_before_the_rights_go() {
    each_plan(|plan, _| {
        let mounts = places(plan, is_mount);
        let maps = places(plan, |step| matches!(step, Inside::MapSelf(_)));
        let workdir = places(plan, |step| matches!(step, Inside::Workdir(_)))[0];
        if let (Some(first), Some(last)) = (mounts.first(), mounts.last()) {
            assert!(maps.iter().all(|map| map < first), "{plan}");
            assert!(*last < workdir, "{plan}");
        }
    });
}

#[test]
fn no_mount_of_ours_can_reach_the_host() {
    each_plan(|plan, propagation| {
        let mounts = places(plan, is_mount);
        if !plan.clone.contains(Kind::Mnt.flag()) {
            assert!(mounts.is_empty(), "{plan}");
            return;
        }
        let propagates = places(plan, |step| matches!(step, Inside::Propagate(_)));
        assert_eq!(propagates.len(), 1, "{plan}");
        assert!(mounts.iter().all(|mount| *mount > propagates[0]), "{plan}");
        let kept = places(plan, |step| matches!(step, Inside::KeepPrivate(_)));
        match propagation {
            Propagation::Private | Propagation::Slave => assert!(kept.is_empty(), "{plan}"),
            Propagation::Shared | Propagation::Unchanged => {
                assert!(kept.iter().all(|at| *at > propagates[0]), "{plan}");
                assert!(mounts.iter().all(|mount| kept.iter().all(|at| at < mount)), "{plan}");
                for target in plan.inside.iter().filter_map(|step| match step {
                    Inside::Mount(call) => Some(call.target),
                    Inside::MaskFile(path) | Inside::MaskDirectory(path) => Some(*path),
                    Inside::ReadOnly(path) | Inside::ReadOnlyTree(path) => Some(*path),
                    _ => None,
                }) {
                    let covered = plan.inside.iter().any(
                        |step| matches!(step, Inside::KeepPrivate(path) if target.starts_with(path)),
                    );
                    assert!(covered, "{target}: {plan}");
                }
            }
        }
    });
}

#[test]
fn the_script_keeps_every_word_a_word() {
    let mut wanted = spec(None, &[Kind::User]);
    wanted.process.argv = vec![c"echo".into(), c"it's\nEND_OF_INSIDE\n$(reboot)".into()];
    wanted.process.env.push(c"NEW=a b".into());
    let script = plan(wanted, &ROOT).shell(&[c"A=1".into()]);
    assert!(script.contains("<<'END_OF_INSIDE_'"), "{script}");
    assert!(script.contains("env 'NEW=a b' \\\n    echo 'it'\\''s\n"), "{script}");
}

#[test]
fn the_script_shows_no_variable_of_the_callers() {
    let mut wanted = spec(None, &[Kind::User]);
    let secret: CString = c"TOKEN=secret".into();
    wanted.process.env.push(secret.clone());
    let script = plan(wanted, &ROOT).shell(&[c"A=1".into(), secret]);
    assert!(!script.contains("secret"), "{script}");
}

#[test]
fn what_shows_a_namespace_is_mounted_by_its_owner_only() {
    let mounted = |kind, choice, new_user: bool| {
        let maps = if new_user { maps(&[line(0, 0, 1)], Setgroups::Deny) } else { None };
        let mut wanted = spec(maps, if new_user { &[] } else { &[Kind::User] });
        wanted.namespaces.set(kind, choice);
        let text = plan(wanted, &ROOT).to_string();
        [r#""mqueue", MS_NOSUID"#, r#"mount("sysfs""#, r#"mount("tmpfs", "/dev/shm""#]
            .map(|call| text.contains(call))
    };
    let joined = || {
        let fd = std::fs::File::open("/dev/null").unwrap().into();
        Choice::Join(Joined { fd, path: "/x".into() })
    };
    for new_user in [false, true] {
        assert_eq!(mounted(Kind::Ipc, Choice::New, new_user), [true; 3]);
        assert_eq!(mounted(Kind::Ipc, Choice::Host, new_user), [false, true, false]);
        assert_eq!(mounted(Kind::Ipc, joined(), new_user), [!new_user, true, true]);
        assert_eq!(mounted(Kind::Net, joined(), new_user), [true, !new_user, true]);
    }
}

#[test]
fn control_groups_are_shown_read_only_where_the_host_shows_them() {
    let call =
        r#"mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_RDONLY|MS_NOSUID|MS_NODEV|MS_NOEXEC)"#;
    for (cgroup2, shared, expected) in [
        (true, &[Kind::User][..], true),
        (true, &[Kind::User, Kind::Net], true),
        (true, &[Kind::User, Kind::Cgroup], false),
        (false, &[Kind::User], false),
    ] {
        let text = plan(spec(None, shared), &Host { cgroup2, ..ROOT }).to_string();
        assert_eq!(text.contains(call), expected, "{text}");
        let sys = text.find(if shared.contains(&Kind::Net) {
            "mount_setattr(\"/sys\""
        } else {
            "\"sysfs\""
        });
        assert!(!expected || sys < text.find(call), "{text}");
    }
}

#[test]
fn without_the_right_to_no_bounding_set_is_dropped() {
    let no_right = Host { capabilities: !Capability::CAP_SETPCAP.bitmask(), ..ROOT };
    let plan = plan(spec(None, &[Kind::User]), &no_right);
    assert!(places(&plan, |step| matches!(step, Inside::DropBounding(_))).is_empty());
}

#[test]
fn a_root_of_its_own_is_taken_first_and_entered_when_all_is_placed() {
    let mut spec = spec(maps(&[line(0, 1000, 1)], Setgroups::Deny), &[Kind::Time]);
    spec.root = Some(Root {
        source: RootSource::Directory("/srv/root".into()),
        overlay: Some(Overlay { lower: vec!["/srv/low".into()], upper: Upper::Discarded }),
        read_only: true,
        devices: false,
        idmap: false,
        userxattr: true,
        parts: Vec::new(),
    });
    let bind = Bind {
        source: "/home/me".into(),
        recursive: true,
        attributes: Attributes { set: libc::MOUNT_ATTR_RDONLY, clear: 0, recursive: true },
        propagation: Propagation::Slave,
        idmap: false,
    };
    spec.mounts = vec![
        Mount { target: "/work".into(), what: Placed::Bind(bind) },
        Mount { target: "/bin/sh".into(), what: Placed::Symlink("busybox".into()) },
    ];
    let text = plan(spec, &USER).to_string();
    let (before, after) = text.split_once("inside   mount(NULL, \"/\"").unwrap();
    let taken: Vec<&str> = before.lines().filter(|line| line.contains("open_tree")).collect();
    assert_eq!(
        taken,
        [
            r#"inside   open_tree(AT_FDCWD, "/srv/root", OPEN_TREE_CLONE|AT_RECURSIVE); mount_setattr(tree, {attr_set=MOUNT_ATTR_NODEV, propagation=MS_PRIVATE})"#,
            r#"inside   open_tree(AT_FDCWD, "/srv/low", OPEN_TREE_CLONE|AT_RECURSIVE); mount_setattr(tree, {attr_set=MOUNT_ATTR_NODEV, propagation=MS_PRIVATE})"#,
            r#"inside   open_tree(AT_FDCWD, "/home/me", OPEN_TREE_CLONE|AT_RECURSIVE); mount_setattr(tree, {attr_set=MOUNT_ATTR_RDONLY, propagation=MS_SLAVE})"#,
        ]
    );
    let made = after.split_once("inside   setsid()\n").unwrap().1;
    let made = made.split_once("inside   chdir(").unwrap().0;
    assert_eq!(
        made,
        r#"inside   mount("tmpfs", "/", "tmpfs", 0, "mode=0700")
inside   mount("overlay", "root", "overlay", 0, "lowerdir=tree1:tree2,upperdir=upper,workdir=work,userxattr")
inside   move_mount("/proc", "root/proc")
inside   move_mount("/dev", "root/dev")
inside   move_mount("/sys", "root/sys")
inside   move_mount("/home/me", "root/work")
inside   symlinkat("busybox", "root/bin/sh")
inside   mount_setattr("root", {attr_set=MOUNT_ATTR_RDONLY})
inside   pivot_root("root", "root"); umount2(".", MNT_DETACH)
inside   close_range(3, UINT_MAX)
"#
    );
}

/// pivot_root(2) and the detaching of the host's tree would reach the host.
#[test]
fn a_root_of_its_own_is_never_made_in_a_tree_that_is_shared_with_the_host() {
    let mut spec = spec(None, &[Kind::Time, Kind::User]);
    spec.root = Some(Root {
        source: RootSource::Host,
        overlay: None,
        read_only: false,
        devices: false,
        idmap: false,
        userxattr: false,
        parts: Vec::new(),
    });
    spec.propagation = Propagation::Shared;
    let text = plan(spec, &ROOT).to_string();
    assert!(text.contains("inside   mount(NULL, \"/\", NULL, MS_REC|MS_PRIVATE)\n"), "{text}");
    let entered = text.find("pivot_root").unwrap();
    assert!(entered < text.find("MS_REC|MS_SHARED").unwrap(), "{text}");
}

/// A group that nobody makes: its parent is a directory that is there.
fn group(version: Version, controllers: &[&str], path: &str) -> Rc<Group> {
    let controllers = controllers.iter().map(ToString::to_string).collect();
    Rc::new(Group::at(version, controllers, Path::new(path)).unwrap())
}

#[test]
fn a_control_group_is_entered_before_there_is_a_cgroup_namespace() {
    let mut wanted = spec(None, &[Kind::Time, Kind::User]);
    let unified = group(Version::V2, &[], "/tmp/nsctl-ID");
    let freezer = group(Version::V1, &["freezer"], "/usr/nsctl-ID");
    let enable = vec!["memory".into(), "pids".into()];
    wanted.cgroup = Some(Cgroup { groups: vec![unified, freezer], own: true, enable, held: None });
    let plan = plan(wanted, &USER);
    assert_eq!(plan.own_groups().len(), 2);
    assert!(!plan.child_may_share_memory(), "a shim that is killed would leave them");
    let text = text(&plan);
    let lines: Vec<&str> = text.lines().take(6).collect();
    assert_eq!(
        lines,
        [
            r#"outside  write("/tmp/cgroup.subtree_control", "+memory +pids")"#,
            r#"outside  mkdir("/tmp/nsctl-ID", 0755); open("/tmp/nsctl-ID", O_DIRECTORY)"#,
            r#"outside  mkdir("/usr/nsctl-ID", 0755); open("/usr/nsctl-ID/tasks", O_WRONLY)"#,
            r#"outside  clone3({flags=CLONE_NEWIPC|CLONE_NEWUTS|CLONE_NEWNET|CLONE_NEWPID|CLONE_NEWNS|CLONE_PIDFD|CLONE_INTO_CGROUP, cgroup="/tmp/nsctl-ID"})"#,
            r#"inside   write("/usr/nsctl-ID/tasks", "0")"#,
            "inside   unshare(CLONE_NEWCGROUP)",
        ]
    );
    let script = plan.shell(&[]);
    for line in ["mkdir /tmp/nsctl-ID", "echo $$ > /usr/nsctl-ID/cgroup.procs", "--cgroup"] {
        assert!(script.contains(line), "{line} is not in:\n{script}");
    }
}

/// Under `nsdelegate` nobody in a cgroup namespace starts a process in a group outside of it.
#[test]
fn who_joins_a_group_joins_its_namespace_last() {
    let mut wanted = spec(None, &Kind::ALL);
    let joined = |file: &str| Joined {
        fd: std::fs::File::open("/proc/self/ns/cgroup").unwrap().into(),
        path: file.into(),
    };
    wanted.namespaces.set(Kind::Cgroup, Choice::Join(joined("/proc/7/ns/cgroup")));
    wanted.namespaces.set(Kind::Uts, Choice::Join(joined("/proc/7/ns/uts")));
    let groups = vec![group(Version::V2, &[], "/tmp/nsctl-ID")];
    wanted.cgroup = Some(Cgroup { groups, own: false, enable: Vec::new(), held: None });
    let plan = plan(wanted, &ROOT);
    assert!(plan.own_groups().is_empty(), "it is another's");
    let text = plan.to_string();
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} is not in:\n{text}"));
    assert!(at("/proc/7/ns/uts") < at("outside  open(\"/tmp/nsctl-ID\", O_DIRECTORY)"));
    assert!(at("clone3(") < at("inside   setns(\"/proc/7/ns/cgroup\", CLONE_NEWCGROUP)"));
    assert!(!text.contains("mkdir(\"/tmp"), "{text}");
}
