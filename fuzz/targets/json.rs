//! A text, scanned whole and in chunks, cleaned, and cut into elements. The first byte says how long the chunks are.
#![no_main]

use json::{Elements, Error, ErrorKind, Format, Limits, Policy, Scanner, clean, scan};
use libfuzzer_sys::fuzz_target;

const ALLOW: Limits = Limits {
    depth: 100,
    number_bytes: 1000,
    exponent: 300,
    name_bytes: 1000,
    members: 1000,
    prototypes: Policy::Allow,
    duplicates: Policy::Allow,
};

fn chunked(text: &[u8], size: usize, limits: &Limits) -> Result<(), Error> {
    let mut scanner = Scanner::new(limits);
    text.chunks(size).try_for_each(|chunk| scanner.feed(chunk, &mut ()))?;
    scanner.finish(&mut ())
}

fn elements(text: &[u8], size: usize, format: Format) -> (Vec<Vec<u8>>, Result<(), Error>) {
    let mut found = Vec::new();
    let mut each = |element: &[u8]| found.push(element.to_vec());
    let mut elements = Elements::new(format, 64, &ALLOW);
    let fed = text.chunks(size).try_for_each(|chunk| elements.feed(chunk, &mut each));
    let outcome = fed.and_then(|()| elements.finish(&mut each));
    (found, outcome)
}

fuzz_target!(|input: &[u8]| {
    let Some((size, text)) = input.split_first() else { return };
    let size = usize::from(*size) + 1;
    for limits in [ALLOW, Limits::default()] {
        assert_eq!(scan(text, &limits, &mut ()), chunked(text, size, &limits));
    }
    // Numbers that are no `f64`, deeper nesting and such are a matter of limits.
    let outcome = scan(text, &ALLOW, &mut ());
    if outcome.as_ref().map_or_else(|error| error.kind.is_syntax(), |()| true) {
        match serde_json::from_slice::<serde_json::Value>(text) {
            Err(error) if error.to_string().contains("out of range") => {}
            theirs => assert_eq!(theirs.is_ok(), outcome.is_ok(), "{outcome:?}"),
        }
    }
    let drop = Limits { prototypes: Policy::Drop, duplicates: Policy::Drop, ..ALLOW };
    if let Ok((cleaned, _)) = clean(text, &drop) {
        let strict = Limits { prototypes: Policy::Refuse, duplicates: Policy::Refuse, ..ALLOW };
        assert_eq!(scan(&cleaned, &strict, &mut ()), Ok(()));
    }
    for format in [Format::Array, Format::Lines] {
        let (found, outcome) = elements(text, text.len().max(1), format);
        assert_eq!((&found, &outcome), (&elements(text, size, format).0, &elements(text, size, format).1));
        assert!(found.iter().all(|element| scan(element, &ALLOW, &mut ()).is_ok()));
        assert!(!matches!(outcome, Err(Error { kind: ErrorKind::Proto, .. })));
    }
});
