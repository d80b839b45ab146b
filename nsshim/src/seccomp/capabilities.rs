//! Which capabilities a container has unless told otherwise.

#![forbid(unsafe_code)]

/// The bounding set that docker gives a container (bit n: capability n of `linux/capability.h`).
pub const DOCKER_DEFAULT_CAPABILITIES: u64 = 1 << 0 // CHOWN
    | 1 << 1 // DAC_OVERRIDE
    | 1 << 3 // FOWNER
    | 1 << 4 // FSETID
    | 1 << 5 // KILL
    | 1 << 6 // SETGID
    | 1 << 7 // SETUID
    | 1 << 8 // SETPCAP
    | 1 << 10 // NET_BIND_SERVICE
    | 1 << 13 // NET_RAW
    | 1 << 18 // SYS_CHROOT
    | 1 << 27 // MKNOD
    | 1 << 29 // AUDIT_WRITE
    | 1 << 31; // SETFCAP

/// A right that is no capability, beside them in a set: to make containers inside.
pub const NESTING: u64 = 1 << 63;

/// The sets whose filters are made beforehand: docker's, what is left when all are dropped, what
/// namespaces inside need, as a right of its own and with the capability, and all.
pub const PREBUILT: [u64; 5] = [
    DOCKER_DEFAULT_CAPABILITIES,
    0,
    DOCKER_DEFAULT_CAPABILITIES | NESTING,
    DOCKER_DEFAULT_CAPABILITIES | 1 << 21,
    !NESTING,
];
