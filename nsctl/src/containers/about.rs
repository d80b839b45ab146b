//! What a container is, and how it was asked for: two files that nsctl writes.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::Error;

/// The layout of both files.
const VERSION: u64 = 1;

/// What it is; small, because `ps` reads it of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct About {
    /// Of the file.
    pub version: Known,
    /// Empty until one is chosen.
    pub name: String,
    /// For people: what is not UTF-8 is replaced.
    pub command: Vec<String>,
    /// RFC 3339.
    pub created: String,
    /// Whether it has a terminal.
    pub tty: bool,
    /// Whether its input is kept open.
    pub interactive: bool,
    /// 1 to 64.
    pub stop_signal: i32,
    /// Seconds.
    pub stop_timeout: u32,
    /// `KEY=VALUE`
    pub labels: Vec<String>,
    /// The policy as typed.
    pub restart: String,
    /// What becomes of its output, as typed.
    pub log_driver: String,
    /// What was said of its log files.
    #[serde(default, skip_serializing_if = "LogLimits::are_usual")]
    pub log_limits: LogLimits,
    /// Whether it is removed when it ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rm: bool,
    /// What tells its health.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_cmd: Option<String>,
    /// The name of the pod that it is in; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pod: String,
    /// Whether it is one: it runs nothing, and holds the namespaces of others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_pod: bool,
}

/// How much is kept of what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub struct LogLimits {
    /// A file has at most so many bytes.
    pub max_size: u64,
    /// And there are at most so many.
    pub max_files: u32,
}

impl Default for LogLimits {
    fn default() -> Self {
        LogLimits { max_size: 10 << 20, max_files: 2 }
    }
}

impl LogLimits {
    fn are_usual(&self) -> bool {
        *self == LogLimits::default()
    }
}

/// A layout that can be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Known;

impl TryFrom<u64> for Known {
    type Error = &'static str;

    fn try_from(version: u64) -> Result<Self, Self::Error> {
        if version == VERSION { Ok(Known) } else { Err("another version of nsctl wrote it") }
    }
}

impl From<Known> for u64 {
    fn from(_: Known) -> u64 {
        VERSION
    }
}

/// How it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Whether nothing was asked for that holds for `exec`, too, so that the arguments need not be
    /// read for it.
    pub plain: bool,
    /// nsctl's arguments, from the verb on.
    pub arguments: Vec<OsString>,
    /// Where it was asked.
    pub directory: PathBuf,
    /// The caller's environment, `NAME=VALUE`.
    pub callers_environment: Vec<OsString>,
    /// The workload's.
    pub environment: Vec<OsString>,
}

impl About {
    /// `None` when there is none that we know how to read.
    pub fn read(directory: &Path) -> Option<Self> {
        About::parse(&fs::read(directory.join(About::FILE)).ok()?)
    }

    /// The file.
    pub const FILE: &str = "about";

    /// What the file says.
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// Replaces what is there.
    pub fn write(&self, directory: &Path) -> Result<(), Error> {
        let text = serde_json::to_string(self)
            .map_err(|error| Error::new(format!("cannot write what the container is: {error}")))?;
        replace(&directory.join(About::FILE), &text)
    }
}

impl Request {
    /// `None` when there is none that we know how to read.
    pub fn read(directory: &Path) -> Option<Self> {
        let value = read(&directory.join("request"))?;
        let list = |key: &str| -> Vec<OsString> {
            value[key].as_array().into_iter().flatten().filter_map(from_json).collect()
        };
        Some(Request {
            plain: value["plain"].as_bool().unwrap_or_default(),
            arguments: list("arguments"),
            directory: from_json(&value["directory"])?.into(),
            callers_environment: list("callers_environment"),
            environment: list("environment"),
        })
    }

    /// Writes it, once.
    pub fn write(&self, directory: &Path) -> Result<(), Error> {
        let list = |list: &[OsString]| list.iter().map(|word| to_json(word)).collect::<Value>();
        let value = json!({
            "version": VERSION,
            "plain": self.plain,
            "arguments": list(&self.arguments),
            "directory": to_json(self.directory.as_os_str()),
            "callers_environment": list(&self.callers_environment),
            "environment": list(&self.environment),
        });
        replace(&directory.join("request"), &value.to_string())
    }
}

/// A word as JSON text; one that is not UTF-8 as an array of its bytes.
fn to_json(word: &OsStr) -> Value {
    match word.to_str() {
        Some(text) => text.into(),
        None => word.as_bytes().into(),
    }
}

fn from_json(value: &Value) -> Option<OsString> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Array(bytes) => {
            let byte = |value: &Value| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
            bytes.iter().map(byte).collect::<Option<Vec<u8>>>().map(OsString::from_vec)
        }
        _ => None,
    }
}

fn read(path: &Path) -> Option<Value> {
    let value: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    (value["version"] == VERSION).then_some(value)
}

fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(&beside)
        .and_then(|mut file| file.write_all(format!("{text}\n").as_bytes()))
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        Error::new(format!("cannot write {}: {error}", path.display())).try_this(
            "room on that file system, or --state-dir DIR or NSCTL_STATE_DIR=DIR elsewhere",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_not_text_survive() {
        for word in ["", "a b", "\u{e9}\"\\\n"] {
            assert_eq!(from_json(&to_json(OsStr::new(word))).unwrap(), word);
        }
        let bytes = OsString::from_vec(vec![b'a', 0xff, b'/']);
        assert_eq!(from_json(&to_json(&bytes)), Some(bytes));
    }
}
