//! What is a pattern, and what it matches.

use pattern::Pattern;

use super::cluster::Cluster;
use super::quoted;
use super::soup::Soup;

/// Pieces of patterns, odd ones included.
const TOKENS: [&str; 92] = [
    "a",
    "b",
    "c",
    ".",
    "^",
    "$",
    "|",
    "*",
    "+",
    "?",
    "*?",
    "(",
    ")",
    "(",
    ")",
    "(?:",
    "(?=",
    "(?!",
    "(?<=",
    "(?<!",
    "(?<",
    "(?",
    "(?#",
    "(?#c)",
    "(?i)",
    "(?x)",
    "(?n)",
    "(?q)",
    "(?e)",
    "(?xn)",
    "***",
    "***:",
    "***=",
    "{",
    "}",
    "{2}",
    "{2,3}",
    "{,3}",
    "{3,2}",
    "{1,",
    "{256}",
    "{2,}",
    "[",
    "]",
    "[^",
    "-",
    "[a-z]",
    "[:alpha:]",
    "[[:alpha:]]",
    "[[:foo:]]",
    "[[:<:]]",
    "[[.a.]]",
    "[=b=]",
    "[.-.]",
    "[a-",
    "[]a]",
    "[^]-]",
    "[\\w-]",
    "[\\A]",
    "[\\D]",
    "\\",
    "\\d",
    "\\w",
    "\\S",
    "\\W",
    "\\12",
    "\\0",
    "\\x41",
    "\\u0041",
    "\\y",
    "\\m",
    "\\M",
    "\\Y",
    "\\A",
    "\\Z",
    "\\b",
    "\\z",
    "\\.",
    "\\c",
    "\\cA",
    " ",
    "#",
    "\n",
    "é",
    "ſ",
    "<",
    ":",
    "=",
    ",",
    "0",
    "9",
    "_",
];

/// Pieces of patterns that we run, which are seldom refused.
const ATOMS: [&str; 48] = [
    "a",
    "b",
    "A",
    "é",
    "É",
    "0",
    "_",
    " ",
    ".",
    "^",
    "$",
    "\\A",
    "\\Z",
    "\\m",
    "\\M",
    "\\y",
    "\\Y",
    "\\d",
    "\\D",
    "\\w",
    "\\W",
    "\\s",
    "\\S",
    "[ab]",
    "[^a]",
    "[a-c]",
    "[A-Z]",
    "[^b-z\\d]",
    "[[:upper:]]",
    "[[:lower:]é]",
    "[^[:punct:]]",
    "(a|b)",
    "(a|)",
    "(?:ab)+",
    "(a*b)*",
    "(?:a|é){2}",
    "a{2,3}",
    "b{0,2}",
    "[ab]{2,}",
    "(^|a)",
    "($|b)",
    "a*",
    "b+",
    "A?",
    ".*",
    "\\n",
    "|",
    "[^\\W_]",
];

const LETTERS: [&str; 14] = ["a", "a", "a", "b", "b", "A", "B", "é", "É", "0", "_", " ", "\n", "!"];

/// Pairs that show what a construct means.
const PAIRS: [(&str, &str); 40] = [
    ("", ""),
    ("a||b", "c"),
    ("()", ""),
    ("***=a.c", "abc"),
    ("***=a.c", "a.c"),
    ("***:(?i)A", "a"),
    ("(?q)(", "("),
    ("(?x) a b # c\n {2}", "abb"),
    ("(?x)a\\ b", "a b"),
    ("a(?#c)*b", "aab"),
    ("a{,2}", "a{,2}"),
    ("a{0}b", "b"),
    ("[]a]", "]"),
    ("[^]a]", "]"),
    ("[a-]", "-"),
    ("[--/]", "."),
    ("[[.-.]-/]", "."),
    ("[[=a=]]", "a"),
    ("[a\\]b]", "]"),
    ("[[:<:]]a[[:>:]]", "b a b"),
    ("\\101\\x42\\u0043\\U00000044\\cA", "ABCD\u{1}"),
    ("\\b\\B\\e", "\u{8}\\\u{1b}"),
    ("(a)\\12", "a\n"),
    ("\\Y", ""),
    ("\\ya\\Y", "ab"),
    ("a\\Z", "a\n"),
    ("a$", "a\n"),
    ("(?n)a$", "a\n"),
    ("(?w)^b", "a\nb"),
    ("(?p)^b", "a\nb"),
    ("(?p)a.b", "a\nb"),
    ("(?n)[^b]", "\n"),
    ("(?n)\\D", "\n"),
    ("(?i)[^a]", "A"),
    ("(?i)[[:upper:]]", "a"),
    ("(?i)[à-þ]", "É"),
    ("(?i)ß", "ẞ"),
    ("(?i)k", "\u{212a}"),
    ("(?i)σ", "Σ"),
    ("^\\w+$", "Ünïcödé"),
];

