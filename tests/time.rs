//! The time namespace: clocks that start elsewhere.

use super::common::{Who, as_each, nsctl};

fn uptime(who: Who, options: &[&str]) -> f64 {
    let ran =
        nsctl(who, [&["run"], options, &["cut", "-d ", "-f1", "/proc/uptime"]].concat()).run();
    ran.success().parse().unwrap()
}

fn own_uptime() -> f64 {
    let text = std::fs::read_to_string("/proc/uptime").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn ten_days_of_boottime_show_in_uptime() {
    as_each(|who| {
        for option in ["--time-offset=boottime=864000", "--boottime=864000"] {
            let shown = uptime(who, &[option]) - own_uptime();
            assert!((863_990.0..864_010.0).contains(&shown), "{shown}");
        }
        let shown = uptime(who, &["--timens", "new"]) - own_uptime();
        assert!(shown.abs() < 10.0, "{shown}");
    });
}

#[test]
fn offsets_are_negative_and_fractional_and_apart() {
    as_each(|who| {
        let see = "cat /proc/self/timens_offsets; cat /proc/self/ns/time >/dev/null 2>&1; readlink /proc/self/ns/time /proc/self/ns/time_for_children";
        let ran = nsctl(
            who,
            ["run", "--time-offset", "monotonic=-1.5,boottime=3.000000001", "sh", "-c", see],
        )
        .run();
        let lines: Vec<String> = ran
            .success()
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(lines[..2], ["monotonic -2 500000000", "boottime 3 1"]);
        assert_eq!(lines[2], lines[3], "the workload is in it");
    });
}

#[test]
fn the_wall_clock_stays_and_cannot_be_set() {
    as_each(|who| {
        let script = "date +%s; date -s 2001-01-01 2>&1 >/dev/null";
        let ran = nsctl(who, ["run", "--boottime", "864000", "sh", "-c", script]).run();
        #[allow(clippy::disallowed_methods, reason = "the clock that the container shows, too")]
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let inside: u64 = ran.stdout.lines().next().unwrap().parse().unwrap();
        assert!(now.as_secs().abs_diff(inside) < 60, "{inside}");
        assert!(ran.stdout.contains("Operation not permitted"), "{ran:?}");
    });
}
