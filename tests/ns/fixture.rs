//! Namespaces that a test makes, and looking at them.

use std::io::{BufRead, BufReader, Read};
use std::process::Child;

use serde_json::Value;

use super::super::common::{Who, nsctl, shell};

/// A script that keeps something as long as its standard input is open.
pub struct Fixture {
    child: Child,
    /// The words that it said when all was there.
    pub said: Vec<String>,
}

impl Fixture {
    /// Starts a script of sh(1). It says one line and then waits by `read wait`.
    pub fn shell(who: Who, script: &str) -> Fixture {
        Fixture::of(shell(who, script).spawn())
    }

    /// Starts nsctl likewise.
    pub fn nsctl<'a>(who: Who, arguments: impl IntoIterator<Item = &'a str>) -> Fixture {
        Fixture::of(nsctl(who, arguments).spawn())
    }

    fn of(mut child: Child) -> Fixture {
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        if line.is_empty() {
            let mut why = String::new();
            child.stderr.take().unwrap().read_to_string(&mut why).unwrap();
            panic!("the fixture did not start: {why}");
        }
        Fixture { child, said: line.split_whitespace().map(String::from).collect() }
    }

    /// The pid of what was started.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // Its end of file ends what waits for it.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The namespaces as `who` sees them.
#[track_caller]
pub fn list(who: Who, options: &[&str]) -> Vec<Value> {
    let ran = nsctl(who, [&["ns", "ls", "--json"], options].concat()).run();
    let all: Value = serde_json::from_str(ran.success()).unwrap();
    all["namespaces"].as_array().unwrap().clone()
}

/// The one with this number, `4026531840` or `uts:[4026531840]`.
#[track_caller]
pub fn find(who: Who, id: &str) -> Value {
    let id: u64 = number(id);
    let all = list(who, &[]);
    let found = all.iter().find(|namespace| namespace["id"] == id);
    found.unwrap_or_else(|| panic!("{id} is not listed: {all:#?}")).clone()
}

/// The number in a link.
pub fn number(link: &str) -> u64 {
    let digits = link.split('[').next_back().unwrap().trim_end_matches(']');
    digits.parse().unwrap()
}

/// All that keeps it, a line each.
pub fn kept(namespace: &Value) -> String {
    let kept = namespace["kept"].as_array().unwrap();
    kept.iter().map(|holder| format!("{}\n", holder.as_str().unwrap())).collect()
}
