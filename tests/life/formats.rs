//! What is shown of containers, as people and programs ask for it.

use std::fs;
use std::time::Duration;

use super::Home;
use crate::common::{Screen, as_each, eventually};

#[test]
fn a_template_says_what_is_shown() {
    as_each(|who| {
        let home = Home::new(who);
        let id = home.start(&["--name=a", "-l", "app=web", "-l", "x", "sleep", "1000"]);
        home.start(&["--name=b", "sh", "-c", "exit 3"]);
        home.run(&["wait", "b"]).success();
        let ps = |format: &str| home.run(&["ps", "-a", "--format", format]).stdout;
        assert_eq!(ps("{{.Name}}:{{.State}}:{{.ExitCode}}"), "b:exited:3\na:running:\n");
        assert_eq!(ps("{{.Labels}}|{{.Command}}").lines().nth(1), Some("app=web,x|sleep 1000"));
        let table = ps("table {{.Names}}\\t{{.ID}}");
        assert_eq!(table.lines().nth(2), Some(format!("a       {}", &id[..12]).as_str()));
        assert_eq!(table.lines().next(), Some("NAMES   ID"));
        let line = ps("json").lines().nth(1).unwrap().to_string();
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&object["Name"], &object["FullID"]), (&"a".into(), &id.as_str().into()));
        let pid = home.run(&["inspect", "--pid", "a"]).success().to_string();
        let inspect = |format: &str| home.run(&["inspect", "-f", format, "a"]).stdout;
        assert_eq!(inspect("{{.State.Pid}} {{.Name}}"), format!("{pid} a\n"));
        assert_eq!(inspect("{{json .Config.Labels}}"), "[\"app=web\",\"x\"]\n");
        let ran = home.run(&["inspect", "-f", "{{.Name}}", "a", "nobody", "b"]);
        ran.expect_error(125, &["no such container: nobody"]);
        assert_eq!(ran.stdout, "a\nb\n");
        let stats = home.run(&["stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}", "a"]);
        assert_eq!(stats.success(), "a 2");
    });
}

/// docker's word for what is shown anyway.
#[test]
fn a_bare_table_is_the_usual_one() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name=a", "sleep", "1000"]);
        let titles = |words: &[&str]| {
            let text = home.run(words).success().to_string();
            text.lines().next().unwrap_or_default().to_string()
        };
        assert_eq!(titles(&["ps", "--format", "table"]), titles(&["ps"]));
        let stats = titles(&["stats", "--no-stream", "--format", "table"]);
        assert_eq!(stats, titles(&["stats", "--no-stream"]));
        let namespaces = titles(&["ns", "ls", "-t", "user", "--format", "table"]);
        assert_eq!(namespaces, titles(&["ns", "ls", "-t", "user"]));
        let refused = home.run(&["events", "--format", "table"]);
        refused.expect_error(125, &["events come one by one"]);
        home.run(&["events", "--format", "table {{.ID}}"])
            .expect_error(125, &["events come one by one"]);
    });
}

#[test]
fn a_field_that_is_none_is_refused_with_those_that_are() {
    as_each(|who| {
        let home = Home::new(who);
        for verb in ["ps", "stats", "events"] {
            let known = [".Nmae", ".Name", ".ID"];
            home.run(&[verb, "--format", "{{.Nmae}}"]).expect_error(125, &known);
            home.run(&[verb, "--format", "{{.Name"]).expect_error(125, &["has no }}"]);
            home.run(&[verb, "--format", "{{range .}}"]).expect_error(125, &["is no field"]);
        }
        home.start(&["--name=a", "sleep", "1000"]);
        home.run(&["inspect", "-f", "{{.State.Pdi}}", "a"])
            .expect_error(125, &[".State.Pdi", ".pid"]);
        home.run(&["events", "--filter", "color=red"]).expect_error(125, &["color=red", "event="]);
    });
}

