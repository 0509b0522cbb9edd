//! The policy in force: the runtime variable `headland_config`, else the headland.toml that was built in.

use std::rc::Rc;

use config::Config;
use edge::{Edge, Error};

const BUILT_IN: &str = include_str!("../../../headland.toml");

/// Reads the policy once in an instance. One that cannot be read is the operator's to mend, and serves nobody.
pub(crate) async fn config(edge: &Edge) -> Result<Rc<Config>, Error> {
    if let Some(config) = edge.instance_get::<Config>() {
        return Ok(config);
    }
    let variable = edge.variable("headland_config").await;
    let config = Config::parse(variable.as_deref().unwrap_or(BUILT_IN)).map_err(Error::internal)?;
    Ok(edge.instance_put(config))
}
