//! Behaviour of the real binaries, run as a user runs them: as root and as an
//! unprivileged user. One file per behaviour; a test's name is its claim.
//!
//! Every test makes its own containers and never signals a process that it did
//! not start. What cannot run here says why: `skip: REASON`.

#![allow(clippy::unwrap_used, reason = "a failure here is a test's")]

#[allow(dead_code, unused_imports, reason = "each test takes what it needs")]
mod common;

mod attacks;
mod bad_input;
mod causes;
mod causes_root;
mod cgroup;
mod completion;
mod death;
mod debian;
mod descriptors;
mod doctor;
mod doctor_line;
mod dry_run;
mod errors;
mod exit_status;
mod explain;
mod full_disk;
mod full_pipes;
mod given_up;
mod identity;
mod idle;
mod init_file;
mod job_control;
mod join;
mod keyring;
mod landlock;
mod left_behind;
mod life;
mod machine;
mod manual;
mod mixed_streams;
mod mounts;
mod names;
mod namespaces;
mod nesting;
mod nesting_engines;
mod ns;
mod oom_score;
mod overlay_directories;
mod persist;
mod persist_killed;
mod process;
mod processors;
mod propagation;
mod readme;
mod rights;
mod rootfs;
mod rootfs_accounts;
mod rootfs_files;
mod rootfs_host_layers;
mod rootfs_images;
mod rootfs_kept;
mod seccomp_file;
mod security_opt;
mod set_user_id;
mod share;
mod signals;
mod signals_group;
mod signals_inherited;
mod start;
mod status_fd;
mod terminal;
mod time;
mod tiocsti;
mod tmpfs;
mod tmux;
mod volumes;
mod workdir;
