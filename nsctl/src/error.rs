//! Messages for people: what was asked, what failed, why, what helps.

use std::fmt;
use std::io::Write;

use crate::exit;

/// Something that ends nsctl with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What was asked and what failed.
    pub message: String,
    /// Why, as far as it was found by looking.
    pub cause: Option<String>,
    /// What helps.
    pub remedy: Option<String>,
    /// The exit status.
    pub status: i32,
}

impl Error {
    /// A failure of nsctl's own.
    pub fn new(message: impl Into<String>) -> Self {
        Error { message: message.into(), cause: None, remedy: None, status: exit::OWN_FAILURE }
    }

    /// Adds why.
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds what helps.
    pub fn try_this(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Sets the exit status.
    pub fn with_status(mut self, status: i32) -> Self {
        self.status = status;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nsctl: {}", printable(&self.message))?;
        if let Some(cause) = &self.cause {
            write!(f, "\n  cause:  {}", printable(cause))?;
        }
        if let Some(remedy) = &self.remedy {
            write!(f, "\n  remedy: {}", printable(remedy))?;
        }
        Ok(())
    }
}

/// Names come from others; none may speak to the terminal.
fn printable(text: &str) -> String {
    let escape = |c: char| match c {
        '\n' => "\n          ".to_string(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}

/// Prints an error and returns its exit status.
pub fn report(error: &Error) -> i32 {
    // Not eprintln!, which panics when the terminal is gone.
    let _ = writeln!(std::io::stderr(), "{error}");
    error.status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_not_sent() {
        let error = Error::new("no \x1b[31m such");
        assert_eq!(error.to_string(), "nsctl: no \\u{1b}[31m such");
    }
}
