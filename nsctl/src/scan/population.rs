//! Which namespaces there are and who is in them, kept up to date.
//!
//! A look at the whole machine settles everything. In between, single processes come, move and
//! go; a namespace that loses its last one so may have ended, or something else may keep it:
//! that only a whole look tells.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Found, Id, Links, links_of};

/// What is known.
#[derive(Debug)]
pub struct Population<T> {
    residents: BTreeMap<Id, T>,
    processes: HashMap<i32, Links>,
    members: HashMap<Id, usize>,
    doubtful: BTreeSet<Id>,
}

impl<T> Default for Population<T> {
    fn default() -> Self {
        Population {
            residents: BTreeMap::new(),
            processes: HashMap::new(),
            members: HashMap::new(),
            doubtful: BTreeSet::new(),
        }
    }
}

impl<T> Population<T> {
    /// Takes the whole machine in. `made` tells what to remember of those that are new, all at
    /// once; returns their numbers and what is remembered of those that ended.
    pub fn settle(
        &mut self,
        found: &Found,
        made: impl FnOnce(&[Id]) -> Vec<T>,
    ) -> (Vec<Id>, Vec<T>) {
        let gone: Vec<Id> = self
            .residents
            .keys()
            .copied()
            .filter(|id| !found.namespaces.contains_key(id))
            .collect();
        let ended = gone.iter().filter_map(|id| self.residents.remove(id)).collect();
        self.doubtful.retain(|id| found.namespaces.contains_key(id));
        self.processes =
            found.processes.iter().map(|process| (process.pid, process.links)).collect();
        self.members.clear();
        for id in self.processes.values().flatten() {
            *self.members.entry(*id).or_default() += 1;
        }
        (self.admit(found, made), ended)
    }

    /// Takes one process in; whether it is in a namespace that is new.
    pub fn look_at(&mut self, pid: i32) -> bool {
        match links_of(pid) {
            Ok(links) => self.put(pid, Some(links)),
            Err(_) => self.put(pid, None),
        }
    }

    /// One process has ended.
    pub fn remove(&mut self, pid: i32) {
        self.put(pid, None);
    }

    fn put(&mut self, pid: i32, links: Option<Links>) -> bool {
        let before = match links {
            Some(links) => self.processes.insert(pid, links),
            None => self.processes.remove(&pid),
        };
        if before == links {
            return false;
        }
        for id in links.iter().flatten().filter(|id| **id != 0) {
            *self.members.entry(*id).or_default() += 1;
        }
        for id in before.iter().flatten().filter(|id| **id != 0) {
            let members = self.members.entry(*id).or_default();
            *members = members.saturating_sub(1);
            if *members == 0 {
                self.doubtful.insert(*id);
            }
        }
        links.iter().flatten().any(|id| *id != 0 && !self.residents.contains_key(id))
    }

    /// Takes in those of what was found that are new.
    pub fn admit(&mut self, found: &Found, made: impl FnOnce(&[Id]) -> Vec<T>) -> Vec<Id> {
        let new: Vec<Id> = found
            .namespaces
            .keys()
            .copied()
            .filter(|id| !self.residents.contains_key(id))
            .collect();
        if !new.is_empty() {
            let made = made(&new);
            self.residents.extend(new.iter().copied().zip(made));
        }
        new
    }

    /// What is remembered.
    pub fn get(&self, id: Id) -> Option<&T> {
        self.residents.get(&id)
    }

    /// Of how many only a whole look tells whether they have ended.
    pub fn doubts(&self) -> usize {
        self.doubtful.len()
    }

    /// Something keeps them: they are left to the next look that is due anyway.
    pub fn believe(&mut self) {
        self.doubtful.clear();
    }
}

#[cfg(test)]
mod tests {
    use nsshim::spec::Kind;

    use super::super::Process;
    use super::*;

    fn found(processes: &[(i32, Id)], kept: &[Id]) -> Found {
        let mut found = Found::default();
        for &(pid, id) in processes {
            let mut links = Links::default();
            links[Kind::Net as usize] = id;
            found.entry(Kind::Net, id);
            found.processes.push(Process { pid, links });
        }
        for &id in kept {
            found.entry(Kind::Net, id);
        }
        found
    }

    fn same(ids: &[Id]) -> Vec<Id> {
        ids.to_vec()
    }

    #[test]
    fn a_namespace_without_its_last_process_is_doubtful_until_all_was_looked_at() {
        let mut population = Population::default();
        let (new, ended) = population.settle(&found(&[(1, 10), (2, 20), (3, 20)], &[]), same);
        assert_eq!((new, ended), (vec![10, 20], vec![]));
        population.remove(2);
        assert_eq!(population.doubts(), 0);
        population.remove(3);
        assert_eq!(population.doubts(), 1);
        // A file keeps it.
        let (new, ended) = population.settle(&found(&[(1, 10)], &[20]), same);
        assert_eq!((new, ended, population.doubts()), (vec![], vec![], 1));
        population.believe();
        let (_, ended) = population.settle(&found(&[(1, 10)], &[]), same);
        assert_eq!((ended, population.doubts()), (vec![20], 0));
    }

    #[test]
    fn one_process_that_moves_brings_what_is_new() {
        let mut population = Population::default();
        population.settle(&found(&[(1, 10)], &[]), same);
        let mut links = Links::default();
        links[Kind::Net as usize] = 30;
        assert!(population.put(5, Some(links)));
        assert_eq!(population.admit(&found(&[(5, 30)], &[]), same), [30]);
        assert!(!population.put(5, Some(links)));
        assert_eq!(population.get(30), Some(&30));
    }
}
