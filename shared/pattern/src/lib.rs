//! Regular expressions that cannot run away: those that Postgres runs for a caller, and those that we run ourselves.
//!
//! ```
//! // A caller's pattern, before it goes to Postgres.
//! let refused = pattern::check(r"(.+)\1").unwrap_err();
//! assert_eq!(refused.to_string(), "the back-reference at byte 4 could run without end");
//!
//! // A rule of our own.
//! let slug = pattern::Pattern::new("^[a-z0-9]+(-[a-z0-9]+)*$").unwrap();
//! assert_eq!(slug.is_match("red-shoes"), Ok(true));
//! ```
//!
//! Both take Postgres' advanced regular expressions (PostgreSQL 9.7.3), so a rule means what the same `CHECK` constraint
//! means. One parser reads them, in time that is linear in a pattern of at most [`PATTERN_BYTES_MAX`] bytes whose groups
//! nest at most [`NESTING_DEPTH_MAX`] deep. The tests compare it with Postgres: what one calls no pattern
//! ([`ErrorKind::is_syntax`]), the other refuses. Two things that both know are not read here: the syntax of older
//! standards (`(?b)`, `(?e)`), and characters by their names (`[.hyphen.]`).
//!
//! # What Postgres runs: [`check`]
//!
//! For `~` Postgres asks only whether a text matches, which its engine (Henry Spencer's) answers with a deterministic
//! automaton that it builds as it goes. What is exponential elsewhere, `(a+)+$` or `(a|a)*b`, is linear here. Runs away
//! in PostgreSQL 15 and 18, measured on one slow core, of which times are to compile and then to match:
//!
//! | construct | pattern | text | 15 | 18 | refused as |
//! | --- | --- | --- | --- | --- | --- |
//! | back-reference | `^(.+)\1+$` | 3 kB | 93 ms | 133 ms | [`ErrorKind::BackReference`] |
//! | lookahead of any length, anywhere | `(?=.*x)y` | 10 kB | 315 ms | 431 ms | [`ErrorKind::Lookahead`] |
//! | the same | `(?=.*x)y` | 20 kB | 1.3 s | 1.8 s | |
//! | many lookaheads of some length | `(?=.{0,50}x)`, 20 of them | 10 kB | 70 ms | 84 ms | [`ErrorKind::LookaheadCharacters`] |
//! | lookaround in a lookaround | `(?=.{0,5}(?<=x.*))c` | 10 kB | 376 ms | 472 ms | [`ErrorKind::NestedLookaround`] |
//! | the same | `(?=(?=.{0,50}x).{0,50}y).{0,50}z` | 10 kB | > 5 s | > 5 s | |
//! | repetitions of what may be empty | `(a*b*){255}` | any | 0.7 s | 1.0 s | [`ErrorKind::Transitions`] |
//! | the same | `((a?){32}){32}` | any | > 5 s | > 5 s | |
//! | the same, written out | `a?` 500 times, `a` 500 times | 500 B | 0.1 + 0.3 s | 0.1 + 0.3 s | |
//! | sets that overlap | `[^一][^丁]…`, 800 of them | any | > 5 s | > 5 s | |
//! | anchors in a row | `\y` 25 times | any | 1.8 s | 1.5 s | |
//! | the same | `((^\|$\|\y)*a*)*` 8 times | any | 2.8 s | 2.6 s | [`ErrorKind::RepeatedAnchor`] |
//! | the same, of a group | `((?:(\y)){10})*` | any | 1.5 s | 1.5 s | [`ErrorKind::RepeatedAnchor`] |
//! | repeated lookaheads | `((a(?=bc))?){0,60}!` | 3 kB | 436 ms | 428 ms | [`ErrorKind::Transitions`] |
//! | optional parts beside a lookaround | `(?:(?!bc)a)*(a?){60}!` | 5 kB | 175 ms | 264 ms | |
//! | characters of counted repetitions | `[ab]*a([ab]{50}){40}!` | 10 kB of `a` and `b` in no order | 131 ms | 149 ms | [`ErrorKind::Positions`] |
//! | wide ranges where case is ignored | `[\U00000100-\U0010ffff]`, each | any | 19 ms | 14 ms | [`ErrorKind::RangeCharacters`] |
//!
//! And does not, so it is let through:
//!
//! | construct | pattern | text | 15 | 18 |
//! | --- | --- | --- | --- | --- |
//! | nested quantifiers | `(a*)*b` | 100 kB | 4 ms | 4 ms |
//! | alternatives that overlap | `^(a\|a)*$` | 100 kB | 4 ms | 5 ms |
//! | adjacent quantifiers | `a*a*a*a*a*a*a*a*b` | 100 kB | 1 ms | 1 ms |
//! | repeated wildcards | `^(.*?,){11}P` | 100 kB | 1 ms | 1 ms |
//! | counted repetitions of something | `((a{10}){10}){10}` | 10 kB | 1 ms | 1 ms |
//! | lookahead of any length right behind a leading `^` | `^(?=.*x)(?=.*z)y` | 100 kB | 1 ms | 4 ms |
//! | lookahead of few characters | `(?=.{0,50}x)y` | 10 kB | 4 ms | 5 ms |
//! | lookbehind | `(?<=x.*)y` | 100 kB | 9 ms | 10 ms |
//!
//! The worst that is left is linear: 10 to 20 µs for a character, where no two places of the text look alike. So the
//! limits are [`POSITIONS_MAX`], [`TRANSITIONS_MAX`], [`LOOK_TRANSITIONS_MAX`], [`RANGE_CHARACTERS_MAX`] and
//! [`LOOKAHEAD_CHARACTERS_MAX`]. Of 852 known attacks in the tests, 545 are harmless to Postgres and let through, and the slowest
//! of them takes 20 ms; of 1311 everyday patterns 15 are refused. A statement's deadline stays behind it all.
//!
//! `LIKE` needs no such check. `%a` 50 times, then `%b`, takes 0.3 ms on 10 kB and 1.3 ms on 100 kB: `%` goes back to the last one
//! only. A long literal costs its length times the text's, 84 to 117 ms for a pattern of 8 kB on 16 kB.
//!
//! # What we run: [`Pattern`]
//!
//! All ways to match are followed at once, so a match takes at most characters × steps: [`TEXT_BYTES_MAX`] × [`STEPS_MAX`].
//! Lookarounds and back-references are refused.
//!
//! The crate `regex-lite` would do the same for another syntax, in which `\b` is no backspace and `\y` is nothing. In wasm,
//! compressed, it is 22 KB beside a module that allocates and formats; [`check`] is 9 KB, [`Pattern`] 20 KB and both are
//! 24 KB.
//!
//! Postgres asks the database's locale what a letter is; here it is as Unicode has it, like in a database whose locale is
//! one of UTF-8, and never as in the locale `C`, for which `é` is no letter. `\d` and `[:digit:]` are `0` to `9`, `\w` is
//! letters, digits and numbers of any script and `_`, `\s` is white space but for spaces that do not break. Where case
//! counts for nothing, a character is like its other case if each is the other's only one (so `ß` is only like itself).

