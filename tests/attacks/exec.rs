//! A command that is brought into a container which expects it.

use super::victim::{MARK, Victim};
use crate::common::{Ran, as_each, shell};

/// Runs a script of the host's while the victim's root is a container called `it`; `$IN` is a
/// command line into it.
fn beside(victim: &Victim, command: &str, script: &str) -> Ran {
    let root = victim.root.display();
    let script = format!(
        "\"$NSCTL\" run -d --name it --rootfs {root} sh -c '{command}' >/dev/null || exit 99
         IN=\"$NSCTL exec\"
         {script}
         \"$NSCTL\" rm -f it >/dev/null"
    );
    let ran = shell(victim.who, &script).run();
    ran.expect_code(0);
    victim.expect_untouched(&format!("{script}: {ran:?}"));
    assert!(!ran.stdout.contains(MARK), "{ran:?}");
    ran
}

const WAIT: &str = "while :; do sleep 1; done";

#[test]
fn cve_2024_40635_cve_2026_30892_a_number_is_the_user_that_it_says() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let script = "for u in 4294967296 4294967295 -1 0x0 1e0 '' 0: :0 99999999999999999999; do
             $IN --user \"$u\" it id && echo \"became $u\"; done 2>/dev/null; true";
        assert_eq!(beside(&victim, WAIT, script).stdout, "");
        // Another id than 0 needs a map that has it; it is never 0.
        let ran = beside(&victim, WAIT, "$IN --user 1 it id -u; true");
        assert!(ran.stdout == "1\n" || ran.stdout.is_empty(), "{ran:?}");
    });
}

#[test]
fn cve_2024_21626_no_working_directory_of_a_command_leads_out() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let file = victim.file.display();
        let climb = format!("{}{file}", "../".repeat(12));
        for n in 3..20 {
            victim.link(&format!("link{n}"), format!("/proc/self/fd/{n}"));
        }
        let script = format!(
            "for n in 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do
               for d in /proc/self/fd/$n /link$n; do
                 $IN --workdir $d it sh -c 'cat {climb} {file}; pwd' && echo \"entered $d\"; done; done 2>/dev/null
             for d in /proc/self/cwd /proc/1/root /proc/1/cwd; do
               $IN --workdir $d it sh -c 'cat {climb} {file}; pwd' && echo \"entered $d\"; done 2>/dev/null; true"
        );
        assert_eq!(beside(&victim, WAIT, &script).stdout, "");
    });
}

/// Processes of the container look at each other while somebody comes in.
#[test]
fn cve_2016_9962_nothing_of_the_hosts_is_seen_in_who_comes_in() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        // Whose root or directory is not ours, or who holds a directory, is from outside.
        // A directory of another mount shows as "/" too, which no descriptor may.
        let spy = "while :; do for p in /proc/[0-9]*; do
             for l in $p/root $p/cwd; do t=$(readlink $l 2>/dev/null) || continue;
               [ \"$t\" = / ] || echo $l $t >>/seen; done
             for l in $p/fd/*; do t=$(readlink $l 2>/dev/null) || continue;
               case $t in /dev/*|pipe:*|socket:*|anon_inode:*) ;; *) echo $l $t >>/seen;; esac; done
             done; done";
        // The last holds a file, to see that the spy sees.
        let script =
            "for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do $IN it true; done
             $IN it sh -c 'exec 3</etc/group; until grep -q /etc/group /seen; do :; done'";
        beside(&victim, spy, script);
        let seen = std::fs::read_to_string(victim.at("seen")).unwrap_or_default();
        let foreign: Vec<&str> = seen
            .lines()
            .filter(|line| !line.ends_with("/seen") && !line.ends_with(" /etc/group"))
            .collect();
        assert!(foreign.is_empty(), "{foreign:?}");
    });
}

#[test]
fn cve_2022_24769_a_command_inherits_no_capability() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let ran = beside(
            &victim,
            WAIT,
            "$IN it grep -E 'CapInh|CapAmb|NoNewPrivs|Seccomp:' /proc/self/status",
        );
        let expected =
            "CapInh:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n";
        assert_eq!(ran.stdout, expected);
    });
}
