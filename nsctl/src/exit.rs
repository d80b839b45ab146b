//! Exit statuses of nsctl's own. The workload's pass through.

/// nsctl failed before the workload ran.
pub const OWN_FAILURE: i32 = 125;
/// The command line is wrong; docker's and podman's number for it.
pub const USAGE: i32 = 125;
