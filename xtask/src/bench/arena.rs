//! The place of a benchmark: copies of all programs where any user may execute
//! them, and a private home per identity. Gone when the benchmark ends.

use super::{floor, identity::Identity};
use crate::Result;
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

pub struct Arena {
    /// Programs and bundles, readable by all.
    dir: PathBuf,
    /// Homes; on tmpfs, because that is where runtimes keep their state.
    homes: PathBuf,
}

/// The home and runtime directory of an identity.
pub struct Home(pub String);

impl Arena {
    /// A place with nothing in it.
    pub fn new() -> Result<Arena> {
        let name = format!("nsctl-bench.{}", std::process::id());
        let shm = Path::new("/dev/shm");
        let memory = if shm.is_dir() { shm.to_path_buf() } else { std::env::temp_dir() };
        let arena = Arena {
            dir: std::env::temp_dir().join(&name),
            homes: memory.join(format!("{name}.homes")),
        };
        directory(&arena.dir, 0o755)?;
        directory(&arena.homes, 0o755)?;
        Ok(arena)
    }

    /// Copies a program.
    pub fn install(&self, program: &Path, name: &str) -> Result<()> {
        let bytes = fs::read(program).map_err(|error| format!("{}: {error}", program.display()))?;
        crate::dist::write_program(&self.dir.join(name), &bytes)
    }

    /// Compiles the workload that exits at once, and the one that sleeps.
    pub fn compile_workloads(&self) -> Result<()> {
        self.compile("true", floor::compile_true)?;
        self.compile(SLEEP, floor::compile_sleep)
    }

    /// Compiles one of the programs that the benchmark brings along.
    pub fn compile(&self, name: &str, compile: fn(&Path) -> Result<()>) -> Result<()> {
        let path = self.dir.join(name);
        compile(&path)?;
        // The umask had its say.
        fs::set_permissions(&path, Permissions::from_mode(0o755))?;
        Ok(())
    }

    /// Where a program of the arena is, and would be.
    pub fn program(&self, name: &str) -> String {
        self.dir.join(name).to_string_lossy().into_owned()
    }

    pub fn has(&self, name: &str) -> bool {
        self.dir.join(name).exists()
    }

    /// The private home of an identity, made when it is first asked for.
    pub fn home(&self, identity: &Identity) -> Result<Home> {
        let path = self.homes.join(identity.kind());
        directory(&path, 0o700)?;
        chown(&path, Some(identity.uid), Some(identity.gid))?;
        Ok(Home(path.to_string_lossy().into_owned()))
    }

    /// A command line for people: our own directories left away.
    pub fn shorten(&self, line: &str) -> String {
        let strip = |line: String, dir: &Path| line.replace(&format!("{}/", dir.display()), "");
        strip(strip(line.to_string(), &self.dir), &self.homes)
    }

    /// A directory for an OCI bundle.
    pub fn bundle_dir(&self, name: &str) -> Result<PathBuf> {
        self.directory(&format!("bundles/{name}"))
    }

    /// A directory, made when it is not there.
    pub fn directory(&self, name: &str) -> Result<PathBuf> {
        let path = self.dir.join(name);
        directory(&path, 0o755)?;
        Ok(path)
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for dir in [&self.dir, &self.homes] {
            if let Err(error) = fs::remove_dir_all(dir) {
                eprintln!("cannot remove {}: {error}", dir.display());
            }
        }
    }
}

/// The sleeping workload's name, by which it is told from its runtime.
pub const SLEEP: &str = "nsbench-sleep";

/// Makes a directory and its parents with exactly this mode for the last one.
pub fn directory(path: &Path, mode: u32) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(path)?;
    // The umask had its say.
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    Ok(())
}
