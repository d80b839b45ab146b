//! A root of the container's own, with mount(8) and pivot_root(8).
//!
//! What the plan takes before the host's paths are covered, a script can only name; so it
//! binds it when it is placed, by the paths as they are then.

use std::collections::VecDeque;
use std::ffi::CString;
use std::path::Path;

use super::words::quoted;
use crate::spec::{Attributes, Mount, Part, PartKind, Placed, Propagation};
use crate::step::{Layers, Take, Tree, UpperLayer};

/// Where the root is assembled. It lies in the container's mount namespace only.
const STAGE: &str = "/mnt";

/// What the script has named so far and not placed yet.
#[derive(Default)]
pub struct Trees(VecDeque<Tree>);

impl Trees {
    /// The lines for one step.
    pub fn lines(&mut self, step: &Tree) -> Vec<String> {
        match step {
            Tree::Take(_) | Tree::TakeImage { .. } => {
                self.0.push_back(step.clone());
                Vec::new()
            }
            Tree::TakePassed => {
                self.0.push_back(Tree::TakePassed);
                vec!["# no command: idmapped mounts, and images in a user namespace".into()]
            }
            Tree::Stage => vec![
                "# The root is assembled on a tmpfs; the tools below must be in it too. nsctl makes a".into(),
                "# mount point that it lacks on a layer of its own; these commands make it in the root.".into(),
                format!("mount -t tmpfs -o mode=0700 tmpfs {STAGE}"),
                format!("mkdir -m 0755 {STAGE}/root"),
            ],
            Tree::RootOfTaken => self.bind_next("/"),
            Tree::RootOfLayers(layers) => self.overlay(layers, "/", "changes"),
            Tree::RootEmpty { attributes } => {
                let flags = options(Attributes { set: *attributes, ..Attributes::default() });
                let all: Vec<String> = flags.into_iter().chain(["mode=0755".into()]).collect();
                vec![format!("mount -t tmpfs -o {} tmpfs {STAGE}/root", all.join(","))]
            }
            Tree::Part { part, layers } => self.part(part, layers.as_ref()),
            Tree::Graft { path, own } => {
                let target = inside(Path::new(path));
                let how = if *own { "-n --move" } else { "--rbind" };
                vec![format!("mkdir -p {target}"), format!("mount {how} {path} {target}")]
            }
            Tree::Place { mount, layers } => self.place(mount, layers.as_ref()),
            Tree::SealRoot { .. } => vec![format!("mount -o remount,bind,ro {STAGE}/root")],
            Tree::Enter => vec![
                format!("cd {STAGE}/root"),
                "pivot_root . .".into(),
                "umount -l /..".into(),
                "cd /".into(),
            ],
            Tree::Share => vec!["mount --make-rshared /".into()],
        }
    }

    fn bind_next(&mut self, target: &str) -> Vec<String> {
        let target = inside(Path::new(target));
        match self.0.pop_front() {
            Some(Tree::Take(take)) => bind(&take, &target),
            Some(Tree::TakeImage { file, fstype, .. }) => {
                let file = quoted(&file.display().to_string());
                vec![format!("mount -t {} -o ro,loop {file} {target}", fstype.name())]
            }
            _ => Vec::new(),
        }
    }

    fn overlay(&mut self, layers: &Layers, target: &str, upper: &str) -> Vec<String> {
        // An image or an idmapped tree has no path of its own; said above.
        let mut paths = Vec::new();
        let wanted = layers.lower + usize::from(matches!(layers.upper, UpperLayer::Taken { .. }));
        for tree in self.0.drain(..wanted.min(self.0.len())) {
            if let Tree::Take(take) = tree {
                // mount(8) takes these characters for its own.
                let text = take.path.display().to_string();
                paths.push(text.replace('\\', "\\\\").replace(':', "\\:").replace(',', "\\,"));
            }
        }
        let mut lines = Vec::new();
        let changes = match &layers.upper {
            UpperLayer::None => None,
            UpperLayer::Taken { upper, work } => paths
                .pop()
                .map(|base| [upper, work].map(|name| format!("{base}/{}", name.display()))),
            UpperLayer::Discarded => {
                Some(["upper", "work"].map(|name| format!("{STAGE}/{upper}/{name}")))
            }
        };
        let mut all = vec![format!("lowerdir={}", paths.join(":"))];
        if let Some([upper, work]) = changes {
            lines.push(format!("mkdir -p {} {}", quoted(&upper), quoted(&work)));
            all.push(format!("upperdir={upper},workdir={work}"));
        }
        if layers.userxattr {
            all.push("userxattr".into());
        }
        let target = inside(Path::new(target));
        lines.push(format!("mount -t overlay -o {} overlay {target}", quoted(&all.join(","))));
        lines
    }

