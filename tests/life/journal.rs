//! `--log-driver journald`, with a test in journald's place, and docker's words for logs.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use super::Home;
use crate::common::{Who, as_each, eventually, shell, skip};

/// Runs a script in a mount namespace in which journald's socket is ours.
fn with_journal(home: &Home, script: &str) -> Option<(String, UnixDatagram)> {
    let who = home.who;
    if !nix::unistd::geteuid().is_root() {
        skip("root puts the socket in its place, and the tests run as a user");
        return None;
    }
    let directory = who.directory();
    let place = directory.join("socket");
    let socket = UnixDatagram::bind(&place).unwrap();
    fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let become_user = match who {
        Who::Root => String::new(),
        Who::User => format!("setpriv --reuid {} --regid {} --clear-groups", who.uid(), who.gid()),
    };
    let inner = directory.join("script");
    fs::write(&inner, script).unwrap();
    let outer = format!(
        "exec unshare -m sh -ec '
         mount -t tmpfs -o mode=755 none /run
         mkdir -p /run/systemd/journal
         touch /run/systemd/journal/socket
         mount --bind {} /run/systemd/journal/socket
         exec {become_user} sh -e {}'",
        place.display(),
        inner.display()
    );
    let ran = shell(Who::Root, &outer).env("NSCTL_STATE_DIR", home.directory()).detached().0;
    Some((ran.success().to_string(), socket))
}

/// A datagram's fields.
fn fields(socket: &UnixDatagram) -> Vec<(String, String)> {
    let mut buffer = vec![0; 65536];
    let length = socket.recv(&mut buffer).unwrap();
    let mut rest = &buffer[..length];
    let mut all = Vec::new();
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b'\n').unwrap();
        let line = String::from_utf8(rest[..end].to_vec()).unwrap();
        rest = &rest[end + 1..];
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name.to_string(), value.to_string()),
            None => {
                let size = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
                let value = String::from_utf8(rest[8..8 + size].to_vec()).unwrap();
                rest = &rest[8 + size + 1..];
                (line, value)
            }
        };
        all.push((name, value));
    }
    all
}

#[test]
fn each_line_is_a_datagram_with_its_containers_names() {
    as_each(|who| {
        let home = Home::new(who);
        let script = "
            $NSCTL run -d --name c --log-driver journald sh -c 'echo one; sleep 0.2; echo two >&2; sleep 0.2; printf end'
            $NSCTL wait c
            $NSCTL logs c 2>&1 || true
            $NSCTL rm c";
        let Some((said, socket)) = with_journal(&home, script) else { return };
        let id = said.lines().next().unwrap();
        assert!(said.contains("journalctl -o cat CONTAINER_NAME=c"), "{said}");
        for (message, priority) in [("one", "6"), ("two", "3"), ("end", "6")] {
            let all = fields(&socket);
            let field = |name: &str| {
                all.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
            };
            assert_eq!((field("MESSAGE"), field("PRIORITY")), (Some(message), Some(priority)));
            assert_eq!(
                (field("CONTAINER_NAME"), field("CONTAINER_ID_FULL")),
                (Some("c"), Some(id))
            );
            assert_eq!(field("CONTAINER_ID"), Some(&id[..12]));
            assert_eq!(field("SYSLOG_IDENTIFIER"), Some("c"));
            assert_eq!(field("CONTAINER_PARTIAL_MESSAGE").is_some(), message == "end");
        }
    });
}

/// A journald that does not read, or is gone, stops nobody.
#[test]
fn what_the_journal_does_not_take_is_counted() {
    as_each(|who| {
        let home = Home::new(who);
        let script = "
            $NSCTL run -d --name c --log-driver journald --log-opt tag=web seq 100000
            $NSCTL wait c
            $NSCTL inspect -f '{{.State.LogLost}}' c
            $NSCTL rm c";
        let Some((said, socket)) = with_journal(&home, script) else { return };
        let mut lines = said.lines().skip(1);
        assert_eq!(lines.next(), Some("0"));
        assert!(lines.next().unwrap().parse::<u64>().unwrap() > 1000, "{said}");
        let first = fields(&socket);
        assert!(first.contains(&("SYSLOG_IDENTIFIER".into(), "web".into())), "{first:?}");
        assert!(first.contains(&("MESSAGE".into(), "1".into())), "{first:?}");
    });
}

#[test]
fn without_a_journal_it_is_refused_and_leaves_nothing() {
    as_each(|who| {
        let home = Home::new(who);
        if Path::new("/run/systemd/journal/socket").exists() {
            return skip("systemd's journal runs here");
        }
        home.run(&["run", "-d", "--log-driver=journald", "true"]).expect_error(
            125,
            &["/run/systemd/journal/socket", "journal does not run", "json-file"],
        );
        assert_eq!(home.left(), [""; 0]);
    });
}

#[test]
fn dockers_words_for_the_limits_of_a_log_are_taken() {
    as_each(|who| {
        let home = Home::new(who);
        let script = "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done";
        let opts =
            ["--log-opt", "max-size=20k", "--log-opt", "max-file=3", "--log-opt=mode=non-blocking"];
        let id = home.start(&[&["--name=c"][..], &opts, &["sh", "-c", script]].concat());
        home.run(&["wait", "c"]).success();
        let files = || {
            let directory = home.directory().join("containers").join(&id);
            let all = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
            let all = all.filter(|entry| entry.file_name().to_str().unwrap().starts_with("log"));
            all.map(|entry| entry.metadata().unwrap().len()).collect::<Vec<u64>>()
        };
        assert!(files().len() == 3 && files().iter().all(|&size| size <= 20480), "{:?}", files());
        home.run(&["update", "--log-opt", "max-file=2", "c"]).success();
        home.run(&["start", "c"]).success();
        assert!(eventually(Duration::from_secs(20), || home.status("c") == "exited"));
        assert_eq!(files().len(), 2);
        for (wrong, why) in [
            ("max-size=0", "no size"),
            ("max-file=0", "no number of files"),
            ("tag=x", "no such option"),
            ("loud", "max-size=SIZE"),
        ] {
            home.run(&["run", "-d", "--log-opt", wrong, "true"]).expect_error(125, &[why]);
        }
        assert_eq!(home.list().len(), 1);
    });
}
