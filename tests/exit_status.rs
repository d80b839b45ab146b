//! The workload's exit status is nsctl's.

use super::common::{as_each, nsctl};

#[test]
fn every_exit_code_is_kept() {
    as_each(|who| {
        for code in [0, 1, 3, 125, 126, 127, 128, 143, 255] {
            let ran = nsctl(who, ["run", "sh", "-c", &format!("exit {code}")]).run();
            ran.expect_code(code);
        }
    });
}

#[test]
fn death_by_a_signal_is_128_and_its_number() {
    as_each(|who| {
        for signal in [1, 2, 3, 6, 9, 11, 15, 34, 64] {
            let ran = nsctl(who, ["run", "sh", "-c", &format!("kill -{signal} $$")]).run();
            ran.expect_code(128 + signal);
        }
    });
}

#[test]
fn a_missing_command_is_127_and_named() {
    as_each(|who| {
        nsctl(who, ["run", "no-such-command"]).run().expect_error(127, &["no-such-command"]);
        nsctl(who, ["run", "/no/such/command"]).run().expect_error(127, &["/no/such/command"]);
    });
}

#[test]
fn a_file_that_is_no_program_is_126() {
    as_each(|who| {
        nsctl(who, ["run", "/etc/passwd"]).run().expect_error(126, &["/etc/passwd"]);
        nsctl(who, ["run", "/etc"]).run().expect_error(126, &["/etc"]);
    });
}
