//! Whether the kernel will let the caller make and join what was asked, found
//! out before anything is made. It would say EPERM for each.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;
use nsshim::spec::{Choice, Joined, Kind, Namespaces};
use nsshim::{Host, sys};

use crate::error::Error;

/// Refuses what needs rights that the caller does not have.
pub fn check(namespaces: &Namespaces, host: &Host) -> Result<(), Error> {
    let user = namespaces.get(Kind::User);
    // Of a process's own, the kernel finds the order in which they can be joined.
    let together = |kind| {
        let process = namespaces.together();
        process.is_some_and(|process| process.kinds.contains(&kind))
    };
    let in_order = |kind| together(kind) && together(Kind::User);
    if matches!(user, Choice::Host) && !host.is_privileged() {
        check_new(namespaces)?;
    }
    for kind in Kind::ALL.into_iter().filter(|&kind| kind != Kind::User) {
        if let Choice::Join(joined) = namespaces.get(kind)
            && !in_order(kind)
        {
            check_joined(kind, joined, user, host)?;
        }
    }
    Ok(())
}

fn check_new(namespaces: &Namespaces) -> Result<(), Error> {
    let new: Vec<&str> =
        Kind::ALL.into_iter().filter(|&kind| namespaces.is_new(kind)).map(Kind::file).collect();
    if new.is_empty() {
        return Ok(());
    }
    Err(Error::new(format!(
        "cannot make new namespaces ({}) in the host's user namespace",
        new.join(", ")
    ))
    .because("that needs CAP_SYS_ADMIN there; in a new user namespace the caller has it")
    .try_this(format!(
        "leave the sharing of user out, or share these too: --share user,{}",
        new.join(",")
    )))
}

fn check_joined(kind: Kind, joined: &Joined, user: &Choice, host: &Host) -> Result<(), Error> {
    let refused =
        || Error::new(format!("cannot join the {kind} namespace {}", joined.path.display()));
    let owner = match sys::get_ns_userns(joined.fd.as_fd()) {
        Ok(owner) => File::from(owner),
        Err(Errno::EPERM) => {
            return Err(refused()
                .because("its owner is a user namespace outside of ours")
                .try_this("nsctl on the host itself"));
        }
        // An old kernel cannot say; setns(2) will.
        Err(_) => return Ok(()),
    };
    match user {
        Choice::Join(userns) if !is_within(owner, &userns.fd) => Err(refused()
            .because(format!(
                "it is owned by another user namespace than {}, which is joined first",
                userns.path.display()
            ))
            .try_this("namespaces of one container, or sudo nsctl … without --userns")),
        Choice::Join(_) => Ok(()),
        _ if host.is_privileged() => Ok(()),
        Choice::New => Err(refused()
            .because("its owner is another user namespace than the new one, where the caller would have its rights")
            .try_this("leave the options for a new user namespace out (--userns new, --keep-id, --map…)")),
        Choice::Host => Err(refused()
            .because("that needs CAP_SYS_ADMIN in the user namespace that owns it")
            .try_this("leave the sharing of user out if it is a container of yours, else: sudo nsctl …")),
    }
}

/// Whether a user namespace is `other` or below it.
fn is_within(mut userns: File, other: impl AsFd) -> bool {
    let id = |fd: &dyn AsFd| {
        let file = fd.as_fd().try_clone_to_owned().map(File::from).ok()?;
        file.metadata().ok().map(|found| (found.dev(), found.ino()))
    };
    let wanted = id(&other);
    // The kernel nests at most 33 user namespaces.
    for _ in 0..=33 {
        if id(&userns) == wanted {
            return true;
        }
        match sys::get_ns_parent(userns.as_fd()) {
            Ok(parent) => userns = File::from(parent),
            Err(_) => return false,
        }
    }
    false
}
