//! Who the caller is inside: maps, user, group, groups.

use super::common::{Who, as_each, have, nsctl, shell, skip};
use super::share::refused;

/// `uid gid groups` inside, then both maps.
const WHO: &str = "echo $(id -u) $(id -g) $(id -G); echo $(cat /proc/self/uid_map); echo $(cat /proc/self/gid_map)";

fn inside(who: Who, options: &[&str], script: &str) -> String {
    nsctl(who, [&["run"], options, &["sh", "-c", script]].concat()).run().success().to_string()
}

/// The first range that a file grants to the user; skips aloud when there is none.
fn range(file: &str) -> Option<(u32, u32)> {
    let name = Who::User.name().unwrap_or_default();
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let found = text.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.first() == Some(&name.as_str()))
            .then(|| Some((fields.get(1)?.parse().ok()?, fields.get(2)?.parse().ok()?)))?
    });
    if found.is_none() || !have("newuidmap") {
        skip(&format!("{file} grants nothing to {name:?}"));
        return None;
    }
    found
}

#[test]
fn the_caller_is_root_by_default_and_itself_on_request() {
    let (uid, gid) = (Who::User.uid(), Who::User.gid());
    assert_eq!(inside(Who::User, &[], WHO), format!("0 0 0\n0 {uid} 1\n0 {gid} 1"));
    for option in ["--keep-id", "--map-current-user"] {
        let expected = format!("{uid} {gid} {gid}\n{uid} {uid} 1\n{gid} {gid} 1");
        assert_eq!(inside(Who::User, &[option], WHO), expected);
    }
    if nix::unistd::geteuid().is_root() {
        assert_eq!(inside(Who::Root, &["--keep-id"], WHO), "0 0 0\n0 0 1\n0 0 1");
        assert_eq!(inside(Who::Root, &["--userns", "new"], WHO), "0 0 0\n0 0 1\n0 0 1");
    }
}

#[test]
fn one_id_can_be_mapped_to_any_by_number_and_by_name() {
    as_each(|who| {
        let (uid, gid) = (who.uid(), who.gid());
        let options = ["--map-user", "5", "--map-group", "7"];
        assert_eq!(inside(who, &options, WHO), format!("5 7 7\n5 {uid} 1\n7 {gid} 1"));
        let options = ["--map-user", "nobody", "--map-group", "daemon"];
        assert_eq!(inside(who, &options, WHO), format!("65534 1 1\n65534 {uid} 1\n1 {gid} 1"));
        let options = ["--map-user", "5"];
        assert_eq!(inside(who, &options, WHO), format!("5 0 0\n5 {uid} 1\n0 {gid} 1"));
    });
}

#[test]
fn a_range_is_mapped_from_root_on_or_around_the_caller() {
    let (Some((uids, count)), Some((gids, _))) = (range("/etc/subuid"), range("/etc/subgid"))
    else {
        return;
    };
    let (uid, gid) = (Who::User.uid(), Who::User.gid());
    let auto = format!("0 0 0\n0 {uids} {count}\n0 {gids} {count}");
    assert_eq!(inside(Who::User, &["--map-auto"], WHO), auto);
    let options = ["--map-users", "auto", "--map-groups", "auto"];
    assert_eq!(inside(Who::User, &options, WHO), auto);
    let options = ["--map-auto", "--map-root-user"];
    assert_eq!(
        inside(Who::User, &options, WHO),
        format!("0 0 0\n0 {uid} 1 1 {uids} {count}\n0 {gid} 1 1 {gids} {count}")
    );
    let shown = inside(Who::User, &["--map-auto", "--keep-id"], WHO);
    assert!(shown.starts_with(&format!("{uid} {gid} {gid}\n")), "{shown}");
    assert!(shown.contains(&format!("{uid} {uid} 1")), "{shown}");
    let triple = [format!("0:{}:10", uids + 5), format!("0:{}:10", gids + 5)];
    let options = ["--map-users", &triple[0], "--map-groups", &triple[1]];
    let expected = format!("0 0 0\n0 {} 10\n0 {} 10", uids + 5, gids + 5);
    assert_eq!(inside(Who::User, &options, WHO), expected);
}