#[test]
fn the_last_ones_are_shown_whatever_they_do() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name=a", "sleep", "1000"]);
        for name in ["b", "c"] {
            home.start(&["--name", name, "sh", "-c", "exit 4"]);
            home.run(&["wait", name]).success();
        }
        let names = |words: &[&str]| {
            let all = [&["ps", "--format", "{{.Name}}"], words].concat();
            home.run(&all).success().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(&[]), "a");
        assert_eq!(names(&["-n", "2"]), "c b");
        assert_eq!(names(&["-l"]), "c");
        assert_eq!(names(&["-n", "9", "--filter", "name=a"]), "a");
        assert_eq!(names(&["--filter", "exited=4"]), "c b");
        assert_eq!(names(&["--filter", "exited=5"]), "");
        assert_eq!(names(&["-n", "0"]), "");
    });
}

#[test]
fn pids_of_both_sides_and_the_namespaces_are_shown() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name=a", "sleep", "1000"]);
        home.start(&["--name=b", "--pid=container:a", "sleep", "1001"]);
        let shown = home.run(&["ps", "--ns"]).success().to_string();
        let row = |name: &str| -> Vec<String> {
            let line = shown.lines().find(|line| line.split_whitespace().nth(1) == Some(name));
            line.unwrap().split_whitespace().map(str::to_string).collect()
        };
        let (a, b) = (row("a"), row("b"));
        assert!(shown.starts_with("ID") && a.len() == 12, "{shown}");
        let pid = home.run(&["inspect", "--pid", "a"]).success().to_string();
        assert_eq!((a[2].as_str(), a[3].as_str()), (pid.as_str(), "1"));
        assert!(b[3].parse::<u32>().unwrap() > 1, "{shown}");
        for (at, kind) in
            ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"].iter().enumerate()
        {
            let link = fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap();
            assert_eq!(link.to_str().unwrap(), format!("{kind}:[{}]", a[4 + at]));
        }
        assert_eq!(a[6], b[6], "the pid namespace");
        assert_ne!(a[7], b[7], "the network");
    });
}

#[test]
fn what_others_named_does_not_speak_to_the_terminal() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name=a", "-l", "x=\x1b[31mred", "sh", "-c", "sleep 1000; # \x1b]0;t\x07"]);
        let mut shown = home.run(&["ps", "--no-trunc"]).stdout;
        shown += &home.run(&["ps", "--format", "{{.Labels}} {{.Command}}"]).stdout;
        shown += &home.run(&["inspect", "-f", "{{.Config.Labels}}", "a"]).stdout;
        assert!(shown.contains("\\u{1b}[31mred") && !shown.contains('\x1b'), "{shown:?}");
        let nsctl = home.nsctl(&["ps"]);
        let mut screen = Screen::start(who, nsctl.command, nsctl.tag);
        assert_eq!(screen.wait(), 0);
        let text = screen.rest();
        assert!(text.lines().all(|line| line.trim_end().chars().count() <= 80), "{text}");
    });
}

#[test]
fn events_are_told_as_asked() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name=a", "sleep", "1000"]);
        home.start(&["--name=b", "sleep", "1000"]);
        let format = "{{.Event}} of {{.Name}}{{.PID}}";
        let words = ["--filter=event=update", "--filter=container=a", "--format", format];
        let mut events = home.events(&words);
        let seconds = std::cell::Cell::new(100);
        let first = std::cell::RefCell::new(String::new());
        let heard = eventually(Duration::from_secs(20), || {
            seconds.set(seconds.get() + 1);
            let time = format!("--stop-timeout={}", seconds.get());
            home.run(&["update", &time, "b", "a"]).success();
            events.told().next().map(|line| *first.borrow_mut() = line).is_some()
        });
        assert!(heard && first.take() == "update of a");
        events.end(libc::SIGKILL);
        assert!(events.rest().iter().all(|line| line == "update of a"));
    });
}
