//! What each option comes to on this machine.

use std::ffi::OsString;
use std::path::Path;

use nsshim::Host;
use nsshim::spec::{Bind, Choice, ContainerId, HostId, IdMap, Kind, Propagation, Setgroups};

use super::*;

fn resolved(option: PlacedBy, text: impl Into<OsString>) -> Result<Placed, String> {
    let mut namespaces = Namespaces::default();
    for kind in [Kind::User, Kind::Mnt, Kind::Pid, Kind::Cgroup] {
        namespaces.set(kind, Choice::New);
    }
    let line = || vec![IdMap { inside: ContainerId(0), outside: HostId(1000), count: 1 }];
    let maps = IdMaps { users: line(), groups: line(), setgroups: Setgroups::Deny };
    let host = Host::probe();
    let around = Around { namespaces: &namespaces, maps: Some(&maps), host: &host };
    mount(&Placement { option, text: text.into() }, &around)
        .map(|mount| mount.what)
        .map_err(|error| error.to_string())
}

fn bind_of(option: PlacedBy, text: &str) -> Bind {
    match resolved(option, text) {
        Ok(Placed::Bind(bind)) => bind,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_bind_is_without_devices_and_recursive() {
    let bind = bind_of(PlacedBy::Volume, "/usr:/x:ro");
    let set = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NODEV;
    assert_eq!(bind.attributes, Attributes { set, clear: 0, recursive: true });
    assert_eq!((bind.recursive, bind.propagation), (true, Propagation::Private));
    let bind = bind_of(PlacedBy::Volume, "/usr:/x:bind,dev,rslave");
    let clear = libc::MOUNT_ATTR_NODEV;
    assert_eq!(bind.attributes, Attributes { set: 0, clear, recursive: false });
    assert_eq!((bind.recursive, bind.propagation), (false, Propagation::Slave));
    let bind = bind_of(PlacedBy::Mount, "type=bind,src=/usr,dst=/x,ro,bind-recursive=writable");
    assert_eq!((bind.recursive, bind.attributes.recursive), (true, false));
    assert!(bind_of(PlacedBy::Volume, "src:/x").source.is_absolute());
}

#[test]
fn devices_work_only_where_they_are_asked_for() {
    let bind = bind_of(PlacedBy::Device, "/dev/null:/x");
    assert_eq!(bind.attributes.clear, libc::MOUNT_ATTR_NODEV);
    // Hiding a file behind /dev/null is a habit of many.
    assert_eq!(bind_of(PlacedBy::Volume, "/dev/null:/x").attributes.set, 0);
    if Path::new("/dev/ptmx").exists() {
        let told = resolved(PlacedBy::Volume, "/dev/ptmx:/x").unwrap_err();
        assert!(told.contains("--device /dev/ptmx:/x"), "{told}");
        assert!(resolved(PlacedBy::Volume, "/dev/ptmx:/x:dev").is_ok());
    }
    let told = resolved(PlacedBy::Device, "/etc/passwd").unwrap_err();
    assert!(told.contains("-v /etc/passwd:/etc/passwd"), "{told}");
}

#[test]
fn a_source_that_is_missing_is_named() {
    for (option, text) in [
        (PlacedBy::Volume, "/no/such:/x"),
        (PlacedBy::Volume, "/no/such:/x:O"),
        (PlacedBy::Device, "/no/such"),
        (PlacedBy::Mount, "type=bind,src=/no/such,dst=/x"),
        (PlacedBy::Mount, "type=overlay,lowerdir=/usr,lowerdir=/no/such,dst=/x"),
    ] {
        let told = resolved(option, text).unwrap_err();
        assert!(told.contains("/no/such: ") && told.contains("there is no /no\n"), "{told}");
    }
}

#[test]
fn an_owner_must_be_mapped() {
    assert!(resolved(PlacedBy::Tmpfs, "/t:uid=0,gid=0").is_ok());
    for text in ["/t:uid=1", "/t:gid=1000"] {
        assert!(resolved(PlacedBy::Tmpfs, text).unwrap_err().contains("not mapped"));
    }
    let told = resolved(PlacedBy::Mount, "type=devpts,dst=/t,gid=5").unwrap_err();
    assert!(told.contains("gid 5"), "{told}");
}

#[test]
fn what_others_own_cannot_be_mounted() {
    assert!(resolved(PlacedBy::Mount, "type=proc,dst=/p").is_ok());
    let told = resolved(PlacedBy::Mount, "type=sysfs,dst=/s").unwrap_err();
    assert!(told.contains("sharing of net"), "{told}");
}

#[test]
fn a_message_shows_no_content_and_no_flood() {
    let long = format!("relative={}", "secret".repeat(20_000));
    let told = resolved(PlacedBy::File, &long).unwrap_err();
    assert!(told.contains("--file relative: ") && !told.contains("secret"), "{told}");
    for option in [PlacedBy::Volume, PlacedBy::Mount, PlacedBy::Tmpfs, PlacedBy::Device] {
        for text in ["x".repeat(100_000), format!("/usr:/{}", "x/".repeat(50_000))] {
            let told = resolved(option, &text).unwrap_err();
            assert!(told.len() < 3000, "{}", told.len());
        }
    }
}

/// Bytes of which parsers are made to stumble, the same at every run.
pub fn samples() -> impl Iterator<Item = Vec<u8>> {
    const PIECES: [&[u8]; 24] = [
        b"/",
        b":",
        b",",
        b"=",
        b"\\",
        b"\"",
        b"\"\"",
        b"..",
        b".",
        b"a",
        b"\n",
        b"\xff",
        b" ",
        b"ro",
        b"rw",
        b"size=",
        b"mode=",
        b"uid=",
        b"0",
        b"18446744073709551616",
        b"64k",
        b"%",
        b"dst=/",
        b"\0",
    ];
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = move |limit: usize| {
        // xorshift64, Marsaglia.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % limit as u64) as usize
    };
    let random = (0..4000).map(move |_| {
        let count = next(12);
        (0..count).flat_map(|_| PIECES[next(PIECES.len())].to_vec()).collect()
    });
    random.chain(PIECES.map(|piece| piece.repeat(100_000 / piece.len())))
}
