//! Finders over a machine made of files.

use std::path::PathBuf;

use super::*;
use nsshim::spec::HostId;

fn asked(new: &[Kind]) -> Context {
    Context {
        host: Host { uid: HostId(1000), gid: HostId(1000), capabilities: 0, ..Host::probe() },
        landlock: None,
        new: new.to_vec(),
        joined: Vec::new(),
        command: "true".into(),
        second: None,
        path: None,
        strings: Vec::new(),
        workdir: Workdir::Keep("/".into()),
        view: View::of_host(),
        rlimits: Vec::new(),
        nice: None,
        oom_score_adj: None,
        maps: None,
        ids: Ids::default(),
        starter: Ids::default(),
        size: 0,
        capabilities: 0,
        inside: Inside::default(),
    }
}

fn failure(call: &str, errno: Errno) -> Failure {
    Failure { step: "do it".into(), call: call.into(), errno }
}

/// A directory with these files, removed at the end.
struct Files(PathBuf);

impl Files {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let root = std::env::temp_dir().join(format!("nsctl-causes-{}-{name}", std::process::id()));
        for (path, text) in files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Files(root)
    }

    fn find(&self, name: &str, asked: &Context, failure: &Failure) -> Option<Finding> {
        let cause = all().find(|cause| cause.name == name).unwrap();
        assert!((cause.explains)(failure), "{name} does not explain {failure}");
        (cause.look)(&Scene { machine: Machine::at(&self.0), failure, asked })
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_cause_has_a_name_of_its_own() {
    let mut names: Vec<&str> = all().map(|cause| cause.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn apparmors_restriction_is_found_when_it_is_on() {
    let write = failure("write(\"/proc/self/uid_map\", \"0 1000 1\\n\")", Errno::EPERM);
    let sysctl = "proc/sys/kernel/apparmor_restrict_unprivileged_userns";
    let asked = asked(&[Kind::User, Kind::Mnt]);
    let on =
        Files::new("apparmor-on", &[(sysctl, "1\n"), ("proc/self/attr/current", "unconfined\n")]);
    let found = on.find("apparmor-userns", &asked, &write).unwrap();
    assert!(found.evidence.contains("the profile \"unconfined\""), "{found:?}");
    let remedy = found.remedy.unwrap();
    assert!(remedy.contains("kernel.apparmor_restrict_unprivileged_userns=0"), "{remedy}");

    let off = Files::new("apparmor-off", &[(sysctl, "0\n")]);
    assert_eq!(off.find("apparmor-userns", &asked, &write), None);
    let without = Files::new("apparmor-none", &[]);
    assert_eq!(without.find("apparmor-userns", &asked, &write), None);
}

#[test]
fn the_switch_for_user_namespaces_is_found_when_it_is_off() {
    let clone = failure("clone3({flags=CLONE_NEWUSER})", Errno::EPERM);
    let sysctl = "proc/sys/kernel/unprivileged_userns_clone";
    let asked = asked(&[Kind::User]);
    let off = Files::new("switch-off", &[(sysctl, "0\n")]);
    let remedy = off.find("userns-sysctl", &asked, &clone).unwrap().remedy.unwrap();
    assert_eq!(remedy, "sudo sysctl -w kernel.unprivileged_userns_clone=1");
    let on = Files::new("switch-on", &[(sysctl, "1\n")]);
    assert_eq!(on.find("userns-sysctl", &asked, &clone), None);
}

#[test]
fn masks_are_listed_unless_a_whole_proc_is_there() {
    let mount = failure("mount(\"proc\", \"/proc\", \"proc\", MS_NOSUID)", Errno::EPERM);
    let asked = asked(&[Kind::User, Kind::Mnt]);
    let masked = "20 10 0:1 / /proc rw - proc proc rw\n\
                  21 20 0:2 / /proc/kcore rw - tmpfs tmpfs rw\n\
                  22 20 0:3 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw\n";
    let files = Files::new("masked", &[("proc/self/mountinfo", masked)]);
    let found = files.find("masked-proc", &asked, &mount).unwrap();
    assert!(found.evidence.contains("by mounts on /proc/kcore, and"), "{found:?}");

    let second = format!("{masked}30 10 0:1 / /other/proc rw - proc proc rw\n");
    let files = Files::new("second", &[("proc/self/mountinfo", &second)]);
    assert_eq!(files.find("masked-proc", &asked, &mount), None);
}

#[test]
fn an_old_kernel_is_named_with_what_it_lacks() {
    let call = failure("mount_setattr(\"/sys\", AT_RECURSIVE)", Errno::ENOSYS);
    let old = Files::new("old", &[("proc/sys/kernel/osrelease", "5.10.0-8-amd64\n")]);
    let found = old.find("old-kernel", &asked(&[]), &call).unwrap();
    assert_eq!(found.evidence, "this is Linux 5.10; mount_setattr needs 5.12");
    let new = Files::new("new", &[("proc/sys/kernel/osrelease", "6.1.0\n")]);
    assert_eq!(new.find("old-kernel", &asked(&[]), &call), None);
}

#[test]
fn a_used_up_cgroup_is_found_also_further_up() {
    let fork = failure("fork()", Errno::EAGAIN);
    let files = Files::new(
        "cgroup",
        &[
            ("proc/self/cgroup", "0::/a.slice/b\n"),
            ("sys/fs/cgroup/a.slice/b/pids.max", "max\n"),
            ("sys/fs/cgroup/a.slice/b/pids.current", "1\n"),
            ("sys/fs/cgroup/a.slice/pids.max", "20\n"),
            ("sys/fs/cgroup/a.slice/pids.current", "20\n"),
        ],
    );
    let found = files.find("process-limit", &asked(&[]), &fork).unwrap();
    assert!(found.evidence.contains("20 processes and may have 20"), "{found:?}");
}

#[test]
fn a_namespace_full_of_mounts_is_found_by_counting() {
    let mount = failure("move_mount(tree, \"root/a\")", Errno::ENOSPC);
    let lines: String = (0..60).map(|n| format!("{n} 1 0:1 / /m{n} rw - tmpfs t rw\n")).collect();
    let limit = |most: &str| {
        let files = [("proc/self/mountinfo", lines.as_str()), ("proc/sys/fs/mount-max", most)];
        let files = Files::new(&format!("mount-max-{}", most.trim()), &files);
        files.find("mount-max", &asked(&[]), &mount)
    };
    let found = limit("100\n").unwrap();
    assert!(found.evidence.contains("may hold 100 mounts") && found.evidence.contains("are 60"));
    assert_eq!(found.remedy.as_deref(), Some("sudo sysctl -w fs.mount-max=400"));
    assert_eq!(limit("100000\n"), None);
}

#[test]
fn an_old_overlay_is_known_by_its_error() {
    let mut asked = asked(&[]);
    asked.inside.root = Some(nsshim::spec::Root {
        source: nsshim::spec::RootSource::Directory("/usr".into()),
        overlay: Some(nsshim::spec::Overlay {
            lower: Vec::new(),
            upper: nsshim::spec::Upper::Kept(nsshim::spec::Kept::in_directory("/kept".into())),
        }),
        read_only: false,
        devices: false,
        idmap: false,
        userxattr: false,
        parts: Vec::new(),
    });
    let none = Files::new("overlay", &[]);
    let find = |errno| none.find("layer-in-use", &asked, &failure("mount(\"overlay\")", errno));
    assert!(find(Errno::EBUSY).unwrap().evidence.contains("/kept/upper are in use"));
    assert!(find(Errno::ESTALE).unwrap().evidence.contains("made over another"));
    assert_eq!(find(Errno::EINVAL), None);
}

#[test]
fn a_machine_without_loop_devices_or_a_file_system_is_known() {
    let open = failure("open(\"/dev/loop-control\", O_RDWR)", Errno::ENOENT);
    let none = Files::new("loops", &[("proc/filesystems", "nodev\ttmpfs\n\text4\n")]);
    let remedy = none.find("loop-devices", &asked(&[]), &open).unwrap().remedy;
    assert_eq!(remedy.as_deref(), Some("sudo modprobe loop"));
    let new =
        |name: &str| failure(&format!("fsopen({name:?}, source=x); fsmount()"), Errno::ENODEV);
    let found = none.find("file-system-unknown", &asked(&[]), &new("erofs")).unwrap();
    assert!(found.evidence.contains("no erofs"), "{found:?}");
    assert_eq!(none.find("file-system-unknown", &asked(&[]), &new("ext4")), None);
}

#[test]
fn processes_in_a_group_that_is_to_be_divided_are_found() {
    let enable = failure("write(\"/g/a/cgroup.subtree_control\", \"+memory\")", Errno::EBUSY);
    let asked = asked(&[]);
    let name = "group-internal-processes";
    let busy =
        Files::new("busy", &[("g/a/cgroup.procs", "7\n8\n"), ("g/a/cgroup.subtree_control", "\n")]);
    let found = busy.find(name, &asked, &enable).unwrap();
    assert!(found.evidence.contains("2 processes are in /g/a itself"), "{found:?}");
    assert!(found.evidence.contains("no internal processes"), "{found:?}");
    let idle = Files::new("idle", &[("g/a/cgroup.procs", "")]);
    assert_eq!(idle.find(name, &asked, &enable), None);

    let enter = failure("clone3({flags=CLONE_INTO_CGROUP, cgroup=\"/g/a\"})", Errno::EBUSY);
    let divided = Files::new("divided", &[("g/a/cgroup.subtree_control", "memory pids\n")]);
    let found = divided.find(name, &asked, &enter).unwrap();
    assert!(found.evidence.contains("/g/a divides"), "{found:?}");
}

#[test]
fn a_limit_of_groups_is_found_further_up() {
    let mut make = failure("mkdir(\"/g/a/nsctl-1\", 0755)", Errno::EAGAIN);
    make.step = "make the control group /g/a/nsctl-1".into();
    let asked = asked(&[]);
    let full = Files::new(
        "groups-full",
        &[
            ("g/a/cgroup.max.descendants", "max\n"),
            ("g/a/cgroup.stat", "nr_descendants 3\n"),
            ("g/cgroup.max.descendants", "4\n"),
            ("g/cgroup.stat", "nr_descendants 4\nnr_dying_descendants 0\n"),
        ],
    );
    let found = full.find("group-limit", &asked, &make).unwrap();
    assert!(found.evidence.contains("/g has as many groups as it may have: 4"), "{found:?}");
    let deep = Files::new("groups-deep", &[("g/cgroup.max.depth", "1\n")]);
    let found = deep.find("group-limit", &asked, &make).unwrap();
    assert!(found.evidence.contains("nested 1 deep in /g"), "{found:?}");
    let room = Files::new("groups-room", &[("g/cgroup.max.depth", "2\n")]);
    assert_eq!(room.find("group-limit", &asked, &make), None);
}
