//! Somebody swaps a directory for a symbolic link, again and again, while containers start.
//!
//! Each test makes some hundred starts; NSCTL_TEST_SECONDS is how long one of its races
//! lasts, when more are wanted.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use super::victim::{Victim, own};
use crate::common::as_each;

/// One race of many.
const LIMIT: Duration = Duration::from_millis(800);

fn limit() -> Duration {
    let asked = std::env::var("NSCTL_TEST_SECONDS").ok().and_then(|text| text.parse().ok());
    asked.map_or(LIMIT, Duration::from_secs)
}

/// Exchanges two names until dropped.
struct Swapper {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Swapper {
    fn start(name: PathBuf, other: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let swap = move || {
            while !stopped.load(Ordering::Relaxed) {
                renameat2(AT_FDCWD, &name, AT_FDCWD, &other, RenameFlags::RENAME_EXCHANGE).unwrap();
            }
        };
        Swapper { stop, thread: Some(std::thread::spawn(swap)) }
    }
}

impl Drop for Swapper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Starts containers with these options while `name` of the root and a link to `target` are
/// exchanged; what they run must show nothing but `expected` lines.
fn race(victim: &Victim, name: &Path, target: &Path, options: &[&str], script: &str) {
    let link = victim.root.with_file_name("swapped");
    let _ = fs::remove_file(&link);
    symlink(target, &link).unwrap();
    let swapper = Swapper::start(name.into(), link.clone());
    let end = Instant::now() + limit();
    let mut started = 0;
    while Instant::now() < end {
        let ran = victim.run(options, script);
        assert!(matches!(ran.code, Some(0 | 125)), "{options:?} {target:?}: {ran:?}");
        assert!(!ran.stdout.contains("evil"), "{options:?} {target:?}: {ran:?}");
        started += usize::from(ran.code == Some(0));
    }
    drop(swapper);
    // One swap more or less: the directory is at either name.
    if fs::symlink_metadata(name).unwrap().is_symlink() {
        renameat2(AT_FDCWD, name, AT_FDCWD, &link, RenameFlags::RENAME_EXCHANGE).unwrap();
    }
    victim.expect_untouched(&format!("{started} starts with {options:?}"));
}

#[test]
fn cve_2026_41579_a_dev_that_is_swapped_for_a_link_leads_nowhere() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        for name in ["dev", "proc", "sys"] {
            fs::create_dir(victim.at(name)).unwrap();
            // Who may rename in a root can take its /dev away at any time, also later; but
            // what is written there goes nowhere else.
            let script = "echo x >/dev/null; echo x >/dev/new; cat /file 2>/dev/null; true";
            for target in [victim.climbing(), "/etc".into()] {
                race(&victim, &victim.at(name), &target, &[], script);
            }
        }
    });
}

#[test]
fn cve_2021_30465_a_mount_point_that_is_swapped_for_a_link_stays_in_the_root() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let volume = who.directory();
        fs::write(volume.join("given"), "given").unwrap();
        own(who, &volume);
        fs::create_dir(victim.at("data")).unwrap();
        let look = "cat /data/file /data/sub/file /file 2>/dev/null; true";
        for target in [victim.climbing(), victim.directory.clone()] {
            for place in ["/data/sub", "/data/new/er", "/data"] {
                let option = format!("{}:{place}", volume.display());
                race(&victim, &victim.at("data"), &target, &["-v", &option], look);
            }
            for options in [["--file", "/data/sub/x=evil"], ["--symlink", "/data/x=/etc"]] {
                let options = [&options[..], &["--tmpfs", "/data/t"]].concat();
                race(&victim, &victim.at("data"), &target, &options, look);
            }
        }
    });
}

/// The volume is another container's too, which swaps what is in it.
#[test]
fn cve_2021_30465_a_volume_on_a_volume_that_is_swapped_stays_in_the_root() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let shared = who.directory().join("shared");
        let given = who.directory().join("given");
        for path in [&shared, &given, &shared.join("sub")] {
            fs::create_dir(path).unwrap();
            own(who, path);
        }
        fs::write(given.join("given"), "given").unwrap();
        let first = format!("{}:/shared", shared.display());
        let look = "cat /shared/sub/file /file 2>/dev/null; true";
        for target in [victim.climbing(), victim.directory.clone(), "/".into(), "/etc".into()] {
            for place in ["/shared/sub", "/shared/sub/new"] {
                let second = format!("{}:{place}", given.display());
                let options = ["-v", &first, "-v", &second];
                race(&victim, &shared.join("sub"), &target, &options, look);
            }
            let options =
                ["-v", &first, "--symlink", "/shared/sub/link=/etc", "--file", "/shared/sub/f=x"];
            race(&victim, &shared.join("sub"), &target, &options, look);
        }
        let left: Vec<_> = fs::read_dir(shared.join("sub")).unwrap().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
    });
}

#[test]
fn cve_2025_52881_no_swap_brings_a_mount_into_proc() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let given = who.directory();
        fs::write(given.join("given"), "evil").unwrap();
        own(who, &given);
        fs::create_dir(victim.at("data")).unwrap();
        fs::create_dir(victim.at("data/self")).unwrap();
        let look = "cat /proc/given /proc/self/given /proc/missing/given 2>/dev/null; \
                    [ -r /proc/$$/status ] || echo evil; true";
        for place in ["/data", "/data/self", "/data/missing"] {
            let option = format!("{}:{place}", given.display());
            race(&victim, &victim.at("data"), Path::new("/proc"), &["-v", &option], look);
        }
    });
}

#[test]
fn cve_2025_24965_an_etc_that_is_swapped_gets_no_file_outside() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        for target in [victim.climbing(), victim.directory.clone(), "/dev".into(), "/proc".into()] {
            let look = "cat /etc/file 2>/dev/null; [ -c /dev/null ] || echo evil; true";
            race(&victim, &victim.at("etc"), &target, &[], look);
        }
    });
}

/// The directory of an upper layer is the caller's, but others may write there.
#[test]
fn a_layer_for_changes_that_is_swapped_for_a_link_leads_nowhere() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let kept = who.directory();
        for name in ["upper", "work"] {
            fs::create_dir(kept.join(name)).unwrap();
            own(who, &kept.join(name));
        }
        let option = format!("--overlay={}", kept.display());
        let target = victim.directory.clone();
        let write =
            "echo evil >/new 2>/dev/null; cat /sub/file /file 2>/dev/null; rm -f /new; true";
        race(&victim, &kept.join("upper"), &target, &[&option], write);
    });
}
