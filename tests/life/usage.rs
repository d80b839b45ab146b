//! What a container used, once it ended.

use super::Home;
use crate::common::as_each;

/// A child of the workload works for 20 clock ticks, another has 50 MB.
const WORK: &str = "(read -r stat < /proc/self/stat
    set -- $stat
    while [ $((${14} + ${15})) -lt 20 ]; do read -r stat < /proc/self/stat; set -- $stat; done)
    head -c 50000000 /dev/zero | tail -c 50000000 > /dev/null; exit 3";

#[test]
fn what_a_container_used_is_known_once_it_ended() {
    as_each(|who| {
        let home = Home::new(who);
        let events = home.events(&["--json"]);
        home.start(&["--name", "c", "sh", "-c", WORK]);
        assert_eq!(home.run(&["wait", "c"]).success(), "3");
        let ticks = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).unwrap().unwrap() as u64;
        let text = home.run(&["inspect", "c"]).success().to_string();
        let all: serde_json::Value = serde_json::from_str(&text).unwrap();
        let usage = &all[0]["state"]["usage"];
        let number = |name: &str| usage[name].as_u64().unwrap();
        // A tick may have begun before the child did.
        assert!(number("user_us") + number("system_us") >= 19 * 1_000_000 / ticks, "{usage}");
        assert!(number("max_rss_kib") >= 48_000, "{usage}");
        assert!(number("minor_faults") > 0 && number("voluntary_switches") > 0, "{usage}");
        assert!(
            usage["major_faults"].is_u64() && usage["involuntary_switches"].is_u64(),
            "{usage}"
        );
        let died = events.find(|event| event["event"] == "die");
        assert_eq!(died["exit_status"], 3);
        for name in ["user_us", "system_us", "max_rss_kib"] {
            assert_eq!(died[name], usage[name], "{died}");
        }
    });
}

#[test]
fn each_run_of_a_container_has_its_own_usage() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sleep", "1000"]);
        let usage = || {
            let text = home.run(&["inspect", "c"]).success().to_string();
            let all: serde_json::Value = serde_json::from_str(&text).unwrap();
            all[0]["state"]["usage"].clone()
        };
        assert!(usage().is_null(), "it runs");
        home.run(&["stop", "c"]).success();
        assert!(usage().is_object());
        home.run(&["start", "c"]).success();
        assert!(usage().is_null(), "it runs again");
        home.run(&["stop", "c"]).success();
        assert!(usage().is_object());
    });
}
