//! The inits that nsinit is compared with and measured beside, as Debian has them.

/// One of them.
pub struct Peer {
    /// Its program.
    pub name: &'static str,
    /// What its authors say to give it where it is not PID 1.
    pub options: &'static str,
    /// What makes it tell as much as it can.
    pub verbose: &'static str,
}

/// All.
pub const PEERS: &[Peer] = &[
    Peer { name: "tini", options: "-s", verbose: "-vvv -w" },
    Peer { name: "tini-static", options: "-s", verbose: "-vvv -w" },
    Peer { name: "dumb-init", options: "", verbose: "-v" },
    Peer { name: "catatonit", options: "", verbose: "" },
];
