//! `--type`: of which kinds those are that are shown.

use nsshim::spec::Kind;

use crate::error::Error;
use crate::resolve::kind;

/// Those that were named; all when none was.
pub struct Kinds(Vec<Kind>);

impl Kinds {
    /// By their names.
    pub fn parse(words: &[String]) -> Result<Kinds, Error> {
        words.iter().map(|word| kind(word)).collect::<Result<_, _>>().map(Kinds)
    }

    /// Whether this one is among them.
    pub fn has(&self, kind: Kind) -> bool {
        self.0.is_empty() || self.0.contains(&kind)
    }
}
