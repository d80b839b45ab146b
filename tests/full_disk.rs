//! A file system without room: what was asked for is refused with the reason, and nothing
//! half made is left on it.

use super::common::{Ran, Who, as_each, shell, skip};

/// nsctl as `who` in a small `$HOME` without room for another byte, or another file.
fn on_full_disk(who: Who, without: &str, options: &str) -> Option<Ran> {
    if !nix::unistd::geteuid().is_root() {
        skip("root mounts the small file system, and the tests run as a user");
        return None;
    }
    let become_user = match who {
        Who::Root => String::new(),
        Who::User => {
            format!("setpriv --reuid {} --regid {} --clear-groups ", who.uid(), who.gid())
        }
    };
    let (size, fill) = match without {
        "bytes" => ("size=8k", "dd if=/dev/zero of=fill bs=4096 count=3 2> /dev/null || true"),
        "files" => ("nr_inodes=3", "touch a b"),
        _ => ("nr_inodes=3", "touch a"),
    };
    let home = who.directory();
    let script = format!(
        "exec unshare -m sh -ec 'mount -t tmpfs -o mode=777,{size} none $HOME; cd $HOME; {fill}
         before=$(ls -A)
         code=0; {become_user}\"$NSCTL\" run {options} || code=$?
         test \"$(ls -A)\" = \"$before\" || {{ ls -A; exit 99; }}
         ! grep \" $HOME/\" /proc/self/mountinfo || exit 98
         exit $code'"
    );
    Some(shell(Who::Root, &script).env("HOME", &home).env("NSCTL_STATE_DIR", &home).run())
}

const FULL: &str = "No space left on device";

/// That the pid cannot be told is said, and no reason to end the container.
#[test]
fn a_pid_file_is_not_left_half_written() {
    as_each(|who| {
        for without in ["bytes", "files"] {
            let run = "--pid-file pid sh -c \"echo ran\"";
            let Some(ran) = on_full_disk(who, without, run) else { return };
            assert_eq!(ran.success(), "ran");
            assert!(ran.stderr.contains("cannot write the pid to pid"), "{}", ran.stderr);
            assert!(ran.stderr.contains(FULL), "{}", ran.stderr);
        }
    });
}

#[test]
fn no_namespace_is_kept_where_not_all_can_be() {
    for (without, options) in [
        ("files", "--persist uts=u true"),
        // There is room for the first.
        ("more than one file", "--persist uts=u --persist ipc=i true"),
        ("more than one file", "--persist uts=u --persist ipc=i --boottime 3 --userns new true"),
    ] {
        let Some(ran) = on_full_disk(Who::Root, without, options) else { return };
        ran.expect_error(125, &["cannot keep the", "O_CREAT", FULL]);
    }
}

#[test]
fn a_name_is_not_claimed() {
    as_each(|who| {
        let Some(ran) = on_full_disk(who, "files", "--name full true") else { return };
        ran.expect_error(125, &[FULL, "NSCTL_STATE_DIR"]);
    });
}
