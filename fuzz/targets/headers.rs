//! Headers that are parsed, a line each in the order of `NAMES`, by each method.
#![no_main]

use fuzz::Asked;
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 7] = ["accept", "prefer", "range", "accept-profile", "content-profile", "content-type", "cookie"];

fuzz_target!(|lines: &[u8]| {
    let lines = lines.split(|byte| *byte == b'\n');
    let headers: Vec<(&str, &[u8])> = NAMES.into_iter().zip(lines).filter(|(_, value)| !value.is_empty()).collect();
    for (method, target) in [("GET", "films"), ("POST", "films"), ("PATCH", "films"), ("GET", "rpc/film"), ("GET", "")]
    {
        Asked { method, target, headers: headers.clone(), ..Asked::default() }.answer();
    }
});
