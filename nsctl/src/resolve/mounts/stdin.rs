//! `--file DST=-`: the content of standard input.

use std::io::Read;
use std::os::fd::AsFd;
use std::path::Path;

use super::super::{paths, process};
use crate::error::Error;

/// What a file made of text may hold.
const MAX_CONTENT: u64 = 16 << 20;

pub(super) fn standard_input(target: &Path) -> Result<Vec<u8>, Error> {
    let refused = |why: String| {
        Error::new(format!("cannot fill {} from standard input: {why}", paths::shown(target)))
            .try_this("nsctl run … <FILE")
    };
    let stdin = std::io::stdin();
    // The command would wait for the same keys.
    if process::is_terminal(stdin.as_fd()) {
        return Err(refused("it is a terminal".into()));
    }
    let mut content = Vec::new();
    stdin
        .lock()
        .take(MAX_CONTENT + 1)
        .read_to_end(&mut content)
        .map_err(|error| refused(error.to_string()))?;
    if content.len() as u64 > MAX_CONTENT {
        return Err(refused("it is longer than 16 MiB".into()).try_this("-v FILE:DST"));
    }
    Ok(content)
}