#[test]
fn who_is_not_mapped_becomes_the_first_that_is() {
    let (Some((uids, count)), Some((gids, _))) = (range("/etc/subuid"), range("/etc/subgid"))
    else {
        return;
    };
    // The files of /dev belong to somebody who exists.
    let see = format!("{WHO}; stat -c %u:%g /dev; : > /dev/null && echo writable");
    let options = ["--map-users", "subids", "--map-groups", "subids"];
    let expected = format!(
        "{uids} {gids} {gids}\n{uids} {uids} {count}\n{gids} {gids} {count}\n{uids}:{gids}\nwritable"
    );
    assert_eq!(inside(Who::User, &options, &see), expected);
    let (uid, gid) = (Who::User.uid(), Who::User.gid());
    let options = ["--map-users", "all", "--map-groups", "all"];
    let shown = inside(Who::User, &options, &see);
    assert!(shown.starts_with(&format!("{uid} {gid} {gid}\n{uid} {uid} 1 {uids} ")), "{shown}");
    if nix::unistd::geteuid().is_root() {
        let options = ["--map-users", "500:100000:10", "--map-groups", "600:100000:10"];
        let expected = "500 600 600\n500 100000 10\n600 100000 10\n500:600\nwritable";
        assert_eq!(inside(Who::Root, &options, &see), expected);
    }
}

#[test]
fn root_writes_ranges_without_a_grant() {
    if !nix::unistd::geteuid().is_root() {
        skip("ranges without a grant need root");
        return;
    }
    let options =
        ["--map-users", "0:100000:1000", "--map-users", "2000:0:1", "--map-groups", "0:5:9"];
    assert_eq!(inside(Who::Root, &options, WHO), "2000 0 0\n0 100000 1000 2000 0 1\n0 5 9");
    let all = inside(Who::Root, &["--map-users", "all", "--map-groups", "all"], WHO);
    assert_eq!(all, "0 0 0\n0 0 4294967295\n0 0 4294967295");
}

#[test]
fn the_user_is_a_number_or_a_name_with_its_groups() {
    if range("/etc/subuid").is_some() {
        let as_user = |user: &str| {
            inside(Who::User, &["--map-auto", "--user", user], "echo $(id -u) $(id -g) $(id -G)")
        };
        assert_eq!(as_user("33"), "33 33 33");
        assert_eq!(as_user("33:44"), "33 44 44");
        assert_eq!(as_user("4321"), "4321 0 0");
        assert_eq!(as_user("www-data"), "33 33 33");
        assert_eq!(as_user("www-data:daemon"), "33 1 1");
    }
    if nix::unistd::geteuid().is_root() {
        let ids = "echo $(id -u) $(id -g) $(id -G); grep -E '^Cap(Eff|Prm)' /proc/self/status | tr -d '\\n'";
        let shown = inside(Who::Root, &["--user", "33:44", "--groups", "55,daemon"], ids);
        assert!(shown.starts_with("33 44 44 1 55\n"), "{shown}");
        // Another user than root has no capability.
        assert!(shown.contains("CapPrm:\t0000000000000000CapEff:\t0000000000000000"), "{shown}");
    }
}

#[test]
fn groups_of_the_caller_are_dropped_or_kept() {
    if !nix::unistd::geteuid().is_root() {
        skip("a caller with groups needs root");
        return;
    }
    // A root with groups, in a namespace that denies setgroups: they go before.
    let script = r#"for option in "" --keep-groups; do
            setpriv --groups 4242,4343 "$NSCTL" run --userns new $option sh -c 'id -G; cat /proc/self/setgroups'
            setpriv --groups 4242,4343 "$NSCTL" run --map-users all --map-groups all $option id -G
        done"#;
    let ran = shell(Who::Root, script).run();
    assert_eq!(ran.success(), "0\ndeny\n0\n0 65534\ndeny\n0 4242 4343");
}

