//! Writes to `library.sql`, and what is in the tables afterwards.

use config::TxEnd;
use http::Response;
use postgrest::Error;
use sql::Isolation;

use super::*;

pub(super) struct Library<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) catalog: Catalog,
    config: Config,
}

#[test]
fn writes_on_a_real_postgres() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.run("postgres", include_str!("library.sql"));
    let tx_end = TxEnd { rolls_back: false, is_overridable: true };
    let config = Config { db_schemas: vec!["library".into()], db_tx_end: tx_end, ..Config::default() };
    let library = Library::new(&cluster, config);
    ok_post(&library);
    ok_post_in_other_forms(&library);
    ok_post_of_nothing(&library);
    ok_missing_members(&library);
    ok_what_is_shown(&library);
    ok_location(&library);
    ok_upsert(&library);
    ok_put(&library);
    ok_patch(&library);
    ok_delete(&library);
    ok_counts(&library);
    ok_rollback(&library);
    ok_settings_of_the_response(&library);
    preconditions::ok_preconditions(&library);
    err_nothing_stays(&library);
    err_privileges(&library);
    err_odd_values_are_values(&library);
}

const SHOW: (&str, &str) = ("prefer", "return=representation");
const OBJECT: (&str, &str) = ("accept", "application/vnd.pgrst.object+json");

