//! /etc/resolv.conf: who is asked for names, and how. resolv.conf(5)

use nsshim::spec::{Choice, Kind, Namespaces};

use super::{end_line, read};
use crate::args::{Dns, EtcArgs};
use crate::error::Error;

/// Refuses what contradicts itself or would be passed over without a word.
pub fn check(args: &EtcArgs) -> Result<(), Error> {
    let servers = args.dns.iter().filter(|dns| **dns != Dns::None).count();
    if servers < args.dns.len() {
        let other = [(servers > 0, "--dns ADDRESS")]
            .into_iter()
            .chain([(!args.dns_search.is_empty(), "--dns-search")])
            .chain([(!args.dns_option.is_empty(), "--dns-option")])
            .find(|(given, _)| *given);
        return match other {
            None => Ok(()),
            Some((_, other)) => {
                Err(Error::new(format!("--dns none and {other} contradict each other"))
                    .because("with --dns none /etc/resolv.conf stays the root's")
                    .try_this("one of them"))
            }
        };
    }
    // MAXNS, resolv.conf(5)
    if servers > 3 {
        return Err(Error::new(format!("{servers} name servers are too many"))
            .because("the C library asks the first three")
            .try_this("up to three --dns ADDRESS"));
    }
    if args.dns_search.len() > 1 && args.dns_search.iter().any(|domain| domain == ".") {
        return Err(Error::new("--dns-search . and another domain contradict each other")
            .because(". says that there is none")
            .try_this("one of them"));
    }
    Ok(())
}

/// The file, and whether it was asked for; `None` where it stays the root's.
pub fn text(args: &EtcArgs, own: bool, namespaces: &Namespaces) -> Option<(Vec<u8>, bool)> {
    let EtcArgs { dns, dns_search, dns_option, .. } = args;
    let asked = !dns.is_empty() || !dns_search.is_empty() || !dns_option.is_empty();
    if dns.contains(&Dns::None) || !(own || asked) {
        return None;
    }
    let mut text = if !dns.is_empty() {
        Vec::new()
    } else if own {
        default(namespaces)
    } else {
        read("/etc/resolv.conf").unwrap_or_default()
    };
    if !dns_search.is_empty() {
        text = without(&text, &[b"search", b"domain"]);
    }
    if !dns_option.is_empty() {
        text = without(&text, &[b"options"]);
    }
    end_line(&mut text);
    for server in dns {
        if let Dns::Server(address) = server {
            text.extend(format!("nameserver {address}\n").bytes());
        }
    }
    if !dns_search.is_empty() {
        text.extend(format!("search {}\n", dns_search.join(" ")).bytes());
    }
    if !dns_option.is_empty() {
        text.extend(format!("options {}\n", dns_option.join(" ")).bytes());
    }
    Some((text, asked))
}

/// The host's servers where its network may be; in a network of loopback alone there is none to
/// ask, and saying so makes every look-up fail at once.
fn default(namespaces: &Namespaces) -> Vec<u8> {
    match namespaces.get(Kind::Net) {
        Choice::New => b"# The container's own network has no name server.\n".to_vec(),
        Choice::Host | Choice::Join(_) => read("/etc/resolv.conf").unwrap_or_default(),
    }
}

/// The lines that do not begin with one of these words.
fn without(text: &[u8], words: &[&[u8]]) -> Vec<u8> {
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    let kept = lines.filter(|line| {
        let word = line.split(u8::is_ascii_whitespace).find(|word| !word.is_empty());
        !word.is_some_and(|word| words.contains(&word))
    });
    kept.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(dns: &[&str], search: &[&str], options: &[&str]) -> EtcArgs {
        let server = |text: &&str| match *text {
            "none" => Dns::None,
            address => Dns::Server(address.parse().unwrap()),
        };
        let strings = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        EtcArgs {
            dns: dns.iter().map(server).collect(),
            dns_search: strings(search),
            dns_option: strings(options),
            ..EtcArgs::default()
        }
    }

    #[test]
    fn what_is_given_takes_the_place_of_what_was_there() {
        let mut namespaces = Namespaces::default();
        namespaces.set(Kind::Net, Choice::New);
        let shown = |args: &EtcArgs, own| {
            text(args, own, &namespaces).map(|(text, _)| String::from_utf8(text).unwrap())
        };
        let servers = args(&["1.1.1.1", "::1"], &[], &[]);
        assert_eq!(shown(&servers, false).unwrap(), "nameserver 1.1.1.1\nnameserver ::1\n");
        let all = args(&["1.1.1.1"], &["a.org", "b.org"], &["ndots:2", "rotate"]);
        let expected = "nameserver 1.1.1.1\nsearch a.org b.org\noptions ndots:2 rotate\n";
        assert_eq!(shown(&all, true).unwrap(), expected);
        let search = shown(&args(&[], &["."], &[]), true).unwrap();
        assert!(search.starts_with("# The container's own") && search.ends_with("\nsearch .\n"));
        assert_eq!(shown(&EtcArgs::default(), false), None);
        assert_eq!(shown(&args(&["none"], &[], &[]), true), None);
        let text = b"search x\n  domain y\nnameserver 1.1.1.1\noptions z\nsearchx\n";
        assert_eq!(
            without(text, &[b"search", b"domain"]),
            b"nameserver 1.1.1.1\noptions z\nsearchx\n"
        );
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let told = |dns: &[&str], search: &[&str], options: &[&str]| {
            check(&args(dns, search, options)).map_err(|error| error.to_string())
        };
        assert_eq!(told(&["none"], &[], &[]), Ok(()));
        assert_eq!(told(&["::1", "::2", "::3"], &["."], &["rotate"]), Ok(()));
        assert!(told(&["none", "::1"], &[], &[]).unwrap_err().contains("--dns ADDRESS contradict"));
        assert!(told(&["none"], &["x"], &[]).unwrap_err().contains("--dns-search contradict"));
        assert!(told(&["none"], &[], &["x"]).unwrap_err().contains("--dns-option contradict"));
        assert!(told(&["::1"; 4], &[], &[]).unwrap_err().contains("too many"));
        assert!(told(&[], &["x", "."], &[]).unwrap_err().contains("--dns-search ."));
    }
}
