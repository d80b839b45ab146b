//! What containers say, and who hears it.

use std::fs;
use std::io::{Read, Write};
use std::time::Duration;

use super::Home;
use crate::common::{as_each, eventually};

#[test]
fn the_log_tells_both_streams_apart_and_has_times() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sh", "-c", "echo out; echo err >&2; printf end"]);
        home.run(&["wait", "c"]).success();
        let ran = home.run(&["logs", "c"]);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("out\nend", "err\n"));
        assert_eq!(home.run(&["logs", "--tail", "1", "c"]).stdout, "end");
        let stamped = home.run(&["logs", "-t", "c"]).stdout;
        assert!(
            stamped.lines().all(|line| line.len() > 31 && line.as_bytes()[29] == b'Z'),
            "{stamped}"
        );
        assert_eq!(home.run(&["logs", "--since", "1h", "c"]).stdout, "out\nend");
        assert_eq!(home.run(&["logs", "--until", "1h", "c"]).stdout, "");
        home.run(&["logs", "--since", "yesterday", "c"]).expect_error(125, &["yesterday"]);
    });
}

/// docker's json-file: other tools read it.
#[test]
fn a_line_of_the_log_is_json_whatever_was_said() {
    as_each(|who| {
        let home = Home::new(who);
        let script = r#"printf 'quote " back \\ tab \t bell \a bad \377\n'; head -c 40000 /dev/zero | tr '\0' x; echo"#;
        home.start(&["--name", "c", "sh", "-c", script]);
        home.run(&["wait", "c"]).success();
        let id = home.list()[0]["id"].as_str().unwrap().to_string();
        let text =
            fs::read_to_string(home.directory().join("containers").join(id).join("log")).unwrap();
        let said: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|record| record["log"].as_str().unwrap().to_string())
            .collect();
        assert_eq!(said[0], "quote \" back \\ tab \t bell \u{7} bad \u{fffd}\n");
        // Longer lines are cut, and whole again when they are read.
        assert!(said.len() > 3 && said[1..].concat() == format!("{}\n", "x".repeat(40000)));
        assert!(home.run(&["logs", "c"]).stdout.ends_with(&format!("{}\n", "x".repeat(40000))));
    });
}

#[test]
fn no_line_is_lost_or_doubled_when_the_log_turns_over() {
    as_each(|who| {
        let home = Home::new(who);
        let script = "sleep 0.2; i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done";
        home.start(&[
            "--name",
            "c",
            "--log-max-size",
            "20k",
            "--log-max-files",
            "100",
            "sh",
            "-c",
            script,
        ]);
        let followed = home.run(&["logs", "-f", "c"]).stdout;
        let all: String = (0..5000).map(|i| format!("line {i}\n")).collect();
        assert!(followed == all, "{} of {} bytes", followed.len(), all.len());
        assert!(home.run(&["logs", "c"]).stdout == all);
        assert_eq!(home.run(&["logs", "-n", "2", "c"]).stdout, "line 4998\nline 4999\n");
    });
}

#[test]
fn old_files_go_when_there_are_enough() {
    as_each(|who| {
        let home = Home::new(who);
        let script = "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done";
        home.start(&[
            "--name",
            "c",
            "--log-max-size",
            "20k",
            "--log-max-files",
            "2",
            "sh",
            "-c",
            script,
        ]);
        home.run(&["wait", "c"]).success();
        let text = home.run(&["logs", "c"]).stdout;
        let first: u32 = text.lines().next().unwrap()[5..].parse().unwrap();
        let rest: String = (first..3000).map(|i| format!("line {i}\n")).collect();
        assert!(first > 0 && text == rest);
        home.start(&["--name", "none", "--log-driver", "none", "sh", "-c", script]);
        home.run(&["wait", "none"]).success();
        home.run(&["logs", "none"]).expect_error(125, &["keeps no log"]);
        home.start(&["--name", "plain", "--log-driver", "file", "printf", "a\\nb"]);
        home.run(&["wait", "plain"]).success();
        assert_eq!(home.run(&["logs", "plain"]).stdout, "a\nb");
    });
}

#[test]
fn who_attaches_writes_reads_and_gets_the_status() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&[
            "--name",
            "c",
            "-i",
            "sh",
            "-c",
            "while read line; do echo got $line; done; exit 6",
        ]);
        let mut watcher = home.nsctl(&["attach", "--no-stdin", "c"]).spawn();
        let mut seen = [0; 4];
        let ran = {
            // The watcher is there when it sees the first line.
            let mut writer = home.nsctl(&["attach", "c"]).spawn();
            let mut input = writer.stdin.take().unwrap();
            input.write_all(b"one\ntwo\n").unwrap();
            drop(input);
            let mut output = String::new();
            writer.stdout.take().unwrap().read_to_string(&mut output).unwrap();
            (writer.wait().unwrap().code(), output)
        };
        assert_eq!(ran, (Some(6), "got one\ngot two\n".to_string()));
        let _ = watcher.stdout.take().unwrap().read(&mut seen);
        assert!(watcher.wait().unwrap().code().is_some());
        assert_eq!(home.run(&["logs", "c"]).stdout, "got one\ngot two\n");
        home.run(&["attach", "c"]).expect_error(125, &["not running", "nsctl logs c"]);
    });
}

