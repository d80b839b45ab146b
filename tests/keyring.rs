//! The session keyring: the caller's holds what must not come in.

use super::common::{Nsctl, Who, as_each, have, nsctl, program};

/// Runs nsctl in a session keyring that holds a key, which the program is told by $KEY.
fn with_key(who: Who, options: &[&str], script: &str) -> Option<Nsctl> {
    if !have("python3") {
        return None;
    }
    let outer = "
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
KEYCTL, ADD_KEY, SESSION = 250, 248, -3
assert libc.syscall(KEYCTL, 1, None) > 0, os.strerror(ctypes.get_errno())
key = libc.syscall(ADD_KEY, b'user', b'nsctl-test', b'secret', 6, SESSION)
assert key > 0, os.strerror(ctypes.get_errno())
os.environ['KEY'] = str(key)
os.execv(sys.argv[1], sys.argv[1:])
";
    let mut command = std::process::Command::new("python3");
    command.args(["-c", outer]).arg(program()).arg("run").args(options);
    command.args(["python3", "-c", script]);
    Some(nsctl(who, [""; 0]).started_by(who, command))
}

/// Looks for the caller's key, and prints what it holds.
const SEARCH: &str = "
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
KEYCTL, SEARCH, READ, SESSION = 250, 10, 11, -3
text = ctypes.create_string_buffer(16)
found = libc.syscall(KEYCTL, SEARCH, SESSION, b'user', b'nsctl-test', 0)
read = libc.syscall(KEYCTL, READ, int(os.environ['KEY']), text, 16)
print(found > 0, text.value.decode() if read > 0 else 'nothing')
";

#[test]
fn the_callers_keys_do_not_come_in_even_where_the_filter_is_open() {
    as_each(|who| {
        for options in [&["--seccomp", "unconfined"][..], &["--privileged"]] {
            let Some(run) = with_key(who, options, SEARCH) else { return };
            assert_eq!(run.run().success(), "False nothing", "{options:?}");
        }
    });
}

#[test]
fn the_callers_keys_come_in_when_asked_for() {
    as_each(|who| {
        let options = ["--privileged", "--keep-keyring"];
        let Some(run) = with_key(who, &options, SEARCH) else { return };
        assert_eq!(run.run().success(), "True secret");
    });
}
