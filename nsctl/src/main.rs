//! Linux namespaces made usable.
//!
//! This program turns what was typed into a [`Spec`](nsshim::spec::Spec), has
//! [`nsshim`] carry it out, talks to the user's terminal, and tells what went wrong.
//!
//! Deliberately absent: a daemon, a configuration file, threads.

// The tests of the parts have an entry point of their own.
#![cfg_attr(not(test), no_main)]
#![cfg_attr(test, allow(dead_code, reason = "used from the entry point"))]

mod args;
mod causes;
mod cgroups;
mod cli;
mod complete;
mod containers;
mod detached;
mod doctor;
#[cfg(not(test))]
mod entry;
mod error;
mod exit;
mod explain;
mod foreground;
#[cfg(test)]
mod fuzz;
mod graph;
mod inherited;
#[cfg(test)]
mod manual;
mod mountinfo;
mod nsfs;
mod outlet;
mod output;
mod own_signals;
mod pods;
mod relay;
mod resolve;
mod scan;
#[cfg(all(own_start, not(test)))]
mod start;
mod state;
mod status;
mod template;
