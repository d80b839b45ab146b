//! What was tried on others, tried on us: a hostile root file system, hostile volumes, and
//! somebody who changes both while the container starts. Each test names the flaw by its
//! number. Nothing may be written, mounted or read outside, and nothing be left.

mod devices;
mod exec;
mod files;
mod kernel;
mod names;
mod race;
mod root;
mod victim;
mod volumes;
