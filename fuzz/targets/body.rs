//! The body of a request that writes. The first line says in which form it is.
#![no_main]

use bytes::Bytes;
use fuzz::Asked;
use libfuzzer_sys::fuzz_target;

/// What is made of CSV is JSON, as is the only other parameter here, a number.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok()
}

fuzz_target!(|input: &[u8]| {
    let (form, body) = input.split_at(input.iter().position(|byte| *byte == b'\n').unwrap_or(0));
    let body = Bytes::copy_from_slice(body.strip_prefix(b"\n").unwrap_or(body));
    let headers = vec![("content-type", form), ("prefer", b"return=representation, missing=default".as_slice())];
    let requests = [
        ("POST", "films", ""),
        ("POST", "films", "columns=id,title&on_conflict=id"),
        ("PATCH", "films", "id=eq.1"),
        ("PUT", "films", "id=eq.1"),
        ("POST", "rpc/films_since", ""),
        ("POST", "rpc/take_json", ""),
    ];
    for (method, target, query) in requests {
        let (query, headers) = (query.to_owned(), headers.clone());
        let statement = Asked { method, target, query, headers, body: body.clone() }.answer();
        if let Some(statement) = statement.filter(|_| form == b"text/csv") {
            assert!(statement.parameters.iter().flatten().all(|value| is_json(value)), "{statement:?}");
        }
    }
});
