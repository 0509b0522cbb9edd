//! The policy in force: the runtime variable `headland_config`, else the headland.toml that was built in.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use config::Config;
use edge::{Edge, Error};

const BUILT_IN: &str = include_str!("../../../headland.toml");

/// Reads the policy once in an instance. One that cannot be read is the operator's to mend, and serves nobody.
pub(crate) async fn config(edge: &Edge) -> Result<Rc<Config>, Error> {
    match edge.instance_get() {
        Some(config) => Ok(config),
        None => Box::pin(read(edge)).await,
    }
}

async fn read(edge: &Edge) -> Result<Rc<Config>, Error> {
    let variable = edge.variable("headland_config").await;
    let text = variable.as_deref().unwrap_or(BUILT_IN);
    let config = Config::parse(text).map_err(Error::internal)?;
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    edge.instance_put(Fingerprint(hasher.finish()));
    Ok(edge.instance_put(config))
}

struct Fingerprint(u64);

/// A number that differs between policies, once there is one in force.
pub(crate) fn fingerprint(edge: &Edge) -> u64 {
    edge.instance_get::<Fingerprint>().map_or(0, |fingerprint| fingerprint.0)
}
