//! The head of a program file: a script's interpreter, an ELF file's processor and loader. elf(5)

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// What a file is to execve(2).
#[derive(Debug, PartialEq, Eq)]
pub enum Head {
    /// Nothing in it.
    Empty,
    /// `#!` and this interpreter, exactly as written up to the first blank or line end.
    Script(Vec<u8>),
    /// An ELF program.
    Elf(Elf),
    /// Begins like an ELF file, and is not a whole one.
    BrokenElf,
    /// Neither.
    Other,
}

/// What the kernel looks at in an ELF file.
#[derive(Debug, PartialEq, Eq)]
pub struct Elf {
    /// 32 or 64.
    pub bits: u8,
    /// `e_machine`.
    pub machine: u16,
    /// The dynamic loader, if it wants one.
    pub loader: Option<PathBuf>,
}

/// `EM_*` of include/uapi/linux/elf-em.h that are met.
const MACHINES: [(u16, &str); 10] = [
    (3, "x86"),
    (8, "MIPS"),
    (20, "PowerPC"),
    (21, "64-bit PowerPC"),
    (22, "S/390"),
    (40, "ARM"),
    (62, "x86_64"),
    (183, "aarch64 (ARM64)"),
    (243, "RISC-V"),
    (258, "LoongArch"),
];

/// The processor's name.
pub fn machine_name(machine: u16) -> String {
    let known = MACHINES.iter().find(|(number, _)| *number == machine);
    known.map_or(format!("machine {machine}"), |(_, name)| (*name).to_string())
}

/// Reads it; `None` when it cannot be read.
pub fn head(path: &Path) -> Option<Head> {
    // A fifo would wait for a writer.
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let mut start = Vec::new();
    (&mut file).take(4096).read_to_end(&mut start).ok()?;
    Some(match &start[..] {
        [] => Head::Empty,
        [b'#', b'!', rest @ ..] => Head::Script(interpreter(rest)),
        [0x7f, b'E', b'L', b'F', ..] => elf(&start, &mut file).map_or(Head::BrokenElf, Head::Elf),
        _ => Head::Other,
    })
}

fn interpreter(rest: &[u8]) -> Vec<u8> {
    let line = rest.split(|&byte| byte == b'\n').next().unwrap_or_default();
    // The kernel skips blanks before the name and ends it at one.
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = line.iter().position(|byte| !is_blank(byte)).unwrap_or(line.len());
    line[start..].split(is_blank).next().unwrap_or_default().to_vec()
}

fn elf(start: &[u8], file: &mut File) -> Option<Elf> {
    let little = *start.get(5)? == 1;
    let number = |bytes: &[u8]| {
        let fold = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        if little { bytes.iter().rev().fold(0, fold) } else { bytes.iter().fold(0, fold) }
    };
    let field = |at: usize, size: usize| Some(number(start.get(at..at + size)?));
    let wide = match start.get(4)? {
        1 => false,
        2 => true,
        _ => return None,
    };
    let machine = field(18, 2)? as u16;
    let (offset, size, count) = match wide {
        true => (field(32, 8)?, field(54, 2)?, field(56, 2)?),
        false => (field(28, 4)?, field(42, 2)?, field(44, 2)?),
    };
    let mut loader = None;
    for index in 0..count.min(64) {
        let at = offset.checked_add(index * size)?;
        let mut entry = [0; 56];
        let entry = &mut entry[..if wide { 56 } else { 32 }];
        file.seek(SeekFrom::Start(at)).ok()?;
        file.read_exact(entry).ok()?;
        // PT_INTERP
        if number(&entry[..4]) != 3 {
            continue;
        }
        let (from, length) = match wide {
            true => (number(&entry[8..16]), number(&entry[32..40])),
            false => (number(&entry[4..8]), number(&entry[16..20])),
        };
        let mut name = vec![0; usize::try_from(length).ok()?.min(4096)];
        file.seek(SeekFrom::Start(from)).ok()?;
        file.read_exact(&mut name).ok()?;
        let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
        let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(&name[..end]);
        loader = Some(PathBuf::from(name));
    }
    Some(Elf { bits: if wide { 64 } else { 32 }, machine, loader })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interpreter_is_what_the_kernel_takes() {
        assert_eq!(interpreter(b" /bin/sh -e\nrest"), b"/bin/sh");
        assert_eq!(interpreter(b"/bin/sh\r\n"), b"/bin/sh\r");
        assert_eq!(interpreter(b""), b"");
    }

    #[test]
    fn our_own_file_is_read() {
        let Some(Head::Elf(own)) = head(Path::new("/proc/self/exe")) else { panic!() };
        assert_eq!(own.bits, if cfg!(target_pointer_width = "64") { 64 } else { 32 });
        assert_eq!(machine_name(62), "x86_64");
    }
}
