//! Wasm to machine code, kept between starts.
//!
//! A compiled component lies in a file that is named by the hash of its wasm and of the engine's version and settings, and that
//! begins with the hash of the rest. What does not fit is compiled anew.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Files that are kept: the latest, as each change of a source adds one.
const FILES_MAX: usize = 64;
/// Bytes of the hash at a file's start.
const HASH_BYTES: usize = 32;

/// Compiles for one engine, with one folder of results.
pub(crate) struct Compiler {
    engine: Engine,
    folder: PathBuf,
}

/// The hash of a component's wasm.
pub(crate) type Fingerprint = [u8; HASH_BYTES];

/// The hash of a component's wasm.
pub(crate) fn fingerprint(wasm: &[u8]) -> Fingerprint {
    Sha256::digest(wasm).into()
}

impl Compiler {
    /// Uses `folder`, which only the user may write to.
    pub(crate) fn new(engine: Engine, folder: PathBuf) -> Compiler {
        Compiler { engine, folder }
    }

    /// The component, from the folder if it was compiled before.
    pub(crate) fn compile(&self, wasm: &[u8]) -> wasmtime::Result<Component> {
        let path = self.path(wasm);
        if let Some(component) = self.load(&path) {
            return Ok(component);
        }
        let component = Component::from_binary(&self.engine, wasm)?;
        // Without the file the next start is slower, and nothing else.
        if let Err(error) = component.serialize().map_err(io::Error::other).and_then(|code| self.store(&path, &code)) {
            tracing::warn!("cannot keep a compiled component in `{}`: {error}", path.display());
        }
        Ok(component)
    }

    fn path(&self, wasm: &[u8]) -> PathBuf {
        let mut engine = DefaultHasher::new();
        self.engine.precompile_compatibility_hash().hash(&mut engine);
        self.folder.join(format!("{}-{:016x}.cwasm", hex(&fingerprint(wasm)), engine.finish()))
    }

    fn load(&self, path: &Path) -> Option<Component> {
        let file = fs::read(path).ok()?;
        let (hash, code) = file.split_at_checked(HASH_BYTES)?;
        if hash != Sha256::digest(code).as_slice() {
            return None;
        }
        let component =
            deserialize(&self.engine, code).inspect_err(|error| tracing::debug!("not used: {error}")).ok()?;
        // The time of its last use keeps the file from being pruned.
        let _ = fs::File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(component)
    }

    fn store(&self, path: &Path, code: &[u8]) -> io::Result<()> {
        let unfinished = path.with_extension(format!("{}.tmp", std::process::id()));
        fs::write(&unfinished, [Sha256::digest(code).as_slice(), code].concat())?;
        fs::rename(&unfinished, path)?;
        self.prune()
    }

    fn prune(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
        files.sort();
        let surplus = files.len().saturating_sub(FILES_MAX);
        files[..surplus].iter().try_for_each(|(_, path)| fs::remove_file(path))
    }
}

#[allow(unsafe_code, reason = "wasmtime has no other way to load compiled code")]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` was written by `Compiler::store` from `Component::serialize`. Its hash was checked on these very bytes, and the
    // folder that they come from can be written to by the user only. wasmtime itself checks version and settings.
    unsafe { Component::deserialize(engine, code) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiler(name: &str) -> Compiler {
        let folder = std::env::temp_dir().join(format!("emulator-compile-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("created");
        Compiler::new(Engine::default(), folder)
    }

    fn component() -> Vec<u8> {
        wat::parse_str("(component)").expect("valid")
    }

    #[test]
    fn ok_kept_and_loaded() {
        let compiler = compiler("kept");
        compiler.compile(&component()).expect("compiled");
        assert!(compiler.load(&compiler.path(&component())).is_some());
    }

    #[test]
    fn ok_damaged_file_is_compiled_anew() {
        let compiler = compiler("damaged");
        compiler.compile(&component()).expect("compiled");
        let path = compiler.path(&component());
        for damage in [&b""[..], b"short", &[0; 4096]] {
            fs::write(&path, damage).expect("written");
            assert!(compiler.load(&path).is_none());
            compiler.compile(&component()).expect("compiled again");
            assert!(compiler.load(&path).is_some());
        }
    }

    #[test]
    fn err_not_a_component() {
        assert!(compiler("bad").compile(b"\0asm\x01\0\0\0").is_err());
        assert!(compiler("bad").compile(b"").is_err());
    }
}
