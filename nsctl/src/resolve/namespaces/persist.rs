//! `--persist`: namespaces kept in files.

use std::path::{Path, PathBuf};

use nsshim::Host;
use nsshim::spec::{Choice, Kind, Namespaces, Persist};

use super::kind;
use crate::args::RunArgs;
use crate::error::Error;
use crate::mountinfo;

/// What is to be kept, and where. The files are made with the namespaces.
pub fn resolve(
    args: &RunArgs,
    host: &Host,
    namespaces: &Namespaces,
) -> Result<Vec<Persist>, Error> {
    let mut kept: Vec<Persist> = Vec::new();
    for text in &args.persist {
        let (word, path) = text.split_once('=').ok_or_else(|| {
            Error::new(format!("cannot read --persist {text}")).try_this("--persist KIND=FILE")
        })?;
        let kind = kind(word)?;
        let refused = || Error::new(format!("cannot keep the {kind} namespace in {path}"));
        if kind == Kind::Pid {
            return Err(refused()
                .because("a pid namespace ends with its first process: nobody could join it")
                .try_this("keep the container running and join it with --pid pid:PID"));
        }
        if !host.is_privileged() {
            return Err(refused()
                .because("a bind mount where others see it needs CAP_SYS_ADMIN in the host's user namespace")
                .try_this("sudo nsctl run …, or keep a process in it and join it with pid:PID"));
        }
        if let Some(joined) = [Kind::User, Kind::Mnt]
            .into_iter()
            .find(|&kind| matches!(namespaces.get(kind), Choice::Join(_)))
        {
            return Err(refused().because(format!(
                "the {joined} namespace is joined, and from there the host's files cannot be bound on"
            )));
        }
        let path = place(path).map_err(|why| {
            refused()
                .because(why)
                .try_this("a file in an existing directory, such as /run/nsctl-net")
        })?;
        if kind == Kind::Mnt && is_shared(&path) {
            return Err(refused()
                .because("the kernel keeps no mount namespace on a mount that is shared with others: it could hold itself")
                .try_this("a file below a private mount: mount --bind DIR DIR && mount --make-private DIR"));
        }
        if kept.iter().any(|other| other.path == path) {
            return Err(refused().because("another namespace is to be kept there"));
        }
        kept.push(Persist { kind, path });
    }
    Ok(kept)
}

/// Where the file is or will be, without links.
fn place(path: &str) -> Result<PathBuf, String> {
    let path = Path::new(path);
    let failed = |error: std::io::Error| error.to_string();
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Err("it is a directory".into()),
        Ok(found) if found.file_type().is_file() => std::fs::canonicalize(path).map_err(failed),
        Ok(_) => Err("it is no regular file".into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let name = path.file_name().ok_or("it has no name")?;
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let parent = parent.unwrap_or(Path::new("."));
            let parent = std::fs::canonicalize(parent)
                .map_err(|error| format!("{}: {error}", parent.display()))?;
            Ok(parent.join(name))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Whether the mount that holds `path` belongs to a peer group. proc_pid_mountinfo(5)
fn is_shared(path: &Path) -> bool {
    mountinfo::mount_of(&mountinfo::here(), path).is_some_and(|mount| mount.shared)
}
