//! What nsinit tells programs: lines of JSON, and binary records.

use crate::harness::{MODES, Mode, Run, can};
use crate::sys::{self, Before};
use nsinit::report::{Report, Stage};
use std::io::{BufRead, BufReader, PipeReader, Read};
use std::os::fd::AsRawFd;
use std::process::Stdio;

fn with_fd(mode: Mode, option: &str, words: &[&str]) -> (Run, PipeReader) {
    let (reader, writer) = std::io::pipe().unwrap();
    let words = [option, "9"].into_iter().chain(words.iter().copied());
    let run = Run::new(mode, words).before(Before::Keep(writer.as_raw_fd(), 9));
    // It has to stay open until the start, and be closed then.
    (run.holding(writer), reader)
}

#[test]
fn status_lines_tell_what_happens() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let script = "(sh -c 'echo orphan; exit 5' &) ; read x; exit 7";
        let (run, reader) = with_fd(mode, "--status-fd", &["sh", "-c", script]);
        let mut run = run.stdin(Stdio::piped()).start();
        run.until("orphan");
        let mut lines = BufReader::new(reader).lines().map(Result::unwrap);
        let started = lines.next().unwrap();
        let pid = started.strip_prefix("{\"event\":\"started\",\"pid\":").unwrap();
        let pid: i32 = pid.strip_suffix('}').unwrap().parse().unwrap();
        if mode == Mode::Pid1 {
            assert_eq!(pid, 2);
        }
        let reaped = lines.next().unwrap();
        assert!(reaped.starts_with("{\"event\":\"reaped\",\"pid\":"), "{reaped}");
        assert!(reaped.ends_with(",\"code\":5}"), "{reaped}");
        run.signal(libc::SIGCHLD);
        let expected =
            format!("{{\"event\":\"signalled\",\"signal\":17,\"name\":\"SIGCHLD\",\"to\":{pid}}}");
        assert_eq!(lines.next().unwrap(), expected);
        sys::kill(run.workload(), libc::SIGSTOP).unwrap();
        let stopped = lines.next().unwrap();
        let expected =
            format!("{{\"event\":\"stopped\",\"pid\":{pid},\"signal\":19,\"name\":\"SIGSTOP\"}}");
        assert_eq!(stopped, expected);
        sys::kill(run.workload(), libc::SIGCONT).unwrap();
        assert_eq!(lines.next().unwrap(), format!("{{\"event\":\"continued\",\"pid\":{pid}}}"));
        run.end_input();
        let exited = lines.next().unwrap();
        let expected = format!("{{\"event\":\"exited\",\"pid\":{pid},\"code\":7,\"user\":");
        assert!(exited.starts_with(&expected), "{exited}");
        for field in [",\"system\":0.", ",\"maxrss_kib\":"] {
            assert!(exited.contains(field), "{exited}");
        }
        assert_eq!(run.finish().code, 7);
        assert_eq!(lines.next(), None, "the end of the file is the end of nsinit");
    }
}

#[test]
fn status_lines_tell_of_a_death_and_of_a_failure() {
    let (run, reader) = with_fd(Mode::Child, "--status-fd", &["sh", "-c", "kill -KILL $$"]);
    assert_eq!(run.finish().code, 137);
    let last = BufReader::new(reader).lines().map(Result::unwrap).last().unwrap();
    assert!(last.contains(",\"signal\":9,\"name\":\"SIGKILL\",\"core\":false,"), "{last}");
    let (run, mut reader) = with_fd(Mode::Child, "--status-fd", &["no-such-program"]);
    assert_eq!(run.finish().code, 127);
    let mut all = String::new();
    reader.read_to_string(&mut all).unwrap();
    let expected = "{\"event\":\"failed\",\"stage\":\"exec\",\"errno\":2,\"code\":127}\n";
    assert_eq!(all, expected);
}

#[test]
fn the_workload_keeps_its_standard_error_if_status_lines_go_there() {
    let words = ["--status-fd", "2", "sh", "-c", "echo own >&2"];
    let done = Run::new(Mode::Child, words).finish();
    let lines: Vec<&str> = done.err.lines().collect();
    assert!(lines.contains(&"own"), "{lines:?}");
    assert!(lines.last().unwrap().starts_with("{\"event\":\"exited\""), "{lines:?}");
}

fn reports(mut reader: PipeReader) -> Vec<Report> {
    let mut all = Vec::new();
    reader.read_to_end(&mut all).unwrap();
    all.chunks(Report::LEN).map(|record| Report::decode(record).unwrap()).collect()
}

#[test]
fn records_tell_of_the_start_and_the_end() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        for (script, end) in [
            ("exit 9", Report::Exited { code: 9 }),
            ("kill -USR1 $$", Report::Signaled { signal: 10, core: false }),
            ("kill -64 $$", Report::Signaled { signal: 64, core: false }),
        ] {
            let (run, reader) = with_fd(mode, "--report-fd", &["sh", "-c", script]);
            let done = run.finish();
            let reports = reports(reader);
            assert!(
                matches!(reports[0], Report::Started { pid } if mode == Mode::Child || pid == 2)
            );
            assert_eq!(reports[1..], [end], "{mode:?}");
            assert_eq!(done.err, "");
        }
    }
}

#[test]
fn records_tell_of_stops() {
    let script = "kill -STOP $$; read x; exit 3";
    let (run, mut reader) = with_fd(Mode::Child, "--report-fd", &["sh", "-c", script]);
    let mut run = run.stdin(Stdio::piped()).start();
    let mut next = || {
        let mut record = [0; Report::LEN];
        reader.read_exact(&mut record).unwrap();
        Report::decode(&record).unwrap()
    };
    assert!(matches!(next(), Report::Started { .. }));
    assert_eq!(next(), Report::Stopped { signal: libc::SIGSTOP as u8 });
    run.signal(libc::SIGCONT);
    assert_eq!(next(), Report::Continued);
    run.end_input();
    assert_eq!(next(), Report::Exited { code: 3 });
    assert_eq!(run.finish().code, 3);
}

#[test]
fn with_records_nsinit_leaves_the_words_about_a_failure_to_its_starter() {
    for (words, stage, errno, code) in [
        (&["no-such-program"][..], Stage::Exec, libc::ENOENT, 127),
        (&["/etc"], Stage::Exec, libc::EACCES, 126),
        (&["--chdir", "/no/such", "true"], Stage::Chdir, libc::ENOENT, 125),
    ] {
        let (run, reader) = with_fd(Mode::Child, "--report-fd", words);
        let done = run.finish();
        assert_eq!((done.code, done.err.as_str()), (code.into(), ""), "{words:?}");
        assert_eq!(reports(reader), [Report::Failed { stage, errno, code }]);
    }
}

#[test]
fn nobody_has_to_read() {
    for option in ["--report-fd", "--status-fd"] {
        for mode in MODES.into_iter().filter(|mode| can(*mode)) {
            let (run, reader) = with_fd(mode, option, &["sh", "-c", "read x; exit 3"]);
            let mut run = run.stdin(Stdio::piped()).start();
            drop(reader);
            run.end_input();
            assert_eq!(run.finish().code, 3, "{mode:?} {option}");
        }
    }
}
