//! What the links of /proc/PID/ns and /proc/PID/fd say: `net:[4026531840]`.

use nsshim::spec::Kind;

use super::Id;

/// Kind and number of a namespace's link.
pub fn parse(link: &[u8]) -> Option<(Kind, Id)> {
    let colon = link.iter().take(7).position(|&byte| byte == b':')?;
    let kind = kind(&link[..colon])?;
    Some((kind, number(&link[colon..])?))
}

/// `:[4026531840]`
pub(super) fn number(text: &[u8]) -> Option<Id> {
    let digits = text.strip_prefix(b":[")?.strip_suffix(b"]")?;
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    digits
        .iter()
        .try_fold(0, |id: Id, &byte| byte.is_ascii_digit().then(|| id * 10 + Id::from(byte - b'0')))
}

fn kind(name: &[u8]) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.file().as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_of_namespaces_are_taken() {
        assert_eq!(parse(b"net:[4026531840]"), Some((Kind::Net, 4_026_531_840)));
        assert_eq!(parse(b"mnt:[1]"), Some((Kind::Mnt, 1)));
        let wrong: [&[u8]; 8] = [
            b"socket:[12]",
            b"pipe:[12]",
            b"/net:[12]",
            b"net:[]",
            b"net:[1x]",
            b"net:[12] (deleted)",
            b"anon_inode:[eventfd]",
            b"net:[99999999999999999999]",
        ];
        for link in wrong {
            assert_eq!(parse(link), None, "{}", String::from_utf8_lossy(link));
        }
    }
}
