//! /etc/hostname, /etc/hosts and /etc/resolv.conf of a root of the container's own: laid
//! over the root's, never written to it (CVE-2025-24965).

use std::ffi::{CStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;

use nsshim::spec::{Choice, Kind, Mount, Namespaces, Placed, Root, RootSource};

use super::mounts::TEXT_FILE;
use crate::args::{Dns, RootArgs};
use crate::error::Error;

/// More than any resolver or host file has that is read at each look-up.
const MAX_BYTES: u64 = 1 << 20;

/// What is placed before the user's mounts, which win.
pub fn resolve(
    args: &RootArgs,
    root: Option<&Root>,
    namespaces: &Namespaces,
    hostname: Option<&CStr>,
) -> Result<Vec<Mount>, Error> {
    let servers = servers(&args.dns)?;
    let Some(root) = root else { return Ok(Vec::new()) };
    let own = root.source != RootSource::Host;
    let mut files = Vec::new();
    if own {
        let name = self::hostname(namespaces, hostname).map(OsString::into_vec);
        if let Some(name) = name.as_deref().filter(|_| !args.no_hostname) {
            files.push(file("/etc/hostname", [name, b"\n"].concat()));
        }
        if !args.no_hosts {
            files.push(file("/etc/hosts", hosts(namespaces, name.as_deref(), hostname.is_some())));
        }
    }
    match servers {
        Servers::These(lines) => files.push(file("/etc/resolv.conf", lines)),
        Servers::Default if own => files.push(file("/etc/resolv.conf", resolver(namespaces))),
        Servers::Default | Servers::Roots => {}
    }
    Ok(files)
}

fn file(target: &str, content: Vec<u8>) -> Mount {
    let what = Placed::File { content, mode: 0o644, optional: true, attributes: TEXT_FILE };
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
        if !text.ends_with(b"\n") && !text.is_empty() {
            text.push(b'\n');
        }
        text.extend([b"127.0.1.1\t", name, b"\n"].concat());
    }
    text
}

/// resolv.conf(5): the host's servers where its network may be; in a network of loopback
/// alone there is none to ask, and saying so makes every look-up fail at once.
fn resolver(namespaces: &Namespaces) -> Vec<u8> {
    match namespaces.get(Kind::Net) {
        Choice::New => b"# The container's own network has no name server.\n".to_vec(),
        Choice::Host | Choice::Join(_) => read("/etc/resolv.conf").unwrap_or_default(),
    }
}

fn read(path: &str) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path).ok()?.take(MAX_BYTES).read_to_end(&mut text).ok()?;
    Some(text)
}

#[derive(Debug, PartialEq, Eq)]
enum Servers {
    Default,
    These(Vec<u8>),
    Roots,
}

fn servers(asked: &[Dns]) -> Result<Servers, Error> {
    let addresses: Vec<String> = asked
        .iter()
        .filter_map(|dns| match dns {
            Dns::Server(address) => Some(format!("nameserver {address}\n")),
            Dns::None => None,
        })
        .collect();
    match (addresses.len(), asked.len()) {
        (0, 0) => Ok(Servers::Default),
        (0, _) => Ok(Servers::Roots),
        // MAXNS, resolv.conf(5): more are passed over without a word.
        (count, all) if count == all && count <= 3 => {
            Ok(Servers::These(addresses.concat().into_bytes()))
        }
        (count, all) if count == all => {
            Err(Error::new(format!("{count} name servers are too many"))
                .because("the C library asks the first three")
                .try_this("up to three --dns ADDRESS"))
        }
        _ => Err(Error::new("--dns none and --dns ADDRESS contradict each other")
            .try_this("one of them")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(files: &[Mount], target: &str) -> Option<String> {
        files.iter().find(|file| file.target == std::path::Path::new(target)).map(
            |file| match &file.what {
                Placed::File { content, optional: true, .. } => {
                    String::from_utf8_lossy(content).into_owned()
                }
                other => panic!("{other:?}"),
            },
        )
    }

    fn files(
        args: &RootArgs,
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
        let own = files(&RootArgs::default(), RootSource::Empty, &[], Some(c"bird"));
        assert_eq!(text(&own, "/etc/hostname").unwrap(), "bird\n");
        let hosts = text(&own, "/etc/hosts").unwrap();
        assert!(
            hosts.starts_with("127.0.0.1\tlocalhost\n") && hosts.ends_with("127.0.1.1\tbird\n")
        );
        assert!(!text(&own, "/etc/resolv.conf").unwrap().contains("nameserver"));
        // What speaks the format is not in a name.
        for name in [c"a\nb", c"a b", c"#"] {
            let own = files(&RootArgs::default(), RootSource::Empty, &[], Some(name));
            assert!(!text(&own, "/etc/hosts").unwrap().contains("127.0.1.1"));
        }
    }

    #[test]
    fn with_the_hosts_network_its_files_are_copied() {
        let own = files(&RootArgs::default(), RootSource::Empty, &[Kind::Net], None);
        let host = |path: &str| read(path).map(|text| String::from_utf8_lossy(&text).into_owned());
        if let Some(hosts) = host("/etc/hosts") {
            assert_eq!(text(&own, "/etc/hosts").unwrap(), hosts);
        }
        assert_eq!(
            text(&own, "/etc/resolv.conf"),
            Some(host("/etc/resolv.conf").unwrap_or_default())
        );
        let named = files(&RootArgs::default(), RootSource::Empty, &[Kind::Net], Some(c"bird"));
        assert!(text(&named, "/etc/hosts").unwrap().ends_with("\n127.0.1.1\tbird\n"));
    }

    #[test]
    fn each_can_be_left_as_it_is() {
        let args = RootArgs {
            no_hosts: true,
            no_hostname: true,
            dns: vec![Dns::None],
            ..RootArgs::default()
        };
        assert_eq!(files(&args, RootSource::Empty, &[], Some(c"bird")), []);
        assert_eq!(files(&RootArgs::default(), RootSource::Host, &[], Some(c"bird")), []);
        let server = |text: &str| Dns::Server(text.parse().unwrap());
        let args = RootArgs { dns: vec![server("1.1.1.1"), server("::1")], ..RootArgs::default() };
        let own = files(&args, RootSource::Host, &[], None);
        assert_eq!(own.len(), 1);
        assert_eq!(text(&own, "/etc/resolv.conf").unwrap(), "nameserver 1.1.1.1\nnameserver ::1\n");
        assert!(servers(&[server("1.1.1.1"), Dns::None]).is_err());
        assert!(servers(&[server("1.1.1.1"); 4]).is_err());
    }
}
