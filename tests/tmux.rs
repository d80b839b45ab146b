//! In a real terminal emulator: a server of the test's own, with its own socket.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use super::common::{
    Tag, Who, as_each, environment, eventually, have, nsctl, with_default_actions,
};

struct Tmux {
    who: Who,
    home: PathBuf,
    tag: Tag,
}

impl Tmux {
    /// A window of 80 by 24 in which `$NSCTL` is the program under test.
    fn start(who: Who) -> Self {
        let program = nsctl(who, [""; 0]);
        let tmux = Tmux { who, home: who.directory(), tag: program.tag };
        let mut command = tmux.command(&["new-session", "-d", "-x", "80", "-y", "24"]);
        command.args(["env", "-u", "PROMPT_COMMAND", "PS1=out> ", "bash", "--norc", "--noprofile"]);
        command.env("NSCTL", program.command.get_program());
        environment(&program.command, &mut command);
        assert!(command.status().unwrap().success());
        tmux
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-f", "/dev/null", "-S"]).arg(self.home.join("socket")).args(arguments);
        command.env("TERM", "xterm").env_remove("TMUX").current_dir("/");
        with_default_actions(&mut command);
        self.who.apply(&mut command);
        command
    }

    fn tell(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn line(&self, text: &str) {
        self.tell(&["send-keys", text, "Enter"]);
    }

    #[track_caller]
    fn expect(&self, text: &str) {
        let screen = || String::from_utf8(self.tell(&["capture-pane", "-p"]).stdout).unwrap();
        let shown = eventually(Duration::from_secs(20), || screen().contains(text));
        assert!(shown, "{text:?} is not on the screen:\n{}", screen());
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.tell(&["kill-server"]);
    }
}

#[test]
fn a_window_is_resized_stopped_resumed_and_closed() {
    if !have("tmux") {
        return;
    }
    as_each(|who| {
        let tmux = Tmux::start(who);
        tmux.expect("out>");
        tmux.line("$NSCTL run --hostname bird --env 'PS1=in> ' bash --norc --noprofile");
        tmux.expect("in>");
        tmux.line("hostname; stty size");
        tmux.expect("bird\n24 80");
        tmux.tell(&["resize-window", "-x", "100", "-y", "30"]);
        tmux.line("clear; stty size");
        tmux.expect("30 100");
        let script = "trap \"echo again\" CONT; echo go; while :; do sleep 0.1; done";
        tmux.line(&format!("clear; sh -c '{script}'"));
        tmux.expect("go\n");
        tmux.tell(&["send-keys", "C-z"]);
        tmux.expect("Stopped");
        tmux.line("clear; fg");
        tmux.expect("again\n");
        tmux.tell(&["send-keys", "C-c"]);
        tmux.line("clear; exit 3");
        tmux.expect("exit\nout>");
        tmux.line("echo code-$?");
        tmux.expect("code-3");
        tmux.line("clear; $NSCTL run sh -c 'echo go; exec sleep 1000'");
        tmux.expect("go\n");
        tmux.tell(&["kill-window"]);
        tmux.tag.expect_none_within(Duration::from_secs(2));
    });
}
