//! The real image, run as its users run it: one file per topic, a test's name is its claim.

#![allow(clippy::unwrap_used, reason = "a failure here is a test's")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

mod harness;
mod payload;
mod subject;
mod sys;

mod arguments;
mod descriptors;
mod exit;
mod hardship;
mod image;
mod options;
mod reaping;
mod signals;
mod status;
mod stop;
mod terminal;