/// A client that does not read must not stop the workload.
#[test]
fn a_client_that_does_not_read_stops_nobody() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&[
            "--name",
            "c",
            "--log-driver",
            "none",
            "sh",
            "-c",
            "sleep 0.3; head -c 20000000 /dev/zero; exit 3",
        ]);
        let mut deaf = home.nsctl(&["attach", "--no-stdin", "c"]).spawn();
        assert_eq!(home.run(&["wait", "c"]).success(), "3");
        let _ = deaf.kill();
        let _ = deaf.wait();
    });
}

#[test]
fn a_detached_terminal_is_one() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "-t", "sh", "-c", "tty; stty size; [ -t 2 ] && echo all"]);
        home.run(&["wait", "c"]).success();
        assert_eq!(home.run(&["logs", "c"]).stdout, "/dev/pts/0\r\n24 80\r\nall\r\n");
        assert!(eventually(Duration::from_secs(5), || home.status("c") == "exited"));
    });
}

#[test]
fn a_line_that_was_cut_is_one_line() {
    as_each(|who| {
        let home = Home::new(who);
        let script = "echo first; head -c 40000 /dev/zero | tr '\\0' x; echo; echo last";
        home.start(&["--name", "c", "sh", "-c", script]);
        home.run(&["wait", "c"]).success();
        let long = "x".repeat(40000);
        let tail = home.run(&["logs", "--tail", "2", "c"]).stdout;
        assert!(tail == format!("{long}\nlast\n"), "{} bytes", tail.len());
        let stamped = home.run(&["logs", "-t", "--tail", "2", "c"]).stdout;
        let lines: Vec<&str> = stamped.lines().collect();
        assert!(lines.len() == 2 && lines[0].ends_with(&format!("Z {long}")));
    });
}

/// What a line costs must not grow with the lines that are kept: else this takes minutes.
#[test]
fn the_end_of_a_long_log_is_found_in_one_pass() {
    as_each(|who| {
        let home = Home::new(who);
        let id = home.start(&["--name", "c", "true"]);
        home.run(&["wait", "c"]).success();
        let mut log = String::new();
        for at in 0..1_000_000 {
            log += &format!("{{\"log\":\"{at}\\n\",\"stream\":\"stderr\"}}\n");
        }
        // One line in pieces, among those of the other stream.
        for said in [".", ".", "\\n"] {
            log += &format!("{{\"log\":\"{said}\",\"stream\":\"stdout\"}}\n");
            log += "{\"log\":\"last\\n\",\"stream\":\"stderr\"}\n";
        }
        fs::write(home.directory().join("containers").join(id).join("log"), log).unwrap();
        let ran = home.run(&["logs", "--tail", "400000", "c"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "..\n"));
        let lines: Vec<&str> = ran.stderr.lines().collect();
        assert_eq!((lines.len(), lines[0], lines[399_998]), (399_999, "600004", "last"));
    });
}

#[test]
fn a_time_can_be_taken_from_the_log_itself() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.05; done"]);
        home.run(&["wait", "c"]).success();
        let stamped = home.run(&["logs", "-t", "c"]).stdout;
        let times: Vec<&str> =
            stamped.lines().map(|line| line.split_once(' ').unwrap().0).collect();
        let said = |words: &[&str]| home.run(&[&["logs"], words, &["c"]].concat()).stdout;
        assert_eq!(said(&["--since", times[1]]), "2\n3\n");
        assert_eq!(said(&["--until", times[1]]), "1\n2\n");
        assert_eq!(said(&["--since", times[1], "--until", times[1], "-n", "9"]), "2\n");
        assert_eq!(said(&["--since", "1970-01-02"]), "1\n2\n3\n");
        assert_eq!(said(&["--until", "86400"]), "");
    });
}

#[test]
fn following_ends_when_what_is_wanted_does() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sh", "-c", "echo one; exec sleep 1000"]);
        let said = || home.run(&["logs", "c"]).stdout == "one\n";
        assert!(eventually(Duration::from_secs(10), said));
        #[allow(clippy::disallowed_methods, reason = "logs have the times that people read")]
        let until = std::time::SystemTime::now() + Duration::from_millis(700);
        let until = until.duration_since(std::time::UNIX_EPOCH).unwrap();
        let until = format!("{}.{:09}", until.as_secs(), until.subsec_nanos());
        let ran = home.run(&["logs", "-f", "--until", &until, "c"]);
        assert_eq!(ran.success(), "one");
        assert_eq!(home.status("c"), "running");
    });
}
