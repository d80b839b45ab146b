//! Beginnings and ends of namespaces are told while they happen.
//!
//! lxkns looks again when asked; nothing of util-linux watches.

use serde_json::Value;

use super::super::common::{Watch, Who, as_each, have, helper, nsctl, shell, skip};
use super::fixture::{Fixture, find, number};

/// `nsctl ns watch`
fn watch(who: Who, options: &[&str]) -> Watch {
    Watch::start(nsctl(who, [&["ns", "watch"], options].concat()))
}

/// The next event about a namespace; others' are passed over.
#[track_caller]
fn about(watch: &Watch, namespace: &Value) -> Value {
    watch.find(|event| is_about(event, namespace))
}

/// Whether an event is about a namespace of `nsctl ns ls`. Other tests' come and go meanwhile and
/// have the same number before or after, but never the same unique one.
fn is_about(event: &Value, namespace: &Value) -> bool {
    event["id"] == namespace["id"] && event["unique"] == namespace["unique"]
}

#[test]
fn what_begins_and_ends_is_told() {
    if !have("unshare") {
        return;
    }
    as_each(|who| {
        // Where the kernel tells, without looking all the time; and by looking.
        for options in [&["--interval", "5"][..], &["--poll", "--interval", "0.05"]] {
            if who == Who::User && !options.contains(&"--poll") {
                continue;
            }
            let watch = watch(who, &[options, &["--json"]].concat());
            let ready = watch.json();
            assert_eq!(ready["event"], "ready", "{ready}");
            let polls = options.contains(&"--poll");
            if ready["by"] == "looking" && !polls {
                skip("the kernel does not tell of processes here: not the machine's root");
                continue;
            }
            assert_eq!(ready["by"] == "looking", polls);
            let script = "exec unshare -Urun sh -c '
                echo $(readlink /proc/self/ns/uts /proc/self/ns/net) $$; read wait'";
            let fixture = Fixture::shell(who, script);
            let uts = find(who, &fixture.said[0]);
            let created = about(&watch, &uts);
            assert_eq!((&created["event"], &created["kind"]), (&"created".into(), &"uts".into()));
            assert_eq!(created["pid"], uts["pid"], "{created}");
            assert_eq!(created["uid"], who.uid());
            drop(fixture);
            let ended = about(&watch, &uts);
            assert_eq!((&ended["event"], &ended["kind"]), (&"ended".into(), &"uts".into()));
            for column in ["pid", "owner", "command", "unique"] {
                assert_eq!(ended[column], created[column], "{column}");
            }
        }
    });
}

#[test]
fn one_that_something_keeps_has_not_ended() {
    if !have("unshare") {
        return;
    }
    as_each(|who| {
        let watch = watch(who, &["--json", "--interval", "0.1", "-t", "uts"]);
        assert_eq!(watch.json()["event"], "ready");
        // Its process ends, a descriptor keeps it.
        let part = helper("descriptor");
        let fixture = Fixture::shell(who, &format!("exec {}", part.join(" ")));
        let uts = find(who, &fixture.said[0]);
        assert_eq!(about(&watch, &uts)["event"], "created");
        // Another one comes and goes meanwhile: nothing is told of the kept one.
        let other =
            Fixture::shell(who, "exec unshare -Uru sh -c 'readlink /proc/self/ns/uts; read wait'");
        let its = find(who, &other.said[0]);
        let mut told = Vec::new();
        let mut until = |what: &str| loop {
            let event = watch.json();
            told.push(event.clone());
            if is_about(&event, &its) && event["event"] == what {
                return;
            }
        };
        until("created");
        drop(other);
        until("ended");
        assert!(told.iter().all(|event| !is_about(event, &uts)), "{told:#?}");
        drop(fixture);
        assert_eq!(about(&watch, &uts)["event"], "ended");
    });
}

#[test]
fn kinds_and_filters_choose() {
    as_each(|who| {
        let options =
            ["--json", "--interval", "0.05", "-t", "net,uts", "-F", "hostname=heron || kind=net"];
        let watch = watch(who, &options);
        assert_eq!(watch.json()["event"], "ready");
        let run = ["run", "--pid", "host", "--", "sh", "-c"];
        let said = "echo $(readlink /proc/self/ns/net); read wait";
        let fixture = Fixture::nsctl(who, run.into_iter().chain([said]));
        let net = number(&fixture.said[0]);
        loop {
            let event = watch.json();
            assert_eq!(event["kind"], "net", "{event}");
            if event["id"] == net {
                break;
            }
        }
    });
}

#[test]
fn people_get_a_table_that_no_name_speaks_through() {
    as_each(|who| {
        let watch = watch(who, &["--interval", "0.05", "-t", "uts"]);
        let titles = watch.line();
        assert!(titles.starts_with("TIME") && titles.ends_with("COMMAND"), "{titles}");
        let hostile = "\u{1b}[31mred\nline";
        let run =
            ["run", "--pid", "host", "--", "sh", "-c", "readlink /proc/self/ns/uts; read wait"];
        let fixture = Fixture::nsctl(who, run.into_iter().chain([hostile]));
        let id = number(&fixture.said[0]).to_string();
        let is_its = |line: &String| line.contains(&id) && line.contains("u{1b}[31mred");
        let line = std::iter::repeat_with(|| watch.line()).find(is_its).unwrap();
        assert!(line.contains(" created ") && !line.contains('\u{1b}'), "{line}");
    });
}

#[test]
fn it_ends_with_its_signal_or_its_reader() {
    as_each(|who| {
        for signal in [libc::SIGINT, libc::SIGTERM] {
            let mut watch = watch(who, &[]);
            watch.line();
            assert_eq!(watch.end(signal), Some(signal));
        }
        // Nothing needs to happen for it to see that nobody reads any more.
        let script = r#""$NSCTL" ns watch --interval 1000 -F pid=1 2> /dev/null | head -n 1"#;
        assert!(shell(who, script).run().success().starts_with("TIME"));
    });
}

#[test]
fn who_cannot_be_told_is_told_so() {
    let mut watch = watch(Who::User, &["--poll", "--interval", "1000"]);
    watch.line();
    assert_eq!(watch.end(libc::SIGINT), Some(libc::SIGINT));
    let mut why = String::new();
    std::io::Read::read_to_string(watch.child.stderr.as_mut().unwrap(), &mut why).unwrap();
    assert!(why.contains("looking once an interval"), "{why}");
    for wrong in ["0", "-1", "nan", "inf", "x", "", "86401"] {
        let interval = format!("--interval={wrong}");
        let ran = nsctl(Who::User, ["ns", "watch", &interval]).run();
        ran.expect_error(125, &["--interval", "seconds"]);
    }
    let ran = nsctl(Who::User, ["ns", "watch", "-t", "nope"]).run();
    ran.expect_error(125, &["no such kind"]);
}
