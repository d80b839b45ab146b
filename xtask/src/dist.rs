//! `cargo xtask dist`: the static release files and their checksums, nsinit's other names, the
//! manual and the completions.

use crate::{Result, cargo, docs};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(clap::Args)]
pub struct Args {
    /// Where to write them; `dist` at the top of the workspace unless given
    dir: Option<PathBuf>,
}

/// Writes `nsctl`, `nsinit` and its links, `man`, `completions` and `SHA256SUMS`.
pub fn run(args: &Args) -> Result<()> {
    let nsctl = cargo::build_nsctl(&["--locked"])?;
    let dir = args.dir.clone().unwrap_or_else(|| cargo::workspace().join("dist"));
    fs::create_dir_all(&dir)?;
    let files = [("nsctl", fs::read(nsctl)?), ("nsinit", nsinit::IMAGE.to_vec())];
    for (name, bytes) in &files {
        elf::check(bytes).map_err(|reason| format!("{name}: {reason}"))?;
        write_program(&dir.join(name), bytes)?;
    }
    for name in nsinit::other_names() {
        let link = dir.join(name);
        let _ = fs::remove_file(&link);
        symlink("nsinit", &link)?;
    }
    let mut names: Vec<String> = files.iter().map(|(name, _)| name.to_string()).collect();
    names.extend(write_manual(&dir)?);
    names.extend(write_completions(&dir)?);
    let sums = Command::new("sha256sum").current_dir(&dir).args(&names).output()?;
    if !sums.status.success() {
        return Err("sha256sum failed".into());
    }
    fs::write(dir.join("SHA256SUMS"), &sums.stdout)?;
    for name in &names {
        let path = dir.join(name);
        println!("{:>9} bytes  {}", fs::metadata(&path)?.len(), path.display());
    }
    let links: Vec<&str> = nsinit::other_names().collect();
    println!("links to nsinit: {}", links.join(", "));
    print!("{}", String::from_utf8_lossy(&sums.stdout));
    Ok(())
}

/// Writes all pages below `man`; returns their paths.
fn write_manual(dir: &Path) -> Result<Vec<String>> {
    fs::create_dir_all(dir.join("man"))?;
    // Not the committed one: that would be as old as the last `cargo xtask docs`.
    fs::write(dir.join("man/nsinit.1"), docs::manual()?)?;
    let mut names = vec!["man/nsinit.1".to_string()];
    // A test of nsctl's sees to it that these are current.
    for page in fs::read_dir(docs::nsctl_pages())? {
        let page = page?.path();
        if page.extension().is_some_and(|extension| extension == "1") {
            let name = format!("man/{}", page.file_name().unwrap_or_default().display());
            fs::copy(&page, dir.join(&name))?;
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Writes what `nsctl completion` prints, by the names under which the shells look for it.
fn write_completions(dir: &Path) -> Result<Vec<String>> {
    fs::create_dir_all(dir.join("completions"))?;
    let names = [("bash", "nsctl"), ("zsh", "_nsctl"), ("fish", "nsctl.fish")];
    let written = names.iter().map(|(shell, name)| {
        let script = Command::new(dir.join("nsctl")).args(["completion", shell]).output()?;
        if !script.status.success() {
            return Err(format!("nsctl completion {shell} failed").into());
        }
        let name = format!("completions/{name}");
        fs::write(dir.join(&name), script.stdout)?;
        Ok(name)
    });
    written.collect()
}

/// Writes a file that everybody may execute.
pub fn write_program(path: &Path, bytes: &[u8]) -> Result<()> {
    // A file that is being executed cannot be written, only replaced.
    let _ = fs::remove_file(path);
    fs::write(path, bytes)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// As much of the ELF format as says whether a program is static and stripped.
mod elf {
    /// elf.h: a program header that names a dynamic loader.
    const PT_INTERP: u32 = 3;
    /// elf.h: a section that holds the symbol table which strip(1) removes.
    const SHT_SYMTAB: u32 = 2;

    /// Says why `file` should not be released.
    pub fn check(file: &[u8]) -> Result<(), String> {
        match headers(file) {
            None => Err("not a complete 64-bit little-endian ELF file".into()),
            Some((programs, _)) if programs.contains(&PT_INTERP) => {
                Err("not static: it needs a dynamic loader (PT_INTERP)".into())
            }
            Some((_, sections)) if sections.contains(&SHT_SYMTAB) => {
                Err("not stripped: it has a symbol table".into())
            }
            Some(_) => Ok(()),
        }
    }

    /// The types of all program headers and of all sections.
    fn headers(file: &[u8]) -> Option<(Vec<u32>, Vec<u32>)> {
        if file.get(..6)? != b"\x7fELF\x02\x01" {
            return None;
        }
        // Elf64_Ehdr: e_phoff, e_shoff, then sizes and numbers of the entries.
        let programs = table(file, u64_at(file, 32)?, u16_at(file, 54)?, u16_at(file, 56)?, 0)?;
        let sections = table(file, u64_at(file, 40)?, u16_at(file, 58)?, u16_at(file, 60)?, 4)?;
        Some((programs, sections))
    }

    /// The type field of each entry of a header table.
    fn table(file: &[u8], start: u64, size: u16, number: u16, field: usize) -> Option<Vec<u32>> {
        let start = usize::try_from(start).ok()?.checked_add(field)?;
        let at = |i| start.checked_add(usize::from(size) * i);
        (0..usize::from(number)).map(|i| u32_at(file, at(i)?)).collect()
    }

    fn bytes<const N: usize>(file: &[u8], at: usize) -> Option<[u8; N]> {
        file.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    fn u16_at(file: &[u8], at: usize) -> Option<u16> {
        bytes(file, at).map(u16::from_le_bytes)
    }

    fn u32_at(file: &[u8], at: usize) -> Option<u32> {
        bytes(file, at).map(u32::from_le_bytes)
    }

    fn u64_at(file: &[u8], at: usize) -> Option<u64> {
        bytes(file, at).map(u64::from_le_bytes)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_test_program_is_static_but_not_stripped() {
            let file = std::fs::read(std::env::current_exe().unwrap()).unwrap();
            assert_eq!(check(&file).unwrap_err(), "not stripped: it has a symbol table");
        }

        #[test]
        fn a_dynamic_program_is_refused() {
            let mut file = vec![0; 64 + 56];
            file[..6].copy_from_slice(b"\x7fELF\x02\x01");
            file[32] = 64; // e_phoff
            file[54] = 56; // e_phentsize
            file[56] = 1; // e_phnum
            assert_eq!(check(&file), Ok(()));
            file[64] = 3;
            assert!(check(&file).unwrap_err().starts_with("not static"));
        }

        #[test]
        fn a_cut_off_file_is_refused() {
            let mut file = vec![0; 64];
            file[..6].copy_from_slice(b"\x7fELF\x02\x01");
            file[32] = 61; // the first type would end behind the file
            file[56] = 1;
            assert!(check(&file).is_err());
            assert!(check(b"#!/bin/sh").is_err());
        }
    }
}
