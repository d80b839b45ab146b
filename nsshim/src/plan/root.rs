//! The order in which a root of the container's own is made.

use nix::mount::MsFlags;

use super::parts;
use crate::host::Host;
use crate::spec::{
    Attributes, Kept, Kind, Mount, Namespaces, Overlay, Placed, Propagation, Root, RootSource,
    Upper,
};
use crate::step::{Inside, Layers, Outside, Passed, Take, Tree, UpperLayer};

/// The steps that make a root, in their two places.
#[derive(Default)]
pub(super) struct Steps {
    /// By the shim, before all else.
    pub lock: Vec<Outside>,
    /// By the shim, which has the rights.
    pub pass: Vec<Outside>,
    /// While the host's paths are the host's.
    pub take: Vec<Inside>,
    /// When /proc, /dev and /sys are finished.
    pub make: Vec<Inside>,
}

pub(super) fn steps(
    root: Option<Root>,
    mounts: Vec<Mount>,
    namespaces: &Namespaces,
    propagation: Propagation,
    host: &Host,
) -> Steps {
    let Some(root) = root else { return Steps::default() };
    let own_user = !namespaces.is_host(Kind::User);
    let mut wanted = match parts::trees(&root.parts) {
        trees if trees.is_empty() => trees_of_root(&root, travels(propagation)),
        trees => trees,
    };
    wanted.extend(mounts.iter().flat_map(trees_of_mount));
    let lock = kept(&root, &mounts).flat_map(Kept::locked).map(Outside::Lock).collect();
    let mut pass = Vec::new();
    let mut take = Vec::new();
    for passed in wanted {
        // An image is opened with rights on the host, which a user namespace takes away.
        let is_image = matches!(passed.tree, Tree::TakeImage { .. });
        if own_user && (passed.idmap || is_image) {
            pass.push(Outside::Pass(passed));
            take.push(Tree::TakePassed);
        } else {
            take.push(passed.tree);
        }
    }

    let mut make = vec![Tree::Stage];
    match parts::steps(&root.parts, root.userxattr) {
        steps if steps.is_empty() => make.push(root_of_trees(&root)),
        steps => make.extend(steps),
    }
    // Over whatever the root has there.
    let own_processes = !namespaces.is_host(Kind::Pid);
    make.push(Tree::Graft { path: "/proc", own: own_processes });
    make.push(Tree::Graft { path: "/dev", own: true });
    let own_system = super::mounts::may_mount(namespaces, Kind::Net);
    make.push(Tree::Graft { path: "/sys", own: own_system });
    let visible = |mount| if own_user { as_on_host(mount, host) } else { mount };
    make.extend(mounts.into_iter().map(visible).map(|mount| placed(mount, root.userxattr)));
    // Last of all, when every mount point is there.
    if root.read_only {
        make.push(Tree::SealRoot { root: !is_sealed_when_taken(&root) });
    }
    make.push(Tree::Enter);
    if propagation == Propagation::Shared {
        make.push(Tree::Share);
    }
    let inside = |trees: Vec<Tree>| trees.into_iter().map(Inside::Tree).collect();
    Steps { lock, pass, take: inside(take), make: inside(make) }
}

/// With its layers, if it is made of some.
fn placed(mount: Mount, userxattr: bool) -> Tree {
    let layers = match &mount.what {
        Placed::Overlay { overlay, .. } => Some(layers(overlay, 0, userxattr, MsFlags::empty())),
        _ => None,
    };
    Tree::Place { mount, layers }
}

/// Where changes are kept.
fn kept<'a>(root: &'a Root, mounts: &'a [Mount]) -> impl Iterator<Item = &'a Kept> {
    let placed = mounts.iter().filter_map(|mount| match &mount.what {
        Placed::Overlay { overlay, .. } => Some(overlay),
        _ => None,
    });
    root.overlay.iter().chain(placed).filter_map(|overlay| match &overlay.upper {
        Upper::Kept(kept) => Some(kept),
        Upper::Discarded | Upper::None => None,
    })
}

/// In a user namespace a new proc or sysfs must not show what the host's forbids: it is
/// read-only where that is, and has the same access times. `mnt_already_visible`,
/// fs/namespace.c
fn as_on_host(mut mount: Mount, host: &Host) -> Mount {
    if let Placed::New { fstype, attributes, .. } = &mut mount.what {
        let flags = match fstype.to_bytes() {
            b"proc" => host.proc_flags,
            b"sysfs" => host.sys_flags,
            _ => return mount,
        };
        let table = [
            (MsFlags::MS_RDONLY, libc::MOUNT_ATTR_RDONLY),
            (MsFlags::MS_NOATIME, libc::MOUNT_ATTR_NOATIME),
            (MsFlags::MS_STRICTATIME, libc::MOUNT_ATTR_STRICTATIME),
            (MsFlags::MS_NODIRATIME, libc::MOUNT_ATTR_NODIRATIME),
        ];
        let kept = table.into_iter().filter(|(flag, _)| flags.contains(*flag));
        let times = libc::MOUNT_ATTR__ATIME | libc::MOUNT_ATTR_NODIRATIME;
        attributes.set = kept.fold(attributes.set & !times, |set, (_, bit)| set | bit);
    }
    mount
}

