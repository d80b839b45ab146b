//! Whichever step fails, and whoever is killed meanwhile, nothing is left: no process,
//! mount, loop device, directory or file.
//!
//! The steps fail on demand, by `nsshim/src/fault.rs`, which only debug builds have.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::common::{Who, as_each, busybox_root, eventually, have, nsctl, skip, tree};

const SECOND: Duration = Duration::from_secs(1);

/// What a container is made of, and what of the host must be as before.
struct Case {
    name: &'static str,
    options: Vec<String>,
    watched: PathBuf,
}

/// All that a failure could leave in the watched directory or because of it.
fn look(watched: &Path) -> Vec<String> {
    let mut all = tree(watched);
    let here = watched.to_str().unwrap();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    all.extend(mounts.lines().filter(|line| line.contains(here)).map(String::from));
    for device in fs::read_dir("/sys/block").into_iter().flatten().flatten() {
        let file = fs::read_to_string(device.path().join("loop/backing_file")).unwrap_or_default();
        if file.contains(here) {
            all.push(format!("{:?} shows {file}", device.file_name()));
        }
    }
    all
}

fn cases(who: Who) -> Vec<Case> {
    let Some(root) = busybox_root(who) else { return Vec::new() };
    // Beside the root, so that all is watched at once.
    let watched = root.parent().unwrap().to_path_buf();
    let make = |name: &str| {
        let path = watched.join(name);
        fs::create_dir(&path).unwrap();
        if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(who.uid()), Some(who.gid())).unwrap();
        }
        path.to_str().unwrap().to_string()
    };
    let (volume, kept) = (make("volume"), make("kept"));
    let root = root.to_str().unwrap().to_string();
    let placed = [
        "-v",
        &format!("{volume}:/new/volume:ro"),
        "--tmpfs",
        "/new/tmpfs",
        "--file",
        "/new/file=text",
        "--symlink",
        "/new/link=x",
        "--mount",
        &format!("type=overlay,lowerdir={volume},dst=/new/overlay"),
    ]
    .map(String::from);
    let mut cases = Vec::new();
    let mut case = |name, options: &[&str], with_placed: bool| {
        let mut options: Vec<String> = options.iter().map(|option| option.to_string()).collect();
        if with_placed {
            options.extend(placed.clone());
        }
        cases.push(Case { name, options, watched: watched.clone() });
    };
    case("the host's root", &["--name", "left-behind", "--hostname", "x"], false);
    case(
        "the host's root with mounts",
        &["-v", &format!("{volume}:/mnt:ro"), "--tmpfs", "/tmp"],
        false,
    );
    case("a directory", &["--rootfs", &root, "--read-only"], true);
    case("an overlay", &["--rootfs", &root, "--overlay"], true);
    case("an overlay that is kept", &["--rootfs", &root, &format!("--overlay={kept}")], true);
    case("an empty root", &["--rootfs", "none", "-v", &format!("{root}/bin:/bin")], true);
    if who == Who::Root {
        let maps = ["--map-users", "0:100000:1000", "--map-groups", "0:100000:1000"];
        case("ranges", &[&["--userns", "new", "--rootfs", &root][..], &maps].concat(), true);
        if let Some(image) = image(&root, &watched) {
            case("an image", &["--rootfs", &image, "--overlay"], true);
            case(
                "an image in a user namespace",
                &[&["--userns", "new", "--rootfs", &image][..], &maps].concat(),
                true,
            );
        }
    } else if who.name().is_some() && have("newuidmap") {
        case("ranges", &["--map-auto", "--rootfs", &root], true);
    }
    cases
}

fn image(root: &str, watched: &Path) -> Option<String> {
    let image = watched.join("image");
    if !Path::new("/dev/loop-control").exists() || !have("mkfs.ext4") {
        return None;
    }
    fs::File::create(&image).unwrap().set_len(8 << 20).unwrap();
    let made = Command::new("mkfs.ext4").args(["-q", "-d", root]).arg(&image).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    Some(image.to_str().unwrap().to_string())
}