    fn part(&mut self, part: &Part, layers: Option<&Layers>) -> Vec<String> {
        let path = part.path.display().to_string();
        let (host, target) = (quoted(&path), inside(&part.path));
        let place = format!(
            "if [ -d {host} ]; then mkdir -p {target}; else [ -e {target} ] || : > {target}; fi"
        );
        match &part.what {
            PartKind::Layer => {
                // One directory for changes each.
                let upper = format!("changes{}", path.replace('/', "-"));
                let lines = layers.map(|layers| self.overlay(layers, &path, &upper));
                [place].into_iter().chain(lines.into_iter().flatten()).collect()
            }
            PartKind::ReadOnly => [place].into_iter().chain(self.bind_next(&path)).collect(),
            PartKind::Directory => {
                vec![format!("mkdir -p {target}; chmod --reference={host} {target}")]
            }
            PartKind::Symlink(to) => {
                vec![format!("ln -sfn {} {target}", quoted(&to.display().to_string()))]
            }
        }
    }

    fn place(&mut self, mount: &Mount, layers: Option<&Layers>) -> Vec<String> {
        let target = inside(&mount.target);
        let directory = format!("mkdir -p {target}");
        match &mount.what {
            Placed::Bind(bind) => {
                let source = quoted(&bind.source.display().to_string());
                let mut lines = vec![format!(
                    "if [ -d {source} ]; then mkdir -p {target}; else mkdir -p \"$(dirname {target})\"; [ -e {target} ] || : > {target}; fi"
                )];
                lines.extend(self.bind_next(&mount.target.display().to_string()));
                lines
            }
            Placed::New { fstype, options: own, attributes } => {
                let fstype = fstype.to_string_lossy();
                let own = own.iter().map(|option: &CString| option.to_string_lossy().into_owned());
                let all: Vec<String> = options(*attributes).into_iter().chain(own).collect();
                let all = if all.is_empty() { "rw".into() } else { quoted(&all.join(",")) };
                vec![directory, format!("mount -t {fstype} -o {all} {fstype} {target}")]
            }
            Placed::Overlay { .. } => {
                let target = mount.target.display().to_string();
                let upper = format!("changes{}", target.replace('/', "-"));
                let overlay = layers.map(|layers| self.overlay(layers, &target, &upper));
                [directory].into_iter().chain(overlay.into_iter().flatten()).collect()
            }
            Placed::File { content, mode, optional, .. } => {
                let lines = [
                    format!("mkdir -p \"$(dirname {target})\"; file=$(mktemp -p {STAGE})"),
                    format!("printf %s {} > \"$file\"", quoted(&String::from_utf8_lossy(content))),
                    format!("chmod {mode:o} \"$file\"; [ -e {target} ] || : > {target}"),
                    format!("mount --bind \"$file\" {target}"),
                ];
                // Where it lacks, it is made on a layer of the container's own, or not at all.
                let head = format!(
                    "if [ -e {target} ] || case $(stat -f -c %T {STAGE}/root) in overlayfs|tmpfs) ;; *) false ;; esac; then"
                );
                match optional {
                    true => [head].into_iter().chain(lines).chain(["fi".into()]).collect(),
                    false => lines.into(),
                }
            }
            Placed::Symlink(leads_to) => vec![
                format!("mkdir -p \"$(dirname {target})\""),
                format!("ln -sfn {} {target}", quoted(&leads_to.display().to_string())),
            ],
        }
    }
}

fn bind(take: &Take, target: &str) -> Vec<String> {
    let how = if take.recursive { "--rbind" } else { "--bind" };
    let source = quoted(&take.path.display().to_string());
    let mut lines = vec![format!("mount {how} {source} {target}")];
    let travel = match take.propagation {
        Propagation::Private => Some("--make-rprivate"),
        Propagation::Slave => Some("--make-rslave"),
        Propagation::Shared => Some("--make-rshared"),
        Propagation::Unchanged => None,
    };
    lines.extend(travel.map(|travel| format!("mount {travel} {target}")));
    let flags = options(take.attributes);
    if !flags.is_empty() {
        lines.push(format!("mount -o remount,bind,{} {target}", flags.join(",")));
    }
    lines
}

/// The words of mount(8).
fn options(attributes: Attributes) -> Vec<String> {
    const NAMES: [(u64, &str, &str); 7] = [
        (libc::MOUNT_ATTR_RDONLY, "ro", "rw"),
        (libc::MOUNT_ATTR_NOSUID, "nosuid", "suid"),
        (libc::MOUNT_ATTR_NODEV, "nodev", "dev"),
        (libc::MOUNT_ATTR_NOEXEC, "noexec", "exec"),
        (libc::MOUNT_ATTR_NOATIME, "noatime", "atime"),
        (libc::MOUNT_ATTR_NODIRATIME, "nodiratime", "diratime"),
        (libc::MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow", "symfollow"),
    ];
    let word = |&(bit, set, clear): &(u64, &'static str, &'static str)| {
        if attributes.set & bit != 0 {
            Some(set.to_string())
        } else {
            (attributes.clear & bit != 0).then(|| clear.to_string())
        }
    };
    NAMES.iter().filter_map(word).collect()
}

/// A path inside, as a word, while the root is on the stage.
fn inside(path: &Path) -> String {
    let path = path.display().to_string();
    quoted(&format!("{STAGE}/root{}", path.trim_end_matches('/')))
}
