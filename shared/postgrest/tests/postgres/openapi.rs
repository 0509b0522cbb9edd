//! The root document of `openapi.sql`, which is one thing of each sort.

use bytes::Bytes;
use config::OpenApiMode;
use http::Response;
use serde_json::{Value, json};

use super::*;

/// The whole document, indented. With `UPDATE_SNAPSHOTS=1` it is written anew.
const DOCUMENT: &str = "tests/postgres/openapi.json";

struct Root {
    cluster: Cluster,
    catalog: Catalog,
}

#[test]
fn the_root_document_on_a_real_postgres() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.run("postgres", include_str!("openapi.sql"));
    let answer = answer(&cluster, &config());
    let root = Root { cluster, catalog: Catalog::from_introspection(answer.as_bytes()).unwrap() };
    ok_whole(&root);
    ok_privileges(&root);
    ok_options(&root);
    ok_empty_schema(&root);
    ok_head(&root);
}

fn config() -> Config {
    Config { db_schemas: vec!["api".into(), "hidden".into()], ..Config::default() }
}

impl Root {
    fn get(&self, method: &Method, headers: &[(&'static str, &str)], role: &str, config: &Config) -> Response<Bytes> {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let headers: HeaderMap = headers.collect();
        let request = ApiRequest::parse(method, Target::Root, None, &headers, Bytes::new(), config, None).unwrap();
        let plan = plan(&request, &self.catalog, config).unwrap();
        assert!(plan.is_read_only());
        let caller = Caller { role, claims_json: "{}", is_anonymous: true };
        let mut script = String::from("begin read only;\n\\o /dev/null\n");
        let statements = statements(&request, &plan, &caller, &self.catalog, config);
        let (last, before) = statements.split_last().unwrap();
        before.iter().for_each(|statement| script += &execute(statement));
        script += "\\o\n";
        script += &execute(last);
        let body = self.cluster.run("postgres", &script).trim_end().to_owned();
        response(&request, &plan, Row { body: body.into(), columns: Members::default() }).unwrap()
    }

    fn document(&self, role: &str, config: &Config) -> Value {
        serde_json::from_slice(self.get(&Method::GET, &[], role, config).body()).unwrap()
    }
}

fn ok_whole(root: &Root) {
    let response = root.get(&Method::GET, &[("accept", "application/json")], "reader", &config());
    assert_eq!(response.headers()["content-type"], "application/openapi+json; charset=utf-8");
    assert_eq!(response.headers()["content-profile"], "api");
    let document = indented(std::str::from_utf8(response.body()).unwrap());
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(DOCUMENT, &document).unwrap();
    }
    let expected = std::fs::read_to_string(DOCUMENT).unwrap();
    for (number, (line, expected)) in document.lines().zip(expected.lines()).enumerate() {
        assert_eq!(line, expected, "{DOCUMENT}:{}", number + 1);
    }
    assert_eq!(document.lines().count(), expected.lines().count());
}

fn ok_privileges(root: &Root) {
    let check = |role: &str, mode: OpenApiMode, pointer: &str, expected: bool| {
        let document = root.document(role, &Config { openapi_mode: mode, ..config() });
        assert_eq!(document.pointer(pointer).is_some(), expected, "{pointer} as {role}, {mode:?}");
    };
    use OpenApiMode::{FollowPrivileges, IgnorePrivileges};
    check("reader", FollowPrivileges, "/paths/~1forbidden", false);
    check("reader", IgnorePrivileges, "/paths/~1forbidden", true);
    check("postgres", FollowPrivileges, "/definitions/forbidden", true);
    check("writer", FollowPrivileges, "/definitions/half", false);
    check("reader", FollowPrivileges, "/definitions/half/properties/kept", true);
    check("reader", FollowPrivileges, "/paths/~1rpc~1privileged", false);
    check("reader", IgnorePrivileges, "/paths/~1rpc~1privileged", true);
    check("postgres", FollowPrivileges, "/paths/~1rpc~1privileged", true);
    check("reader", IgnorePrivileges, "/definitions/secrets", false);
    check("reader", IgnorePrivileges, "/definitions/parted_2020", false);
    check("reader", IgnorePrivileges, "/paths/~1rpc~1proceed", false);
    check("reader", IgnorePrivileges, "/paths/~1rpc~1fire", false);
    check("reader", IgnorePrivileges, "/paths/~1rpc~1unnamed", false);

    // A role sees types as it may write them, as long as privileges count.
    let mood = |mode: OpenApiMode| {
        let document = root.document("reader", &Config { openapi_mode: mode, ..config() });
        document["paths"]["/rpc/now_and_then"]["get"]["parameters"][1]["format"].clone()
    };
    assert_eq!([mood(FollowPrivileges), mood(IgnorePrivileges)], ["mood", "api.mood"]);
}

fn ok_options(root: &Root) {
    let plain = root.document("reader", &config());
    for member in ["host", "schemes", "security", "securityDefinitions"] {
        assert_eq!(plain.get(member), None);
    }
    let document = root.document(
        "reader",
        &Config {
            openapi_security_active: true,
            openapi_server_proxy_uri: Some("https://example.com/api".into()),
            ..config()
        },
    );
    assert_eq!(document["host"], "example.com:443");
    assert_eq!(document["basePath"], "/api");
    assert_eq!(document["schemes"], json!(["https"]));
    assert_eq!(document["security"], json!([{ "JWT": [] }]));
    assert_eq!(document["securityDefinitions"]["JWT"]["type"], "apiKey");
}

fn ok_empty_schema(root: &Root) {
    let response = root.get(&Method::GET, &[("accept-profile", "hidden")], "reader", &config());
    assert_eq!(response.headers()["content-profile"], "hidden");
    let document: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(document["info"]["title"], "PostgREST API");
    assert_eq!(document.get("definitions"), None);
    assert_eq!(document["paths"].as_object().unwrap().len(), 1);
}

fn ok_head(root: &Root) {
    let response = root.get(&Method::HEAD, &[], "reader", &config());
    assert_eq!(response.headers()["content-type"], "application/openapi+json; charset=utf-8");
    assert!(response.body().is_empty());
}

/// JSON with a line for each member and element.
fn indented(json: &str) -> String {
    let (mut out, mut depth, mut is_text, mut is_escaped) = (String::new(), 0, false, false);
    for character in json.chars() {
        if is_text {
            (is_text, is_escaped) = (is_escaped || character != '"', !is_escaped && character == '\\');
            out.push(character);
            continue;
        }
        match character {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => is_text = character == '"',
        }
        let newline = format!("\n{}", "  ".repeat(depth));
        match character {
            '{' | '[' | ',' => out.extend([character.to_string(), newline]),
            '}' | ']' => out.extend([newline, character.to_string()]),
            ':' => out += ": ",
            _ if character.is_whitespace() => {}
            _ => out.push(character),
        }
    }
    out + "\n"
}
