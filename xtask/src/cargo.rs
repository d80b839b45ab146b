//! Running Cargo and reading what it says.

use crate::Result;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The top of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies inside the workspace")
}

/// The Cargo that runs us, at the top of the workspace.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    command
}

/// Builds nsctl for release and returns the program's path, as Cargo reports
/// it: the target directory and the target are the caller's business.
pub fn build_nsctl(extra: &[&str]) -> Result<PathBuf> {
    let mut command = cargo();
    command
        .args(["build", "--release", "--package", "nsctl"])
        .arg("--message-format=json-render-diagnostics")
        .args(extra);
    executable(&mut command, "nsctl")
}

/// Runs a Cargo that builds with messages in JSON, and returns the path of the program that it
/// built for the target `name`.
pub fn executable(command: &mut Command, name: &str) -> Result<PathBuf> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("cannot build {name}").into());
    }
    String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
        .ok_or_else(|| format!("cargo built no program named {name}").into())
}

/// Runs a command to its end; anything but success is an error that shows it.
pub fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| format!("{}: {error}", line(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", line(command)).into()) }
}

/// A command as a person would type it.
pub fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
