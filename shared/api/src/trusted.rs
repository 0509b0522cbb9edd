//! Keys that are trusted, and the tokens that they have verified.

use std::cell::RefCell;
use std::rc::Rc;

use token::{Cache, Claims, Error, KeySet};

/// Verified tokens are kept with the keys that verified them, and go with them: a key that is trusted no longer does not
/// live on in its tokens.
pub(crate) struct Trusted {
    keys: KeySet,
    /// Found only by who has the whole token.
    verified: RefCell<Cache>,
}

impl Trusted {
    pub(crate) fn new(keys: KeySet) -> Trusted {
        Trusted { keys, verified: RefCell::default() }
    }

    /// What the token claims; whether that holds now is still to be looked at.
    pub(crate) fn verify(&self, token: &str) -> Result<Rc<Claims>, Error> {
        let known = self.verified.borrow_mut().get(token);
        if let Some(claims) = known {
            return Ok(claims);
        }
        let claims = Rc::new(self.keys.verify(token)?);
        self.verified.borrow_mut().put(token, claims.clone());
        Ok(claims)
    }
}
