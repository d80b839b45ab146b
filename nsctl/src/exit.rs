//! Exit statuses of nsctl's own. The workload's pass through.

/// nsctl failed before the workload ran.
pub const OWN_FAILURE: i32 = 125;
/// The command was found and cannot be executed.
pub const NOT_EXECUTABLE: i32 = 126;
/// There is no such command.
pub const NOT_FOUND: i32 = 127;
/// The command line is wrong; docker's and podman's number for it.
pub const USAGE: i32 = 125;