/// What is mounted on a copy must never appear on the host, or pivot_root(2) would unmount
/// the host's tree; what the container shares, it shares once it is inside.
fn travels(propagation: Propagation) -> Propagation {
    match propagation {
        Propagation::Slave => Propagation::Slave,
        _ => Propagation::Private,
    }
}

/// A tree that is the root as it was taken is read-only with all that is mounted in it;
/// of another one only the layer that takes changes.
fn is_sealed_when_taken(root: &Root) -> bool {
    let is_tree = matches!(root.source, RootSource::Host | RootSource::Directory(_));
    root.read_only && root.overlay.is_none() && root.parts.is_empty() && is_tree
}

fn trees_of_root(root: &Root, propagation: Propagation) -> Vec<Passed> {
    let attributes = Attributes { set: root_attributes(root), clear: 0, recursive: true };
    let take = |path: &std::path::Path| {
        Tree::Take(Take { path: path.into(), recursive: true, attributes, propagation })
    };
    let idmap = root.idmap;
    let first = match &root.source {
        RootSource::Host => Some(take("/".as_ref())),
        RootSource::Directory(path) => Some(take(path)),
        RootSource::Image { file, fstype } => Some(Tree::TakeImage {
            file: file.clone(),
            fstype: *fstype,
            attributes: attributes.set,
        }),
        RootSource::Empty => None,
    };
    let first = first.map(|tree| Passed { tree, idmap });
    let layers =
        root.overlay.iter().flat_map(|overlay| trees_of_overlay(overlay, attributes, idmap));
    first.into_iter().chain(layers).collect()
}

fn root_attributes(root: &Root) -> u64 {
    let devices = if root.devices { 0 } else { libc::MOUNT_ATTR_NODEV };
    let sealed = if is_sealed_when_taken(root) { libc::MOUNT_ATTR_RDONLY } else { 0 };
    devices | sealed
}

/// The lower directories, then the one for changes, which the kernel takes only unmapped.
fn trees_of_overlay(overlay: &Overlay, attributes: Attributes, idmap: bool) -> Vec<Passed> {
    let upper = match &overlay.upper {
        Upper::Kept(kept) => Some(&kept.base),
        Upper::Discarded | Upper::None => None,
    };
    let lower = overlay.lower.iter().map(|path| (path, idmap, attributes));
    // `upper` and `work` are found by name: somebody else who may write there must not
    // lead them elsewhere on the host.
    let no_links = attributes.set | libc::MOUNT_ATTR_NOSYMFOLLOW;
    let upper = upper.map(|path| (path, false, Attributes { set: no_links, ..attributes }));
    lower
        .chain(upper)
        .map(|(path, idmap, attributes)| {
            // Not what is mounted below: an overlay shows none of it. But a user namespace
            // must not see behind those mounts, so they come along.
            let recursive = true;
            let propagation = Propagation::Private;
            let tree = Tree::Take(Take { path: path.clone(), recursive, attributes, propagation });
            Passed { tree, idmap }
        })
        .collect()
}

fn trees_of_mount(mount: &Mount) -> Vec<Passed> {
    match &mount.what {
        Placed::Bind(bind) => {
            let tree = Tree::Take(Take {
                path: bind.source.clone(),
                recursive: bind.recursive,
                attributes: bind.attributes,
                propagation: bind.propagation,
            });
            vec![Passed { tree, idmap: bind.idmap }]
        }
        Placed::Overlay { overlay, .. } => trees_of_overlay(overlay, Attributes::default(), false),
        Placed::New { .. } | Placed::File { .. } | Placed::Symlink(_) => Vec::new(),
    }
}

fn root_of_trees(root: &Root) -> Tree {
    let attributes = root_attributes(root);
    match (&root.source, &root.overlay) {
        (RootSource::Empty, _) => Tree::RootEmpty { attributes },
        (_, None) => Tree::RootOfTaken,
        (_, Some(overlay)) => {
            let flags = if root.devices { MsFlags::empty() } else { MsFlags::MS_NODEV };
            Tree::RootOfLayers(layers(overlay, 1, root.userxattr, flags))
        }
    }
}

/// The layers of an overlay with so many lower ones before its own.
fn layers(overlay: &Overlay, before: usize, userxattr: bool, flags: MsFlags) -> Layers {
    let upper = match &overlay.upper {
        Upper::Discarded => UpperLayer::Discarded,
        Upper::Kept(kept) => {
            UpperLayer::Taken { upper: kept.upper.clone(), work: kept.work.clone() }
        }
        Upper::None => UpperLayer::None,
    };
    Layers { lower: before + overlay.lower.len(), upper, userxattr, flags }
}