#[test]
fn setgroups_is_allowed_with_a_range_and_denied_on_request() {
    let see = "cat /proc/self/setgroups";
    assert_eq!(inside(Who::User, &[], see), "deny");
    assert_eq!(inside(Who::User, &["--setgroups", "deny"], see), "deny");
    if range("/etc/subgid").is_some() {
        assert_eq!(inside(Who::User, &["--map-auto"], see), "allow");
        assert_eq!(inside(Who::User, &["--map-auto", "--setgroups", "deny"], see), "deny");
    }
    if nix::unistd::geteuid().is_root() {
        assert_eq!(inside(Who::Root, &["--setgroups", "allow"], see), "allow");
    }
    refused(Who::User, &["--setgroups", "allow"], &["setgroups", "--map-groups auto"]);
}

#[test]
fn ids_that_do_not_exist_inside_are_refused() {
    let user = |options: &[&str], words: &[&str]| refused(Who::User, options, words);
    user(&["--user", "33"], &["33: it is not mapped", "--map-auto"]);
    user(&["--user", "0:33"], &["gid 33: it is not mapped"]);
    user(&["--groups", "5"], &["setgroups is denied", "--map-groups auto"]);
    user(&["--share", "user,cgroup,ipc,uts,net,pid,mnt", "--user", "33"], &["CAP_SETUID"]);
    as_each(|who| {
        // 2^32 and more must not become user 0 (CVE-2024-40635).
        for id in
            ["4294967295", "4294967296", "18446744073709551616", "-1", "+0", "0x0", "", "no-such"]
        {
            refused(who, &[&format!("--user={id}")], &["no such user"]);
            refused(who, &[&format!("--user=0:{id}")], &["no such group"]);
            refused(who, &[&format!("--map-user={id}")], &["no such user"]);
            refused(who, &[&format!("--groups={id}")], &[]);
        }
    });
}

#[test]
fn maps_that_make_no_sense_are_refused() {
    as_each(|who| {
        for map in [
            "0",
            "0:1",
            "0:1:2:3",
            "a:0:1",
            "0:0:0",
            "4294967296:0:1",
            "0:4294967295:1",
            "0:4294967294:2",
            "-1:0:1",
        ] {
            refused(who, &[&format!("--map-users={map}")], &["map", "INSIDE:OUTSIDE:COUNT"]);
        }
        let twice = ["--map-users", "0:100000:10", "--map-users", "9:200000:1"];
        refused(who, &twice, &["overlap inside"]);
        let twice = ["--map-users", "0:100000:10", "--map-users", "10:100009:1"];
        refused(who, &twice, &["overlap outside"]);
        for other in ["--keep-id", "--map-user=1", "--user=0", "--groups=0", "--setgroups=deny"] {
            refused(
                who,
                &["--userns", "new", "--map-users", "none", other],
                &["none", "contradict"],
            );
        }
        refused(who, &["--map-users", "none", "--map-groups", "0:1:1"], &["none", "contradict"]);
    });
}

#[test]
fn a_range_that_is_not_granted_is_refused_with_what_is() {
    if let Some((start, count)) = range("/etc/subuid") {
        let granted = format!("{start} to {}", start + (count - 1));
        let past = format!("0:{}:2", start + (count - 1));
        // No remedy grants the ids of others: root's would make the caller root.
        let refusal = [
            "cannot map uids: 0 to 0 are not granted",
            &granted,
            "remedy: ids within that, or the own one",
        ];
        refused(Who::User, &["--map-users", "0:0:1"], &refusal);
        refused(Who::User, &["--map-users", &past], &["not granted", &granted]);
        let groups = ["--map-users", &format!("0:{start}:1"), "--map-groups", "0:0:1"];
        refused(Who::User, &groups, &["gids", "/etc/subgid"]);
    }
}

