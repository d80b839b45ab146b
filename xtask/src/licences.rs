//! Whether we may ship what we depend on, and whether our Rust is new enough
//! for it.
//!
//! cargo-deny does this and more; where it is not installed, this reads the
//! same list of licences in deny.toml.

use crate::{Result, cargo};
use serde_json::Value;
use std::collections::HashSet;
use std::process::{Command, Stdio};

/// Checks all dependencies that end up in our programs.
pub fn check() -> Result<()> {
    if installed() {
        let mut deny = cargo::cargo();
        // Advisories change without us: they are looked at on a schedule, so
        // that an old commit passes today as it did then.
        deny.args(["deny", "--workspace", "check", "bans", "licenses", "sources"]);
        cargo::succeed(&mut deny)?;
    }
    let allowed = allowed(&std::fs::read_to_string(cargo::workspace().join("deny.toml"))?);
    let metadata = metadata()?;
    let used: HashSet<&str> =
        array(&metadata["resolve"]["nodes"]).filter_map(|node| node["id"].as_str()).collect();
    let mut problems = Vec::new();
    for package in array(&metadata["packages"]) {
        if used.contains(package["id"].as_str().unwrap_or_default()) {
            problems.extend(judge(package, &allowed));
        }
    }
    println!("    {} packages looked at", used.len());
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ").into()) }
}

fn installed() -> bool {
    let mut deny: Command = cargo::cargo();
    deny.args(["deny", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    deny.status().is_ok_and(|status| status.success())
}

fn metadata() -> Result<Value> {
    let mut command = cargo::cargo();
    command.args(["metadata", "--format-version=1", "--locked"]);
    command.args(["--filter-platform", &format!("{}-unknown-linux-gnu", std::env::consts::ARCH)]);
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("cargo metadata failed".into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// What is wrong with a package.
fn judge(package: &Value, allowed: &HashSet<String>) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or("?");
    let mut problems = Vec::new();
    match package["license"].as_str() {
        None => problems.push(format!("{name}: no licence")),
        Some(licence) if !permits(licence, allowed) => {
            problems.push(format!("{name}: licence {licence} is not allowed"));
        }
        Some(_) => {}
    }
    // Our own members have no source.
    if package["source"].as_str().is_some_and(|source| !source.starts_with("registry+")) {
        problems.push(format!("{name}: not from a registry"));
    }
    if let Some(needed) = package["rust_version"].as_str()
        && version(needed) > version(env!("CARGO_PKG_RUST_VERSION"))
    {
        problems.push(format!("{name}: needs Rust {needed}"));
    }
    problems
}

fn version(text: &str) -> Vec<u32> {
    let mut parts: Vec<u32> = text.split('.').map(|part| part.parse().unwrap_or(0)).collect();
    parts.resize(3, 0);
    parts
}

/// The quoted words of `allow = [ … ]` in deny.toml's `[licenses]`.
fn allowed(deny: &str) -> HashSet<String> {
    let list = deny
        .split_once("[licenses]")
        .and_then(|(_, rest)| rest.split_once("allow = ["))
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or("", |(list, _)| list);
    let code = list.lines().map(|line| line.split('#').next().unwrap_or_default());
    code.flat_map(|line| line.split('"').skip(1).step_by(2)).map(str::to_string).collect()
}

/// Whether an SPDX expression can be satisfied with allowed licences. `/`
/// between two licences is how crates wrote `OR` before 2018.
fn permits(expression: &str, allowed: &HashSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = &words[..];
    // Nothing may be left over: what is not understood is not allowed.
    any(&mut rest, allowed) && rest.is_empty()
}

/// `all OR all OR …`
fn any(rest: &mut &[&str], allowed: &HashSet<String>) -> bool {
    let mut permitted = all(rest, allowed);
    while skip(rest, "OR") {
        // Not short-circuiting: the words have to be read in any case.
        permitted |= all(rest, allowed);
    }
    permitted
}

/// `one AND one AND …`
fn all(rest: &mut &[&str], allowed: &HashSet<String>) -> bool {
    let mut permitted = one(rest, allowed);
    while skip(rest, "AND") {
        permitted &= one(rest, allowed);
    }
    permitted
}

/// `( any )`, `licence` or `licence WITH exception`
fn one(rest: &mut &[&str], allowed: &HashSet<String>) -> bool {
    if skip(rest, "(") {
        let permitted = any(rest, allowed);
        return skip(rest, ")") && permitted;
    }
    let Some((&licence, tail)) = rest.split_first() else { return false };
    *rest = tail;
    if skip(rest, "WITH") {
        let Some((&exception, tail)) = rest.split_first() else { return false };
        *rest = tail;
        return allowed.contains(&format!("{licence} WITH {exception}"));
    }
    allowed.contains(licence)
}

fn skip(rest: &mut &[&str], word: &str) -> bool {
    match rest.split_first() {
        Some((&first, tail)) if first == word => {
            *rest = tail;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        let deny = "[licenses]\nallow = [\n  \"MIT\", # short\n  \"Apache-2.0\",\n  \
                    \"Apache-2.0 WITH LLVM-exception\",\n  \"Unicode-3.0\",\n]\n";
        let allowed = allowed(deny);
        assert_eq!(allowed.len(), 4);
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("GPL-3.0-only OR MIT", true),
            ("MIT AND GPL-3.0-only", false),
            ("MIT/Apache-2.0", true),
            ("Unlicense/Zlib", false),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("(MIT OR Apache-2.0) AND GPL-2.0-only", false),
            ("Apache-2.0 WITH LLVM-exception OR Zlib", true),
            ("MIT WITH LLVM-exception", false),
            ("MIT nonsense", false),
            ("(MIT", false),
            ("", false),
        ] {
            assert_eq!(permits(expression, &allowed), expected, "{expression}");
        }
    }

    #[test]
    fn versions_compare_by_number() {
        assert!(version("1.9") < version("1.91"));
        assert!(version("1.91") == version("1.91.0"));
        assert!(version("1.100") > version("1.91.2"));
    }
}
