//! Patterns that are known to run away, each with its text.

use std::fmt::Write;

use super::cluster::Cluster;
use super::quoted;
use super::soup::Soup;

/// Longest time for a pattern that is let through, in milliseconds.
const TIME_MAX: f64 = 100.0;

/// Machines are noisy: the best of so many counts. Between two of a pattern Postgres forgets it, as it knows 32.
const ROUNDS: usize = 3;

/// A pattern, and what it is to run on.
struct Attack {
    pattern: &'static str,
    ignores_case: bool,
    text: String,
}

/// What is let through takes less than [`TIME_MAX`].
pub(crate) fn ok_none_runs_away(cluster: &Cluster) {
    let attacks: Vec<Attack> = include_str!("../attacks.tsv").lines().filter_map(attack).collect();
    assert!(attacks.len() >= 500);
    let (accepted, refused): (Vec<_>, Vec<_>) =
        attacks.into_iter().partition(|attack| pattern::check(attack.pattern).is_ok());
    println!("{} of {} known attacks are refused", refused.len(), refused.len() + accepted.len());
    let trivial = Attack { pattern: "a", ignores_case: false, text: "b".into() };
    let mut times = times(cluster, std::iter::once(&trivial).chain(&accepted));
    let trivial = times.remove(0);
    let mut slowest: Vec<_> = times.iter().zip(&accepted).collect();
    slowest.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    println!("a trivial match takes {trivial:.2} ms, the slowest ones:");
    for (time, attack) in slowest.iter().take(5) {
        println!("{time:.1} ms, {} bytes: {}", attack.text.len(), attack.pattern);
    }
    assert!(*slowest[0].0 <= TIME_MAX + trivial, "a pattern that is let through runs away");
}

/// Milliseconds of each, the best of [`ROUNDS`].
fn times<'a>(cluster: &Cluster, attacks: impl Iterator<Item = &'a Attack>) -> Vec<f64> {
    let mut fill = String::new();
    let mut measure = String::from("SET statement_timeout = '2s';\n");
    let mut count = 0;
    for Attack { pattern, ignores_case, text } in attacks {
        let (pattern, text) = (quoted(pattern), quoted(text));
        writeln!(fill, "INSERT INTO attacks VALUES ({count}, {ignores_case}, {pattern}, {text});").unwrap();
        writeln!(measure, "SELECT took(pattern, attack, ignores_case) FROM attacks WHERE id = {count};").unwrap();
        count += 1;
    }
    cluster.run("postgres", &format!("BEGIN;\n{fill}COMMIT;"));
    let mut best = vec![f64::INFINITY; count];
    for _ in 0..ROUNDS {
        let round = cluster.run("postgres", &measure);
        let round: Vec<f64> = round.lines().map(|time| time.parse().unwrap()).collect();
        assert_eq!(round.len(), count);
        best.iter_mut().zip(round).for_each(|(best, time)| *best = best.min(time));
    }
    best
}

/// Reads a line of the data file, if it is no comment.
fn attack(line: &'static str) -> Option<Attack> {
    let mut fields = line.split('\t');
    let ignores_case = match fields.next()? {
        "~" => false,
        "~*" => true,
        _ => return None,
    };
    let pattern = fields.next()?;
    let count = fields.next()?;
    let mut pieces: Vec<String> = fields.map(unescaped).collect();
    pieces.pop().expect("the source comes last");
    let text = match count.strip_prefix('?') {
        Some(count) => in_no_order(&pieces[0], count.parse().unwrap()),
        None => pumped(&pieces, count.parse().unwrap()),
    };
    Some(Attack { pattern, ignores_case, text })
}

fn in_no_order(alphabet: &str, count: usize) -> String {
    let letters: Vec<&str> = alphabet.split("").filter(|letter| !letter.is_empty()).collect();
    Soup::new(1).text(&letters, count)
}

fn pumped(pieces: &[String], count: usize) -> String {
    let (suffix, pumps) = pieces.split_last().unwrap();
    let pumped: String = pumps.chunks(2).map(|pump| format!("{}{}", pump[0], pump[1].repeat(count))).collect();
    pumped + suffix
}

fn unescaped(piece: &str) -> String {
    let mut parts = piece.split('\\');
    let mut text = parts.next().unwrap().to_owned();
    while let Some(part) = parts.next() {
        let (character, rest) = match part.split_at_checked(1) {
            Some(("n", rest)) => ('\n', rest),
            Some(("r", rest)) => ('\r', rest),
            Some(("t", rest)) => ('\t', rest),
            Some(("u", rest)) => {
                let (code, rest) = rest[1..].split_once('}').unwrap();
                (char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap(), rest)
            }
            // Two backslashes: nothing is between them.
            _ => ('\\', parts.next().unwrap()),
        };
        text.push(character);
        text += rest;
    }
    text
}