impl<'a> Library<'a> {
    pub(super) fn new(cluster: &'a Cluster, config: Config) -> Library<'a> {
        let answer = answer(cluster, &config);
        let catalog = Catalog::from_introspection(answer.as_bytes()).unwrap();
        Library { cluster, catalog, config }
    }

    /// Makes a request; one that is refused gives the refusal's response.
    pub(super) fn ask(&self, request: &str, headers: &[(&str, &str)], body: &str) -> Response<Bytes> {
        self.attempt(request, headers, body).unwrap_or_else(|error| error.response())
    }

    /// Why a request is refused by the catalog.
    pub(super) fn checked(&self, request: &str, headers: &[(&str, &str)], body: &str) -> Option<Error> {
        self.read(request, headers, body, Some(&self.catalog)).err()
    }

    fn read(
        &self,
        request: &str,
        headers: &[(&str, &str)],
        body: &str,
        catalog: Option<&Catalog>,
    ) -> Result<ApiRequest, Error> {
        let (method, url) = request.split_once(' ').unwrap();
        let (relation, query) = url.split_once('?').map_or((url, None), |(relation, query)| (relation, Some(query)));
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect();
        let (method, relation) = (method.parse().unwrap(), Target::Relation(relation.into()));
        let body = Bytes::copy_from_slice(body.as_bytes());
        ApiRequest::parse(&method, relation, query, &headers, body, &self.config, catalog)
    }

    pub(super) fn attempt(
        &self,
        request: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Response<Bytes>, Error> {
        self.attempt_after("", request, headers, body)
    }

    /// The same, with this run in the same transaction just before the statement that is the answer.
    pub(super) fn attempt_after(
        &self,
        before: &str,
        request: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Response<Bytes>, Error> {
        let request = self.read(request, headers, body, None)?;
        let plan = plan(&request, &self.catalog, &self.config)?;
        let caller = Caller { role: "writer", claims_json: "{}", is_anonymous: false };
        let statements = statements(&request, &plan, &caller, &self.catalog, &self.config);
        let begin = match plan.isolation(&caller, &self.catalog, &self.config) {
            Some(Isolation::RepeatableRead) => "begin isolation level repeatable read;\n",
            _ => "begin;\n",
        };
        let row = self.run(begin, before, &statements);
        let row = row.map_err(|error| Error::of_statement(*error, &plan, caller.is_anonymous))?;
        response(&request, &plan, row)
    }

    /// Runs the statements as a batch does. The answer is the last row with a body.
    fn run(&self, begin: &str, before: &str, statements: &[Statement]) -> Result<Row, Box<sql::DatabaseError>> {
        let mut script = String::from(
            "\\set VERBOSITY verbose\n\\pset tuples_only off\n\\pset footer off\n\\pset fieldsep '\\037'\n\
             \\pset recordsep '\\036'\n\\pset null '\\035'\n\\o /dev/null\n",
        );
        script += begin;
        let answer = statements.iter().rposition(|statement| statement.text.starts_with("WITH"));
        for (index, statement) in statements.iter().enumerate() {
            if Some(index) == answer {
                script += before;
                script += "\\o\n";
            }
            script += &match statement.parameters[..] {
                [] if !statement.text.starts_with("WITH") => format!("{};\n", statement.text),
                _ => execute(statement),
            };
            script += "\\o /dev/null\n";
        }
        let output = self.cluster.output("postgres", &(script + "commit;\n"));
        if !output.status.success() {
            let text = String::from_utf8(output.stderr).unwrap();
            let (_, error) = text.split_once("ERROR:  ").expect(&text);
            let (code, message) = error.lines().next().unwrap().split_once(": ").unwrap();
            let error = sql::DatabaseError { code: code.into(), message: message.into(), ..Default::default() };
            return Err(Box::new(error));
        }
        let output = String::from_utf8(output.stdout).unwrap();
        let (names, values) = output.trim_end_matches('\n').split_once('\u{1e}').expect("names and a row");
        let value = |text: &str| (text != "\u{1d}").then(|| text.to_owned());
        let pairs = names.split('\u{1f}').zip(values.split('\u{1f}'));
        let mut row =
            Row { columns: pairs.map(|(name, text)| (name.to_owned(), value(text))).collect(), ..Row::default() };
        row.body = row.columns.remove("body").flatten().unwrap_or_default().into();
        Ok(row)
    }

    /// Compares status and body; a refusal's body is its code.
    #[track_caller]
    pub(super) fn check(&self, request: &str, headers: &[(&str, &str)], body: &str, status: u16, expected: &str) {
        let response = self.attempt(request, headers, body);
        let (found, text) = match &response {
            Ok(response) => (response.status(), String::from_utf8_lossy(response.body()).into_owned()),
            Err(error) => (error.status(), error.code()),
        };
        assert_eq!((found.as_u16(), text.as_str()), (status, expected), "{request} {body}: {:?}", response.err());
    }

    /// What a query yields now.
    #[track_caller]
    pub(super) fn holds(&self, query: &str, expected: &str) {
        let found = self.cluster.run("postgres", &format!("set search_path = library;\n{query};\n"));
        assert_eq!(found.trim_end(), expected, "{query}");
    }
}

/// The header, or nothing.
fn header(response: &Response<Bytes>, name: &str) -> String {
    response.headers().get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
}

fn ok_post(library: &Library<'_>) {
    library.check("POST shelves", &[], r#"{"id": 3, "name": "C"}"#, 201, "");
    library.check("POST shelves", &[], r#"[{"id": 4, "name": "D"}, {"name": "ö '\"\\ 🎬", "id": 5}]"#, 201, "");
    library.holds("select * from shelves where id > 2 order by id", "3|C\n4|D\n5|ö '\"\\ 🎬");
    // Only the columns that count, whatever else is in the objects.
    library.check("POST shelves?columns=id,name", &[], r#"[{"id": 6, "x": 1}, {"id": 7, "name": "G"}]"#, 400, "23502");
    library.check("POST shelves?columns=id,name", &[], r#"[{"id": 7, "name": "G", "x": {}}]"#, 201, "");
    library.holds("select count(*) from shelves where id in (6, 7)", "1");
    library.check("POST shelves", &[], r#"{"id": 7, "name": "again"}"#, 409, "23505");
    library.check("POST books", &[], r#"{"title": "Nowhere", "shelf_id": 99}"#, 409, "23503");
    library.holds("select count(*) from books where title = 'Nowhere'", "0");
    library.check("POST shelves", &[], r#"{"id": 8, "nonsense": 1}"#, 400, "PGRST204");
    library.check("POST shelves", &[], r#"[{"id": 8, "name": "x"}, {"id": 9}]"#, 400, "PGRST102");
    library.check("POST shelves", &[], r#"{"id": 8, "name": "#, 400, "PGRST102");
    library.check("POST nowhere", &[], "{}", 404, "PGRST205");
    library.holds("select count(*) from shelves where id in (8, 9)", "0");
    library.check("POST long_books", &[], r#"{"title": "Long", "pages": 900}"#, 201, "");
    library.holds("select pages, details is null from books where title = 'Long'", "900|t");
}

fn ok_post_in_other_forms(library: &Library<'_>) {
    const CSV: (&str, &str) = ("content-type", "text/csv");
    library.check("POST books", &[CSV], "title,pages\n\"Faust, I\",NULL\nX,7", 201, "");
    library.holds("select pages from books where title in ('Faust, I', 'X') order by title desc", "7");
    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
    library.check("POST books", &[FORM], "title=a%26+b&pages=8", 201, "");
    library.holds("select pages from books where title = 'a& b'", "8");
    library.check("POST books", &[("content-type", "text/plain")], "x", 400, "PGRST102");
}

fn ok_post_of_nothing(library: &Library<'_>) {
    library.check("POST shelves", &[SHOW], "[]", 201, "[]");
    library.check("POST odd \"notes\"", &[SHOW], "{}", 201, r#"[{"a \"b\" %s":null,"$1":null}]"#);
    library.check("POST odd \"notes\"", &[], "[{}, {}]", 201, "");
    library.holds("select count(*) from \"odd \"\"notes\"\"\"", "3");
    library.check("POST odd \"notes\"", &[], "1", 201, "");
    library.holds("select count(*) from \"odd \"\"notes\"\"\"", "3");
    library.check("PATCH shelves?select=id", &[SHOW], "{}", 200, "[]");
    library.check("PATCH shelves", &[], "[]", 204, "");
}

fn ok_missing_members(library: &Library<'_>) {
    const DEFAULT: (&str, &str) = ("prefer", "missing=default, return=representation");
    let select = "select=title,pages&columns=title,pages";
    library.check(
        &format!("POST books?{select}"),
        &[SHOW],
        r#"{"title": "m1"}"#,
        201,
        r#"[{"title":"m1","pages":null}]"#,
    );
    library.check(
        &format!("POST books?{select}"),
        &[DEFAULT],
        r#"{"title": "m2"}"#,
        201,
        r#"[{"title":"m2","pages":100}]"#,
    );
    library.check(
        &format!("POST books?{select}"),
        &[DEFAULT],
        r#"[{"title": "m3"}, {"title": "m4", "pages": 5}]"#,
        201,
        "[{\"title\":\"m3\",\"pages\":100}, \n {\"title\":\"m4\",\"pages\":5}]",
    );
    // Each row its own number of the sequence.
    library.check(
        "POST books?columns=id,title",
        &[("prefer", "missing=default")],
        r#"[{"title": "m5"}, {"title": "m6"}]"#,
        201,
        "",
    );
    library.holds("select count(distinct id) from books where title in ('m5', 'm6')", "2");
    library.check("PATCH books?title=eq.m4&columns=pages&select=pages", &[DEFAULT], "{}", 200, r#"[{"pages":100}]"#);
}

fn ok_what_is_shown(library: &Library<'_>) {
    let post = |select: &str, expected: &str| {
        library.check(
            &format!("POST books?select={select}"),
            &[("prefer", "return=representation, tx=rollback")],
            r#"{"id": 90, "title": "new", "shelf_id": 2, "details": {"a": [1]}}"#,
            201,
            expected,
        );
    };
    post("*", r#"[{"id":90,"title":"new","pages":100,"details":{"a": [1]},"shelf_id":2}]"#);
    post("t:title,p:pages::text,details->a->0", r#"[{"t":"new","p":"100","a":1}]"#);
    post("title,shelves(name)", r#"[{"title":"new","shelves":{"name":"B"}}]"#);
    post(
        "spine,shelf:shelves(books(title))&shelf.books.id=lt.3",
        r#"[{"spine":"NEW","shelf":{"books":[{"title":"Ubik"}]}}]"#,
    );
    post("id,shelves!inner(name)&shelves.name=eq.A", "[]");
    library.holds("select count(*) from books where id = 90", "0");
    let headers = [("prefer", "return=representation, tx=rollback"), ("accept", "text/csv")];
    library.check("PATCH shelves?id=lt.3&select=name&order=id.desc", &headers, r#"{"name": "n"}"#, 200, "name\nn\nn");
    let headers = [("prefer", "return=representation, tx=rollback"), OBJECT];
    library.check("DELETE copies?number=eq.1&select=note", &headers, "", 200, r#"{"note":"new"}"#);
    library.check(
        "PATCH books?id=lt.4&order=title.desc&select=id",
        &[("prefer", "return=representation, tx=rollback")],
        r#"{"pages": 1}"#,
        200,
        "[{\"id\":2}, \n {\"id\":1}, \n {\"id\":3}]",
    );
}

fn ok_location(library: &Library<'_>) {
    let location = |request: &str, body: &str| {
        let response = library.ask(request, &[("prefer", "return=headers-only, tx=rollback")], body);
        assert_eq!((response.status().as_u16(), response.body().len()), (201, 0));
        header(&response, "location")
    };
    assert_eq!(location("POST shelves", r#"{"id": 80, "name": "x"}"#), "/shelves?id=eq.80");
    assert_eq!(location("POST copies", r#"{"number": 3, "book_id": 1}"#), "/copies?book_id=eq.1&number=eq.3");
    assert_eq!(location("POST shelves", r#"[{"id": 80, "name": "x"}, {"id": 81, "name": "x"}]"#), "");
    assert_eq!(location("POST odd \"notes\"", "{}"), "");
    assert_eq!(header(&library.ask("POST odd \"notes\"", &[], "{}"), "location"), "");
}

fn ok_upsert(library: &Library<'_>) {
    let merge = [("prefer", "resolution=merge-duplicates, return=representation")];
    let ignore = [("prefer", "resolution=ignore-duplicates, return=representation")];
    let post = |query: &str, headers: &[(&str, &str)], body: &str, status: u16, expected: &str| {
        library.check(&format!("POST {query}"), headers, body, status, expected);
    };
    post("shelves", &merge, r#"{"id": 3, "name": "C2"}"#, 200, r#"[{"id":3,"name":"C2"}]"#);
    post(
        "shelves?select=id",
        &merge,
        r#"[{"id": 3, "name": "C3"}, {"id": 20, "name": "T"}]"#,
        201,
        "[{\"id\":3}, \n {\"id\":20}]",
    );
    post("shelves?select=id", &ignore, r#"[{"id": 3, "name": "C4"}, {"id": 21, "name": "U"}]"#, 201, "[{\"id\":21}]");
    library.holds("select name from shelves where id in (3, 20, 21) order by id", "C3\nT\nU");
    post(
        "books?on_conflict=title&select=pages",
        &merge,
        r#"{"title": "Ubik", "pages": 203}"#,
        200,
        r#"[{"pages":203}]"#,
    );
    post("books?on_conflict=pages", &merge, r#"{"title": "Ubik", "pages": 203}"#, 400, "42P10");
    post("odd \"notes\"?select=$1", &merge, r#"{"$1": 4}"#, 201, r#"[{"$1":4}]"#);
    let response = library.ask("POST odd \"notes\"", &merge, r#"{"$1": 4}"#);
    assert_eq!(header(&response, "preference-applied"), "return=representation");
}

fn ok_put(library: &Library<'_>) {
    library.check("PUT shelves?id=eq.30", &[], r#"{"id": 30, "name": "put"}"#, 204, "");
    library.check(
        "PUT shelves?id=eq.30",
        &[SHOW],
        r#"{"id": 30, "name": "again"}"#,
        200,
        r#"[{"id":30,"name":"again"}]"#,
    );
    library.check("PUT shelves?id=eq.31", &[SHOW], r#"{"id": 31, "name": "new"}"#, 201, r#"[{"id":31,"name":"new"}]"#);
    library.check("PUT copies?book_id=eq.1&number=eq.9", &[], r#"{"number": 9, "book_id": 1, "note": "n"}"#, 204, "");
    library.holds("select string_agg(name, ',' order by id) from shelves where id in (30, 31)", "again,new");
    let body = r#"{"id": 40, "name": "x"}"#;
    for query in
        ["", "?id=gt.40", "?id=not.eq.40", "?id=eq.40&name=eq.x", "?name=eq.x", "?id=eq.40&or=(id.eq.40,id.eq.1)"]
    {
        library.check(&format!("PUT shelves{query}"), &[], body, 405, "PGRST105");
    }
    library.check("PUT shelves?id=eq.40&limit=1", &[], body, 400, "PGRST114");
    library.check("PUT copies?book_id=eq.1", &[], r#"{"book_id": 1}"#, 405, "PGRST105");
    library.check("PUT odd \"notes\"", &[], "{}", 405, "PGRST105");
    library.holds("select count(*) from shelves where id = 40", "0");
}

fn ok_patch(library: &Library<'_>) {
    library.check(
        "PATCH books?id=eq.1&select=title,pages",
        &[SHOW],
        r#"{"pages": 475}"#,
        200,
        r#"[{"title":"Emma","pages":475}]"#,
    );
    library.check(
        "PATCH books?or=(id.eq.1,id.eq.2)&title=like.E*&select=id",
        &[SHOW],
        r#"{"pages": 476}"#,
        200,
        r#"[{"id":1}]"#,
    );
    library.check(
        "PATCH books?details->>a=eq.1&select=details",
        &[SHOW],
        r#"{"details": {"b": null}}"#,
        200,
        r#"[{"details":{"b": null}}]"#,
    );
    // What is updated need not match any more.
    library.check(
        "PATCH books?pages=eq.476&select=id,pages",
        &[SHOW],
        r#"{"pages": 474}"#,
        200,
        r#"[{"id":1,"pages":474}]"#,
    );
    library.check("PATCH books?id=eq.0", &[], r#"{"pages": 1}"#, 204, "");
    library.check("PATCH books?id=eq.0", &[SHOW], r#"{"pages": 1}"#, 200, "[]");
    library.check("PATCH books?id=eq.1", &[], r#"[{"pages": 473}]"#, 204, "");
    library.check("PATCH books?id=eq.1&columns=pages", &[], r#"{"pages": 472, "title": "no"}"#, 204, "");
    library.holds("select title, pages from books where id = 1", "Emma|472");
    // A limit is one for reading.
    library.check(
        "PATCH books?id=lt.4&limit=1&select=id&order=id",
        &[("prefer", "return=representation, tx=rollback")],
        r#"{"pages": 1}"#,
        200,
        "[{\"id\":1}, \n {\"id\":2}, \n {\"id\":3}]",
    );
}

fn ok_delete(library: &Library<'_>) {
    library.check("DELETE copies?note=eq.n&select=book_id,number", &[SHOW], "", 200, r#"[{"book_id":1,"number":9}]"#);
    library.check("DELETE copies?note=eq.n", &[], "ignored {", 204, "");
    library.check("DELETE copies?number=in.(7,8)", &[SHOW], "", 200, "[]");
    library.holds("select count(*) from copies", "2");
    library.check("DELETE shelves?id=eq.2", &[], "", 409, "23503");
    library.holds("select count(*) from shelves where id = 2", "1");
}

fn ok_counts(library: &Library<'_>) {
    let range = |request: &str, count: &str, body: &str| {
        let prefer = format!("tx=rollback, {count}");
        let response = library.ask(request, &[("prefer", &prefer)], body);
        format!("{} {}", header(&response, "content-range"), header(&response, "preference-applied"))
    };
    let row = r#"{"id": 70, "name": "x"}"#;
    assert_eq!(range("POST shelves", "count=exact", row), "*/1 count=exact, tx=rollback");
    assert_eq!(range("POST shelves", "count=planned", row), "*/* count=planned, tx=rollback");
    assert_eq!(range("PATCH shelves?id=lt.3", "count=exact", r#"{"name": "y"}"#), "0-1/2 count=exact, tx=rollback");
    assert_eq!(range("PATCH shelves?id=lt.3", "", r#"{"name": "y"}"#), "0-1/* tx=rollback");
    assert_eq!(range("PATCH shelves?id=lt.0", "count=exact", r#"{"name": "y"}"#), "*/0 count=exact, tx=rollback");
    assert_eq!(range("DELETE copies", "count=exact", ""), "*/2 count=exact, tx=rollback");
    assert_eq!(range("PUT shelves?id=eq.70", "count=exact", row), " count=exact, tx=rollback");
}

fn ok_rollback(library: &Library<'_>) {
    const ROLLBACK: (&str, &str) = ("prefer", "tx=rollback, return=representation");
    library.check("POST shelves?select=id", &[ROLLBACK], r#"{"id": 60, "name": "x"}"#, 201, r#"[{"id":60}]"#);
    library.check("PUT shelves?id=eq.60&select=id", &[ROLLBACK], r#"{"id": 60, "name": "x"}"#, 201, r#"[{"id":60}]"#);
    library.check("PATCH shelves?id=eq.1&select=name", &[ROLLBACK], r#"{"name": "x"}"#, 200, r#"[{"name":"x"}]"#);
    library.check("DELETE copies?number=eq.1&select=note", &[ROLLBACK], "", 200, r#"[{"note":"new"}]"#);
    library.holds("select count(*), max(name) filter (where id = 1) from shelves where id in (1, 60)", "1|A");
    library.holds("select count(*) from copies", "2");
    // What would fail at the commit fails.
    library.check("POST books", &[ROLLBACK], r#"{"title": "r", "shelf_id": 99}"#, 409, "23503");
    let rolls_back = |is_overridable| {
        let db_tx_end = TxEnd { rolls_back: true, is_overridable };
        Config { db_tx_end, ..library.config.clone() }
    };
    for (config, prefer, stays) in [
        (rolls_back(true), "tx=commit", "1"),
        (rolls_back(false), "tx=commit", "0"),
        (rolls_back(true), "return=minimal", "0"),
        (
            Config { db_tx_end: TxEnd { rolls_back: false, is_overridable: false }, ..library.config.clone() },
            "tx=rollback",
            "1",
        ),
    ] {
        let changed = Library { cluster: library.cluster, catalog: library.catalog.clone(), config };
        changed.check("POST shelves", &[("prefer", prefer)], r#"{"id": 61, "name": "x"}"#, 201, "");
        library.holds("with gone as (delete from shelves where id = 61 returning 1) select count(*) from gone", stays);
    }
}

fn ok_settings_of_the_response(library: &Library<'_>) {
    let sign = |name: &str, value: &str| {
        let body = serde_json::json!({"name": name, "value": value}).to_string();
        library.ask("POST signs", &[("prefer", "return=representation")], &body)
    };
    assert_eq!(sign("status", "418").status(), 418);
    assert_eq!(sign("status", " 299 ").status(), 299);
    for headers in [
        r#"[{"X-A": "b"}]"#,
        r#"[ {"Cache-Control" :"no-store"} ,{"x-a": "b\"\\\t\u00e9ö"} ] "#,
        "[]",
        " [ ] ",
        r#"[{"Set-Cookie": "a=1"}, {"Set-Cookie": ""}]"#,
        r#"[{"!#$%&'*+-.^_`|~09": "~"}]"#,
    ] {
        assert_eq!(sign("headers", headers).status(), 201, "{headers}");
    }
    assert_eq!(header(&sign("headers", r#"[{"X-A": "b"}]"#), "x-a"), "b");
    library.holds("delete from signs", "");
}

/// Whatever refuses a write after it ran refuses it whole.
fn err_nothing_stays(library: &Library<'_>) {
    let before = "select md5(string_agg(t::text, ',' order by t::text)) from (select * from shelves) t";
    let state = library.cluster.run("postgres", &format!("set search_path = library;\n{before};"));
    let refused = |request: &str, headers: &[(&str, &str)], body: &str, status: u16, code: &str| {
        library.check(request, headers, body, status, code);
        library.holds(before, state.trim_end());
    };
    // One object, and there is not exactly one.
    let two = r#"[{"id": 50, "name": "x"}, {"id": 51, "name": "y"}]"#;
    refused("POST shelves", &[OBJECT], two, 406, "PGRST116");
    refused("POST shelves", &[OBJECT, SHOW], two, 406, "PGRST116");
    refused("POST shelves", &[OBJECT], "[]", 406, "PGRST116");
    refused("PATCH shelves?id=lt.3", &[OBJECT], r#"{"name": "z"}"#, 406, "PGRST116");
    refused("PATCH shelves?id=eq.0", &[OBJECT, SHOW], r#"{"name": "z"}"#, 406, "PGRST116");
    refused("DELETE shelves?id=gt.2", &[OBJECT, SHOW], "", 406, "PGRST116");
    let error = library.attempt("DELETE shelves?id=in.(4,5,7)", &[OBJECT], "").unwrap_err();
    assert!(String::from_utf8_lossy(error.response().body()).contains("The result contains 3 rows"));
    // The row of a PUT is not the one of its query.
    refused("PUT shelves?id=eq.50", &[], r#"{"id": 51, "name": "x"}"#, 400, "PGRST115");
    refused("PUT shelves?id=eq.1", &[SHOW], r#"{"id": 2, "name": "x"}"#, 400, "PGRST115");
    refused("PUT shelves?id=eq.50", &[], "[]", 400, "42703");
    // More rows than the caller allows, shown or not.
    let most = |rows: u8| format!("handling=strict, max-affected={rows}, return=representation");
    refused("PATCH shelves?id=in.(3,4,5)", &[("prefer", &most(2))], r#"{"name": "z"}"#, 400, "PGRST124");
    refused("DELETE shelves?id=in.(3,4,5)", &[("prefer", &most(2))], "", 400, "PGRST124");
    refused("DELETE shelves?id=in.(3,4,5)&select=id,books!inner(id)", &[("prefer", &most(2))], "", 400, "PGRST124");
    library.check(
        "DELETE shelves?id=in.(3,4)&select=id",
        &[("prefer", &(most(2) + ", tx=rollback"))],
        "",
        200,
        "[{\"id\":3}, \n {\"id\":4}]",
    );
    library.check("DELETE shelves?id=in.(3,4)&select=id", &[("prefer", "max-affected=1, tx=rollback")], "", 204, "");
    // What functions set for the response cannot be sent.
    for status in ["ok", "99", "1000", "-1", "2 0 0", "200x"] {
        let body = serde_json::json!({"name": "status", "value": status}).to_string();
        library.check("POST signs", &[], &body, 500, "PGRST112");
    }
    for headers in [
        "nonsense",
        "{}",
        "[1]",
        r#"{"a": "b"}"#,
        r#"[{"a": 1}]"#,
        r#"[{"a": "b", "c": "d"}]"#,
        "[{}]",
        r#"[{"a b": "c"}]"#,
        r#"[{"": "c"}]"#,
        r#"[{"a": "b\r\nc: d"}]"#,
        r#"[{"a": "\u000a"}]"#,
        r#"[{"a": "\ud800"}]"#,
        r#"[{"a": "b"}"#,
        r#"[{"a": "b"},]"#,
        "[{\"a\": \"b\nc\"}]",
        r#"[{"a": "b"}] x"#,
    ] {
        let body = serde_json::json!({"name": "headers", "value": headers}).to_string();
        library.check("POST signs", &[SHOW], &body, 500, "PGRST111");
    }
    library.holds("select count(*) from signs", "0");
}

fn err_privileges(library: &Library<'_>) {
    let body = r#"{"id": 1, "word": "w"}"#;
    library.check("POST secrets", &[SHOW], body, 403, "42501");
    library.check("POST secrets?select=id,word", &[SHOW], body, 403, "42501");
    library.check("PATCH secrets?id=eq.1", &[], body, 403, "42501");
    library.holds("select count(*) from secrets", "0");
    // What need not be read takes no privilege to read.
    library.check("POST secrets?select=id", &[SHOW], body, 201, r#"[{"id":1}]"#);
    let response = library.ask("POST secrets", &[("prefer", "return=headers-only")], r#"{"id": 2, "word": "w"}"#);
    assert_eq!((response.status().as_u16(), header(&response, "location").as_str()), (201, "/secrets?id=eq.2"));
    library.check("POST secrets", &[], r#"{"id": 3, "word": "w"}"#, 201, "");
}

fn err_odd_values_are_values(library: &Library<'_>) {
    for name in ["'); drop table shelves; --", "$1", "%1$L", "{\"a\": 1}", "headland:refused:key:1", "\\'"] {
        let body = serde_json::json!([{"a \"b\" %s": name}]).to_string();
        let url = "odd \"notes\"?select=\"a \\\"b\\\" %25s\"";
        let shown = serde_json::json!([{"a \"b\" %s": name}]).to_string();
        library.check(&format!("POST {url}"), &[SHOW], &body, 201, &shown);
    }
    // Whoever sends the mark of a refusal gets one, and nothing else.
    library.check("PATCH shelves?id=eq.1", &[], r#"{"id": "headland:refused:x:1"}"#, 400, "22P02");
}