mod ast;
mod class;
mod color;
mod cost;
mod error;
mod look;
mod parse;
mod pattern;
mod program;
mod range;

pub use error::{Error, ErrorKind};
pub use pattern::Pattern;

/// Longest pattern, in bytes.
pub const PATTERN_BYTES_MAX: usize = 4096;

/// Deepest nesting of groups.
pub const NESTING_DEPTH_MAX: usize = 32;

/// Most characters of a pattern for Postgres, once repetitions are written out: `(ab){10}` has 20. Each may cost 6 ns for
/// a character of the text.
pub const POSITIONS_MAX: u32 = 1000;

/// Most transitions between characters of a pattern for Postgres: `(a?){10}` has 45, as each copy may follow any before
/// it. Each may cost 2 ns for a character of the text, and 40,000 take 80 ms to compile.
pub const TRANSITIONS_MAX: u32 = 6000;

/// The same beside lookarounds that may stand anywhere: Postgres then remembers nothing of its automaton, and takes 15 to
/// 30 ns for each at every character.
pub const LOOK_TRANSITIONS_MAX: u32 = 750;

/// Most characters in all ranges of a pattern for Postgres, which takes 40 ms for so many.
pub const RANGE_CHARACTERS_MAX: u32 = 1 << 21;

/// Most characters that all lookaheads of a pattern for Postgres may reach which do not stand at its start.
pub const LOOKAHEAD_CHARACTERS_MAX: u32 = 32;

/// Most steps of a pattern that we run; a character is one, and so is each choice.
pub const STEPS_MAX: usize = 1000;

/// Longest text that a pattern of ours is run on, in bytes.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Refuses what Postgres could not run, with `~` or `~*`, in time that is linear in the text.
///
/// What is let through is to be sent unchanged. Postgres refuses what is [`ErrorKind::is_syntax`], too.
pub fn check(text: &str) -> Result<(), Error> {
    let expression = parse::parse(text)?;
    range::check(&expression.sets)?;
    let looks_anywhere = look::check(&expression)?;
    cost::check(&expression, looks_anywhere)
}
