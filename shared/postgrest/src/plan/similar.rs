//! Which name may have been meant.

/// How similar names must be to be offered where any caller may ask, from 0 to 1.
pub(super) const CLOSE: f32 = 0.75;

/// How similar names must be to be offered where the choice is small.
pub(super) const REMOTE: f32 = 0.33;

/// Longer names are like nothing: Postgres has none, and comparing takes the product of both lengths.
const NAME_CHARACTERS_MAX: usize = 128;

/// The most similar of `names`, if it is at least `similarity_min` like `name` and not the same.
pub(super) fn most_similar<'a>(
    name: &str,
    names: impl Iterator<Item = &'a str>,
    similarity_min: f32,
) -> Option<&'a str> {
    let name: Vec<char> = name.chars().take(NAME_CHARACTERS_MAX + 1).flat_map(char::to_lowercase).collect();
    if name.len() > NAME_CHARACTERS_MAX {
        return None;
    }
    let mut best: Option<(f32, &str)> = None;
    for candidate in names {
        let characters: Vec<char> = candidate.chars().flat_map(char::to_lowercase).collect();
        let similarity = similarity(&name, &characters);
        if similarity >= 1.0 {
            return None;
        }
        if similarity >= similarity_min && best.is_none_or(|(best, _)| similarity > best) {
            best = Some((similarity, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// 1 less the share of characters that must be edited (Levenshtein) in the longer of both; 0 where no two
/// neighbours are the same in both, as short names are all alike otherwise. Parentheses count as no neighbours.
fn similarity(left: &[char], right: &[char]) -> f32 {
    let length = left.len().max(right.len());
    if left == right {
        return 1.0;
    }
    if !are_neighbours_shared(left, right) {
        return 0.0;
    }
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, character) in left.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, other) in right.iter().enumerate() {
            let edited = row[column].min(row[column + 1]) + 1;
            let kept = diagonal + usize::from(character != other);
            diagonal = std::mem::replace(&mut row[column + 1], edited.min(kept));
        }
    }
    1.0 - row[right.len()] as f32 / length as f32
}

fn are_neighbours_shared(left: &[char], right: &[char]) -> bool {
    let inner = |text: &[char]| text.iter().copied().filter(|one| !matches!(one, '(' | ')')).collect::<Vec<_>>();
    let (left, right) = (inner(left), inner(right));
    let is_end_shared = left.first() == right.first() || left.last() == right.last();
    is_end_shared || left.windows(2).any(|pair| right.windows(2).any(|other| pair == other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, names: &[&str], similarity_min: f32, expected: Option<&str>) {
        assert_eq!(most_similar(name, names.iter().copied(), similarity_min), expected);
    }

    #[test]
    fn ok_similar() {
        check("projectx", &["clients", "projects", "projectors"], CLOSE, Some("projects"));
        check("projecxx", &["projects"], CLOSE, Some("projects"));
        check("role", &["directors", "roles", "actors"], REMOTE, Some("roles"));
        check("(a, b, smthelse)", &["(a, b)"], REMOTE, Some("(a, b)"));
        check("car_model_sales_202101", &["car_model_sales", "car_dealers"], REMOTE, Some("car_model_sales"));
    }

    #[test]
    fn err_not_similar_or_the_same() {
        check("projexxx", &["projects"], CLOSE, None);
        check("(A, B, C)", &["(data)", "()"], REMOTE, None);
        check("lonely", &["roles"], REMOTE, None);
        check("actors", &["factors", "actors"], REMOTE, None);
        check("x", &[], REMOTE, None);
        check("", &["a"], REMOTE, None);
        check(&"a".repeat(60_000), &["a"], REMOTE, None);
    }
}
