//! What the targets share: a request goes through all stages of the dialect, and must come out as statements that are
//! closed, or as a refusal.

use std::sync::LazyLock;

use bytes::Bytes;
use catalog::Catalog;
use config::Config;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use postgrest::{ApiRequest, Caller, Error, Target, plan, response, statements};
use sql::{Row, Statement};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let answer = include_bytes!("../../shared/postgrest/tests/postgres/cinema.json");
    Catalog::from_introspection(answer).expect("the stored answer can be read")
});

static CONFIG: LazyLock<Config> = LazyLock::new(|| Config {
    db_schemas: vec!["cinema".into(), "other".into()],
    db_aggregates_enabled: true,
    db_plan_enabled: true,
    db_max_rows: Some(1000),
    ..Config::default()
});

/// A request.
pub struct Asked<'a> {
    /// The method, one that there is.
    pub method: &'static str,
    /// A relation, a function behind `rpc/`, or nothing, which is the root.
    pub target: &'static str,
    /// The query string, as it is sent.
    pub query: String,
    /// Headers; those whose values are none are left out.
    pub headers: Vec<(&'static str, &'a [u8])>,
    /// The body.
    pub body: Bytes,
}

impl Default for Asked<'_> {
    fn default() -> Self {
        Asked { method: "GET", target: "films", query: String::new(), headers: vec![], body: Bytes::new() }
    }
}

impl Asked<'_> {
    /// Takes the request through all stages; gives its last statement unless it is refused.
    pub fn answer(self) -> Option<Statement> {
        match self.stages() {
            Ok(statement) => statement,
            Err(error) => {
                assert!(error.status().as_u16() >= 300, "{error}");
                assert!(!error.response().body().is_empty());
                None
            }
        }
    }

    fn stages(self) -> Result<Option<Statement>, Error> {
        let target = match self.target.strip_prefix("rpc/") {
            Some(function) => Target::Function(function.into()),
            None if self.target.is_empty() => Target::Root,
            None => Target::Relation(self.target.into()),
        };
        let header = |(name, value): &(&'static str, &[u8])| {
            Some((HeaderName::from_static(name), HeaderValue::from_bytes(value).ok()?))
        };
        let headers: HeaderMap = self.headers.iter().filter_map(header).collect();
        let method: Method = self.method.parse().expect("the targets use methods that there are");
        let request = ApiRequest::parse(&method, target, Some(&self.query), &headers, self.body, &CONFIG, None)?;
        let plan = plan(&request, &CATALOG, &CONFIG)?;
        let caller = Caller { role: "reader", claims_json: "{}", is_anonymous: true };
        let mut statements = statements(&request, &plan, &caller, &CATALOG, &CONFIG);
        statements.iter().for_each(assert_closed);
        let columns = [("page_total", "1"), ("total_result_set", "2")];
        let columns = columns.map(|(name, value)| (name.to_owned(), Some(value.to_owned())));
        response(&request, &plan, Row { body: "[]".into(), columns: columns.into_iter().collect() })?;
        Ok(statements.pop())
    }
}

/// Text as a part of a URL.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Whatever a request says stays inside of quoted names and parameters: outside of quotes there is no `;`, no comment and
/// no control character, each quote is closed, and each parameter has a value.
fn assert_closed(Statement { text, parameters }: &Statement) {
    // These two are ours as they are: the document, and a text that Postgres formats.
    if text.starts_with("--") || text.starts_with("DO ") {
        return;
    }
    let mut rest = text.as_str();
    let mut highest = 0;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match character {
            '"' | '\'' => {
                let end = rest.find(character).unwrap_or_else(|| panic!("an open quote in {text}"));
                rest = &rest[end + 1..];
            }
            // A `$` inside of a word is a part of it.
            '_' | 'a'..='z' | 'A'..='Z' | '\u{80}'.. => {
                rest = rest.trim_start_matches(|next: char| {
                    next.is_ascii_alphanumeric() || matches!(next, '_' | '$' | '\u{80}'..)
                });
            }
            // A regular expression of ours.
            '$' if rest.starts_with("re$") => {
                let end = rest.find("$re$").unwrap_or_else(|| panic!("an open string in {text}"));
                rest = &rest[end + 4..];
            }
            '$' => {
                let digits = rest.len() - rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
                highest = highest.max(rest[..digits].parse().unwrap_or_else(|_| panic!("a lonely $ in {text}")));
            }
            ';' => panic!("`;` in {text}"),
            '-' if rest.starts_with('-') => panic!("a comment in {text}"),
            '/' if rest.starts_with('*') => panic!("a comment in {text}"),
            _ => assert!(!character.is_control() || character == '\n', "{character:?} in {text}"),
        }
    }
    assert_eq!(highest, parameters.len(), "{text}");
}
