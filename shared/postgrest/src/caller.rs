//! Who asks.

/// On whose behalf the database is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The database role, from a verified token, or that of callers without one.
    pub role: &'a str,
    /// The claims, a JSON object with the role in it, because policies look for it there.
    pub claims_json: &'a str,
    /// Whether there was no token: then a missing privilege is answered with 401 and not with 403.
    pub is_anonymous: bool,
}
