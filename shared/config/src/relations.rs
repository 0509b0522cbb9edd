//! What is said of single relations: a table `[relations.RELATION]` for each.

use crate::Value;
use crate::value::Unfit;

/// What the paths of all settings of relations begin with.
pub(crate) const TABLE: &str = "relations";

/// What is said of one relation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelationPolicy {
    /// The relation, in whichever exposed schema.
    pub relation: String,
    /// Where its answers are kept.
    pub cache: Option<Cache>,
    /// Seconds for which an edge may give an answer without asking.
    pub cache_max_age: Option<u64>,
    /// Seconds for which it may after that, while it is renewed.
    pub cache_stale_while_revalidate: Option<u64>,
    /// Seconds for which it is given after that where the region does not answer.
    pub cache_stale_if_error: Option<u64>,
    /// The members of a token's claims that decide what its bearer is shown, where it would be thought that all do.
    pub cache_claims: Option<Vec<String>>,
}

/// Where answers are kept, and who says whether they are still good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// At the edge, and the region is asked each time.
    Region,
    /// At the edge, which gives them for a while without asking.
    Edge,
    /// Nowhere.
    Off,
}

/// Sets one option of a relation; `path` is that of the whole setting.
pub(crate) fn set(relations: &mut Vec<RelationPolicy>, path: &[String], value: Value) -> Result<(), Unfit> {
    let [_, relation, option] = path else {
        return Err("is no option: those of a relation are a table `[relations.RELATION]`");
    };
    let place = relations.iter().position(|known| known.relation == *relation).unwrap_or(relations.len());
    if place == relations.len() {
        let relation = relation.clone();
        relations.push(RelationPolicy { relation, ..RelationPolicy::default() });
    }
    match option.as_str() {
        "cache" => relations[place].cache = Some(cache(value)?),
        "cache-max-age" => relations[place].cache_max_age = Some(value.count()?),
        "cache-stale-while-revalidate" => relations[place].cache_stale_while_revalidate = Some(value.count()?),
        "cache-stale-if-error" => relations[place].cache_stale_if_error = Some(value.count()?),
        "cache-claims" => relations[place].cache_claims = Some(value.texts()?),
        _ => return Err("is no option of a relation"),
    }
    Ok(())
}

pub(crate) fn cache(value: Value) -> Result<Cache, Unfit> {
    let known = [("region", Cache::Region), ("edge", Cache::Edge), ("off", Cache::Off)];
    value.one_of(&known, "is one of `region`, `edge`, `off`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let message = Config::parse(text).unwrap_err().to_string();
        assert_eq!(message, format!("headland.toml: line 1: `{expected}"));
    }

    #[test]
    fn ok_relations() {
        let config = Config::parse(
            "cache = 'off'\ncache-max-age = 5\nrelations.films.cache = 'edge'\n[relations.'a.b']\ncache = 'region'\n\
             cache-max-age = 0\ncache-claims = ['sub', 'org']\n[relations]\nfilms.cache-max-age = 7\n\
             films.cache-stale-while-revalidate = 8\nfilms.cache-stale-if-error = 9",
        );
        let films = RelationPolicy {
            relation: "films".into(),
            cache: Some(Cache::Edge),
            cache_max_age: Some(7),
            cache_stale_while_revalidate: Some(8),
            cache_stale_if_error: Some(9),
            cache_claims: None,
        };
        let other = RelationPolicy {
            relation: "a.b".into(),
            cache: Some(Cache::Region),
            cache_max_age: Some(0),
            cache_claims: Some(vec!["sub".into(), "org".into()]),
            ..RelationPolicy::default()
        };
        let expected =
            Config { cache: Cache::Off, cache_max_age: 5, relations: vec![films, other], ..Config::default() };
        assert_eq!(config, Ok(expected));
    }

    #[test]
    fn err_relations() {
        refused("cache = 'on'", "cache` is one of `region`, `edge`, `off`");
        for option in ["cache-max-age", "cache-stale-while-revalidate", "cache-stale-if-error"] {
            refused(&format!("{option} = -1"), &format!("{option}` takes an integer that is not negative"));
        }
        refused("relations.films.cache = true", "relations.films.cache` is one of `region`, `edge`, `off`");
        refused("relations.films.cache-claims = 'sub'", "relations.films.cache-claims` takes a list of strings");
        refused("relations.films.max-age = 1", "relations.films.max-age` is no option of a relation");
        refused(
            "relations.films = 1",
            "relations.films` is no option: those of a relation are a table `[relations.RELATION]`",
        );
        refused(
            "relations.a.b.cache = 'edge'",
            "relations.a.b.cache` is no option: those of a relation are a table `[relations.RELATION]`",
        );
    }
}