/// The options of a case, the rest of nsctl's command line.
fn line(case: &Case, command: &str) -> Vec<String> {
    let mut words = vec!["run".to_string()];
    words.extend(case.options.clone());
    words.push(command.into());
    words
}

#[test]
fn nothing_is_left_whichever_step_fails() {
    if !cfg!(debug_assertions) {
        return skip("steps fail on demand in debug builds only");
    }
    as_each(|who| {
        let state = who.directory();
        for case in cases(who) {
            let run = |fail: &str| {
                let nsctl = nsctl(who, line(&case, "true")).env("NSCTL_TEST_FAIL", fail);
                nsctl.env("NSCTL_STATE_DIR", &state).run()
            };
            let ran = run("");
            assert_eq!(ran.code, Some(0), "{who:?} {}: {ran:?}", case.name);
            let (before, named) = (look(&case.watched), tree(&state));
            for side in ["outside", "inside"] {
                let mut steps = Vec::new();
                for number in 1.. {
                    let ran = run(&format!("{side}:{number}"));
                    let what = format!("{who:?} {} {side}:{number}: {ran:?}", case.name);
                    let same = eventually(SECOND, || look(&case.watched) == before);
                    assert!(same, "{:?}\nbefore: {before:?}\n{what}", look(&case.watched));
                    assert_eq!(tree(&state), named, "{what}");
                    if ran.code == Some(0) {
                        break;
                    }
                    assert_eq!(ran.code, Some(125), "{what}");
                    let step = ran
                        .stderr
                        .lines()
                        .next()
                        .unwrap()
                        .strip_suffix(": failure(on demand): EIO (I/O error)");
                    let step = step.and_then(|line| line.strip_prefix("nsctl: cannot "));
                    assert!(step.is_some_and(|step| !step.is_empty()), "{what}");
                    steps.push(number);
                }
                assert!(side == "outside" || steps.len() > 20, "{}: {steps:?}", case.name);
            }
        }
    });
}

/// Kills nsctl, or its shim, after so long.
fn killed(who: Who, case: &Case, whom: usize, delay: Duration) {
    let mut run = nsctl(who, line(case, "true"));
    let mut child = run.spawn();
    let end = Instant::now() + delay;
    let shim = || {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id()));
        children.ok()?.split_whitespace().next()?.parse::<i32>().ok()
    };
    // The shim's number is its own as long as its parent has not waited for it, and that
    // one cannot while it is stopped.
    while Instant::now() < end {
        std::hint::spin_loop();
    }
    let nsctl = Pid::from_raw(child.id() as i32);
    match whom {
        0 => kill(nsctl, Signal::SIGKILL).unwrap(),
        _ => {
            kill(nsctl, Signal::SIGSTOP).unwrap();
            if let Some(shim) = shim() {
                kill(Pid::from_raw(shim), Signal::SIGKILL).unwrap();
            }
            kill(nsctl, Signal::SIGCONT).unwrap();
        }
    }
    child.wait().unwrap();
    run.tag.expect_none_within(SECOND);
}

#[test]
fn nothing_is_left_by_sigkill_at_any_moment() {
    // xorshift64, Marsaglia; the same delays each time.
    let mut state: u64 = 0x2545_f491_4f6c_dd1d;
    let mut next = move |limit: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % limit
    };
    let next = std::cell::RefCell::new(&mut next);
    as_each(|who| {
        for case in cases(who) {
            assert_eq!(nsctl(who, line(&case, "true")).run().code, Some(0), "{}", case.name);
            let before = look(&case.watched);
            for round in 0..20 {
                let delay = Duration::from_micros((next.borrow_mut())(12_000));
                killed(who, &case, round % 2, delay);
                let same = eventually(SECOND, || look(&case.watched) == before);
                let name = case.name;
                assert!(same, "{who:?} {name} {delay:?}: {:?}\n{before:?}", look(&case.watched));
            }
        }
    });
}
