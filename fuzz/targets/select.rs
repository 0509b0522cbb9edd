//! The value of `select`, not encoded.
#![no_main]

use fuzz::{Asked, encoded};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|select: &str| {
    Asked { query: format!("select={}", encoded(select)), ..Asked::default() }.answer();
});
