use super::*;
use crate::testing::{catalog, config, get};

/// The body of the refusal, or `planned`.
fn planned(url: &str, config: &Config) -> String {
    let catalog = catalog();
    let request = get(url, &[]).unwrap();
    match plan(&request, &catalog, config) {
        Ok(_) => "planned".to_owned(),
        Err(error) => format!("{} {}", error.status().as_u16(), String::from_utf8_lossy(&error.body())),
    }
}

#[track_caller]
fn check(url: &str, expected: &str) {
    assert_eq!(planned(url, &config()), expected, "{url}");
}

#[test]
fn ok_columns_need_not_be_known() {
    check("films?select=nothing,decade&nowhere=eq.1&order=never", "planned");
}

#[test]
fn ok_each_way_to_name_a_relationship() {
    for select in [
        "directors(*)",
        "d:directors!films_director_id_fkey(*)",
        "directors!director_id(*)",
        "directors!id(*)",
        "director_id(*)",
        "films_director_id_fkey(*)",
        "posters(*)",
        "actors(*)",
        "actors!roles(*)",
        "roles(actors(*),films(*))",
    ] {
        check(&format!("films?select={select}"), "planned");
    }
    check("directors?select=directors(*),mentor_id(*),pupils:directors!mentor_id(*)", "planned");
    check("awards?select=awards_giver(*),taker_id(*),directors!awards_taker(*)", "planned");
    check("old_films?select=directors(*),director_id(*)", "planned");
}

#[test]
fn ok_paths_by_alias_and_by_relation() {
    check(
        "films?select=d:directors(f:films(*))&d.name=eq.1&directors.f.limit=1&d.films.order=id&d.f.or=(id.eq.1)",
        "planned",
    );
}

#[test]
fn err_unknown_relation() {
    check(
        "film",
        r#"404 {"code":"PGRST205","details":null,"hint":"Perhaps you meant the table 'cinema.films'","message":"Could not find the table 'cinema.film' in the schema cache"}"#,
    );
    check(
        "unheard",
        r#"404 {"code":"PGRST205","details":null,"hint":null,"message":"Could not find the table 'cinema.unheard' in the schema cache"}"#,
    );
    check(
        "Films",
        r#"404 {"code":"PGRST205","details":null,"hint":null,"message":"Could not find the table 'cinema.Films' in the schema cache"}"#,
    );
}

#[test]
fn err_no_relationship() {
    check(
        "films?select=director(*)",
        r#"400 {"code":"PGRST200","details":"Searched for a foreign key relationship between 'films' and 'director' in the schema 'cinema', but no matches were found.","hint":"Perhaps you meant 'directors' instead of 'director'.","message":"Could not find a relationship between 'films' and 'director' in the schema cache"}"#,
    );
    check(
        "films?select=directors!nonsense(*)",
        r#"400 {"code":"PGRST200","details":"Searched for a foreign key relationship between 'films' and 'directors' using the hint 'nonsense' in the schema 'cinema', but no matches were found.","hint":null,"message":"Could not find a relationship between 'films' and 'directors' in the schema cache"}"#,
    );
    check(
        "lonely?select=films(*)",
        r#"400 {"code":"PGRST200","details":"Searched for a foreign key relationship between 'lonely' and 'films' in the schema 'cinema', but no matches were found.","hint":null,"message":"Could not find a relationship between 'lonely' and 'films' in the schema cache"}"#,
    );
    // The key is the table's, not the view's.
    check(
        "directors?select=old_films!nonsense(*)",
        r#"400 {"code":"PGRST200","details":"Searched for a foreign key relationship between 'directors' and 'old_films' using the hint 'nonsense' in the schema 'cinema', but no matches were found.","hint":null,"message":"Could not find a relationship between 'directors' and 'old_films' in the schema cache"}"#,
    );
}

#[test]
fn err_several_relationships() {
    check(
        "awards?select=directors(*)",
        r#"300 {"code":"PGRST201","details":[{"cardinality":"many-to-one","embedding":"awards with directors","relationship":"awards_giver using awards(giver_id) and directors(id)"},{"cardinality":"many-to-one","embedding":"awards with directors","relationship":"awards_taker using awards(taker_id) and directors(id)"}],"hint":"Try changing 'directors' to one of the following: 'directors!awards_giver', 'directors!awards_taker'. Find the desired relationship in the 'details' key.","message":"Could not embed because more than one relationship was found for 'awards' and 'directors'"}"#,
    );
}

#[test]
fn err_not_embedded() {
    let refusal = r#"400 {"code":"PGRST108","details":null,"hint":"Verify that 'directors' is included in the 'select' query parameter.","message":"'directors' is not an embedded resource in this request"}"#;
    for parameter in [
        "directors.id=eq.1",
        "directors.or=(id.eq.1,id.eq.2)",
        "directors.order=id",
        "directors.limit=1",
        "directors.offset=1",
        "order=directors(name)",
        "directors.films.id=eq.1",
    ] {
        check(&format!("films?{parameter}"), refusal);
    }
}

#[test]
fn err_order_by_what_is_many() {
    check(
        "directors?select=f:films(*)&order=f(id)",
        r#"400 {"code":"PGRST118","details":"'directors' and 'f' do not form a many-to-one or one-to-one relationship","hint":null,"message":"A related order on 'f' is not possible"}"#,
    );
}

#[test]
fn err_range_of_an_embedded_relation() {
    check(
        "directors?select=films(*)&films.limit=-1",
        r#"416 {"code":"PGRST103","details":"Limit should be greater than or equal to zero.","hint":null,"message":"Requested range not satisfiable"}"#,
    );
}

#[test]
fn err_unknown_preferences_when_strict() {
    let (catalog, config) = (catalog(), config());
    let refused = |prefer: &str| {
        let request = get("films", &[("prefer", prefer)]).unwrap();
        plan(&request, &catalog, &config).err().map(|error| String::from_utf8_lossy(&error.body()).into_owned())
    };
    assert_eq!(refused("handling=lenient, anything"), None);
    assert_eq!(refused("handling=strict, count=exact, tx=commit"), None);
    assert_eq!(
        refused("handling=strict, anything, else").as_deref(),
        Some(
            r#"{"code":"PGRST122","details":"Invalid preferences: anything, else","hint":null,"message":"Invalid preferences given with handling=strict"}"#
        )
    );
}

#[test]
fn ok_the_relations_that_are_read() {
    let catalog = catalog();
    let request = get("films?select=*,actors(*),directors(awards!awards_giver(*))", &[]).unwrap();
    let plan = plan(&request, &catalog, &config()).unwrap();
    let names: Vec<&str> = plan.relations().iter().map(|relation| relation.name()).collect();
    assert_eq!(names, ["films", "roles", "actors", "directors", "awards"]);
}

/// Postgres cuts a name after 63 bytes, and never inside a character.
#[test]
fn ok_alias_of_a_long_name() {
    assert_eq!(alias("films", 1), "films_1");
    assert_eq!(alias(&"é".repeat(31), 16), format!("{}_16", "é".repeat(28)));
}
