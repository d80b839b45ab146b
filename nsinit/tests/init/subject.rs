//! Which init is tested: the image, or another one that is installed, for the comparison in
//! nsinit(1). `cargo xtask compare-init` sets the variables.

use crate::harness::Mode;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

/// Longer than anything takes on a busy machine: only a test that fails waits for so long.
pub static DEADLINE: LazyLock<Duration> = LazyLock::new(|| {
    let ms = std::env::var("NSINIT_TEST_DEADLINE_MS").ok().and_then(|ms| ms.parse().ok());
    Duration::from_millis(ms.unwrap_or(30_000))
});

/// The program of another init, and the options that its image authors are told to give it.
fn other() -> Option<Vec<String>> {
    let words = std::env::var("NSINIT_TEST_INIT").ok()?;
    Some(words.split_whitespace().map(str::to_owned).collect())
}

/// Whether it is the image, whose words and options the tests know.
pub fn ours() -> bool {
    other().is_none()
}

/// The program of the other init.
pub fn program() -> Option<PathBuf> {
    Some(other()?.first()?.into())
}

/// The options that it always gets.
pub fn options() -> Vec<String> {
    other().map_or(Vec::new(), |words| words[1..].to_vec())
}

/// The options that make it tell as much as it can.
pub fn verbose() -> Vec<String> {
    let words = std::env::var("NSINIT_TEST_VERBOSE").unwrap_or_else(|_| "-vvvv -w".into());
    words.split_whitespace().map(str::to_owned).collect()
}

/// Whether it is to be tested in this mode, too.
pub fn wants(mode: Mode) -> bool {
    match std::env::var("NSINIT_TEST_MODE").as_deref() {
        Ok("pid1") => mode == Mode::Pid1,
        Ok("child") => mode == Mode::Child,
        _ => true,
    }
}
