//! Nothing inside can type into the user's terminal (CVE-2017-5226, CVE-2019-7303).

use super::common::{PROMPT, Screen, as_each, have, skip};

/// Requests with which a terminal is made to read what nobody typed, and one that is
/// harmless, to see that the probe works. Bits above 32 are the kernel's to ignore.
const REQUESTS: [(&str, u64); 4] = [
    ("TIOCSTI", 0x5412),
    ("TIOCSTI with high bits", 0x1_0000_5412),
    ("TIOCLINUX", 0x541c),
    ("TIOCLINUX with high bits", 0xffff_ffff_0000_541c),
];

/// ioctl(2) by number: 16 on x86_64. Pushes one `#`, and says how that went.
fn probe(stream: u32, request: u64) -> String {
    format!(
        "perl -e '$b = \"#\"; $r = syscall(16, {stream}, {request}, $b); print \"r=$r errno=\", $!+0, \"\\n\"'"
    )
}

#[test]
fn pushing_input_is_denied() {
    if !have("perl") {
        return;
    }
    note_the_kernels_own_protection();
    as_each(|who| {
        // Its own terminal, and the user's.
        for options in ["", "--no-tty"] {
            let screen = Screen::shell(who);
            for (name, request) in REQUESTS {
                for stream in [0, 2] {
                    screen.line(&format!("$NSCTL run {options} {}", probe(stream, request)));
                    let shown = screen.expect("errno=1\r\n");
                    assert!(shown.contains("r=-1"), "{options} {name}: {shown}");
                    let prompt = screen.expect(PROMPT);
                    assert!(!prompt.contains('#'), "{options} {name}: {prompt:?}");
                }
            }
            assert_eq!(screen.command("echo untouched"), "untouched");
        }
    });
}

#[test]
fn a_terminal_of_its_own_keeps_even_an_unfiltered_push_inside() {
    if !have("perl") {
        return;
    }
    as_each(|who| {
        let screen = Screen::shell(who);
        screen.line(&format!(
            "$NSCTL run --privileged sh -c '{}; echo done'",
            probe(0, 0x5412).replace('\'', "'\\''")
        ));
        screen.expect("errno=");
        screen.expect("done\r\n");
        let prompt = screen.expect(PROMPT);
        assert!(!prompt.contains('#'), "{prompt:?}");
        assert_eq!(screen.command("echo untouched"), "untouched");
    });
}

fn note_the_kernels_own_protection() {
    let path = "/proc/sys/dev/tty/legacy_tiocsti";
    if std::fs::read_to_string(path).is_ok_and(|value| value.trim() == "0") {
        skip("TIOCSTI against an unprotected kernel: dev.tty.legacy_tiocsti=0");
    }
}
