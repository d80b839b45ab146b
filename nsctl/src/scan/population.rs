//! Which namespaces there are and who is in them, kept up to date.
//!
//! A look at the whole machine settles everything. In between, single processes come, move and
//! go; a namespace that loses its last one so may have ended, or something else may keep it:
//! that only a whole look tells. The kernel gives the number of one that ended to the next: by
//! the number that is never used again (Linux 6.18) they are told from each other.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use nsshim::spec::Kind;

use super::{Found, Id, Links, links_of};

/// What is known.
#[derive(Debug)]
pub struct Population<T> {
    residents: BTreeMap<Id, (Option<u64>, T)>,
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
            .iter()
            .filter(|(id, (unique, _))| !is_still(**id, *unique, found))
            .map(|(id, _)| *id)
            .collect();
        let mut ended: Vec<T> =
            gone.iter().filter_map(|id| self.residents.remove(id)).map(|(_, one)| one).collect();
        self.processes =
            found.processes.iter().map(|process| (process.pid, process.links)).collect();
        self.members.clear();
        for id in self.processes.values().flatten() {
            *self.members.entry(*id).or_default() += 1;
        }
        // What somebody is in again is kept by that. Nobody tells when one that has ended is gone.
        let live = self.processes.values().filter(|links| !has_ended(links));
        let inhabited: HashSet<Id> = live.flatten().copied().collect();
        self.doubtful.retain(|id| found.namespaces.contains_key(id) && !inhabited.contains(id));
        let (new, replaced) = self.admit(found, made);
        ended.extend(replaced);
        (new, ended)
    }

    /// Takes one process in; whether it is in a namespace that may be new.
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
        let mut surprising = false;
        for id in links.iter().flatten().filter(|id| **id != 0) {
            // One that nobody was in may be another one by now.
            surprising |= !self.residents.contains_key(id) || self.doubtful.contains(id);
            *self.members.entry(*id).or_default() += 1;
        }
        for id in before.iter().flatten().filter(|id| **id != 0) {
            let members = self.members.entry(*id).or_default();
            *members = members.saturating_sub(1);
            if *members == 0 {
                self.doubtful.insert(*id);
            }
        }
        surprising
    }

    /// Takes in those of what was found that are new; returns their numbers, and what is
    /// remembered of those that had these numbers before.
    pub fn admit(
        &mut self,
        found: &Found,
        made: impl FnOnce(&[Id]) -> Vec<T>,
    ) -> (Vec<Id>, Vec<T>) {
        let is_new = |id: &Id| match self.residents.get(id) {
            Some((unique, _)) => !is_still(*id, *unique, found),
            None => true,
        };
        let new: Vec<Id> = found.namespaces.keys().copied().filter(is_new).collect();
        let mut ended = Vec::new();
        if !new.is_empty() {
            for (id, one) in new.iter().zip(made(&new)) {
                let unique = found.namespaces[id].unique;
                ended.extend(self.residents.insert(*id, (unique, one)).map(|(_, one)| one));
            }
        }
        (new, ended)
    }

    /// What is remembered.
    pub fn get(&self, id: Id) -> Option<&T> {
        self.residents.get(&id).map(|(_, one)| one)
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

/// Whether it only waits to be waited for: then it is in a user and a pid namespace still.
fn has_ended(links: &Links) -> bool {
    let leaves = |kind: &Kind| !matches!(kind, Kind::User | Kind::Pid);
    Kind::ALL.into_iter().filter(leaves).all(|kind| links[kind as usize] == 0)
}

/// Whether what was found with this number is the one that is remembered.
fn is_still(id: Id, unique: Option<u64>, found: &Found) -> bool {
    found.namespaces.get(&id).is_some_and(|namespace| match (unique, namespace.unique) {
        (Some(before), Some(now)) => before == now,
        _ => true,
    })
}

#[cfg(test)]
mod tests {
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
    fn a_look_that_finds_somebody_in_it_ends_the_doubt() {
        let mut population = Population::default();
        population.settle(&found(&[(1, 10), (2, 20)], &[]), same);
        let mut links = Links::default();
        links[Kind::Net as usize] = 20;
        population.remove(2);
        assert!(population.put(3, Some(links)));
        // It may be another one, until all was looked at.
        assert_eq!(population.doubts(), 1);
        population.settle(&found(&[(1, 10), (3, 20)], &[]), same);
        assert_eq!(population.doubts(), 0);
        population.remove(3);
        assert_eq!(population.doubts(), 1);
    }

    #[test]
    fn who_has_ended_and_was_not_waited_for_ends_no_doubt() {
        let in_user = |ended: bool| {
            let mut found = found(&[(1, 10)], &[]);
            let mut links = Links::default();
            links[Kind::User as usize] = 20;
            links[Kind::Net as usize] = if ended { 0 } else { 10 };
            found.entry(Kind::User, 20);
            found.processes.push(Process { pid: 2, links });
            found
        };
        let mut population = Population::default();
        population.settle(&in_user(false), same);
        population.remove(2);
        population.settle(&in_user(true), same);
        assert_eq!(population.doubts(), 1);
    }

    #[test]
    fn one_process_that_moves_brings_what_is_new() {
        let mut population = Population::default();
        population.settle(&found(&[(1, 10)], &[]), same);
        let mut links = Links::default();
        links[Kind::Net as usize] = 30;
        assert!(population.put(5, Some(links)));
        assert_eq!(population.admit(&found(&[(5, 30)], &[]), same), (vec![30], vec![]));
        assert!(!population.put(5, Some(links)));
        assert_eq!(population.get(30), Some(&30));
    }
    #[test]
    fn a_number_that_is_used_again_is_another_namespace() {
        let numbered = |unique: u64| {
            let mut found = found(&[(1, 10)], &[20]);
            found.namespaces.get_mut(&20).unwrap().unique = Some(unique);
            found
        };
        let mut population = Population::default();
        population.settle(&numbered(1), same);
        assert_eq!(population.settle(&numbered(1), same), (vec![], vec![]));
        assert_eq!(population.settle(&numbered(2), same), (vec![20], vec![20]));
        assert_eq!(population.admit(&numbered(3), same), (vec![20], vec![20]));
        // A process comes into one that nobody was in: that is looked at.
        let mut links = Links::default();
        links[Kind::Net as usize] = 10;
        population.remove(1);
        assert!(population.put(2, Some(links)));
    }
}
