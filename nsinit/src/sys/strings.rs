//! The arrays of strings that programs are started with.

use core::ffi::{CStr, c_char};
use core::marker::PhantomData;

/// A NULL-terminated array of C strings: arguments or environment.
///
/// Whoever made the array, the kernel or a caller with std.
#[derive(Debug)]
pub struct Strings<'a> {
    first: *mut *const c_char,
    length: usize,
    strings: PhantomData<&'a CStr>,
}

impl<'a> Strings<'a> {
    /// Takes over an array.
    ///
    /// # Safety
    /// `first` points to a writable array of pointers to C strings that ends with NULL; the array
    /// and the strings live for `'a`, and nobody else changes them meanwhile.
    pub unsafe fn from_raw(first: *mut *const c_char) -> Strings<'a> {
        let mut length = 0;
        // SAFETY: no slot before the NULL is skipped, and the array has one.
        while unsafe { !(*first.add(length)).is_null() } {
            length += 1;
        }
        Strings { first, length, strings: PhantomData }
    }

    /// The number of strings.
    pub fn len(&self) -> usize {
        self.length
    }

    /// String number `index`.
    pub fn get(&self, index: usize) -> Option<&'a CStr> {
        if index >= self.length {
            return None;
        }
        // SAFETY: a slot before the NULL, so it holds a C string that lives for 'a.
        Some(unsafe { CStr::from_ptr(*self.first.add(index)) })
    }

    /// The strings from number `index` on.
    #[must_use]
    pub fn skip(&self, index: usize) -> Strings<'a> {
        let index = index.min(self.length);
        // SAFETY: at most the NULL at the end, which is in the array.
        let first = unsafe { self.first.add(index) };
        Strings { first, length: self.length - index, strings: PhantomData }
    }

    /// The rest of string number `index` if it begins with `prefix`. Reads no further than that:
    /// an environment of megabytes costs no more than its number of strings.
    pub fn strip_prefix(&self, index: usize, prefix: &[u8]) -> Option<&'a CStr> {
        if index >= self.length {
            return None;
        }
        // SAFETY: a slot before the NULL.
        let mut at = unsafe { *self.first.add(index) };
        for &byte in prefix {
            // SAFETY: all bytes before this one were equal to those of `prefix`, so none was the
            // NUL (were `prefix` to hold one, the loop ends there), and this one is in the string.
            let found = unsafe { *at.cast::<u8>() };
            if found != byte || found == 0 {
                return None;
            }
            // SAFETY: not the NUL, so the string goes on.
            at = unsafe { at.add(1) };
        }
        // SAFETY: still in the string, which lives for 'a.
        Some(unsafe { CStr::from_ptr(at) })
    }

    /// The value of the environment variable `name`, which ends with its `=`.
    pub fn variable(&self, name: &[u8]) -> Option<&'a CStr> {
        (0..self.length).find_map(|index| self.strip_prefix(index, name))
    }
}

/// An array in which some strings, from slot `at` on, are others for as long as a call lasts.
pub struct With<'a> {
    /// The array.
    pub strings: &'a Strings<'a>,
    /// The first slot to replace.
    pub at: usize,
    /// What to put there: at most two.
    pub others: &'a [&'a CStr],
}

/// What was in the slots of a [`With`].
pub(super) struct Before([*const c_char; 2]);

impl With<'_> {
    /// The array, as execve(2) takes it.
    pub(super) fn as_ptr(&self) -> *const *const c_char {
        self.strings.first
    }

    /// Puts the others in.
    pub(super) fn enter(&self) -> Before {
        let mut before = [core::ptr::null(); 2];
        for ((index, other), before) in self.others.iter().enumerate().zip(&mut before) {
            if let Some(slot) = self.slot(index) {
                // SAFETY: a slot of the array, which is writable.
                *before = unsafe { slot.replace(other.as_ptr()) };
            }
        }
        Before(before)
    }

    /// Puts back what was there.
    ///
    /// # Safety
    /// `before` is from `enter` of this very `With`.
    pub(super) unsafe fn leave(&self, before: Before) {
        for ((index, _), before) in self.others.iter().enumerate().zip(before.0) {
            if let Some(slot) = self.slot(index) {
                // SAFETY: a slot of the array, and what was in it by the caller's word.
                unsafe { slot.write(before) };
            }
        }
    }

    /// The slot for `others[index]`, if the array is so long.
    fn slot(&self, index: usize) -> Option<*mut *const c_char> {
        let index = self.at + index;
        // SAFETY: before the NULL, so in the array.
        (index < self.strings.length).then(|| unsafe { self.strings.first.add(index) })
    }
}

/// Calls with an array of `strings`, before which there is one more, which is empty.
#[cfg(not(freestanding))]
pub fn with_strings<R>(strings: &[std::ffi::CString], call: impl FnOnce(Strings<'_>) -> R) -> R {
    let mut array: Vec<_> = std::iter::once(c"".as_ptr())
        .chain(strings.iter().map(|string| string.as_ptr()))
        .chain(std::iter::once(core::ptr::null()))
        .collect();
    // SAFETY: `array` is ours, ends with NULL, and lives with the strings until `call` is done.
    call(unsafe { Strings::from_raw(array.as_mut_ptr()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;

    fn with<R>(strings: &[&str], call: impl FnOnce(Strings<'_>) -> R) -> R {
        let strings: Vec<_> = strings.iter().map(|text| CString::new(*text).unwrap()).collect();
        // Without the spare one in front.
        with_strings(&strings, |strings| call(strings.skip(1)))
    }

    fn all<'a>(strings: &Strings<'a>) -> Vec<&'a str> {
        (0..strings.len()).map(|index| strings.get(index).unwrap().to_str().unwrap()).collect()
    }

    #[test]
    fn strings_are_found_by_number_and_none_behind_the_last() {
        with(&["a", "", "c"], |strings| {
            assert_eq!(all(&strings), ["a", "", "c"]);
            assert_eq!(strings.get(3), None);
            assert_eq!(all(&strings.skip(2)), ["c"]);
            assert_eq!(all(&strings.skip(3)), [""; 0]);
            assert_eq!(all(&strings.skip(99)), [""; 0]);
        });
        with(&[], |strings| assert_eq!(strings.get(0), None));
    }

    #[test]
    fn variables_are_found_by_their_whole_name() {
        with(&["PATHS=1", "PAT=2", "", "PATH", "PATH=3", "PATH=4"], |strings| {
            assert_eq!(strings.variable(b"PATH="), Some(c"3"));
            assert_eq!(strings.variable(b"PAT="), Some(c"2"));
            assert_eq!(strings.variable(b"P="), None);
            assert_eq!(strings.strip_prefix(3, b"PATH="), None);
            assert_eq!(strings.strip_prefix(4, b"PATH=3"), Some(c""));
            assert_eq!(strings.strip_prefix(4, b"PATH=3\0"), None);
            assert_eq!(strings.strip_prefix(9, b""), None);
        });
    }

    #[test]
    fn others_are_in_their_slots_only_for_as_long_as_asked_for() {
        with(&["a", "b", "c"], |strings| {
            for (at, expected) in [
                (0, ["x", "y", "c"]),
                (1, ["a", "x", "y"]),
                (2, ["a", "b", "x"]),
                (3, ["a", "b", "c"]),
            ] {
                let other = With { strings: &strings, at, others: &[c"x", c"y"] };
                let before = other.enter();
                assert_eq!(all(&strings), expected);
                // SAFETY: from this one.
                unsafe { other.leave(before) };
                assert_eq!(all(&strings), ["a", "b", "c"]);
            }
        });
    }
}
