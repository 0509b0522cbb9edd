//! Changes on disk: a source asks for a build, new wasm for a reload, spin.toml for both to be looked up anew.
//!
//! What cannot be built or loaded is logged, and the last good version goes on serving.

mod build;
mod paths;

pub(crate) use build::build;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use self::paths::Watched;
use crate::app::Loader;
use crate::error::{Error, ErrorKind};
use crate::manifest::Manifest;
use crate::server::Server;

/// How long it must be quiet after a change, as editors and compilers write in several steps.
const QUIET: Duration = Duration::from_millis(100);
/// After this time what has changed is looked at even if it is not quiet.
const QUIET_MAX: Duration = Duration::from_secs(2);

/// The paths that changed, and the watcher that reports them.
struct Changes {
    watcher: RecommendedWatcher,
    paths: mpsc::UnboundedReceiver<PathBuf>,
    folders: Vec<(PathBuf, RecursiveMode)>,
}

/// Watches until it is dropped.
pub(crate) async fn watch(
    loader: Arc<Loader>,
    server: Arc<Server>,
    manifest: Manifest,
) -> Result<impl Future<Output = ()>, Error> {
    let mut watched = Watched::new(loader.manifest_path(), loader.folder(), &manifest);
    let mut changes = Changes::new()?;
    changes.follow(&watched);
    Ok(async move {
        while let Some(paths) = changes.next().await {
            if let Some(manifest) = react(&loader, &server, &watched, &paths).await {
                watched = Watched::new(loader.manifest_path(), loader.folder(), &manifest);
                changes.follow(&watched);
            }
        }
    })
}

/// Builds and loads what `paths` ask for. Returns the manifest if that was loaded anew.
async fn react(loader: &Arc<Loader>, server: &Server, watched: &Watched, paths: &[PathBuf]) -> Option<Manifest> {
    let mut built = 0;
    for (component, build_settings) in watched.to_build(paths) {
        match build(component, build_settings, loader.folder()).await {
            Ok(()) => built += 1,
            Err(error) => tracing::error!("{error}\nthe last good version goes on serving"),
        }
    }
    if built == 0 && !paths.iter().any(|path| watched.is_loaded(path)) {
        return None;
    }
    let reloaded = reload(loader, server).await;
    reloaded.inspect_err(|error| tracing::error!("{error}\nthe last good version goes on serving")).ok()
}

async fn reload(loader: &Arc<Loader>, server: &Server) -> Result<Manifest, Error> {
    // A component that spin.toml has not named before may never have been built.
    crate::build_absent(loader).await?;
    let (app, manifest) = crate::load(loader).await?;
    // A compiler that writes a file once more as it was has changed nothing, and warm instances are worth keeping.
    if app.made_from != server.app().made_from {
        server.swap(app);
        tracing::info!("reloaded");
    }
    Ok(manifest)
}

impl Changes {
    fn new() -> Result<Changes, Error> {
        let (sender, paths) = mpsc::unbounded_channel();
        let report = move |event: notify::Result<notify::Event>| match event {
            Ok(event) if matters(event.kind) => event.paths.into_iter().for_each(|path| drop(sender.send(path))),
            Ok(_) => {}
            Err(error) => tracing::warn!("watching files: {error}"),
        };
        let watcher = notify::recommended_watcher(report);
        let watcher = watcher.map_err(|error| Error::new(ErrorKind::Host, format!("cannot watch files: {error}")))?;
        Ok(Changes { watcher, paths, folders: Vec::new() })
    }

    /// Follows these folders in place of those before.
    fn follow(&mut self, watched: &Watched) {
        for (folder, _) in self.folders.drain(..) {
            // One that has been deleted is no longer watched anyhow.
            let _ = self.watcher.unwatch(&folder);
        }
        for (folder, mode) in watched.folders() {
            match self.watcher.watch(&folder, mode) {
                Ok(()) => self.folders.push((folder, mode)),
                Err(error) => tracing::warn!("cannot watch `{}`: {error}", folder.display()),
            }
        }
    }

    /// The paths of the next change and of those that follow it at once.
    async fn next(&mut self) -> Option<Vec<PathBuf>> {
        let mut paths = vec![self.paths.recv().await?];
        let collect = async {
            while let Ok(Some(path)) = tokio::time::timeout(QUIET, self.paths.recv()).await {
                paths.push(path);
            }
        };
        let _ = tokio::time::timeout(QUIET_MAX, collect).await;
        paths.sort();
        paths.dedup();
        Some(paths)
    }
}

fn matters(kind: EventKind) -> bool {
    use notify::event::ModifyKind;
    !matches!(kind, EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)))
}
