//! Messages for people: always on descriptor 2, never waiting for a reader.

#![forbid(unsafe_code)]

use crate::config::Config;
use crate::sys;
use crate::text::{Text, parse_number, split};

/// Writes a line: the name that nsinit was called by, and what `fill` appends.
///
/// A pipe that is full loses it: an init that waits for the reader of its log neither reaps nor
/// forwards.
pub fn line(config: &Config, fill: &dyn Fn(&mut Text)) {
    let mut text = Text::new();
    text.str(config.personality.name()).str(": ");
    fill(&mut text);
    text.end_line();
    if sys::writable(2) {
        let _ = sys::write(2, text.as_bytes());
    }
}

/// Those that a clone, chdir or execve ends with (asm-generic/errno.h).
const ERRORS: &str = "\
    1 Operation not permitted\n\
    2 No such file or directory\n\
    5 Input/output error\n\
    7 Argument list too long\n\
    8 Exec format error\n\
    11 Resource temporarily unavailable\n\
    12 Cannot allocate memory\n\
    13 Permission denied\n\
    20 Not a directory\n\
    22 Invalid argument\n\
    26 Text file busy\n\
    36 File name too long\n\
    40 Too many levels of symbolic links";

/// Appends the text of an error number, or the number if it has none here.
pub fn push_error(text: &mut Text, errno: i32) {
    for line in ERRORS.as_bytes().split(|byte| *byte == b'\n') {
        if let (number, Some(words)) = split(line, b' ')
            && parse_number(number) == Some(errno)
        {
            text.push(words);
            return;
        }
    }
    text.str("error ").number(errno.into());
}
