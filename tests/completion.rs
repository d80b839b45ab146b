//! `nsctl completion`: real shells complete real lines.

use std::process::Command;

use super::common::{PROMPT, Screen, Who, as_each, have, nsctl, program, shell};

/// A shell at a terminal that was told how to complete, and a container called `nest`.
fn at_prompt(who: Who, shell: &str, setup: &str) -> Screen {
    let mut command = Command::new(shell);
    match shell {
        "bash" => command.args(["--norc", "--noprofile", "-i"]),
        _ => command.args(["-f", "-i"]),
    };
    command.env("NSCTL", program()).env("TERM", "dumb").env("PS1", PROMPT);
    let shell = nsctl(who, [""; 0]).started_by(who, command);
    let screen = Screen::start(who, shell.command, shell.tag);
    screen.expect(PROMPT);
    screen.command("PATH=${NSCTL%/*}:$PATH");
    screen.command(setup);
    screen.command("nsctl run -d --name nest --hostname nightingale sleep 1000");
    screen
}

/// Types lines whose tabs must have done something, or they would not work.
fn completes(screen: &Screen) {
    let lines = [
        // The container's name, and the program's.
        ("nsctl exec ne\tunam\t-n", "nightingale"),
        ("nsctl run --ut\tcontainer:ne\tuname -n", "nightingale"),
        ("nsctl run --uts=cont\tne\tuname -n", "nightingale"),
        (
            "nsctl run --cap-add CHOWN,SYS_ADM\t-- sh -c 'mount -t tmpfs t /mnt; echo $?'",
            "\r\n0\r\n",
        ),
        ("nsctl run --env-file=/etc/os-rel\t-- sh -c 'echo ${ID:+found}'", "\r\nfound\r\n"),
        ("nsctl insp\t--pi\tnest > /dev/null; echo it is $?", "it is 0"),
        ("nsctl n\tl\t-t ut\t > /dev/null; echo it is $?", "it is 0"),
        ("nsctl rm -f ne\t", "\r\nnest\r\n"),
    ];
    for (line, shown) in lines {
        screen.line(line);
        screen.expect(shown);
        screen.expect(PROMPT);
    }
}

#[test]
fn bash_completes_lines() {
    as_each(|who| {
        if have("bash") {
            completes(&at_prompt(who, "bash", "source <(nsctl completion bash)"));
        }
    });
}

#[test]
fn zsh_completes_lines() {
    as_each(|who| {
        if have("zsh") {
            let setup = "autoload -U compinit; compinit -u -D; source <(nsctl completion zsh)";
            completes(&at_prompt(who, "zsh", setup));
        }
    });
}

/// As a file of $fpath, which is how it is installed.
#[test]
fn zsh_takes_the_script_as_a_function_of_its_own() {
    as_each(|who| {
        if have("zsh") {
            let setup = "mkdir -p ~/f; nsctl completion zsh > ~/f/_nsctl; fpath+=~/f; \
                         autoload -U compinit; compinit -u -D";
            completes(&at_prompt(who, "zsh", setup));
        }
    });
}

#[test]
fn fish_completes_lines() {
    as_each(|who| {
        if !have("fish") {
            return;
        }
        let script = r#"
            PATH=${NSCTL%/*}:$PATH
            nsctl run -d --name nest sleep 1000 > /dev/null
            fish -N -c '
                nsctl completion fish | source
                for line in "exec ne" "run --net=container:" "run --cap-add CHOWN,SYS_ADM" \
                        "run --env-file=/etc/os-rel" "run -v /etc/os-rel" "n" "run --hostn" \
                        "exec nest una" "run -- una" "explain run una" "stop -s HU" "start "
                    echo : (complete -C "nsctl $line" | string split -f1 \t)
                end'
            nsctl rm -f nest"#;
        let ran = shell(who, script).run();
        let shown: Vec<&str> = ran.success().lines().collect();
        let expected = [
            "nest",
            "--net=container:nest",
            "CHOWN,SYS_ADMIN",
            "--env-file=/etc/os-release",
            "/etc/os-release",
            "ns",
            "--hostname",
            "uname",
            "uname",
            "uname",
            "HUP",
        ];
        for (shown, expected) in shown.iter().zip(expected) {
            assert!(shown.split(' ').any(|word| word == expected), "{expected}: {shown}");
        }
        // What runs need not be started.
        assert_eq!(shown[expected.len()..], [":", "nest"], "{ran:?}");
    });
}

/// A look must not leave what was not there.
#[test]
fn to_look_for_containers_makes_nothing() {
    as_each(|who| {
        let home = who.directory();
        let ran = nsctl(who, ["__complete", "--", "exec", ""])
            .env("NSCTL_STATE_DIR", home.join("state"))
            .run();
        assert_eq!(ran.success(), "nothing");
        assert!(!home.join("state").exists());
    });
}

#[test]
fn another_shell_is_refused_with_those_that_are_known() {
    nsctl(Who::User, ["completion", "tcsh"]).run().expect_error(125, &["tcsh", "bash, zsh, fish"]);
}
