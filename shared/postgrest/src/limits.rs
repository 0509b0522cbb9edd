//! What one request may ask for. Postgres' own limits lie far above these.

/// Longest query string, in bytes as received; longer ones get 414.
pub const QUERY_BYTES_MAX: usize = 64 * 1024;

/// Deepest embedding: `a(b(c))` is 2 below the relation itself.
pub const EMBED_DEPTH_MAX: usize = 16;

/// Deepest nesting of `and(…)` and `or(…)`.
pub const LOGIC_DEPTH_MAX: usize = 32;

/// Most items of `select`, those of embedded relations included.
pub const SELECT_ITEMS_MAX: usize = 1000;

/// Most embedded relations.
pub const EMBEDS_MAX: usize = 100;

/// Most filters, those inside `and(…)` and `or(…)` included.
pub const FILTERS_MAX: usize = 1000;

/// Most terms of all `order` parameters together.
pub const ORDER_TERMS_MAX: usize = 100;

/// Most arrows of one JSON path.
pub const JSON_PATH_MAX: usize = 64;

/// Longest `Content-Location`, in bytes; a longer one is not sent. It grows with the query, and clients refuse
/// responses whose headers are over a size of theirs, 16 KB in Node.
pub const CONTENT_LOCATION_BYTES_MAX: usize = 4 * 1024;

/// Longest body of a request, in bytes; a longer one gets 413. Quotes in it are escaped on the way to the region, which
/// can double it, and a gateway takes 10 MB.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
