//! `nsctl ns`: namespaces that exist.

mod can;
mod columns;
mod diff;
mod fields;
mod filter;
mod graph;
mod kinds;
mod ls;
mod release;
mod show;
mod tree;
mod watch;

use std::io::Write;

use serde_json::Value;

use crate::args::NsArgs;
use crate::error::Error;
use crate::scan::Unread;

/// The columns of `ns ls`.
pub fn column_names() -> Vec<&'static str> {
    columns::Column::all().into_iter().map(columns::Column::name).collect()
}

/// Does it and returns the exit status.
pub fn main(args: &NsArgs) -> Result<i32, Error> {
    match args {
        NsArgs::Ls(args) => ls::ls(args),
        NsArgs::Tree(args) => tree::tree(args),
        NsArgs::Show(args) => show::show(args),
        NsArgs::Diff(args) => diff::diff(args),
        NsArgs::Graph(args) => graph::graph(args),
        NsArgs::Can(args) => can::can(args),
        NsArgs::Watch(args) => watch::watch(args),
        NsArgs::Drop { files } => {
            files.iter().try_for_each(|file| release::release(file)).map(|()| 0)
        }
    }
}

/// Prints what was asked for; a reader that is gone wants no more.
fn print(text: &str) {
    let mut output = std::io::stdout().lock();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}

/// The same as JSON, for people as well.
fn print_json(value: &Value) {
    print(&format!("{}\n", serde_json::to_string_pretty(value).unwrap_or_default()));
}

/// Says what is missing in what was shown.
fn say_unread(unread: Unread) {
    let text =
        unread_lines(unread).iter().map(|line| format!("nsctl: {line}\n")).collect::<String>();
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// How many processes could not be read, and why.
fn unread_lines(unread: Unread) -> Vec<String> {
    let processes = |count: u32| match count {
        1 => "1 process was not read: it".to_string(),
        _ => format!("{count} processes were not read: they"),
    };
    // Whoever is root already lacks a right, not a name.
    let root = nix::unistd::geteuid().is_root();
    let remedy = if root { "" } else { " (sudo nsctl … reads all)" };
    let mut lines = Vec::new();
    if unread.others > 0 {
        let verb = if unread.others == 1 { "belongs" } else { "belong" };
        lines.push(format!("{} {verb} to other users{remedy}", processes(unread.others)));
    }
    if unread.protected > 0 {
        let (has, is) = if unread.protected == 1 { ("has", "is") } else { ("have", "are") };
        lines.push(format!(
            "{} {has} more rights than you, or {is} not dumpable{remedy}",
            processes(unread.protected)
        ));
    }
    if unread.hidden && !root {
        lines.push("/proc is mounted with hidepid: processes of other users are not seen".into());
    }
    lines
}