/// A script of root's in its own mounts, which ends as the user with `$NSCTL run …`.
fn with_changed_files(change: &str, words: &[&str]) {
    let (uid, gid) = (Who::User.uid(), Who::User.gid());
    let script = format!(
        "unshare -m sh -ec 'cd $HOME; {change}
        exec setpriv --reuid {uid} --regid {gid} --clear-groups \"$NSCTL\" run --map-auto echo STARTED'"
    );
    // The directory of the state is the user's own.
    let ran = shell(Who::Root, &script).env("NSCTL_STATE_DIR", Who::User.directory()).run();
    ran.expect_error(125, words);
    assert_eq!(ran.stdout, "", "{change}");
}

#[test]
fn a_missing_grant_or_helper_is_named_with_the_remedy() {
    if !nix::unistd::geteuid().is_root() || range("/etc/subuid").is_none() {
        skip("hiding files needs root");
        return;
    }
    let (name, uid) = (Who::User.name().unwrap(), Who::User.uid());
    with_changed_files(
        "touch empty; mount --bind empty /etc/subuid",
        &[
            &format!("/etc/subuid has no entry for {name} (uid {uid})"),
            &format!("echo {name}:100000:65536 | sudo tee -a /etc/subuid"),
        ],
    );
    // A range that somebody else has would be shared with him.
    with_changed_files(
        "echo other:100000:65536 > others; mount --bind others /etc/subuid",
        &[&format!("echo {name}:165536:65536 | sudo tee -a /etc/subuid")],
    );
    with_changed_files(
        "touch empty; mount --bind empty /etc/subgid",
        &["/etc/subgid has no entry"],
    );
    let helper = "helper=$(command -v newuidmap)";
    let hide = format!("{helper}; touch empty; chmod 644 empty; mount --bind empty $helper");
    with_changed_files(&hide, &["newuidmap is not installed", "apt install uidmap"]);
    let copy = format!("{helper}; cp $helper copy; chmod 755 copy; mount --bind copy $helper");
    with_changed_files(&copy, &["newuidmap is not set-user-ID root", "chmod u+s"]);
    let other = format!(
        "{helper}; cp $helper copy; chown {uid} copy; chmod 4755 copy; mount --bind copy $helper"
    );
    with_changed_files(&other, &[&format!("belongs to uid {uid}")]);
    let nosuid =
        format!("{helper}; mount --bind $helper $helper; mount -o remount,bind,nosuid $helper");
    with_changed_files(&nosuid, &["nosuid"]);
    with_changed_files(
        "set -- --no-new-privs; exec setpriv $1 setpriv --reuid $(stat -c %u $NSCTL_STATE_DIR) --regid $(stat -c %g $NSCTL_STATE_DIR) --clear-groups $NSCTL run --map-auto echo STARTED",
        &["no_new_privs is set"],
    );
    // An entry by number, and several, count.
    let entries = format!("echo {uid}:300000:10 > entries; echo {name}:400000:20 >> entries");
    let (uid, gid) = (Who::User.uid(), Who::User.gid());
    let script = format!(
        "unshare -m sh -ec 'cd $HOME; {entries}; mount --bind entries /etc/subuid; mount --bind entries /etc/subgid
        exec setpriv --reuid {uid} --regid {gid} --clear-groups \"$NSCTL\" run --map-users 0:300000:10 --map-users 10:400000:20 --map-groups auto cat /proc/self/uid_map'"
    );
    let ran = shell(Who::Root, &script).env("NSCTL_STATE_DIR", Who::User.directory()).run();
    let words: Vec<&str> = ran.success().split_whitespace().collect();
    assert_eq!(words, ["0", "300000", "10", "10", "400000", "20"]);
}
