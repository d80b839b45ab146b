//! Attached at a real terminal.

use std::time::Duration;

use super::Home;
use crate::common::{Screen, as_each, eventually};

#[test]
fn keys_resizes_and_interrupts_arrive_and_some_keys_detach() {
    as_each(|who| {
        let home = Home::new(who);
        let script = "trap 'echo size $(stty size)' WINCH; trap 'echo interrupted' INT
            while :; do if read line; then echo got $line; fi; done";
        home.start(&["--name", "c", "-t", "-i", "bash", "-c", script]);
        let mut screen = home.at_terminal(&["attach", "c"]);
        assert!(eventually(Duration::from_secs(10), || screen.is_raw()));
        screen.line("one");
        screen.expect("got one");
        screen.resize(33, 99);
        screen.line("two");
        screen.expect("33 99");
        screen.send("\x03");
        screen.line("three");
        screen.expect("interrupted");
        // One of the keys alone is the container's.
        screen.send("\x10x\r");
        screen.expect("got");
        screen.send("\x10\x11");
        assert_eq!(screen.wait(), 0);
        assert!(!screen.is_raw());
        assert_eq!(home.status("c"), "running");
        let mut screen = home.at_terminal(&["attach", "--detach-keys", "ctrl-a,d", "c"]);
        assert!(eventually(Duration::from_secs(10), || screen.is_raw()));
        screen.send("\x10\x11\x01d");
        assert_eq!(screen.wait(), 0);
        assert_eq!(home.status("c"), "running");
    });
}

#[test]
fn three_terminals_see_the_same_and_each_is_restored() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&[
            "--name",
            "c",
            "-t",
            "-i",
            "sh",
            "-c",
            "read line; echo all: $line; read line; exit 7",
        ]);
        let mut screens: Vec<Screen> = (0..3).map(|_| home.at_terminal(&["attach", "c"])).collect();
        for screen in &screens {
            assert!(eventually(Duration::from_secs(10), || screen.is_raw()));
        }
        screens[1].line("hello");
        for screen in &screens {
            screen.expect("all: hello");
        }
        screens[2].line("");
        for screen in &mut screens {
            assert_eq!(screen.wait(), 7);
            assert!(!screen.is_raw());
        }
    });
}
