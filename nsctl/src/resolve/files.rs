//! /etc/hostname, /etc/hosts and /etc/resolv.conf of a root of the container's own: laid
//! over the root's, never written to it (CVE-2025-24965).

mod resolver;

use std::ffi::{CStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;

use nsshim::spec::{Choice, Kind, Mount, Namespaces, Placed, Root, RootSource};

use super::mounts::TEXT_FILE;
use crate::args::EtcArgs;
use crate::error::Error;

/// More than any resolver or host file has that is read at each look-up.
const MAX_BYTES: u64 = 1 << 20;

/// What is placed before the user's mounts, which win.
pub fn resolve(
    args: &EtcArgs,
    root: Option<&Root>,
    namespaces: &Namespaces,
    hostname: Option<&CStr>,
) -> Result<Vec<Mount>, Error> {
    resolver::check(args)?;
    let Some(root) = root else { return Ok(Vec::new()) };
    let own = root.source != RootSource::Host;
    let mut files = Vec::new();
    let name = self::hostname(namespaces, hostname).map(OsString::into_vec);
    if let Some(name) = name.as_deref().filter(|_| own && !args.no_hostname) {
        files.push(file("/etc/hostname", [name, b"\n"].concat(), false));
    }
    let asked = !args.add_host.is_empty();
    if asked || (own && !args.no_hosts) {
        let mut text = match own {
            true => hosts(namespaces, name.as_deref(), hostname.is_some()),
            false => read("/etc/hosts").unwrap_or_default(),
        };
        let lines = args.add_host.iter().map(|line| format!("{}\t{}\n", line.address, line.name));
        end_line(&mut text);
        text.extend(lines.collect::<String>().into_bytes());
        files.push(file("/etc/hosts", text, asked));
    }
    if let Some((text, asked)) = resolver::text(args, own, namespaces) {
        files.push(file("/etc/resolv.conf", text, asked));
    }
    Ok(files)
}

/// A root that has no such file goes without, unless it was asked for.
fn file(target: &str, content: Vec<u8>, asked: bool) -> Mount {
    let what = Placed::File { content, mode: 0o644, optional: !asked, attributes: TEXT_FILE };
    Mount { target: target.into(), what }
}

/// The name inside, as far as it is known: in a joined namespace it is what its owner
/// says, and may change.
pub fn hostname(namespaces: &Namespaces, asked: Option<&CStr>) -> Option<OsString> {
    match (namespaces.get(Kind::Uts), asked) {
        (Choice::Join(_), _) => None,
        (_, Some(name)) => Some(OsString::from_vec(name.to_bytes().to_vec())),
        (_, None) => nix::unistd::gethostname().ok(),
    }
}

/// hosts(5): the host's where the network is the host's, and else loopback alone. A name
/// that would break the file is left out.
fn hosts(namespaces: &Namespaces, name: Option<&[u8]>, asked: bool) -> Vec<u8> {
    let shared = namespaces.is_host(Kind::Net);
    let mut text = match read("/etc/hosts").filter(|_| shared) {
        Some(text) => text,
        None => b"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n".to_vec(),
    };
    let plain = |name: &&[u8]| name.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#');
    // The host's file knows the host's name.
    if let Some(name) = name.filter(plain).filter(|_| asked || !shared) {
        end_line(&mut text);
        text.extend([b"127.0.1.1\t", name, b"\n"].concat());
    }
    text
}

fn end_line(text: &mut Vec<u8>) {
    if !text.ends_with(b"\n") && !text.is_empty() {
        text.push(b'\n');
    }
}

fn read(path: &str) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path).ok()?.take(MAX_BYTES).read_to_end(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(files: &[Mount], target: &str) -> Option<String> {
        files.iter().find(|file| file.target == std::path::Path::new(target)).map(
            |file| match &file.what {
                Placed::File { content, .. } => String::from_utf8_lossy(content).into_owned(),
                other => panic!("{other:?}"),
            },
        )
    }

    fn files(
        args: &EtcArgs,
        source: RootSource,
        shared: &[Kind],
        name: Option<&CStr>,
    ) -> Vec<Mount> {
        let mut namespaces = Namespaces::default();
        for kind in Kind::ALL.into_iter().filter(|kind| !shared.contains(kind)) {
            namespaces.set(kind, Choice::New);
        }
        let root = Root {
            source,
            overlay: None,
            read_only: false,
            devices: false,
            idmap: false,
            userxattr: true,
            parts: Vec::new(),
        };
        resolve(args, Some(&root), &namespaces, name).unwrap()
    }

    #[test]
    fn an_own_root_is_told_its_name_and_where_names_are_found() {
        let own = files(&EtcArgs::default(), RootSource::Empty, &[], Some(c"bird"));
        assert_eq!(text(&own, "/etc/hostname").unwrap(), "bird\n");
        let hosts = text(&own, "/etc/hosts").unwrap();
        assert!(
            hosts.starts_with("127.0.0.1\tlocalhost\n") && hosts.ends_with("127.0.1.1\tbird\n")
        );
        assert!(!text(&own, "/etc/resolv.conf").unwrap().contains("nameserver"));
        // What speaks the format is not in a name.
        for name in [c"a\nb", c"a b", c"#"] {
            let own = files(&EtcArgs::default(), RootSource::Empty, &[], Some(name));
            assert!(!text(&own, "/etc/hosts").unwrap().contains("127.0.1.1"));
        }
    }

    #[test]
    fn with_the_hosts_network_its_files_are_copied() {
        let own = files(&EtcArgs::default(), RootSource::Empty, &[Kind::Net], None);
        let host = |path: &str| read(path).map(|text| String::from_utf8_lossy(&text).into_owned());
        if let Some(hosts) = host("/etc/hosts") {
            assert_eq!(text(&own, "/etc/hosts").unwrap(), hosts);
        }
        assert_eq!(
            text(&own, "/etc/resolv.conf"),
            Some(host("/etc/resolv.conf").unwrap_or_default())
        );
        let named = files(&EtcArgs::default(), RootSource::Empty, &[Kind::Net], Some(c"bird"));
        assert!(text(&named, "/etc/hosts").unwrap().ends_with("\n127.0.1.1\tbird\n"));
    }

    #[test]
    fn lines_are_added_to_what_is_there() {
        let line = |name: &str, address: &str| crate::args::HostLine {
            name: name.into(),
            address: address.parse().unwrap(),
        };
        let args = EtcArgs {
            add_host: vec![line("nest", "10.0.0.1"), line("six", "::1")],
            ..EtcArgs::default()
        };
        let own = files(&args, RootSource::Empty, &[], Some(c"bird"));
        let lines = "127.0.1.1\tbird\n10.0.0.1\tnest\n::1\tsix\n";
        assert!(text(&own, "/etc/hosts").unwrap().ends_with(lines));
        let host = files(&args, RootSource::Host, &[], None);
        assert_eq!(host.len(), 1);
        let text = text(&host, "/etc/hosts").unwrap();
        let before = read("/etc/hosts").unwrap_or_default();
        assert!(text.starts_with(String::from_utf8_lossy(&before).trim_end()), "{text}");
        assert!(text.ends_with("\n10.0.0.1\tnest\n::1\tsix\n"), "{text}");
    }

    #[test]
    fn each_can_be_left_as_it_is() {
        let args = EtcArgs {
            no_hosts: true,
            no_hostname: true,
            dns: vec![crate::args::Dns::None],
            ..EtcArgs::default()
        };
        assert_eq!(files(&args, RootSource::Empty, &[], Some(c"bird")), []);
        assert_eq!(files(&EtcArgs::default(), RootSource::Host, &[], Some(c"bird")), []);
    }
}
