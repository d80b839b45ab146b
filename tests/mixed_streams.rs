//! Streams that are a terminal, a file, a pipe or closed, in any mix: nothing lost,
//! nothing added, no hang.

use std::time::Duration;

use super::common::{PROMPT, Screen, Who, as_each, eventually, nsctl};

/// A line of the user's shell at a terminal, and what it shows.
const LINES: &[(&str, &str)] = &[
    ("$NSCTL run echo text > f; od -c f | head -1", "0000000   t   e   x   t  \\n"),
    ("$NSCTL run -t echo text > f; od -c f | head -1", "0000000   t   e   x   t  \\n"),
    ("$NSCTL run -t echo text | od -c | head -1", "0000000   t   e   x   t  \\n"),
    ("$NSCTL run echo text | od -c | head -1", "0000000   t   e   x   t  \\n"),
    ("$NSCTL run sh -c 'echo out; echo err >&2' 2> f; echo file; cat f", "out\nfile\nerr"),
    ("$NSCTL run -t sh -c 'echo out; echo err >&2' > f 2>&1; cat f", "out\nerr"),
    ("$NSCTL run -t sh -c 'echo out; echo err >&2' > f 2> g; cat f g", "out\nerr"),
    ("$NSCTL run seq 1000000 | head -1; echo ${PIPESTATUS[*]}", "1\n141 0"),
    // It meets the closed terminal or is told first: EIO or SIGHUP.
    ("$NSCTL run -t seq 1000000 | head -1; echo ${PIPESTATUS[*]/129/1}", "1\n1 0"),
    ("echo x | $NSCTL run cat", "x"),
    ("echo x | $NSCTL run -t cat", "x\nx"),
    ("printf x | $NSCTL run -t cat; echo", "xx"),
    ("echo text > f; $NSCTL run cat < f", "text"),
    ("$NSCTL run cat < /dev/null; echo $?", "0"),
    ("$NSCTL run -t cat < /dev/null; echo $?", "0"),
    // A closed stream is /dev/null: what ls opens does not become its input.
    ("$NSCTL run ls -1 /proc/self/fd <&-", "0\n1\n2\n3"),
    ("$NSCTL run sh -c 'echo out >&2' >&-", "out"),
    ("$NSCTL run sh -c 'echo out' 2>&-", "out"),
    ("$NSCTL run no-such-command 2>&-; echo $?", "127"),
    ("$NSCTL run sh -c 'exit 4' <&- >&- 2>&-; echo $?", "4"),
    ("$NSCTL run -t sh -c 'exit 4' <&- >&- 2>&-; echo $?", "4"),
    ("$NSCTL run --no-tty sh -c 'test -t 0; echo $?; test -t 1; echo $?' | cat", "0\n1"),
    ("$NSCTL run -it sh -c 'tty; test -t 0 && test -t 1 && test -t 2; echo $?'", "/dev/pts/0\n0"),
    ("$NSCTL run -i echo text", "text"),
];

#[test]
fn a_shell_line_shows_what_it_would_without_nsctl() {
    as_each(|who| {
        let screen = Screen::shell(who);
        screen.command(&format!("cd {}", who.directory().display()));
        for (line, expected) in LINES {
            assert_eq!(&screen.command(line), expected, "{line}");
        }
    });
}

#[test]
fn without_any_terminal_one_can_be_asked_for() {
    as_each(|who| {
        let script = "tty; stty size; cat; exit 3";
        let ran = nsctl(who, ["run", "-t", "sh", "-c", script]).input("line\n").run();
        ran.expect_code(3);
        // Its echo comes when it is typed.
        let mut lines: Vec<&str> = ran.stdout.split('\n').collect();
        lines.sort_unstable();
        assert_eq!(lines, ["", "/dev/pts/0", "24 80", "line", "line"]);
    });
}

#[test]
fn no_tty_and_tty_contradict() {
    nsctl(Who::User, ["run", "-t", "--no-tty", "true"]).run().expect_error(125, &["--no-tty"]);
}

#[test]
fn ten_megabytes_of_input_arrive_unchanged() {
    as_each(|who| {
        let input: String = (0..1_300_000).map(|number| format!("{number:07}\n")).collect();
        let ran = nsctl(who, ["run", "cat"]).input(input.clone()).run();
        assert!(ran.success() == input.trim_end(), "{} bytes came back", ran.stdout.len());
        let ran = nsctl(who, ["run", "-t", "sh", "-c", "stty -echo; echo; exec cat"])
            .input(input.clone())
            .run();
        assert!(ran.success().ends_with(input.trim_end()), "{} bytes came back", ran.stdout.len());
    });
}

#[test]
fn a_slow_reader_gets_everything() {
    as_each(|who| {
        let screen = Screen::shell(who);
        for tty in ["", "-t"] {
            let line =
                format!("$NSCTL run {tty} seq 100000 | (sleep 0.3; md5sum); seq 100000 | md5sum");
            let shown = screen.command(&line);
            let sums: Vec<&str> = shown.lines().collect();
            assert_eq!(sums[0], sums[1], "{tty}");
        }
    });
}

#[test]
fn a_reader_that_takes_nothing_does_not_keep_signals_back() {
    as_each(|who| {
        let screen = Screen::shell(who);
        screen.line("$NSCTL run -t seq 100000 | sh -c 'echo go; exec sleep 1000' >&2");
        screen.expect("go\r\n");
        // A key of the container's, or of the whole pipeline when the container has ended.
        screen.send("\x03");
        if !eventually(Duration::from_secs(2), || screen.sees(PROMPT)) {
            screen.send("\x03");
        }
        screen.expect(PROMPT);
    });
}
