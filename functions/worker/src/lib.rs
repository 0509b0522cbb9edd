//! Every function as one Cloudflare Worker: a route table and nothing else.

mod routes;

pub use routes::handle;

edge::serve_worker!(handle);
