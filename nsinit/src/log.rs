//! Messages for people: always on descriptor 2, never waiting for a reader.

#![forbid(unsafe_code)]

use crate::sys;
use crate::text::Text;

/// Writes one line. A pipe that is full loses it: an init that waits for the reader of its log
/// neither reaps nor forwards.
pub fn line(text: &mut Text) {
    text.push(b"\n");
    if sys::writable(2) {
        let _ = sys::write(2, text.as_bytes());
    }
}

/// The text of an error number, for those that an execve or a clone ends with.
pub fn error(text: &mut Text, errno: i32) {
    let known = match errno {
        1 => "Operation not permitted",
        2 => "No such file or directory",
        5 => "Input/output error",
        7 => "Argument list too long",
        8 => "Exec format error",
        11 => "Resource temporarily unavailable",
        12 => "Cannot allocate memory",
        13 => "Permission denied",
        20 => "Not a directory",
        21 => "Is a directory",
        22 => "Invalid argument",
        24 => "Too many open files",
        26 => "Text file busy",
        36 => "File name too long",
        38 => "Function not implemented",
        40 => "Too many levels of symbolic links",
        _ => {
            text.str("error ").number(i64::from(errno));
            return;
        }
    };
    text.str(known);
}