/// What we call no pattern, Postgres refuses, too, and it takes what we take.
pub(crate) fn ok_same_syntax(cluster: &Cluster) {
    let mut soup = Soup::new(4);
    let patterns: Vec<String> = (0..12_000)
        .map(|_| {
            let count = 1 + soup.below(9);
            soup.text(&TOKENS, count)
        })
        .collect();
    let rows: Vec<String> = patterns.iter().map(|pattern| format!("({})", quoted(pattern))).collect();
    let script = format!("SELECT is_valid(column1) FROM (VALUES {}) AS patterns;", rows.join(","));
    let valid = cluster.run("postgres", &script);
    assert_eq!(valid.lines().count(), patterns.len());
    for (pattern, valid) in patterns.iter().zip(valid.lines()) {
        let expected = match pattern::check(pattern) {
            Ok(()) => "t",
            Err(error) if error.kind.is_syntax() => "f",
            Err(_) => continue,
        };
        assert_eq!(valid, expected, "{pattern:?}");
    }
}

/// What we run matches what it matches in Postgres.
pub(crate) fn ok_same_matches(cluster: &Cluster) {
    let pairs: Vec<(String, String)> = written().chain(everyday()).chain(generated()).collect();
    let rows: Vec<String> =
        pairs.iter().map(|(pattern, text)| format!("({}, {})", quoted(pattern), quoted(text))).collect();
    let script = format!("SELECT column2 ~ column1 FROM (VALUES {}) AS pairs;", rows.join(","));
    let answers = cluster.run("postgres", &script);
    assert_eq!(answers.lines().count(), pairs.len());
    for ((pattern, text), answer) in pairs.iter().zip(answers.lines()) {
        let ours = Pattern::new(pattern).unwrap().is_match(text).unwrap();
        assert_eq!(ours, answer == "t", "{text:?} ~ {pattern:?}");
    }
    println!("{} pairs of pattern and text match alike", pairs.len());
}

fn written() -> impl Iterator<Item = (String, String)> {
    PAIRS.iter().map(|(pattern, text)| (pattern.to_string(), text.to_string()))
}

/// Everyday patterns, with texts of their own characters.
fn everyday() -> impl Iterator<Item = (String, String)> {
    let mut soup = Soup::new(5);
    let patterns = include_str!("../everyday.tsv").lines().filter_map(|line| line.split('\t').nth(1));
    patterns.filter(|pattern| Pattern::new(pattern).is_ok()).flat_map(move |pattern| {
        let letters: Vec<&str> = pattern.split("").filter(|letter| !letter.is_empty()).collect();
        let texts: Vec<String> = (0..4).map(|count| soup.text(&letters, count * count + 1)).collect();
        texts.into_iter().map(move |text| (pattern.to_owned(), text))
    })
}

fn generated() -> impl Iterator<Item = (String, String)> {
    let mut soup = Soup::new(6);
    let options = ["", "", "", "(?i)", "(?n)", "(?p)", "(?w)", "***="];
    let patterns = (0..6_000).map(move |_| {
        let count = 1 + soup.below(6);
        let length = soup.below(8);
        (options[soup.below(options.len())].to_owned() + &soup.text(&ATOMS, count), soup.text(&LETTERS, length))
    });
    patterns.filter(|(pattern, _)| Pattern::new(pattern).is_ok())
}
