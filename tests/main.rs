//! Behaviour of the real binaries.
