//! The options of a bind mount, a word each, as docker, podman and mount(8) have them.

use std::path::PathBuf;

use nsshim::spec::Propagation;

use super::attributes::Flags;
use super::overlay::Changes;

/// What the words of a bind say.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Words {
    /// The mount's flags.
    pub flags: Flags,
    /// How mounts travel, and the word for it.
    propagation: Option<(&'static str, Propagation)>,
    /// Whether with what is mounted below, and the word for it.
    recursive: Option<(&'static str, bool)>,
    /// Whether changes go to a layer that vanishes.
    pub overlay: bool,
    /// Where they are kept instead.
    pub upper: Option<PathBuf>,
    /// What the kernel needs for that.
    pub work: Option<PathBuf>,
    /// Whether owners are stored as the container sees them.
    pub idmap: bool,
}

/// Mounts always travel, or do not, for the whole tree.
const PROPAGATIONS: [(&str, Propagation); 6] = [
    ("private", Propagation::Private),
    ("rprivate", Propagation::Private),
    ("slave", Propagation::Slave),
    ("rslave", Propagation::Slave),
    ("shared", Propagation::Shared),
    ("rshared", Propagation::Shared),
];

const RECURSIONS: [(&str, bool); 2] = [("rbind", true), ("bind", false)];

/// Said to other engines, and nothing here: SELinux labels (as docker where there is no
/// SELinux), what concerns named volumes, and the caches of other systems.
const WITHOUT_MEANING: [&str; 7] =
    ["z", "Z", "nocopy", "consistent", "cached", "delegated", "default"];

/// Known, and not to be had.
const REFUSED: [(&str, &str); 7] = [
    ("idmap", "the map is always the container's; idmap alone"),
    ("U", "the owners of the host's files are never changed; chown them, or use --map-auto"),
    ("copy", "nothing is copied into what is mounted"),
    ("unbindable", "a mount is private, slave or shared"),
    ("runbindable", "a mount is private, slave or shared"),
    ("remount", "options are said where the mount is made"),
    ("no-dereference", "symbolic links in the source are followed"),
];

impl Words {
    /// Takes a word; `false` when it is none of a bind's.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub fn take(&mut self, word: &str) -> Result<bool, String> {
        let contradicts = |said: &str| format!("{said} and {word} contradict each other");
        if self.flags.take(word).map_err(contradicts)? || WITHOUT_MEANING.contains(&word) {
            return Ok(true);
        }
        if let Some(propagation) = PROPAGATIONS.iter().find(|(known, _)| *known == word) {
            return say(&mut self.propagation, *propagation).map_err(contradicts);
        }
        if let Some(recursive) = RECURSIONS.iter().find(|(known, _)| *known == word) {
            return say(&mut self.recursive, *recursive).map_err(contradicts);
        }
        if word == "O" {
            self.overlay = true;
            return Ok(true);
        }
        if word == "idmap" {
            self.idmap = true;
            return Ok(true);
        }
        for (key, slot) in [("upperdir=", &mut self.upper), ("workdir=", &mut self.work)] {
            if let Some(path) = word.strip_prefix(key) {
                return match slot.replace(path.into()) {
                    None => Ok(true),
                    Some(_) => Err(format!("{key} is said twice")),
                };
            }
        }
        let name = word.split('=').next().unwrap_or(word);
        match REFUSED.iter().find(|(known, _)| *known == name) {
            Some((_, why)) => Err(format!("{name}: {why}")),
            None => Ok(false),
        }
    }

    /// How mounts travel between the bind and its source.
    pub fn propagation(&self) -> Propagation {
        self.propagation.map_or(Propagation::Private, |(_, propagation)| propagation)
    }

    /// Whether with what is mounted below.
    pub fn recursive(&self) -> bool {
        self.recursive.is_none_or(|(_, recursive)| recursive)
    }

    /// What a layer for changes cannot do.
    ///
    /// # Errors
    /// The word that contradicts `O`.
    pub fn check_overlay(&self) -> Result<(), String> {
        let kept = Changes::separate(self.upper.clone(), self.work.clone())?;
        if kept.is_some() && !self.overlay {
            return Err("upperdir= and workdir= need O".into());
        }
        let propagation = self.propagation.filter(|(_, mode)| *mode != Propagation::Private);
        let word = propagation.map(|(word, _)| word).or(self.recursive.map(|(word, _)| word));
        match word.or(self.idmap.then_some("idmap")) {
            Some(word) if self.overlay => Err(format!("O and {word} contradict each other")),
            _ => Ok(()),
        }
    }
}

fn say<T: Copy + PartialEq>(
    slot: &mut Option<(&'static str, T)>,
    word: (&'static str, T),
) -> Result<bool, &'static str> {
    match slot {
        Some((said, value)) if *value != word.1 => Err(said),
        _ => {
            *slot = Some(word);
            Ok(true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &str) -> Result<Words, String> {
        let mut words = Words::default();
        for word in list.split(',') {
            if !words.take(word)? {
                return Err(format!("unknown {word}"));
            }
        }
        words.check_overlay().map(|()| words)
    }

    #[test]
    fn the_words_of_docker_and_podman_are_known() {
        let plain = words("rw,z,Z,nocopy,cached").unwrap();
        assert_eq!((plain.propagation(), plain.recursive()), (Propagation::Private, true));
        assert!(words("ro").unwrap().flags.has("readonly"));
        assert_eq!(words("rslave,slave").unwrap().propagation(), Propagation::Slave);
        assert_eq!(words("shared").unwrap().propagation(), Propagation::Shared);
        assert!(!words("bind").unwrap().recursive());
        assert!(words("O,ro,private").unwrap().overlay);
    }

    #[test]
    fn what_cannot_be_had_is_refused_with_its_reason() {
        for (list, reason) in [
            ("ro,rw", "ro and rw contradict"),
            ("shared,rprivate", "shared and rprivate contradict"),
            ("bind,rbind", "bind and rbind contradict"),
            ("O,rbind", "O and rbind contradict"),
            ("rshared,O", "O and rshared contradict"),
            ("idmap=uids=0-1-2", "idmap alone"),
            ("idmap,O", "O and idmap contradict"),
            ("U", "never changed"),
            ("O,upperdir=/x", "without workdir="),
            ("upperdir=/x,workdir=/y", "need O"),
            ("O,upperdir=/x,upperdir=/y", "said twice"),
            ("RO", "unknown RO"),
            ("", "unknown "),
            ("size=1", "unknown size"),
        ] {
            let why = words(list).unwrap_err();
            assert!(why.contains(reason), "{list}: {why}");
        }
    }
}
