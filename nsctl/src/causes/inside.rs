//! What the container's root was to be made of, as far as the search for causes needs it.

use std::path::PathBuf;

use nsshim::spec::{Attributes, Overlay, Placed, Root, RootSource, Spec, Upper};

/// The container's files.
#[derive(Debug, Clone, Default)]
pub struct Inside {
    /// Its root, if that is not simply the host's.
    pub root: Option<Root>,
    /// What is placed in it.
    pub placed: Vec<PlacedAt>,
}

/// Where something is placed.
#[derive(Debug, Clone)]
pub struct PlacedAt {
    /// Inside.
    pub target: PathBuf,
    /// On the host, for what is shown of it.
    pub source: Option<PathBuf>,
    /// Of which layers, for an overlay.
    pub overlay: Option<Overlay>,
    /// Whether nothing can be executed there.
    pub noexec: bool,
}

impl Inside {
    /// What the search needs to know of it.
    pub fn of(spec: &Spec) -> Self {
        let placed = spec.mounts.iter().map(|mount| {
            let (source, attributes) = match &mount.what {
                Placed::Bind(bind) => (Some(bind.source.clone()), bind.attributes),
                Placed::Overlay { overlay, attributes } => {
                    (overlay.lower.first().cloned(), *attributes)
                }
                Placed::New { attributes, .. } | Placed::File { attributes, .. } => {
                    (None, *attributes)
                }
                Placed::Symlink(_) => (None, Attributes::default()),
            };
            let noexec = attributes.set & libc::MOUNT_ATTR_NOEXEC != 0;
            let overlay = match &mount.what {
                Placed::Overlay { overlay, .. } => Some(overlay.clone()),
                _ => None,
            };
            PlacedAt { target: mount.target.clone(), source, overlay, noexec }
        });
        Inside { root: spec.root.clone(), placed: placed.collect() }
    }

    /// The directories of which the root is made, topmost first; empty when it is in an image
    /// or in memory.
    pub fn layers(&self) -> Vec<PathBuf> {
        let Some(root) = &self.root else { return vec!["/".into()] };
        let lowest = match &root.source {
            RootSource::Host => Some(PathBuf::from("/")),
            RootSource::Directory(path) => Some(path.clone()),
            RootSource::Image { .. } | RootSource::Empty => None,
        };
        let upper = root.overlay.as_ref().and_then(|overlay| match &overlay.upper {
            Upper::Kept(kept) => Some(kept.base.join(&kept.upper)),
            Upper::Discarded | Upper::None => None,
        });
        let lower = root.overlay.iter().flat_map(|overlay| overlay.lower.clone());
        upper.into_iter().chain(lowest).chain(lower).collect()
    }
}
