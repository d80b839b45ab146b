//! `--volume SRC:DST[:OPTION,...]`, `--device HOST[:DST]`: things of the host's.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::words::Words;
use super::{fields, target};

/// Something of the host's, and where it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// As typed; relative to the current directory.
    pub source: PathBuf,
    /// Inside.
    pub target: PathBuf,
    /// How.
    pub words: Words,
}

/// Reads the value of `--volume`.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &[u8]) -> Result<Volume, String> {
    let (source, target, options) = match &fields::colons(text)[..] {
        [source, target] => (source.clone(), target.clone(), None),
        [source, target, options] => (source.clone(), target.clone(), Some(options.clone())),
        [_] => {
            return Err("there are no volumes without a source: they would be kept nowhere \
                        (--tmpfs DST is empty and vanishes)"
                .into());
        }
        _ => return Err(r"it has more than three fields; a colon in a path is written \:".into()),
    };
    if source.is_empty() {
        return Err("the source is missing".into());
    }
    let target = target::parse(&target)?;
    target::check_proc(&target)?;
    let mut words = Words::default();
    for word in options.iter().flat_map(|options| options.split(|&byte| byte == b',')) {
        let word = String::from_utf8_lossy(word);
        if !words.take(&word)? {
            return Err(format!("there is no option {word:?}"));
        }
    }
    words.check_overlay()?;
    Ok(Volume { source: PathBuf::from(OsString::from_vec(source)), target, words })
}

/// Reads the value of `--device`: the host's path and the one inside.
///
/// # Errors
/// What is wrong with it.
pub fn parse_device(text: &[u8]) -> Result<(PathBuf, PathBuf), String> {
    let all = fields::colons(text);
    let rights = |field: &[u8]| {
        !field.is_empty() && field.len() <= 3 && field.iter().all(|byte| b"rwm".contains(byte))
    };
    let (host, inside, allowed) = match &all[..] {
        [host] => (host, host, None),
        [host, last] if rights(last) => (host, host, Some(last)),
        [host, inside] => (host, inside, None),
        [host, inside, last] if rights(last) => (host, inside, Some(last)),
        [_, _, _] => return Err("the third field is made of the letters r, w and m".into()),
        _ => return Err(r"it has more than three fields; a colon in a path is written \:".into()),
    };
    if let Some(allowed) = allowed
        && !(allowed.contains(&b'r') && allowed.contains(&b'w'))
    {
        return Err("there is no device filter that could allow less than rw; the caller's \
                    rights to the device hold"
            .into());
    }
    let target = target::parse(inside)?;
    target::check_proc(&target)?;
    Ok((PathBuf::from(OsString::from_vec(host.clone())), target))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::samples;
    use super::*;

    #[test]
    fn a_volume_has_a_source_a_place_and_options() {
        let volume = parse(b"src:/dst:ro,z,noexec").unwrap();
        assert_eq!(
            (volume.source.as_path(), volume.target.as_path()),
            ("src".as_ref(), "/dst".as_ref())
        );
        assert!(volume.words.flags.has("ro") && volume.words.flags.has("noexec"));
        let volume = parse(br"/a\:b, c:/d\:e\f").unwrap();
        assert_eq!(
            (volume.source.as_path(), volume.target.as_path()),
            ("/a:b, c".as_ref(), r"/d:e\f".as_ref())
        );
        let volume = parse(b"/\xff:/\xfe").unwrap();
        assert_eq!(volume.source.as_os_str().as_encoded_bytes(), b"/\xff");
    }

    #[test]
    fn wrong_volumes_are_refused_with_what_is_wrong() {
        for (text, reason) in [
            ("", "without a source"),
            ("/data", "without a source"),
            (":/data", "source is missing"),
            ("/a:", "place inside is missing"),
            ("/a:b", "does not begin with /"),
            ("/a:/", "the root itself"),
            ("/a:/../b", "goes up"),
            ("/a:/b:", "no option \"\""),
            ("/a:/b:ro,", "no option \"\""),
            ("/a:/b:nope", "no option \"nope\""),
            ("/a:/b:ro,rw", "contradict"),
            ("/a:/b:/c:ro", "more than three"),
            ("/a:/proc/self", "must stay"),
        ] {
            let why = parse(text.as_bytes()).unwrap_err();
            assert!(why.contains(reason), "{text}: {why}");
        }
    }

    #[test]
    fn a_device_is_where_it_was_or_elsewhere() {
        let paths = |text: &str| parse_device(text.as_bytes());
        let expected = |host: &str, inside: &str| Ok((host.into(), inside.into()));
        assert_eq!(paths("/dev/fuse"), expected("/dev/fuse", "/dev/fuse"));
        assert_eq!(paths("/dev/fuse:rwm"), expected("/dev/fuse", "/dev/fuse"));
        assert_eq!(paths("/dev/fuse:/dev/f"), expected("/dev/fuse", "/dev/f"));
        assert_eq!(paths("/dev/fuse:/dev/f:wr"), expected("/dev/fuse", "/dev/f"));
        for (text, reason) in [
            ("", "missing"),
            ("dev/fuse", "does not begin with /"),
            ("/dev/fuse:r", "no device filter"),
            ("/dev/fuse:/dev/f:m", "no device filter"),
            ("/dev/fuse:/dev/f:rx", "letters"),
            ("/dev/fuse:x", "does not begin with /"),
            ("/a:/b:rw:x", "more than three"),
        ] {
            let why = paths(text).unwrap_err();
            assert!(why.contains(reason), "{text}: {why}");
        }
    }

    #[test]
    fn no_input_makes_them_panic_or_leave_the_root() {
        for sample in samples() {
            for text in [sample.clone(), [b"/a:/".as_slice(), &sample].concat()] {
                if let Ok(volume) = parse(&text) {
                    assert!(volume.target.is_absolute() && volume.target != Path::new("/"));
                    assert!(!volume.source.as_os_str().is_empty());
                }
                let _ = parse_device(&text);
            }
        }
    }
}
