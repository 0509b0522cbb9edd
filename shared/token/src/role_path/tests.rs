//! Rows: a path, claims, and the role. Those of PostgREST's documentation are among them.

use super::*;

#[track_caller]
fn check(path: &str, claims: &str, expected: Option<&str>) {
    let claims = serde_json::from_str(claims).unwrap();
    assert_eq!(RolePath::parse(path).unwrap().find(&claims).as_deref(), expected, "{path}");
}

#[track_caller]
fn refused(path: &str, problem: &str) {
    let message = RolePath::parse(path).unwrap_err().to_string();
    assert!(message.starts_with(&format!("failed to parse role-claim-key value ({path})")), "{message}");
    assert!(message.contains(problem), "{message}");
}

const ROLES: &str = r#"{"realm":{"roles":["other","author",{"name":"x","is":"deep"}]}}"#;

#[test]
fn ok_names_and_indexes() {
    check("$.role", r#"{"role":"author"}"#, Some("author"));
    check("$", r#"{"role":"author"}"#, Some(r#"{"role":"author"}"#));
    check("$.a.b_1", r#"{"a":{"b_1":"author"}}"#, Some("author"));
    check("$.ä", r#"{"ä":"author"}"#, Some("author"));
    check("$['https://a.b/r'][\"x\\\"y\"]", r#"{"https://a.b/r":{"x\"y":"author"}}"#, Some("author"));
    check("$ .realm [ 'roles' ] [1] ", ROLES, Some("author"));
    check("$.realm.roles[-2]", ROLES, Some("author"));
    check("$.realm.roles[-3]", ROLES, Some("other"));
}

#[test]
fn ok_nothing_there() {
    for path in ["$.role", "$.realm.role", "$.realm[0]", "$.realm.roles[3]", "$.realm.roles[-4]", "$.realm.roles.x"] {
        check(path, ROLES, None);
    }
    check("$.role", r#"{"role":null}"#, Some("null"));
    check("$.role", r#"{"role":7}"#, Some("7"));
}

#[test]
fn ok_filters() {
    check("$.realm.roles[?(@ == 'author')]", ROLES, Some("author"));
    check("$.realm.roles[?@=='author']", ROLES, Some("author"));
    check("$.realm.roles[? ( @ != \"other\" ) ]", ROLES, Some("author"));
    check("$.realm.roles[?@.name == 'x'].is", ROLES, Some("deep"));
    check("$.realm.roles[?@['name'] == 'x']['is']", ROLES, Some("deep"));
    check("$.realm[?@ != 'x'][1]", ROLES, Some("author"));
    check("$.realm.roles[?@ == 'nobody']", ROLES, None);
    // What is no text is not equal to one.
    check("$.a[?@ != 'x']", r#"{"a":[1,"b"]}"#, Some("1"));
}

#[test]
fn ok_searches() {
    check("$.realm.roles[?search(@, '^auth')]", ROLES, Some("author"));
    check("$.realm.roles[?search(@, 'hor$')]", ROLES, Some("author"));
    check("$.realm.roles[?(search(@,'utho'))]", ROLES, Some("author"));
    check("$.realm.roles[?search(@, '^author$')]", ROLES, Some("author"));
    check("$.realm.roles[?match(@, 'author')]", ROLES, Some("author"));
    check("$.realm.roles[?match(@, 'utho')]", ROLES, None);
    check("$.a[?search(@, 'a\\\\.b')]", r#"{"a":["axb","a.b"]}"#, Some("a.b"));
}

#[test]
fn ok_older_form() {
    check(".postgrest.roles[1]", r#"{"postgrest":{"roles":["other","author"]}}"#, Some("author"));
    check(
        r#"."https://www.example.com/role"[0].value"#,
        r#"{"https://www.example.com/role":[{"value":"author"}]}"#,
        Some("author"),
    );
    check(".a$b@c_1", r#"{"a$b@c_1":"author"}"#, Some("author"));
    for filter in ["== \"author\"", "!= \"other\"", "^== \"aut\"", "==^ \"hor\"", "*== \"utho\"", "==\"author\""] {
        check(&format!(".realm.roles[?(@ {filter})]"), ROLES, Some("author"));
    }
    // There, only texts are compared.
    check(".a[?(@ != \"x\")]", r#"{"a":[1,"b"]}"#, Some("b"));
    check(".a[?(@ == \"b\")]", r#"{"a":"b"}"#, None);
}

#[test]
fn err_neither_form() {
    for path in ["", "role", "role.other", "1234", "@@.role.other", "[x]"] {
        refused(path, "");
    }
    for path in ["$.", "$.a[", "$.a[b]", "$.a]", "$.a b", "$.\"a\"", "$[\"a", "$.1", "$.a[01]", "$.a[-0]", "$.a[]"] {
        refused(path, "");
    }
    for path in [".", "..a", ".a-b", ".role##", ".my_role;;domain", ".#$$%&$%/", ".a[", ".a[-1]", ".a b", ".a[x]"] {
        refused(path, "");
    }
    refused(".role[?(@ =)]", "no operator");
    refused(".a[?(@ == 'a')]", "a quote is missing");
    refused(".a[?(@ == \"a\")].b", "nothing may follow");
    refused(".a[?(@ == \"a\"]", "`)]`");
    refused("$.a[?(@ == \"a\"]", "`)`");
    refused("$.a[?(@ < 'a')]", "compares with");
}

#[test]
fn err_what_is_not_supported_is_named() {
    refused("$..role", "`..`");
    refused("$.*", "`*`");
    refused("$.a[*]", "`*`");
    refused("$.a[0:2]", "slices");
    refused("$.a[0,1]", "several");
    refused("$.a[?@ == 'a' || @ == 'b']", "logical");
    refused("$.a[?search(@, 'a.*b')]", "regular expression");
}
