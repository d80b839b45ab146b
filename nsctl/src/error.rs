//! Messages for people: what was asked, what failed, why, what helps.

use std::fmt;
use std::io::Write;

use crate::exit;
use crate::output::harmless;

/// Something that ends nsctl with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What was asked and what failed.
    pub message: String,
    /// The cause's name in the table of causes, if it comes from there.
    pub cause_name: Option<&'static str>,
    /// Why, as far as it was found by looking.
    pub cause: Option<String>,
    /// What helps.
    pub remedy: Option<String>,
    /// What else was found that explains it.
    pub others: Vec<Finding>,
    /// The exit status.
    pub status: i32,
}

/// A cause that was seen, and what helps against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The cause's name in the table of causes, once it was found by it.
    pub name: Option<&'static str>,
    /// What was seen.
    pub evidence: String,
    /// What helps.
    pub remedy: Option<String>,
}

impl Finding {
    /// What was seen.
    pub fn new(evidence: impl Into<String>) -> Self {
        Finding { name: None, evidence: evidence.into(), remedy: None }
    }

    /// Adds what helps.
    pub fn try_this(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// Causes that are seen before anything is made, by who resolves what was asked, with
/// [`Error::named`].
pub const BEFORE: [&str; 10] = [
    "range-missing",
    "range-not-granted",
    "helper-missing",
    "helper-not-set-user-id",
    "helper-nosuid",
    "no-new-privs",
    "path-missing",
    "path-closed",
    "path-not-directory",
    "mount-of-another-namespace",
];

impl Error {
    /// A failure of nsctl's own.
    pub fn new(message: impl Into<String>) -> Self {
        Error {
            message: message.into(),
            cause_name: None,
            cause: None,
            remedy: None,
            others: Vec::new(),
            status: exit::OWN_FAILURE,
        }
    }

    /// Adds why.
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds the name that the cause has for programs.
    pub fn named(mut self, name: &'static str) -> Self {
        debug_assert!(BEFORE.contains(&name), "{name} is in no table");
        self.cause_name = Some(name);
        self
    }

    /// Adds what helps.
    pub fn try_this(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Adds what was found, the likeliest first.
    pub fn with_findings(mut self, findings: Vec<Finding>) -> Self {
        let mut findings = findings.into_iter();
        if let Some(first) = findings.next() {
            self.cause_name = first.name;
            self.cause = Some(first.evidence);
            self.remedy = first.remedy;
        }
        self.others = findings.collect();
        self
    }

    /// All that was found, the likeliest first.
    pub fn findings(&self) -> Vec<Finding> {
        let first = self.cause.iter().map(|evidence| Finding {
            name: self.cause_name,
            evidence: evidence.clone(),
            remedy: self.remedy.clone(),
        });
        first.chain(self.others.iter().cloned()).collect()
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
        explanation(f, self.cause.as_deref(), self.remedy.as_deref())?;
        for other in &self.others {
            explanation(f, Some(&other.evidence), other.remedy.as_deref())?;
        }
        Ok(())
    }
}

fn explanation(
    f: &mut fmt::Formatter<'_>,
    cause: Option<&str>,
    remedy: Option<&str>,
) -> fmt::Result {
    if let Some(cause) = cause {
        write!(f, "\n  cause:  {}", printable(cause))?;
    }
    if let Some(remedy) = remedy {
        write!(f, "\n  remedy: {}", printable(remedy))?;
    }
    Ok(())
}

/// A line below another one: `  cause:  …`, as messages have it.
pub fn explained(word: &str, text: &str) -> String {
    format!("  {word}{}\n", printable(text))
}

/// A word of the caller's in a message: an empty one must be seen.
pub fn shown(word: &str) -> &str {
    if word.is_empty() { "\"\"" } else { word }
}

/// The longest word that is worth reading.
const MAX_SHOWN: usize = 2000;

/// Names come from others; none may speak to the terminal, and none may flood it.
fn printable(text: &str) -> String {
    let escape = |c: char| match c {
        '\n' => "\n          ".to_string(),
        c => harmless(c),
    };
    let length = text.chars().count();
    let shown: String = text.chars().take(MAX_SHOWN).map(escape).collect();
    if length > MAX_SHOWN { format!("{shown}… ({length} characters)") } else { shown }
}

/// Prints an error and returns its exit status.
pub fn report(error: &Error) -> i32 {
    print(&error.to_string());
    error.status
}

/// Prints what its reader should know although nothing failed.
pub fn warn(text: &str) {
    print(&format!("nsctl: warning: {}", printable(text)));
}

/// Prints what the parser of the command line says, and returns the exit status for it.
pub fn report_usage(text: &str) -> i32 {
    let lines: Vec<String> = text.trim_end().lines().map(printable).collect();
    let text = lines.join("\n");
    match text.strip_prefix("error: ") {
        Some(mistake) => print(&format!("nsctl: {mistake}")),
        // No verb at all: the whole help.
        None => print(&text),
    }
    exit::USAGE
}

fn print(text: &str) {
    // One write, so that no other's line comes between. A reader that is gone, or a
    // full pipe that does not wait, must not change the status; eprintln! would panic.
    let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_not_sent() {
        let error = Error::new("no \x1b[31m such\u{202e}");
        assert_eq!(error.to_string(), "nsctl: no \\u{1b}[31m such\\u{202e}");
    }

    #[test]
    fn every_finding_has_its_lines() {
        let findings = vec![Finding::new("a").try_this("b"), Finding::new("c\nd")];
        let error = Error::new("cannot").with_findings(findings);
        let expected = "nsctl: cannot\n  cause:  a\n  remedy: b\n  cause:  c\n          d";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_long_text_is_cut() {
        let text = Error::new("x".repeat(1 << 20)).to_string();
        assert!(text.len() < 3000 && text.ends_with("… (1048576 characters)"));
    }
}
