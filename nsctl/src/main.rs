//! Linux namespaces made usable.
//!
//! This program turns what was typed into a [`Spec`](nsshim::spec::Spec), has
//! [`nsshim`] carry it out, talks to the user's terminal, and tells what went wrong.
//!
//! Deliberately absent: a daemon, a configuration file, threads.

#![cfg_attr(not(test), no_main)]

mod causes;
mod cli;
mod entry;
mod error;
mod exit;
mod foreground;
mod inherited;
mod relay;
mod resolve;
mod state;
mod status;
