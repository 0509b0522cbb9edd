//! Rules for movies.json, which all of its rows follow.

use std::sync::OnceLock;

use json::{Limits, scan};
use validate::{Bound, Check, Column, Matcher, Rule, Write};

type Rules = Vec<(&'static str, Vec<Rule>)>;

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| {
        let range = |least, most| [least, most].map(|number| Bound::new(number).expect("a number"));
        let within = |least, most| {
            let [least, most] = range(least, most);
            vec![Rule::Min(least), Rule::Max(most)]
        };
        let ratings = ["R", "PG", "Not Rated", "PG-13", "G", "NC-17", "Open"].map(String::from);
        let date = Matcher::new("^[A-Z][a-z]{2} [0-9]{2} [0-9]{4}$").expect("a pattern");
        vec![
            ("Title", vec![Rule::MaxLength(100)]),
            ("MPAA Rating", vec![Rule::OneOf(ratings.into())]),
            ("Release Date", vec![Rule::Pattern(date)]),
            ("Rotten Tomatoes Rating", within("0", "100")),
            ("IMDB Rating", within("0", "10")),
            ("IMDB Votes", within("0", "1e9")),
        ]
    })
}

/// Whether a text is JSON whose rows follow the rules.
pub(crate) fn are_right(text: &[u8]) -> bool {
    let columns = rules().iter().map(|(name, rules)| Column { name, declared: None, rules }).collect();
    let mut check = Check::new("movies", Write::Insert, columns, None);
    scan(text, &Limits::default(), &mut check).is_ok() && check.violations().is_empty()
}
