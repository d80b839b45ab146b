//! The workload's environment.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::process::c_string;
use crate::args::RunArgs;
use crate::error::Error;

/// More than anyone writes by hand; a wrong file must not fill the memory.
const MAX_ENV_FILE: u64 = 16 << 20;

/// The variables that it starts with.
pub fn resolve(args: &RunArgs) -> Result<Vec<CString>, Error> {
    let mut variables: Vec<(OsString, OsString)> =
        if args.clear_env { Vec::new() } else { std::env::vars_os().collect() };
    for path in &args.env_file {
        for line in env_file(path)? {
            set_variable(&mut variables, &line)?;
        }
    }
    for text in &args.env {
        set_variable(&mut variables, text)?;
    }
    variables
        .into_iter()
        .map(|(mut name, value)| {
            name.push("=");
            name.push(value);
            c_string(&name)
        })
        .collect()
}

/// Our own environment, as the workload's would be without a word.
pub fn callers_environment() -> Vec<CString> {
    let joined = |(name, value): (OsString, OsString)| {
        let mut variable = name;
        variable.push("=");
        variable.push(value);
        c_string(&variable).ok()
    };
    std::env::vars_os().filter_map(joined).collect()
}

/// `NAME=VALUE` sets, `NAME` takes the caller's value or, if it has none, removes.
fn set_variable(variables: &mut Vec<(OsString, OsString)>, text: &OsStr) -> Result<(), Error> {
    let bytes = text.as_bytes();
    let (name, value) = match bytes.iter().position(|&byte| byte == b'=') {
        Some(at) => (&bytes[..at], Some(OsStr::from_bytes(&bytes[at + 1..]).to_owned())),
        None => (bytes, std::env::var_os(text)),
    };
    if name.is_empty() {
        return Err(Error::new(format!("cannot set the variable {text:?}: it has no name"))
            .try_this("--env NAME=VALUE"));
    }
    let name = OsStr::from_bytes(name);
    variables.retain(|(other, _)| other != name);
    variables.extend(value.map(|value| (name.to_owned(), value)));
    Ok(())
}

/// docker's format: a line each, `#` begins a comment line, nothing is unquoted.
fn env_file(path: &std::path::Path) -> Result<Vec<OsString>, Error> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_ENV_FILE).read_to_end(&mut bytes))
        .map_err(|error| {
            Error::new(format!("cannot read the variables in {}: {error}", path.display()))
                .try_this("--env-file FILE with lines of NAME=VALUE")
        })?;
    Ok(bytes
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line).trim_ascii_start())
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .map(|line| OsString::from_vec(line.to_vec()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_variable_replaces_an_earlier_one() {
        let mut variables = Vec::new();
        for text in ["A=1", "B=x=y", "A=2"] {
            set_variable(&mut variables, OsStr::new(text)).unwrap();
        }
        let expected = [("B".into(), "x=y".into()), ("A".into(), "2".into())];
        assert_eq!(variables, expected);
        assert!(set_variable(&mut variables, OsStr::new("=1")).is_err());
    }
}
