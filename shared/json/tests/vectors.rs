//! JSONTestSuite (Nicolas Seriot, MIT), which lies beside the checkout; elsewhere this says so and is skipped.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::path::PathBuf;

use json::{Error, Limits, Policy, Scanner, scan};

/// Those that a reader may take or refuse, and that are taken here. All others are refused: lone surrogates, and bytes that are
/// not UTF-8, because Postgres cannot keep them; a byte order mark (RFC 8259 §8.1); exponents beyond
/// `EXPONENT_MAX`; nesting deeper than `DEPTH_MAX`.
const TAKEN: &[&str] = &[
    "i_number_double_huge_neg_exp.json",
    "i_number_too_big_neg_int.json",
    "i_number_too_big_pos_int.json",
    "i_number_very_big_negative_int.json",
];

fn vectors(folder: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let root = std::env::var_os("HEADLAND_VECTORS").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"));
    let path = root.join("jsontestsuite").join(folder);
    let Ok(files) = std::fs::read_dir(&path) else {
        eprintln!("skipped: the vectors are not here ({})", path.display());
        return None;
    };
    let files = files.map(|file| file.unwrap().path());
    let mut vectors: Vec<_> = files
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap()))
        .collect();
    vectors.sort();
    Some(vectors)
}

fn chunked(text: &[u8], size: usize, limits: &Limits) -> Result<(), Error> {
    let mut scanner = Scanner::new(limits);
    text.chunks(size).try_for_each(|chunk| scanner.feed(chunk, &mut ()))?;
    scanner.finish(&mut ())
}

#[test]
fn ok_test_parsing() {
    let Some(vectors) = vectors("test_parsing") else { return };
    let mut counts = [0; 3];
    for (name, text) in &vectors {
        // Two of those that have to be taken are about names that are there twice.
        let duplicates = if name.starts_with("y_object_duplicated_key") { Policy::Allow } else { Policy::Refuse };
        let outcome = scan(text, &Limits { duplicates, ..Limits::default() }, &mut ());
        let expected = match name.as_bytes()[0] {
            b'y' => true,
            b'n' => false,
            _ => TAKEN.contains(&name.as_str()),
        };
        assert_eq!(outcome.is_ok(), expected, "{name}: {outcome:?}");
        counts["yni".find(&name[..1]).unwrap()] += 1;
    }
    assert_eq!(counts, [95, 188, 35]);
}

#[test]
fn ok_duplicates_are_a_policy() {
    let Some(vectors) = vectors("test_parsing") else { return };
    let with_twins = vectors.iter().filter(|(name, _)| name.starts_with("y_object_duplicated_key"));
    assert_eq!(with_twins.filter(|(_, text)| scan(text, &Limits::default(), &mut ()).is_err()).count(), 2);
}

#[test]
fn ok_chunks_do_not_matter() {
    for (name, text) in
        vectors("test_parsing").into_iter().flatten().chain(vectors("test_transform").into_iter().flatten())
    {
        let whole = scan(&text, &Limits::default(), &mut ());
        // The large ones are 100,000 brackets.
        for size in 1..=text.len().min(500) {
            assert_eq!(chunked(&text, size, &Limits::default()), whole, "{name} in chunks of {size}");
        }
    }
}
