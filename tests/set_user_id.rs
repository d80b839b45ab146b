//! nsctl gives nobody rights that its caller has not.

use std::process::Command;

use super::common::{Who, install, nsctl, skip};

#[test]
fn cve_2016_8659_a_set_user_id_nsctl_refuses_to_run() {
    if !nix::unistd::geteuid().is_root() {
        return skip("a program of root's is needed, and the tests run as a user");
    }
    let mut run = nsctl(Who::User, ["run", "id", "-u"]);
    // In root's own directory: nobody else gets it.
    let program = Who::Root.directory().join("nsctl");
    install(run.command.get_program(), &program, 0o4755);
    let mut command = Command::new(&program);
    command.args(run.command.get_args()).current_dir("/");
    Who::User.apply(&mut command);
    run.command = command;
    let ran = run.run();
    ran.expect_error(125, &["set-user-ID", "remedy"]);
    assert_eq!(ran.stdout, "");
}
