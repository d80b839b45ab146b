//! Control groups: of a container's own, frozen, counted, ended.

mod counted;
mod entered;
mod frozen;
mod ground;
mod joined;
mod left;
mod refused;
