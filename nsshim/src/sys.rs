//! The only unsafe code of this crate: one function per system call that nix
//! does not have, each with the system call's name. Nothing here decides.

mod affinity;
mod clone;
mod directory;
mod exec;
mod fd;
mod ioctl;
mod loopdev;
mod mount;
mod netlink;
mod probe;
mod process;
mod shared;
mod signal;
mod wait;
mod xattr;

pub(crate) use affinity::{Processors, getcpu, sched_getaffinity, sched_setaffinity};
pub(crate) use clone::{Cloned, Stack, clone_vfork, clone_vfork_pinned, clone3};
pub use directory::{getdents64, names, readlinkat};
pub(crate) use exec::exec_with;
pub use fd::{
    close_all_but, duplicate, is_open, own_received, replace_standard_stream, standard_input,
    standard_output,
};
pub(crate) use fd::{close_from_but, close_in_child, open_directory, standard_error};
pub use ioctl::{
    get_ns_id, get_ns_kind, get_ns_owner_uid, get_ns_parent, get_ns_userns, get_socket_netns,
    get_window_size, if_up, open_pty_peer, set_controlling_terminal, set_window_size,
    signal_foreground, unlock_pty,
};
pub(crate) use loopdev::{loop_configure, loop_get_free};
pub(crate) use mount::{
    MountChange, fsconfig, fsconfig_create, fsmount, fsopen, mount_setattr, mount_setattr_idmap,
    move_mount, open_tree_attached, open_tree_clone,
};
pub use mount::{mount_id, mount_setattr_readonly};
pub use netlink::connector_socket;
pub use probe::intercepted;
pub use process::{
    capbset_drop, exit_now, fork_single_threaded, join_session_keyring, landlock_abi, lives,
    pidfd_getfd, pidfd_open, runs_with_foreign_rights, set_nice, setdomainname, umask,
};
pub(crate) use process::{forget_program, forget_used_stack, trim_heap};
pub(crate) use shared::SharedWord;
pub use signal::{
    SignalInfo, block_all_signals, blocked_signals, default_signal, ignore_signal, is_ignored,
    pidfd_send_signal, set_signal_mask, signalfd_all, while_stoppable,
};
pub(crate) use wait::wait_for_end;
pub use wait::{Change, Whose, waitid};
pub use xattr::get_xattr;
