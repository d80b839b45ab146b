//! The workload's environment: the caller's, or with a root of its own what such a root
//! needs, and then what is asked for.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::word::c_string;
use crate::args::RunArgs;
use crate::error::Error;

/// More than anyone writes by hand; a wrong file must not fill the memory.
const MAX_ENV_FILE: u64 = 16 << 20;

/// Where programs are in a root that comes from elsewhere; docker's.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a root of the container's own is told, because the caller's variables speak of
/// another one.
#[derive(Debug, Default)]
pub struct OwnRoot {
    /// The workload's home directory, where its account has one.
    pub home: Option<String>,
    /// Whether it is user 0.
    pub is_root: bool,
    /// The host name inside, where it is known.
    pub hostname: Option<OsString>,
    /// Whether it has a terminal.
    pub terminal: bool,
}

impl OwnRoot {
    fn variables(self) -> Vec<(OsString, OsString)> {
        let home = self.home.filter(|home| home.starts_with('/') && !home.contains('\0'));
        let home = home.unwrap_or_else(|| if self.is_root { "/root" } else { "/" }.into());
        let hostname = self.hostname.map(|name| ("HOSTNAME", name));
        // docker's: the caller's terminal may be one that the root has never heard of.
        let term = self.terminal.then(|| ("TERM", "xterm".into()));
        [("PATH", PATH.into()), ("HOME", home.into()), ("container", "nsctl".into())]
            .into_iter()
            .chain(hostname)
            .chain(term)
            .map(|(name, value)| (name.into(), value))
            .collect()
    }
}

/// The variables that it starts with.
pub fn resolve(args: &RunArgs, own_root: Option<OwnRoot>) -> Result<Vec<CString>, Error> {
    let mut variables = match own_root {
        _ if args.clear_env => Vec::new(),
        Some(root) => root.variables(),
        None => std::env::vars_os().collect(),
    };
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

fn env_file(path: &std::path::Path) -> Result<Vec<OsString>, Error> {
    use std::io::Read;
    let refused = |why: String| {
        Error::new(format!("cannot read the variables in {}: {why}", path.display()))
            .try_this("--env-file FILE with lines of NAME=VALUE")
    };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_ENV_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| refused(error.to_string()))?;
    // Never a part of it.
    if bytes.len() as u64 > MAX_ENV_FILE {
        return Err(refused("it is longer than 16 MiB".into()));
    }
    Ok(env_lines(&bytes))
}

/// docker's format: a line each, `#` begins a comment line, nothing is unquoted.
fn env_lines(text: &[u8]) -> Vec<OsString> {
    text.split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line).trim_ascii_start())
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .map(|line| OsString::from_vec(line.to_vec()))
        .collect()
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

    #[test]
    fn lines_are_taken_as_they_are() {
        let lines = |text: &[u8]| -> Vec<Vec<u8>> {
            env_lines(text).into_iter().map(OsString::into_vec).collect()
        };
        let text = b"# no\n\nA=1 # yes\r\n  B=\"q\"\nC\n\xff=\xfe";
        let expected: [&[u8]; 4] = [b"A=1 # yes", b"B=\"q\"", b"C", b"\xff=\xfe"];
        assert_eq!(lines(text), expected);
        assert!(lines(b"").is_empty() && lines(b"\r\n \t\n").is_empty());
    }

    #[test]
    fn an_own_root_is_told_its_own_places() {
        let told = |root: OwnRoot| -> Vec<String> {
            let join = |(name, value): (OsString, OsString)| {
                format!("{}={}", name.display(), value.display())
            };
            root.variables().into_iter().map(join).collect()
        };
        let path = format!("PATH={PATH}");
        assert_eq!(told(OwnRoot::default()), [path.as_str(), "HOME=/", "container=nsctl"]);
        let full = OwnRoot {
            home: Some("/home/x".into()),
            is_root: true,
            hostname: Some("bird".into()),
            terminal: true,
        };
        let expected =
            [path.as_str(), "HOME=/home/x", "container=nsctl", "HOSTNAME=bird", "TERM=xterm"];
        assert_eq!(told(full), expected);
        for wrong in ["", "relative", "/a\0b"] {
            let root = OwnRoot { home: Some(wrong.into()), is_root: true, ..OwnRoot::default() };
            assert_eq!(told(root)[1], "HOME=/root");
        }
    }
}
