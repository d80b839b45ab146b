//! The plan as commands of a shell.

use super::Plan;

impl Plan {
    /// Commands that do the same.
    pub fn shell(&self) -> String {
        self.to_string()
    }
}
