//! Names that can be said aloud, for containers that were given none.

use std::fs::File;
use std::io::Read;

use crate::error::Error;

const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
const VOWELS: &[u8; 4] = b"aeio";

/// Two words of three syllables: 36 bits, so that two are hardly ever the same.
pub fn pronounceable() -> Result<String, Error> {
    let random = random::<6>()?;
    let syllable = |byte: u8| {
        let consonant = CONSONANTS[usize::from(byte >> 4)];
        let vowel = VOWELS[usize::from(byte & 3)];
        [char::from(consonant), char::from(vowel)]
    };
    let word = |bytes: &[u8]| bytes.iter().flat_map(|&byte| syllable(byte)).collect::<String>();
    Ok(format!("{}-{}", word(&random[..3]), word(&random[3..])))
}

/// As many bytes that nobody can guess, two digits each.
pub fn random_hex<const N: usize>() -> Result<String, Error> {
    Ok(random::<N>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Bytes that nobody can guess. random(4)
fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| Error::new(format!("cannot read /dev/urandom: {error}")))?;
    Ok(bytes)
}
