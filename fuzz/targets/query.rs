//! The query string as it is received, with a relation and a function.
#![no_main]

use fuzz::Asked;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &str| {
    for target in ["directors", "rpc/films_since"] {
        Asked { target, query: query.to_owned(), ..Asked::default() }.answer();
    }
});
