//! An image file: what is in it, by its first bytes, and whether it can be mounted.

use std::fs::{File, Metadata};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nsshim::Host;
use nsshim::spec::{ImageType, RootSource};

use super::super::paths;
use super::is_first_user_namespace;
use crate::error::Error;

/// Where a file system has its mark. squashfs_fs.h, erofs_fs.h, ext4.h
const KNOWN: [(u64, &[u8], ImageType); 3] = [
    (0, b"hsqs", ImageType::Squashfs),
    (1024, &0xE0F5_E1E2_u32.to_le_bytes(), ImageType::Erofs),
    (0x438, &0xEF53_u16.to_le_bytes(), ImageType::Ext4),
];

/// What people take for an image, and how it becomes a directory or shows one.
const OTHERS: [(u64, &[u8], &str, &str); 10] = [
    (257, b"ustar", "a tar archive", "mkdir DIR && tar -xf FILE -C DIR"),
    (0, b"\x1f\x8b", "compressed (gzip)", "mkdir DIR && tar -xf FILE -C DIR"),
    (0, b"\xfd7zXZ\0", "compressed (xz)", "mkdir DIR && tar -xf FILE -C DIR"),
    (0, b"\x28\xb5\x2f\xfd", "compressed (zstd)", "mkdir DIR && tar -xf FILE -C DIR"),
    (0, b"PK\x03\x04", "a zip archive", "unzip FILE -d DIR"),
    (0, b"QFI\xfb", "a qcow2 disk", "mkdir DIR && guestmount -a FILE -i --ro DIR"),
    (0x8001, b"CD001", "an ISO 9660 image", "mkdir DIR && bsdtar -xf FILE -C DIR"),
    (0, b"XFSB", "an XFS file system", "mkdir DIR && sudo mount -o loop,ro FILE DIR"),
    (0x10040, b"_BHRfS_M", "a btrfs file system", "mkdir DIR && sudo mount -o loop,ro FILE DIR"),
    (510, b"\x55\xaa", "a disk with partitions", "sudo losetup --find --show --partscan FILE"),
];

/// The root in an image.
pub fn source(file: PathBuf, found: &Metadata, host: &Host) -> Result<RootSource, Error> {
    const WANTED: &str = "a directory, or a file with a squashfs, erofs or ext4 file system";
    let refused =
        || Error::new(format!("cannot use {} as the root file system", paths::shown(&file)));
    if !found.is_file() {
        return Err(refused()
            .because("it is neither a directory nor a regular file")
            .try_this(WANTED));
    }
    let opened = File::open(&file).map_err(|error| paths::explain("the image", &file, &error))?;
    let Some(fstype) = known(&opened) else {
        return Err(match other(&opened) {
            Some((what, how)) => refused()
                .because(format!("it is {what}; squashfs, erofs and ext4 can be mounted"))
                .try_this(format!("{}; then --rootfs with the directory", command(how, &file))),
            None => refused()
                .because("it holds no squashfs, erofs or ext4 file system")
                .try_this(WANTED),
        });
    };
    if !host.is_privileged() || !is_first_user_namespace() {
        return Err(refused()
            .because(format!(
                "it holds {fstype}, and mounting that needs root on the host: a loop device \
                 belongs to the machine, and also erofs without one (Linux 6.12) is for root",
                fstype = fstype.name()
            ))
            .try_this(command(unpack(fstype), &file)));
    }
    Ok(RootSource::Image { file, fstype })
}

fn known(file: &File) -> Option<ImageType> {
    KNOWN.into_iter().find(|(at, mark, _)| has(file, *at, mark)).map(|(_, _, fstype)| fstype)
}

fn other(file: &File) -> Option<(&'static str, &'static str)> {
    OTHERS.into_iter().find(|(at, mark, _, _)| has(file, *at, mark)).map(|row| (row.2, row.3))
}

fn has(file: &File, at: u64, mark: &[u8]) -> bool {
    let mut bytes = [0; 8];
    let bytes = &mut bytes[..mark.len()];
    file.read_exact_at(bytes, at).is_ok() && bytes == mark
}

/// How anybody makes a directory of it.
fn unpack(fstype: ImageType) -> &'static str {
    match fstype {
        ImageType::Squashfs => {
            "unsquashfs -d DIR FILE, or without a copy: mkdir DIR && squashfuse FILE DIR; \
             then --rootfs DIR"
        }
        ImageType::Erofs => {
            "fsck.erofs --extract=DIR FILE, or without a copy: mkdir DIR && erofsfuse FILE DIR; \
             then --rootfs DIR"
        }
        ImageType::Ext4 => {
            "mkdir DIR && debugfs -R 'rdump / DIR' FILE, or without a copy: \
             mkdir DIR && fuse2fs -o ro,fakeroot FILE DIR; then --rootfs DIR"
        }
    }
}

/// The command with the names of this file in it.
fn command(template: &str, file: &Path) -> String {
    let mut directory = PathBuf::from(file.file_name().unwrap_or_default());
    directory.set_extension("d");
    template.replace("FILE", &paths::quoted(file)).replace("DIR", &paths::quoted(&directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, at: u64, mark: &[u8]) -> String {
        let path = std::env::temp_dir().join(format!("nsctl-{name}-{}.img", std::process::id()));
        let bytes = [&vec![0; at as usize], mark].concat();
        std::fs::write(&path, bytes).unwrap();
        let nobody = Host { capabilities: 0, ..Host::probe() };
        let result = source(path.clone(), &path.metadata().unwrap(), &nobody);
        std::fs::remove_file(&path).unwrap();
        result.unwrap_err().to_string()
    }

    #[test]
    fn an_image_is_known_by_its_first_bytes() {
        for (at, mark, fstype) in KNOWN {
            let text = told(fstype.name(), at, mark);
            assert!(text.contains(&format!("it holds {}", fstype.name())), "{text}");
            let name = format!("--rootfs nsctl-{}-{}.d", fstype.name(), std::process::id());
            assert!(text.contains(&name), "{text}");
        }
        for (index, (at, mark, what, _)) in OTHERS.into_iter().enumerate() {
            let text = told(&format!("other-{index}"), at, mark);
            assert!(text.contains(&format!("it is {what}")), "{text}");
        }
        for (name, content) in [("empty", &b""[..]), ("short", b"hsq"), ("text", b"#!/bin/sh\n")] {
            assert!(told(name, 0, content).contains("holds no squashfs"));
        }
    }
}
