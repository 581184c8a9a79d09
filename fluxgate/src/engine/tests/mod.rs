//! What can be seen of the engine from inside alone.

#[cfg(not(fluxgate_loom))]
mod fast_path;
#[cfg(all(feature = "fleet", not(fluxgate_loom)))]
mod fleet;
#[cfg(fluxgate_loom)]
mod loom;
#[cfg(all(feature = "settings", fluxgate_loom))]
mod loom_replace;
#[cfg(all(feature = "settings", not(fluxgate_loom)))]
mod replace;
#[cfg(all(feature = "settings", not(fluxgate_loom)))]
mod replace_threads;
#[cfg(not(fluxgate_loom))]
mod threads;
