use http::Method;

use super::*;
use crate::testing::{catalog, config, get, request_under, sent};

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

/// What a function stands for is not found by its foreign key either.
#[test]
fn err_no_relationship_where_a_function_takes_its_place() {
    check("films?select=swatches(*),m:maker!any_hint(*)", "planned");
    check(
        "films?select=swatches_film_id_fkey(*)",
        r#"400 {"code":"PGRST200","details":"Searched for a foreign key relationship between 'films' and 'swatches_film_id_fkey' in the schema 'cinema', but no matches were found.","hint":"Perhaps you meant 'swatches' instead of 'swatches_film_id_fkey'.","message":"Could not find a relationship between 'films' and 'swatches_film_id_fkey' in the schema cache"}"#,
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
fn err_target_where_there_is_an_alias() {
    let config = Config { url_use_legacy_target_names: false, ..config() };
    for parameter in ["directors.id=eq.1", "directors.order=id", "directors.limit=1", "directors.and=(id.eq.1)"] {
        assert_eq!(
            planned(&format!("films?select=d:directors(id)&{parameter}"), &config),
            r#"400 {"code":"PGRST108","details":"Target names are not allowed in filters if they have an alias","hint":"Change 'directors' to 'd' in filters, orders or limits.","message":"'directors' is not an embedded resource in this request"}"#
        );
    }
    assert_eq!(planned("films?select=d:directors(id)&d.id=eq.1", &config), "planned");
    assert_eq!(planned("films?select=directors(id)&directors.id=eq.1", &config), "planned");
}

#[test]
fn err_order_by_what_is_many() {
    check(
        "directors?select=f:films(*)&order=f(id)",
        r#"400 {"code":"PGRST118","details":"'directors' and 'f' do not form a many-to-one or one-to-one relationship","hint":null,"message":"A related order on 'f' is not possible"}"#,
    );
    check(
        "films?select=stars(*)&order=stars(id)",
        r#"400 {"code":"PGRST118","details":"'films' and 'stars' do not form a many-to-one or one-to-one relationship","hint":null,"message":"A related order on 'stars' is not possible"}"#,
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
    let Plan::Read(read) = plan(&request, &catalog, &config()).unwrap() else { panic!("not a read") };
    let names: Vec<&str> = read.relations().iter().map(|relation| relation.name()).collect();
    assert_eq!(names, ["films", "roles", "actors", "directors", "awards"]);
}

/// The function that is called, or the body of the refusal.
fn called(method: Method, url: &str, content_type: &str, body: &str) -> String {
    let catalog = catalog();
    let found = sent(method, url, &[("content-type", content_type)], body);
    match found.as_ref().map_err(Clone::clone).and_then(|request| plan(request, &catalog, &config())) {
        Ok(Plan::Call(call)) => format!("{:?}{}", call.function, if call.is_read_only { "" } else { " writes" }),
        Ok(_) => unreachable!("it is a call"),
        Err(error) => format!("{} {}", error.status().as_u16(), String::from_utf8_lossy(&error.body())),
    }
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn ok_functions_by_their_arguments() {
    let get = |url: &str, expected: &str| assert_eq!(called(Method::GET, url, JSON, ""), expected, "{url}");
    get("rpc/add?a=1", "cinema.add(a => integer, b => integer)");
    get("rpc/add?b=2&a=1&a=3&select=x&order=x&limit=1&offset=0&x=eq.1", "cinema.add(a => integer, b => integer)");
    get("rpc/join_words?separator=-", "cinema.join_words(separator => text, words => text[])");
    get("rpc/retire?name=x", "cinema.retire(name => text)");
    let post = |url: &str, content_type: &str, body: &str, expected: &str| {
        assert_eq!(called(Method::POST, url, content_type, body), expected, "{url}");
    };
    post("rpc/add", JSON, r#"{"a":1,"b":2}"#, "cinema.add(a => integer, b => integer)");
    post("rpc/add", JSON, r#"[{"a":1},{"a":2}]"#, "cinema.add(a => integer, b => integer)");
    post("rpc/add", FORM, "a=1", "cinema.add(a => integer, b => integer)");
    post("rpc/extremes", JSON, "", "cinema.extremes()");
    post("rpc/retire", JSON, r#"{"name":"x"}"#, "cinema.retire(name => text) writes");
    post("rpc/take_json", JSON, r#"{"any":"thing"}"#, "cinema.take_json( => json)");
    post("rpc/take_text", "text/plain", "any thing", "cinema.take_text( => text)");
    post("rpc/take_bytes", "application/octet-stream", "", "cinema.take_bytes( => bytea)");
}

#[test]
fn err_functions_that_are_not_there() {
    let check = |method: Method, url: &str, content_type: &str, body: &str, expected: &str| {
        assert_eq!(called(method, url, content_type, body), expected, "{url}");
    };
    check(
        Method::GET,
        "rpc/film",
        JSON,
        "",
        r#"404 {"code":"PGRST202","details":"Searched for the function cinema.film without parameters, but no matches were found in the schema cache.","hint":null,"message":"Could not find the function cinema.film without parameters in the schema cache"}"#,
    );
    check(
        Method::GET,
        "rpc/filn?id=1",
        JSON,
        "",
        r#"404 {"code":"PGRST202","details":"Searched for the function cinema.filn with parameter id, but no matches were found in the schema cache.","hint":"Perhaps you meant to call the function cinema.film","message":"Could not find the function cinema.filn(id) in the schema cache"}"#,
    );
    check(
        Method::POST,
        "rpc/add",
        JSON,
        r#"{"b":1,"a":2,"smthelse":3}"#,
        r#"404 {"code":"PGRST202","details":"Searched for the function cinema.add with parameters a, b, smthelse or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache.","hint":"Perhaps you meant to call the function cinema.add(a, b)","message":"Could not find the function cinema.add(a, b, smthelse) in the schema cache"}"#,
    );
    check(
        Method::POST,
        "rpc/take_json",
        "text/plain",
        "x",
        r#"404 {"code":"PGRST202","details":"Searched for the function cinema.take_json with a single unnamed text parameter, but no matches were found in the schema cache.","hint":null,"message":"Could not find the function cinema.take_json in the schema cache"}"#,
    );
    check(
        Method::GET,
        "rpc/either?a=1",
        JSON,
        "",
        r#"300 {"code":"PGRST203","details":null,"hint":"Try renaming the parameters or the function itself in the database so function overloading can be resolved","message":"Could not choose the best candidate function between: cinema.either(a => integer), cinema.either(a => text)"}"#,
    );
    check(
        Method::DELETE,
        "rpc/add",
        JSON,
        "",
        r#"405 {"code":"PGRST101","details":null,"hint":null,"message":"Cannot use the DELETE method on RPC"}"#,
    );
}

#[test]
fn err_embedding_into_what_is_no_relation() {
    assert_eq!(
        called(Method::GET, "rpc/shelf?select=films(*)", JSON, ""),
        r#"400 {"code":"PGRST200","details":"Searched for a foreign key relationship between 'shelf' and 'films' in the schema 'cinema', but no matches were found.","hint":null,"message":"Could not find a relationship between 'shelf' and 'films' in the schema cache"}"#
    );
}

#[test]
fn err_max_affected_of_a_function_with_one_row() {
    let catalog = catalog();
    let refused = |url: &str| {
        let request = get(url, &[("prefer", "handling=strict, max-affected=2")]).unwrap();
        plan(&request, &catalog, &config()).err().map(|error| error.to_string())
    };
    let message =
        "PGRST128: Function must return SETOF or TABLE when max-affected preference is used with handling=strict";
    assert_eq!(refused("rpc/add?a=1").as_deref(), Some(message));
    assert_eq!(refused("rpc/film?id=1").as_deref(), Some(message));
    assert_eq!(refused("rpc/years?first=1"), None);
}

#[test]
fn err_media_type_that_nobody_makes() {
    let catalog = catalog();
    let refused = |url: &str, accept: &str| {
        let request = get(url, &[("accept", accept)]).unwrap();
        plan(&request, &catalog, &config()).err().map(|error| error.to_string())
    };
    let message = |text: &str| Some(format!("PGRST107: None of these media types are available: {text}"));
    assert_eq!(refused("films", "text/plain"), message("text/plain"));
    assert_eq!(refused("films", "a/b;q=0.1, c/d"), message("c/d, a/b"));
    assert_eq!(refused("films", "a/b, */*;q=0.1"), None);
    assert_eq!(refused("actors", "text/plain"), None);
    assert_eq!(refused("actors?select=id", "text/plain"), message("text/plain"));
    assert_eq!(refused("rpc/motto", "image/png"), message("image/png"));
    assert_eq!(refused("rpc/poster", "Image/PNG"), None);
}

/// The relations that an answer is made of, and how many tables lie below; `None` where that is not all.
#[track_caller]
fn made_of(url: &str, headers: &[(&str, &str)], expected: Option<(&[&str], usize)>) {
    let (catalog, config) = (catalog(), Config { db_plan_enabled: true, db_aggregates_enabled: true, ..config() });
    let request = request_under(Method::GET, url, headers, &config).unwrap();
    let plan = plan(&request, &catalog, &config).unwrap();
    let basis = plan.basis(&request, &config);
    let found: Option<(Vec<&str>, usize)> =
        basis.map(|basis| (basis.relations.iter().map(|relation| relation.name()).collect(), basis.tables.len()));
    assert_eq!(found, expected.map(|(names, tables)| (names.to_vec(), tables)), "{url} {headers:?}");
}

#[test]
fn ok_what_an_answer_is_made_of() {
    made_of("films", &[], Some((&["films"], 1)));
    made_of(
        "films?select=title,year::text&id=gt.1&order=year&limit=3",
        &[("prefer", "count=exact")],
        Some((&["films"], 1)),
    );
    made_of("old_films?select=id", &[], Some((&["old_films"], 1)));
    made_of("films?select=id,directors(name,films(id))", &[], Some((&["films", "directors", "films"], 2)));
    made_of(
        "films?select=id,actors(name),directors()&order=directors(name)",
        &[],
        Some((&["films", "roles", "actors", "directors"], 4)),
    );
    made_of("films?select=year,id.sum()", &[], Some((&["films"], 1)));
}

#[test]
fn err_what_else_has_a_part_in_an_answer() {
    for url in [
        "films?select=decade",
        "films?decade=eq.1",
        "films?or=(id.eq.1,decade.eq.2)",
        "films?order=decade",
        "films?select=directors(decade)",
        "films?select=id::my_type",
        "films?select=title::timestamptz",
        "films?select=id.max()::date",
        // Values of its domain are shown by a function.
        "swatches",
    ] {
        made_of(url, &[], None);
    }
    for header in [
        ("prefer", "count=planned"),
        ("prefer", "count=estimated"),
        ("accept", "application/vnd.pgrst.plan"),
        ("accept", "application/geo+json"),
    ] {
        made_of("films", &[header], None);
    }
}
