//! The cache folder that scripts/setup fills: npm packages, each set in a folder of its own.

use std::env;
use std::fs;
use std::path::PathBuf;

/// Each `node_modules` in the cache.
pub(crate) fn packages() -> impl Iterator<Item = PathBuf> {
    let sets = folder().and_then(|cache| fs::read_dir(cache.join("npm")).ok());
    sets.into_iter().flatten().filter_map(|set| Some(set.ok()?.path().join("node_modules")))
}

/// `$HEADLAND_CACHE`, else `$XDG_CACHE_HOME/headland`, else `~/.cache/headland`.
fn folder() -> Option<PathBuf> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("HEADLAND_CACHE")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("headland")))
        .or_else(|| Some(variable("HOME")?.join(".cache/headland")))
}
