//! The host's root, put together of parts whose changes vanish.

use nix::mount::MsFlags;

use crate::spec::{Attributes, Part, PartKind, Propagation};
use crate::step::{Layers, Passed, Take, Tree, UpperLayer};

/// What is taken of the host.
pub(super) fn trees(parts: &[Part]) -> Vec<Passed> {
    let trees = parts.iter().filter_map(|part| {
        let (recursive, set) = match part.what {
            // An overlay shows nothing of what is mounted in its layers.
            PartKind::Layer => (false, 0),
            PartKind::ReadOnly => (true, libc::MOUNT_ATTR_RDONLY),
            PartKind::Directory | PartKind::Symlink(_) => return None,
        };
        Some(Tree::Take(Take {
            path: part.path.clone(),
            recursive,
            attributes: Attributes { set, clear: 0, recursive },
            propagation: Propagation::Private,
        }))
    });
    trees.map(|tree| Passed { tree, idmap: false }).collect()
}

/// The steps that make the root of them.
pub(super) fn steps(parts: &[Part], userxattr: bool) -> Vec<Tree> {
    let layers =
        || Layers { lower: 1, upper: UpperLayer::Discarded, userxattr, flags: MsFlags::empty() };
    let step = |part: &Part| {
        let is_root = part.path.parent().is_none();
        match &part.what {
            PartKind::Layer if is_root => Tree::RootOfLayers(layers()),
            _ if is_root => Tree::RootEmpty { attributes: 0 },
            PartKind::Layer => Tree::Part { part: part.clone(), layers: Some(layers()) },
            _ => Tree::Part { part: part.clone(), layers: None },
        }
    };
    parts.iter().map(step).collect()
}
