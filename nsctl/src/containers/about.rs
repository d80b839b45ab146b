//! What a container is, and how it was asked for: two files that nsctl writes.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::error::Error;

/// The layout of both files.
const VERSION: u64 = 1;

/// What it is; small, because `ps` reads it of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
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
}

/// How it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
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
        let value = read(&directory.join("about"))?;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_string();
        let texts = |key: &str| -> Vec<String> {
            let items = value[key].as_array().into_iter().flatten();
            items.filter_map(|item| item.as_str().map(str::to_string)).collect()
        };
        let flag = |key: &str| value[key].as_bool().unwrap_or_default();
        Some(About {
            name: text("name"),
            command: texts("command"),
            created: text("created"),
            tty: flag("tty"),
            interactive: flag("interactive"),
            stop_signal: value["stop_signal"].as_i64().unwrap_or(15) as i32,
            stop_timeout: value["stop_timeout"].as_u64().unwrap_or(10) as u32,
            labels: texts("labels"),
            restart: text("restart"),
            log_driver: text("log_driver"),
        })
    }

    /// Replaces what is there.
    pub fn write(&self, directory: &Path) -> Result<(), Error> {
        replace(
            &directory.join("about"),
            &json!({
                "version": VERSION,
                "name": self.name,
                "command": self.command,
                "created": self.created,
                "tty": self.tty,
                "interactive": self.interactive,
                "stop_signal": self.stop_signal,
                "stop_timeout": self.stop_timeout,
                "labels": self.labels,
                "restart": self.restart,
                "log_driver": self.log_driver,
            }),
        )
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
            arguments: list("arguments"),
            directory: from_json(&value["directory"])?.into(),
            callers_environment: list("callers_environment"),
            environment: list("environment"),
        })
    }

    /// Writes it, once.
    pub fn write(&self, directory: &Path) -> Result<(), Error> {
        let list = |list: &[OsString]| list.iter().map(|word| to_json(word)).collect::<Value>();
        replace(
            &directory.join("request"),
            &json!({
                "version": VERSION,
                "arguments": list(&self.arguments),
                "directory": to_json(self.directory.as_os_str()),
                "callers_environment": list(&self.callers_environment),
                "environment": list(&self.environment),
            }),
        )
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

fn replace(path: &Path, value: &Value) -> Result<(), Error> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(&beside)
        .and_then(|mut file| file.write_all(format!("{value}\n").as_bytes()))
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        Error::new(format!("cannot write {}: {error}", path.display()))
            .try_this("room on that file system, or NSCTL_STATE_DIR=DIR elsewhere")
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
