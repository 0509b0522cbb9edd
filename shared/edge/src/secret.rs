//! Texts that are not to be seen.

use std::fmt;

use crate::Edge;

/// A secret variable. It cannot be printed: it has no `Display`, and `Debug` shows nothing of it. Who needs the text says
/// so, by [`Secret::expose`].
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The text. What is made of it is the caller's to keep out of errors and logs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Edge {
    /// A variable that holds a secret; `None` where it is not set, or empty.
    pub async fn secret(&self, name: &str) -> Option<Secret> {
        self.variable(name).await.map(Secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block_on;

    #[test]
    fn ok_nothing_of_it_is_shown() {
        let edge = Edge::new().with_variable("jwt_secret", "hunter2").with_variable("empty", "");
        let secret = block_on(edge.secret("jwt_secret"));
        assert_eq!(secret.as_ref().map(Secret::expose), Some("hunter2"));
        assert_eq!(format!("{secret:?}"), "Some(Secret)");
        assert!(block_on(edge.secret("empty")).is_none());
    }
}
