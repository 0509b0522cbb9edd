//! The globs of `[build] watch`, over paths relative to a folder with `/` between their names.
//!
//! `*` is any text within a name, `?` any one character of it, `**` any number of names, `{a,b}` one of several, `[a-z]` or `[!a-z]`
//! one of a set. Matching takes time in proportion to pattern times path.

use std::path::{Path, PathBuf};

/// One pattern, with its alternatives written out.
#[derive(Debug, Clone)]
pub(crate) struct Glob {
    alternatives: Vec<String>,
}

/// Alternatives that one pattern may write out, so that `{a,b}{a,b}…` stays small.
const ALTERNATIVES_MAX: usize = 256;

impl Glob {
    /// Takes any text: a brace or bracket without its partner stands for itself.
    pub(crate) fn new(pattern: &str) -> Glob {
        let mut alternatives = vec![pattern.strip_prefix("./").unwrap_or(pattern).to_owned()];
        while alternatives.len() < ALTERNATIVES_MAX {
            let Some((place, written_out)) =
                alternatives.iter().enumerate().find_map(|(place, pattern)| Some((place, expand(pattern)?)))
            else {
                break;
            };
            alternatives.splice(place..=place, written_out);
        }
        Glob { alternatives }
    }

    /// Whether the whole of `path` matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        self.alternatives.iter().any(|pattern| {
            let patterns: Vec<&str> = pattern.split('/').collect();
            matches_with(&patterns, &names, |pattern| *pattern == "**", |pattern, name| matches_name(pattern, name))
        })
    }

    /// The folders below which every match lies, and whether matches may lie deeper than directly in them.
    pub(crate) fn roots(&self) -> impl Iterator<Item = (PathBuf, bool)> {
        self.alternatives.iter().map(|pattern| {
            let names: Vec<&str> = pattern.split('/').collect();
            let (_file, folders) = names.split_last().expect("split yields at least one name");
            let literal = folders.iter().take_while(|name| !name.contains(['*', '?', '['])).count();
            (folders[..literal].iter().collect(), literal < folders.len())
        })
    }
}

/// Writes out the first innermost `{…}`.
fn expand(pattern: &str) -> Option<Vec<String>> {
    let close = pattern.find('}')?;
    let open = pattern[..close].rfind('{')?;
    let choices = pattern[open + 1..close].split(',');
    Some(choices.map(|choice| [&pattern[..open], choice, &pattern[close + 1..]].concat()).collect())
}

fn matches_name(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (tokens(pattern), name.chars().collect::<Vec<_>>());
    matches_with(&pattern, &name, |token| *token == Token::Any, |token, letter| token.matches(*letter))
}

/// Wildcard matching with a single point of return: the latest star takes one more item whenever what follows it fails.
fn matches_with<P, T>(
    pattern: &[P],
    items: &[T],
    is_star: impl Fn(&P) -> bool,
    matches: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut item, mut latest_star) = (0, 0, None);
    while item < items.len() {
        match pattern.get(at) {
            Some(star) if is_star(star) => {
                latest_star = Some((at, item));
                at += 1;
            }
            Some(one) if matches(one, &items[item]) => {
                at += 1;
                item += 1;
            }
            _ => match &mut latest_star {
                Some((star, taken)) => {
                    *taken += 1;
                    (at, item) = (*star + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(is_star)
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Any,
    One,
    Letter(char),
    Set { members: Vec<(char, char)>, negated: bool },
}

impl Token {
    fn matches(&self, letter: char) -> bool {
        match self {
            Token::Any | Token::One => true,
            Token::Letter(own) => *own == letter,
            Token::Set { members, negated } => {
                members.iter().any(|(low, high)| (*low..=*high).contains(&letter)) != *negated
            }
        }
    }
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        let (token, length) = match letter {
            '*' => (Token::Any, 1),
            '?' => (Token::One, 1),
            '[' => set(rest).unwrap_or((Token::Letter('['), 1)),
            other => (Token::Letter(other), other.len_utf8()),
        };
        tokens.push(token);
        rest = &rest[length..];
    }
    tokens
}

fn set(text: &str) -> Option<(Token, usize)> {
    let (inside, _) = text[1..].split_once(']')?;
    let body = inside.strip_prefix(['!', '^']).unwrap_or(inside);
    let letters: Vec<char> = body.chars().collect();
    let mut members = Vec::new();
    let mut rest = letters.as_slice();
    while let Some((&low, after)) = rest.split_first() {
        (members, rest) = match after {
            ['-', high, after @ ..] => ([members, vec![(low, *high)]].concat(), after),
            _ => ([members, vec![(low, low)]].concat(), after),
        };
    }
    let negated = body.len() < inside.len();
    (!members.is_empty()).then_some((Token::Set { members, negated }, inside.len() + 2))
}

/// `path` below `folder`, with `/` between its names.
pub(crate) fn relative(path: &Path, folder: &Path) -> Option<String> {
    let below = path.strip_prefix(folder).ok()?;
    let names: Option<Vec<&str>> = below.iter().map(|name| name.to_str()).collect();
    Some(names?.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let glob = Glob::new(pattern);
        for (paths, expected) in [(yes, true), (no, false)] {
            for path in paths {
                assert_eq!(glob.matches(path), expected, "{path} by {pattern}");
            }
        }
    }

    #[test]
    fn ok_names() {
        check("headland.toml", &["headland.toml"], &["headland_toml", "a/headland.toml", "headland.tom"]);
        check("*.rs", &["a.rs", ".rs"], &["a/b.rs", "a.rsx"]);
        check("a?c", &["abc", "aéc"], &["ac", "abbc"]);
        check("./src/*", &["src/a"], &["src/a/b", "src"]);
    }

    #[test]
    fn ok_any_number_of_names() {
        check("src/**/*.rs", &["src/a.rs", "src/a/b.rs", "src/a/b/c.rs"], &["a.rs", "src/a.toml", "lib/src/a.rs"]);
        check("**", &["a", "a/b"], &[]);
        check("**/a/**/b", &["a/b", "x/a/y/z/b"], &["b", "a"]);
        check("src/**", &["src/a", "src/a/b"], &["lib/a"]);
    }

    #[test]
    fn ok_alternatives_and_sets() {
        check("{src,lib}/*.{rs,toml}", &["src/a.rs", "lib/a.toml"], &["src/a.txt", "bin/a.rs"]);
        check("{a,{b,c}}.rs", &["a.rs", "b.rs", "c.rs"], &["d.rs"]);
        check("[a-c]x[!0-9]", &["axz", "cx-"], &["dxz", "ax1"]);
        check("[x", &["[x"], &["x"]);
        check("{x", &["{x"], &["x"]);
    }

    #[test]
    fn ok_hostile_pattern_is_quick() {
        check(&"*a".repeat(40), &[], &[&"a".repeat(39)]);
        check(&format!("{}z", "**/".repeat(30)), &[], &[&"a/".repeat(200)]);
        check(&"{a,b}".repeat(20), &[], &["c"]);
    }

    #[test]
    fn ok_roots() {
        let roots = |pattern| {
            Glob::new(pattern).roots().map(|(path, deep)| (path.display().to_string(), deep)).collect::<Vec<_>>()
        };
        assert_eq!(roots("headland.toml"), [(String::new(), false)]);
        assert_eq!(roots("functions/rest/**/*.rs"), [("functions/rest".into(), true)]);
        assert_eq!(roots("{src,lib}/*.rs"), [("src".into(), false), ("lib".into(), false)]);
        assert_eq!(roots("*/x.rs"), [(String::new(), true)]);
    }
}
