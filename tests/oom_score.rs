//! `--oom-score-adj`: who is killed first when memory runs out.

use std::fs;

use super::common::{Who, as_each, nsctl, skip};

fn own() -> i32 {
    fs::read_to_string("/proc/self/oom_score_adj").unwrap().trim().parse().unwrap()
}

#[test]
fn the_command_and_its_init_have_the_score_and_the_caller_keeps_its_own() {
    as_each(|who| {
        let read = "cat /proc/self/oom_score_adj /proc/1/oom_score_adj";
        for init in [&[][..], &["--map-users", "0:0:1", "--map-groups", "0:0:1"]] {
            if who == Who::User && !init.is_empty() {
                continue;
            }
            let options = [&["run", "--oom-score-adj", "700"], init, &["sh", "-c", read]].concat();
            assert_eq!(nsctl(who, options).run().success(), "700\n700");
        }
        let before = own();
        nsctl(who, ["run", "--oom-score-adj=800", "true"]).run().expect_code(0);
        assert_eq!(own(), before);
    });
}

#[test]
fn less_than_the_callers_needs_root() {
    let Some(less) = Some(own() - 1).filter(|less| *less >= -1000) else {
        return skip("the tests have the lowest score already");
    };
    let adjust = format!("--oom-score-adj={less}");
    let ran = nsctl(Who::User, ["run", &adjust, "true"]).run();
    ran.expect_error(125, &["oom_score_adj", "EACCES", "needs CAP_SYS_RESOURCE", "remedy: "]);
}

#[test]
fn numbers_out_of_range_are_refused() {
    as_each(|who| {
        for wrong in ["1001", "-1001", "x"] {
            let ran = nsctl(who, ["run", "--oom-score-adj", wrong, "true"]).run();
            ran.expect_error(125, &[wrong, "--oom-score-adj"]);
        }
    });
}
