//! Which paths matter, and to whom.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use notify::RecursiveMode;

use crate::glob::{Glob, relative};
use crate::manifest::{Build, Manifest};

/// What a manifest asks to be watched.
pub(super) struct Watched {
    /// The manifest and the components' wasm, as absolute paths.
    loaded: Vec<PathBuf>,
    components: Vec<Sources>,
}

/// What one component is built from.
struct Sources {
    component: String,
    build: Build,
    /// The folder that the globs are relative to.
    folder: PathBuf,
    globs: Vec<Glob>,
}

impl Watched {
    /// `folder` is the manifest's, which its paths are relative to.
    pub(super) fn new(manifest_path: &Path, folder: &Path, manifest: &Manifest) -> Watched {
        let sources = manifest.component.values().map(|component| absolute(&folder.join(&component.source)));
        let components = manifest.component.iter().filter_map(|(name, component)| {
            let build = component.build.clone()?;
            let globs = build.watch.iter().map(|pattern| Glob::new(pattern)).collect();
            Some(Sources { component: name.clone(), folder: absolute(&folder.join(&build.workdir)), build, globs })
        });
        Watched {
            components: components.collect(),
            loaded: std::iter::once(absolute(manifest_path)).chain(sources).collect(),
        }
    }

    /// Whether a change of this file asks for loading anew.
    pub(super) fn is_loaded(&self, path: &Path) -> bool {
        self.loaded.iter().any(|loaded| loaded == path)
    }

    /// The components that a change of these files asks to build.
    pub(super) fn to_build(&self, paths: &[PathBuf]) -> impl Iterator<Item = (&str, &Build)> {
        let changed = |sources: &&Sources| paths.iter().any(|path| sources.matches(path));
        self.components.iter().filter(changed).map(|sources| (sources.component.as_str(), &sources.build))
    }

    /// The folders to follow so that no change is missed. Files are followed through their folder, as editors replace them.
    pub(super) fn folders(&self) -> BTreeMap<PathBuf, RecursiveMode> {
        let mut folders = BTreeMap::new();
        for folder in self.loaded.iter().filter_map(|path| path.parent()) {
            folders.entry(folder.to_owned()).or_insert(RecursiveMode::NonRecursive);
        }
        for sources in &self.components {
            for (folder, deep) in sources.globs.iter().flat_map(Glob::roots) {
                let mode = folders.entry(absolute(&sources.folder.join(folder))).or_insert(RecursiveMode::NonRecursive);
                if deep {
                    *mode = RecursiveMode::Recursive;
                }
            }
        }
        folders
    }
}

impl Sources {
    fn matches(&self, path: &Path) -> bool {
        relative(path, &self.folder).is_some_and(|path| self.globs.iter().any(|glob| glob.matches(&path)))
    }
}

/// As the watcher reports it: absolute and free of links, if the folder exists.
fn absolute(path: &Path) -> PathBuf {
    let resolved = path.canonicalize().ok().or_else(|| {
        let (folder, name) = (path.parent()?, path.file_name()?);
        Some(folder.canonicalize().ok()?.join(name))
    });
    resolved.or_else(|| std::path::absolute(path).ok()).unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched() -> Watched {
        let manifest = toml::from_str(
            r#"
            spin_manifest_version = 2
            application = { name = "test" }
            [component.a]
            source = "out/a.wasm"
            build = { command = "make a", watch = ["a/**/*.rs", "shared/*.toml"] }
            [component.b]
            source = "out/b.wasm"
            build = { command = "make b", workdir = "b", watch = ["src/*.rs"] }
            "#,
        )
        .expect("parses");
        Watched::new(Path::new("/nowhere/spin.toml"), Path::new("/nowhere"), &manifest)
    }

    #[test]
    fn ok_who_is_to_be_built() {
        let watched = watched();
        let to_build =
            |path: &str| watched.to_build(&[path.into()]).map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(to_build("/nowhere/a/src/x/y.rs"), ["a"]);
        assert_eq!(to_build("/nowhere/b/src/y.rs"), ["b"]);
        assert_eq!(to_build("/nowhere/shared/x.toml"), ["a"]);
        for other in ["/nowhere/b/src/x/y.rs", "/nowhere/a/x.txt", "/elsewhere/a/x.rs", "/nowhere/out/a.wasm"] {
            assert!(to_build(other).is_empty(), "{other}");
        }
    }

    #[test]
    fn ok_what_is_loaded_and_followed() {
        let watched = watched();
        assert!(
            watched.is_loaded(Path::new("/nowhere/spin.toml")) && watched.is_loaded(Path::new("/nowhere/out/a.wasm"))
        );
        let folders: Vec<_> =
            watched.folders().into_iter().map(|(path, mode)| (path.display().to_string(), mode)).collect();
        let (flat, deep) = (RecursiveMode::NonRecursive, RecursiveMode::Recursive);
        let expected = [
            ("/nowhere", flat),
            ("/nowhere/a", deep),
            ("/nowhere/b/src", flat),
            ("/nowhere/out", flat),
            ("/nowhere/shared", flat),
        ];
        assert_eq!(folders, expected.map(|(path, mode)| (path.to_owned(), mode)));
    }
}
