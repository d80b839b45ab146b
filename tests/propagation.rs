//! How mounts travel. As root, in a mount namespace that the test makes, which
//! plays the host; nsctl in it as root and as a user.

use super::common::{Who, nsctl, shell, skip};

/// What starts nsctl as the one who is tested.
fn as_who(who: Who) -> String {
    match who {
        Who::Root => String::new(),
        Who::User => {
            format!("setpriv --reuid {} --regid {} --clear-groups", who.uid(), who.gid())
        }
    }
}

/// Mounts inside and outside while a container runs; prints who sees what.
///
/// `$RUN` starts nsctl as the one who is tested.
fn travels(who: Who, options: &str) -> Option<String> {
    if !nix::unistd::geteuid().is_root() {
        skip("a host to mount on needs root");
        return None;
    }
    let run = as_who(who);
    let script = format!(
        r#"exec unshare -m --propagation shared sh -ec 'cd $HOME
        mount -t tmpfs t . ; mount --make-shared . ; cd $HOME
        mkdir inside host; mkfifo made seen; chmod 777 . inside host; chmod 666 made seen
        before=$(wc -l < /proc/self/mountinfo)
        {run} "$NSCTL" run --privileged {options} sh -ec "cd $HOME
            mount -t tmpfs t inside; touch inside/file
            echo > made; read _ < seen
            [ ! -e host/file ] || echo inside sees the host" &
        read _ < made
        [ ! -e inside/file ] || echo the host sees inside
        after=$(wc -l < /proc/self/mountinfo)
        echo $((after - before)) more
        mount -t tmpfs t host; touch host/file
        echo > seen
        wait $!'"#
    );
    let state = who.directory();
    Some(shell(Who::Root, &script).env("NSCTL_STATE_DIR", state).run().success().to_string())
}

fn expect(who: Who, options: &str, expected: &str) {
    if let Some(shown) = travels(who, options) {
        assert_eq!(shown, expected, "{who:?} {options}");
    }
}

#[test]
fn private_neither_sees_the_others() {
    for who in [Who::Root, Who::User] {
        expect(who, "", "0 more");
        expect(who, "--propagation private", "0 more");
    }
}

#[test]
fn slave_inside_sees_the_hosts() {
    for who in [Who::Root, Who::User] {
        expect(who, "--propagation slave", "0 more\ninside sees the host");
    }
}

#[test]
fn shared_both_see_both_and_nothing_else_appears_on_the_host() {
    for propagation in ["shared", "unchanged"] {
        let options = format!("--propagation {propagation}");
        expect(Who::Root, &options, "the host sees inside\n1 more\ninside sees the host");
        // With the host's processes, network and queues as well.
        let options = format!("{options} --pid host --net host --ipc host");
        expect(Who::Root, &options, "the host sees inside\n1 more\ninside sees the host");
        // The kernel lets no mount out of a user namespace.
        let options = format!("--propagation {propagation} --userns new");
        expect(Who::Root, &options, "0 more\ninside sees the host");
        let options = format!("--propagation {propagation}");
        expect(Who::User, &options, "0 more\ninside sees the host");
    }
}

#[test]
fn what_is_no_mount_point_is_refused_where_ours_would_appear_on_the_host() {
    if !nix::unistd::geteuid().is_root() {
        skip("unmounting needs root");
        return;
    }
    for propagation in ["shared", "unchanged"] {
        // A host whose /dev is a directory of its root file system.
        let script = format!(
            r#"exec unshare -m --propagation private sh -ec 'cd $HOME
            mkdir root; mount --rbind / root; mount --make-rshared root
            umount -l root/dev; mount --bind /proc root/proc
            chroot root "$NSCTL" run --propagation {propagation} echo STARTED || echo $?'"#
        );
        let ran = shell(Who::Root, &script).run();
        assert_eq!(ran.stdout, "125\n", "{ran:?}");
        for word in ["/dev is no mount point", "appear on the host", "--propagation slave"] {
            assert!(ran.stderr.contains(word), "{ran:?}");
        }
    }
}

/// proc_pid_mountinfo(5) has the bytes of a name as they are.
#[test]
fn a_mount_whose_name_is_no_text_hinders_nobody() {
    if !nix::unistd::geteuid().is_root() {
        skip("a host to mount on needs root");
        return;
    }
    for who in [Who::Root, Who::User] {
        let run = as_who(who);
        let script = format!(
            r#"exec unshare -m --propagation shared sh -ec 'cd $HOME
            odd=$(printf "odd\377"); mkdir "$odd"; mount -t tmpfs t "$odd"
            {run} "$NSCTL" run --propagation shared echo fine
            {run} "$NSCTL" run --propagation unchanged echo fine
            umount "$odd"; rmdir "$odd"'"#
        );
        let ran = shell(Who::Root, &script).env("NSCTL_STATE_DIR", who.directory()).run();
        assert_eq!(ran.success(), "fine\nfine", "{who:?}");
    }
}

#[test]
fn locked_flags_of_the_hosts_mounts_do_not_hinder_a_user() {
    if !nix::unistd::geteuid().is_root() {
        skip("remounting needs root");
        return;
    }
    let (uid, gid) = (Who::User.uid(), Who::User.gid());
    for (flags, options) in [
        ("nosuid,nodev,noexec", ""),
        ("nosuid,nodev,noexec", "--net host --pid host"),
        ("nosuid,nodev,noexec,noatime", ""),
        ("nosuid,nodev,noexec,nodiratime,relatime", ""),
        ("nosuid,nodev,noexec,strictatime", "--net host"),
    ] {
        let script = format!(
            r#"exec unshare -m sh -ec 'mount -o remount,bind,{flags} /proc
            mount -o remount,bind,{flags} /sys
            mount -o remount,bind,nosuid,noexec,noatime /dev
            exec setpriv --reuid {uid} --regid {gid} --clear-groups "$NSCTL" run {options} sh -c "
                : > /dev/null; ! touch /proc/sys/x /sys/x 2> /dev/null; echo fine"'"#
        );
        let state = Who::User.directory();
        let ran = shell(Who::Root, &script).env("NSCTL_STATE_DIR", state).run();
        assert_eq!(ran.success(), "fine", "{flags} {options}");
    }
}

#[test]
fn a_directory_that_our_mounts_hide_becomes_the_root() {
    for who in [Who::Root, Who::User] {
        if who == Who::Root && !nix::unistd::geteuid().is_root() {
            continue;
        }
        let directory = format!("/dev/shm/nsctl-test-{}-{who:?}", std::process::id());
        let script = format!(
            "mkdir {directory} && cd {directory} && \"$NSCTL\" run pwd; cd /; rmdir {directory}
            cd /proc/$$ && \"$NSCTL\" run pwd; cd /dev && \"$NSCTL\" run pwd"
        );
        assert_eq!(shell(who, &script).run().success(), "/\n/\n/dev");
        let gone = "mkdir $HOME/d && cd $HOME/d && rmdir $HOME/d && \"$NSCTL\" run pwd";
        assert_eq!(shell(who, gone).run().success(), "/");
    }
    let ran = nsctl(Who::User, ["run", "--workdir", "/no/such", "pwd"]).run();
    ran.expect_error(125, &["/no/such"]);
}
