//! The cases: what is expected of any init, and the test that asks for it.

/// One case.
pub struct Case {
    /// The group in the table.
    pub group: &'static str,
    /// What is expected, for people.
    pub name: &'static str,
    /// The test in `nsinit/tests/init`.
    pub test: &'static str,
    /// As what the init runs in it.
    pub place: Where,
}

/// As what an init is tested.
#[derive(Clone, Copy, PartialEq)]
pub enum Where {
    /// As PID 1 of a pid namespace and as an ordinary process.
    Both,
    /// As one of them.
    One,
}

use Where::{Both, One};

const fn case(group: &'static str, name: &'static str, test: &'static str, place: Where) -> Case {
    Case { group, name, test, place }
}

/// All of them, in the order of the table.
#[rustfmt::skip]
pub const CASES: &[Case] = &[
    case("Exit", "exit codes 0 to 255 are kept", "exit::every_exit_code_is_kept", Both),
    case("Exit", "death by signal n is 128+n, real-time signals too", "exit::death_by_any_signal_is_128_and_its_number", Both),
    case("Exit", "a missing program is named and 127", "exit::a_missing_program_is_127_and_is_named", Both),
    case("Exit", "an empty name is 127", "exit::an_empty_name_is_a_missing_program", One),
    case("Exit", "a program that may not be executed (EACCES), a directory: 126", "exit::what_may_not_be_executed_is_126", One),
    case("Exit", "ENOEXEC, an interpreter that is missing: 126", "exit::what_cannot_be_executed_is_126", One),
    case("Exit", "ENOTDIR, ELOOP, ENAMETOOLONG: 126", "exit::a_path_that_cannot_be_followed_is_126", One),
    case("Exit", "arguments that are too long are 126", "exit::arguments_that_are_too_long_are_126", One),
    case("Exit", "a script without #! is run by the shell", "exit::a_script_without_an_interpreter_line_is_run_by_the_shell", Both),
    case("Exit", "PATH: a missing program is 127 beside directories that cannot be searched", "exit::a_missing_program_is_not_found_even_beside_directories_that_cannot_be_searched", One),
    case("Exit", "PATH: none is the usual one, an empty element is here", "exit::without_a_path_the_usual_directories_are_searched_and_an_empty_one_is_here", One),
    case("Exit", "no command is a usage error on standard error", "exit::no_program_is_a_usage_error_on_standard_error", Both),
    case("Exit", "a fork that fails is told, no hang", "exit::a_limit_of_processes_is_told_and_ends_it", One),
    case("Exit", "an exit status that cannot be had (ECHILD), no hang", "exit::a_workload_that_somebody_else_has_reaped_still_ends_it", One),

    case("Arguments", "arguments are untouched: empty, non-UTF-8, options of the command's", "arguments::arguments_behind_the_program_are_untouched", Both),
    case("Arguments", "1.5 MB of them arrive", "arguments::a_megabyte_and_a_half_of_arguments_arrives", One),
    case("Arguments", "a program may be called -v", "arguments::a_program_may_have_the_name_of_an_option", One),
    case("Arguments", "argv[0] is kept", "arguments::the_program_is_called_as_it_was_asked_for", One),
    case("Arguments", "working directory, umask and environment are kept", "arguments::directory_umask_and_environment_are_kept", Both),
    case("Arguments", "started with argc 0: a message", "arguments::no_arguments_at_all_are_no_program", One),

    case("Signals", "32 and 33 are passed on", "signals::the_signals_that_c_libraries_keep_to_themselves_are_delivered", Both),
    case("Signals", "SEGV BUS ILL FPE ABRT TRAP SYS TSTP TTIN TTOU CHLD, sent by a process, are passed on", "signals::the_signals_of_faults_and_of_terminals_are_delivered", Both),
    case("Signals", "all others are passed on, once, real-time ones too", "signals::every_signal_is_delivered_once", Both),
    case("Signals", "SEGV TERM INT BUS ILL at once do not kill the init", "signals::signals_of_faults_sent_by_a_process_do_not_kill_the_init", Both),
    case("Signals", "TSTP TTIN TTOU stop the command, CONT continues it", "signals::stop_signals_of_terminals_are_forwarded_and_sigcont_undoes_them", Both),
    case("Signals", "1,550 queued ones keep order, code and payload", "signals::queued_signals_keep_their_number_order_code_and_payload", Both),
    case("Signals", "a burst to a stopped init arrives when it goes on", "signals::a_burst_to_a_stopped_init_is_delivered_when_it_goes_on", Both),
    case("Signals", "what comes while it is frozen (cgroup) arrives", "signals::what_comes_while_the_init_is_frozen_is_delivered_when_it_thaws", One),
    case("Signals", "TERM at any moment of the start, blocked until then, arrives", "signals::a_signal_that_comes_while_the_init_starts_is_delivered", One),
    case("Signals", "kill -TERM 1 from inside arrives", "signals::kill_1_from_inside_reaches_the_workload", One),
    case("Signals", "a clean parent gives a clean command: nothing blocked or ignored", "signals::a_clean_parent_gives_a_clean_workload", Both),
    case("Signals", "an inherited mask and ignored signals stay (nohup)", "signals::what_is_ignored_or_blocked_stays_so", One),
    case("Signals", "SIGPIPE: yes | head -1 is 141, unless it was ignored", "signals::a_broken_pipe_kills_the_workload_only_if_it_would_without_us", One),
    case("Signals", "started with SIGCHLD ignored: the exit code is kept", "signals::an_init_that_is_started_with_sigchld_ignored_keeps_the_exit_code", Both),
    case("Signals", "started with SIGCHLD ignored: it stays so for the command", "signals::an_ignored_sigchld_stays_so", One),
    case("Signals", "a stopped command is no exit and no work", "signals::a_stopped_workload_is_no_end_and_no_work", Both),
    case("Signals", "a command that may not be signalled (EPERM) is no exit", "signals::a_workload_that_may_not_be_signalled_does_not_end_the_init", One),

    case("Reaping", "an orphan is reaped within a second", "reaping::an_orphan_is_reaped_within_a_second", Both),
    case("Reaping", "thousands of orphans at once are reaped", "reaping::twenty_thousand_zombies_at_once_are_reaped", Both),
    case("Reaping", "5,000 orphans, one after the other, are reaped", "reaping::five_thousand_orphans_one_after_the_other_are_reaped", Both),
    case("Reaping", "TERM is delivered while orphans stream", "reaping::a_stream_of_orphans_is_reaped_and_delays_no_signal", Both),
    case("Reaping", "command and orphan end while the init is stopped: both are seen", "reaping::a_workload_that_ends_beside_orphans_while_the_init_is_stopped_is_seen", Both),
    case("Reaping", "orphans do not delay the exit", "reaping::orphans_do_not_delay_the_end", Both),
    case("Reaping", "a command that is traced is waited for", "reaping::what_another_process_traces_is_waited_for", One),

    case("Terminal", "^C reaches the command once, 130", "terminal::ctrl_c_reaches_the_workload_once_and_is_130", One),
    case("Terminal", "^Z stops, fg and bg continue", "terminal::ctrl_z_and_fg_stop_and_continue_the_workload", One),
    case("Terminal", "started in the background it leaves the terminal alone", "terminal::a_start_in_the_background_leaves_the_terminal_alone", One),
    case("Terminal", "^C reaches a command whose stdin is no terminal, or closed", "terminal::with_input_from_a_file_the_terminal_still_controls_the_workload", One),
    case("Terminal", "the script around it gets the terminal back", "terminal::a_script_gets_the_terminal_back", One),
    case("Terminal", "job control in a shell under it, under a shell", "terminal::a_shell_under_an_init_under_a_shell_has_job_control", One),
    case("Terminal", "job control in a shell, the init leading the session", "terminal::as_the_leader_of_the_session_it_gives_a_shell_job_control", One),
    case("Terminal", "a hang-up reaches the command", "terminal::a_hang_up_reaches_the_workload", One),
    case("Terminal", "a new size is told once", "terminal::a_new_size_is_told_to_the_workload_once", One),
    case("Terminal", "without a terminal the command has a process group of its own", "terminal::without_a_terminal_the_workload_has_a_group_of_its_own", One),
    case("Terminal", "below unshare --fork in a shell: ^C and input work", "terminal::under_unshare_in_a_shell_the_terminal_works", One),

    case("Descriptors", "the init keeps none that it inherited: a pipe's reader sees the end", "descriptors::the_init_holds_nothing_that_it_inherited", Both),
    case("Descriptors", "3 and above reach the command, no others do", "descriptors::the_workload_gets_what_was_open_and_nothing_else", Both),
    case("Descriptors", "0, 1, 2 may be closed", "descriptors::all_three_standard_descriptors_may_be_closed", One),
    case("Descriptors", "LISTEN_PID names the command", "descriptors::socket_activation_is_meant_for_the_workload", Both),
    case("Descriptors", "the init sits in /, no mount is kept busy", "descriptors::the_init_sits_in_the_root_directory", Both),
    case("Descriptors", "no parent-death signal or subreaper bit in the command of PID 1", "descriptors::neither_subreaper_nor_parent_death_signal_reach_the_workload_of_pid_1", One),

    case("Hardship", "a full log pipe stops nothing", "hardship::a_log_that_nobody_reads_stops_nothing", Both),
    case("Hardship", "a log pipe without a reader stops nothing", "hardship::a_log_whose_reader_has_gone_disturbs_nobody", Both),
    case("Hardship", "logs are never on standard output", "hardship::nothing_is_ever_logged_on_standard_output", One),
    case("Hardship", "RLIMIT_NOFILE=3", "hardship::three_descriptors_are_enough", One),
    case("Hardship", "an init in an init", "hardship::inits_in_inits_are_one_init", Both),
    case("Hardship", "prctl, setpgid, chdir, close_range denied by seccomp: signals arrive", "hardship::where_calls_are_denied_signals_are_forwarded_and_orphans_are_no_matter", One),
    case("Hardship", "SIGKILL of an init that is not PID 1 takes the command along", "descriptors::a_killed_init_takes_its_workload_along", One),
    case("Hardship", "a root that holds only the init and one static program: no /proc, no /dev", "image::it_does_all_its_work_in_a_root_that_holds_nothing_else", One),
    case("Hardship", "no wake-up, no CPU while nothing happens", "image::while_nothing_happens_it_does_nothing", Both),
];
