//! Compiled statements against a real PostgreSQL: each request is parsed, planned, compiled and run, and its row
//! becomes a response.
//!
//! Runs where PostgreSQL's programs are found, and says so and passes where they are not.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it has to be")]

mod calls;
#[path = "../../../catalog/tests/postgres/cluster.rs"]
mod cluster;
mod openapi;
mod preconditions;
mod roles;
mod rules;
mod writes;

use bytes::Bytes;
use catalog::Catalog;
use cluster::Cluster;
use config::Config;
use http::{HeaderMap, HeaderName, Method};
use postgrest::{ApiRequest, Caller, Target, plan, response, statements};
use sql::{Members, Row, Statement};

/// What the introspection answers, on which the tests beside the code rest.
const ANSWER: &str = "tests/postgres/cinema.json";

struct Cinema {
    cluster: Cluster,
    catalog: Catalog,
    config: Config,
}

impl Cinema {
    fn start() -> Option<Cinema> {
        let cluster = Cluster::start()?;
        cluster.run("postgres", include_str!("cinema.sql"));
        let config = Config {
            db_schemas: vec!["cinema".into()],
            db_aggregates_enabled: true,
            db_plan_enabled: true,
            ..Config::default()
        };
        let answer = answer(&cluster, &config);
        let catalog = Catalog::from_introspection(answer.as_bytes()).expect("the answer is well formed");
        Some(Cinema { cluster, catalog, config })
    }

    /// A GET of `url`, such as `films?id=eq.1`; returns the status, `Content-Range` and the body.
    fn get(&self, url: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
        self.request(Method::GET, url, headers)
    }

    fn request(&self, method: Method, url: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
        self.sent(method, url, headers, "")
    }

    /// A request with a body; `rpc/add?a=1` calls a function.
    fn sent(&self, method: Method, url: &str, headers: &[(&str, &str)], body: &str) -> (u16, String, String) {
        self.sent_as("reader", method, url, headers, body)
    }

    fn sent_as(
        &self,
        role: &str,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, String, String) {
        let (name, query) = url.split_once('?').map_or((url, None), |(name, query)| (name, Some(query)));
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect();
        let target = name.strip_prefix("rpc/");
        let target = target.map_or(Target::Relation(name.into()), |name| Target::Function(name.into()));
        let body = Bytes::copy_from_slice(body.as_bytes());
        let request = ApiRequest::parse(&method, target, query, &headers, body, &self.config, None).unwrap();
        let plan = plan(&request, &self.catalog, &self.config).unwrap();
        let caller = Caller { role, claims_json: "{}", is_anonymous: true };
        let statements = statements(&request, &plan, &caller, &self.catalog, &self.config);
        let row = self.run(&statements, plan.is_read_only());
        let response = response(&request, &plan, row).unwrap_or_else(|error| error.response());
        let range = response.headers().get("content-range").map_or("", |range| range.to_str().unwrap()).to_owned();
        (response.status().as_u16(), range, String::from_utf8(response.body().to_vec()).unwrap())
    }

    /// Runs the statements in one transaction, as a batch does; the last one's row counts.
    fn run(&self, statements: &[Statement], read_only: bool) -> Row {
        let (last, before) = statements.split_last().expect("there is something to run");
        const SEPARATOR: char = '\u{1f}';
        let mut script = String::from("\\pset fieldsep '\\037'\n\\o /dev/null\nbegin");
        script += if read_only { " read only;\n" } else { ";\n" };
        before.iter().for_each(|statement| script += &execute(statement));
        script += "\\o\n";
        script += &execute(last);
        let output = self.cluster.run("postgres", &script);
        let output = output.strip_suffix('\n').expect("psql ends its rows");
        let fields: Vec<&str> = output.split(SEPARATOR).collect();
        if let [body] = fields[..] {
            return Row { body: body.to_owned().into(), columns: Members::default() };
        }
        let [total, page, body, headers, status] = fields[..] else { panic!("not one row: {output}") };
        let text = |field: &str| (!field.is_empty()).then(|| field.to_owned());
        let columns = [
            ("total_result_set", total),
            ("page_total", page),
            ("response_headers", headers),
            ("response_status", status),
        ];
        Row {
            body: body.to_owned().into(),
            columns: columns.map(|(name, field)| (name.to_owned(), text(field))).into_iter().collect(),
        }
    }
}

/// psql's way to send parameters of no type, which Postgres then infers.
fn execute(Statement { text, parameters }: &Statement) -> String {
    if text.starts_with("DO ") {
        return format!("{text};\n");
    }
    let quote = |value: &Option<String>| match value {
        Some(value) => format!("'{}'", value.replace('\'', "''")),
        None => "null".to_owned(),
    };
    let quoted: Vec<String> = parameters.iter().map(quote).collect();
    let values = if quoted.is_empty() { String::new() } else { format!("({})", quoted.join(", ")) };
    format!("prepare s as {text};\nexecute s{values};\ndeallocate s;\n")
}

fn answer(cluster: &Cluster, config: &Config) -> String {
    let (text, parameters) = catalog::introspection(&config.db_schemas);
    let asked = execute(&Statement { text, parameters }).replace(";\ndeallocate", " \\gset\n\\echo :body\ndeallocate");
    cluster.run("postgres", &format!("begin read only;\n{asked}"))
}

/// All that the dialect looks at.
fn described(catalog: &Catalog) -> Vec<String> {
    let relation = |relation: catalog::Relation<'_>| {
        let columns: Vec<_> =
            relation.columns().map(|column| format!("{} {}", column.name(), column.base_type())).collect();
        let relationships: Vec<_> = relation.relationships().collect();
        format!("{relation:?} {:?} {columns:?} {relationships:?}", relation.kind())
    };
    let function = |function: catalog::Function<'_>| format!("{function:?} {:?}", function.return_type());
    catalog.relations().map(relation).chain(catalog.functions().map(function)).collect()
}

/// One cluster serves them all: starting it takes longer than they do.
#[test]
fn the_dialect_on_a_real_postgres() {
    let Some(cinema) = Cinema::start() else { return };
    the_stored_catalog_is_what_the_schema_gives(&cinema);
    ok_bodies(&cinema);
    ok_embedding(&cinema);
    ok_spreads(&cinema);
    ok_aggregates(&cinema);
    ok_ranges_and_counts(&cinema);
    ok_representations(&cinema);
    ok_odd_names(&cinema);
    ok_functions_of_rows(&cinema);
    ok_representations_of_domains(&cinema);
    ok_settings_of_the_role(&cinema);
    ok_execution_plans(&cinema);
    calls::ok_calls(&cinema);
    roles::ok_row_security(&cinema);
}

/// With `UPDATE_SNAPSHOTS=1` the stored answer is written anew.
fn the_stored_catalog_is_what_the_schema_gives(cinema: &Cinema) {
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(ANSWER, answer(&cinema.cluster, &cinema.config)).unwrap();
    }
    let stored = Catalog::from_introspection(&std::fs::read(ANSWER).unwrap()).expect("the stored answer can be read");
    assert_eq!(described(&stored), described(&cinema.catalog));
}

/// Columns, filters, order, embedding: the bodies are those of PostgREST but for white space inside embedded JSON.
fn ok_bodies(cinema: &Cinema) {
    let check = |url: &str, expected: &str| {
        let (status, _, body) = cinema.get(url, &[]);
        assert_eq!((status, body.as_str()), (200, expected), "{url}");
    };
    check("actors", "[{\"id\":1,\"name\":\"Kirk\"}, \n {\"id\":2,\"name\":\"Roy\"}, \n {\"id\":3,\"name\":\"Ryan\"}]");
    check("films?id=eq.9", "[]");
    check("films?select=id&id=in.(1,3)&order=id.desc", "[{\"id\":3}, \n {\"id\":1}]");
    check("films?select=id&id=in.()", "[]");
    check("films?select=name:title,y:year::text&id=eq.1", r#"[{"name":"Paths of Glory","y":"1957"}]"#);
    check("films?select=decade&id=eq.1", r#"[{"decade":1950}]"#);
    check("films?select=id&decade=eq.1970&order=title", "[{\"id\":2}, \n {\"id\":3}]");
    check(
        "films?select=details->takes->0,details->>colour,tags->1&id=eq.1",
        r#"[{"takes":1,"colour":"false","tags":"drama"}]"#,
    );
    check("films?select=id&details->takes->0=eq.1", r#"[{"id":1}]"#);
    check("films?select=id&details->\"a b\"->>c=eq.d", r#"[{"id":4}]"#);
    check("films?select=id&tags=cs.{war}", r#"[{"id":1}]"#);
    check("films?select=id&tags=ov.{war,drama}&order=id", "[{\"id\":1}, \n {\"id\":2}]");
    check("films?select=id&plot=fts(simple).shark", r#"[{"id":3}]"#);
    check("films?select=id&title=wfts(english).paths", r#"[{"id":1}]"#);
    check("films?select=id&title=like.*(100%25)*", r#"[{"id":4}]"#);
    check("films?select=id&title=eq.It's \"quoted\", (100%25) \\ %F0%9F%99%82", r#"[{"id":4}]"#);
    check("films?select=id&title=in.(\"It's \\\"quoted\\\", (100%25) \\\\ %F0%9F%99%82\")", r#"[{"id":4}]"#);
    check("films?select=id&title=ilike(any).{*GLORY,*JAWS}&order=id", "[{\"id\":1}, \n {\"id\":3}]");
    check("films?select=id&title=not.match(all).{^P,s$}&id=lt.2", r#"[{"id":1}]"#);
    check(
        "films?select=id&or=(id.eq.1,and(year.gt.1970,not.or(id.is.null,title.eq.Jaws)))&order=id",
        "[{\"id\":1}, \n {\"id\":2}]",
    );
    check("films?select=id&year=isdistinct.1975&order=year.desc.nullsfirst", "[{\"id\":4}, \n {\"id\":1}]");
    check("films?select=id&details->colour=is.not_null&details->>colour=neq.false", r#"[{"id":2}]"#);
}

fn ok_embedding(cinema: &Cinema) {
    let check = |url: &str, expected: &str| {
        let (status, _, body) = cinema.get(url, &[("prefer", "count=exact")]);
        assert_eq!((status, body.as_str()), (200, expected), "{url}");
    };
    // To one.
    check(
        "films?select=id,directors(name)&id=gte.3&order=id",
        "[{\"id\":3,\"directors\":{\"name\":\"Spielberg\"}}, \n {\"id\":4,\"directors\":null}]",
    );
    check(
        "films?select=id,director:directors!inner(name)&director.name=eq.Spielberg",
        r#"[{"id":3,"director":{"name":"Spielberg"}}]"#,
    );
    check("films?select=id,director_id(name)&id=eq.3", r#"[{"id":3,"director_id":{"name":"Spielberg"}}]"#);
    check(
        "films?select=id,posters(url)&id=lte.2&order=id",
        "[{\"id\":1,\"posters\":{\"url\":\"glory.png\"}}, \n {\"id\":2,\"posters\":null}]",
    );
    // To many.
    check(
        "directors?select=name,films(title)&films.order=title&films.year=eq.1975&order=id",
        "[{\"name\":\"Kubrick\",\"films\":[{\"title\":\"Barry Lyndon\"}]}, \n {\"name\":\"Spielberg\",\"films\":[{\"title\":\"Jaws\"}]}, \n {\"name\":\"Nobody\",\"films\":[]}]",
    );
    check(
        "directors?select=id,films!inner(id)&films.order=id.desc&films.limit=1&order=id",
        "[{\"id\":1,\"films\":[{\"id\":2}]}, \n {\"id\":2,\"films\":[{\"id\":3}]}]",
    );
    check(
        "films?select=id,actors(name)&actors.order=name&id=eq.1",
        "[{\"id\":1,\"actors\":[{\"name\":\"Kirk\"}, \n {\"name\":\"Ryan\"}]}]",
    );
    check(
        "actors?select=name,films!inner(title,directors(name))&films.title=eq.Jaws",
        r#"[{"name":"Roy","films":[{"title":"Jaws","directors":{"name":"Spielberg"}}]}]"#,
    );
    // A relation inside of itself, twice, and inside of what is inside of it.
    check(
        "directors?select=id,mentor_id(id,directors(id))&id=eq.2",
        r#"[{"id":2,"mentor_id":{"id":1,"directors":[{"id":2}]}}]"#,
    );
    check(
        "films?select=id,directors(id,films(id,directors(id)))&id=eq.3",
        r#"[{"id":3,"directors":{"id":2,"films":[{"id":3,"directors":{"id":2}}]}}]"#,
    );
    check(
        "awards?select=from:directors!awards_giver(name),to:taker_id(name)&id=eq.1",
        r#"[{"from":{"name":"Kubrick"},"to":{"name":"Spielberg"}}]"#,
    );
    // Through a view.
    check("old_films?select=title,directors(name)", r#"[{"title":"Paths of Glory","directors":{"name":"Kubrick"}}]"#);
    // Filters on what is embedded or not.
    check("directors?select=id,films()&films=is.null", r#"[{"id":3}]"#);
    check("films?select=id,directors()&directors=not.is.null&order=id&id=lt.3", "[{\"id\":1}, \n {\"id\":2}]");
    check("films?select=id,posters()&or=(posters.is.null,id.eq.1)&order=id&year=eq.1975", r#"[{"id":2}]"#);
    check(
        "films?select=id,directors(name)&order=directors(name).desc,id&year=eq.1975",
        "[{\"id\":3,\"directors\":{\"name\":\"Spielberg\"}}, \n {\"id\":2,\"directors\":{\"name\":\"Kubrick\"}}]",
    );
    check(
        "films?select=e:id,\"embed.1\":title,page:year,rows:rating,directors(body:id,embed:name)&id=eq.3",
        r#"[{"e":3,"embed.1":"Jaws","page":1975,"rows":8.1,"directors":{"body":2,"embed":"Spielberg"}}]"#,
    );
}

fn ok_spreads(cinema: &Cinema) {
    let check = |url: &str, expected: &str| {
        let (status, _, body) = cinema.get(url, &[("prefer", "count=exact")]);
        assert_eq!((status, body.as_str()), (200, expected), "{url}");
    };
    check(
        "films?select=id,...directors(by:name,...mentor_id(mentor:name))&id=gte.3&order=id",
        "[{\"id\":3,\"by\":\"Spielberg\",\"mentor\":\"Kubrick\"}, \n {\"id\":4,\"by\":null,\"mentor\":null}]",
    );
    check(
        "films?select=film:id,...directors!inner(*)&year=gt.1960&order=directors(name).desc",
        "[{\"film\":3,\"id\":2,\"name\":\"Spielberg\",\"mentor_id\":1}, \n {\"film\":2,\"id\":1,\"name\":\"Kubrick\",\"mentor_id\":null}]",
    );
    check(
        "directors?select=name,...films(title,year,tag:tags->0)&films.order=title.desc&order=id",
        "[{\"name\":\"Kubrick\",\"title\":[\"Paths of Glory\", \"Barry Lyndon\"],\"year\":[1957, 1975],\"tag\":[\"war\", \"drama\"]}, \n {\"name\":\"Spielberg\",\"title\":[\"Jaws\"],\"year\":[1975],\"tag\":[null]}, \n {\"name\":\"Nobody\",\"title\":[],\"year\":[],\"tag\":[]}]",
    );
    check(
        "directors?select=name,...films!inner(*)&films.year=lt.1960",
        "[{\"name\":\"Kubrick\",\"id\":[1],\"title\":[\"Paths of Glory\"],\"year\":[1957],\"rating\":[8.4],\"details\":[{\"takes\": [1, 2, 3], \"colour\": false}],\"tags\":[[\"war\",\"drama\"]],\"plot\":[\"'trench' 'war'\"],\"director_id\":[1]}]",
    );
    check(
        "films?select=id,...actors(actor:name,...roles(character))&actors.order=name&id=eq.1",
        "[{\"id\":1,\"actor\":[\"Kirk\", \"Ryan\"],\"character\":[[\"Dax\"], [\"Barry\", \"Extra\"]]}]",
    );
    check("films?select=id,...actors()&actors=is.null&order=id", "[{\"id\":4}]");
}

fn ok_aggregates(cinema: &Cinema) {
    let check = |url: &str, expected: &str| {
        let (status, _, body) = cinema.get(url, &[]);
        assert_eq!((status, body.as_str()), (200, expected), "{url}");
    };
    check(
        "films?select=count(),rating.avg()::numeric,year.max(),first:year.min()",
        "[{\"count\":4,\"avg\":8.2000000000000000,\"max\":1975,\"first\":1957}]",
    );
    check(
        "films?select=decade,n:count()&order=decade.nullslast",
        "[{\"decade\":1950,\"n\":1}, \n {\"decade\":1970,\"n\":2}, \n {\"decade\":null,\"n\":1}]",
    );
    check("films?select=a:details->colour,id.sum()&id=lte.2&details->colour=eq.true", "[{\"a\":true,\"sum\":2}]");
    check(
        "directors?select=name,films(count(),year)&films.order=year&order=id",
        "[{\"name\":\"Kubrick\",\"films\":[{\"count\":1,\"year\":1957}, \n {\"count\":1,\"year\":1975}]}, \n {\"name\":\"Spielberg\",\"films\":[{\"count\":1,\"year\":1975}]}, \n {\"name\":\"Nobody\",\"films\":[]}]",
    );
    check(
        "posters?select=...films(year,...directors(n:count(),name.max()))&order=films(year)",
        "[{\"year\":1957,\"n\":1,\"max\":\"Kubrick\"}, \n {\"year\":1975,\"n\":1,\"max\":\"Spielberg\"}]",
    );
    check(
        "films?select=n:count(),...directors(*)&year=gt.1960&order=directors(id)",
        "[{\"n\":1,\"id\":1,\"name\":\"Kubrick\",\"mentor_id\":null}, \n {\"n\":1,\"id\":2,\"name\":\"Spielberg\",\"mentor_id\":1}]",
    );
    check(
        "films?select=n:count(),directors(name),actors()&director_id=eq.1&actors=not.is.null",
        "[{\"n\":2,\"directors\":{\"name\": \"Kubrick\"}}]",
    );
}

fn ok_ranges_and_counts(cinema: &Cinema) {
    let check = |url: &str, headers: &[(&str, &str)], status: u16, range: &str| {
        let (found, found_range, _) = cinema.get(url, headers);
        assert_eq!((found, found_range.as_str()), (status, range), "{url}");
    };
    const EXACT: (&str, &str) = ("prefer", "count=exact");
    check("films", &[], 200, "0-3/*");
    check("films?limit=2&offset=1", &[], 200, "1-2/*");
    check("films", &[("range", "1-1"), EXACT], 206, "1-1/4");
    check("films", &[EXACT], 200, "0-3/4");
    check("films?offset=4", &[EXACT], 206, "*/4");
    check("films?offset=5", &[EXACT], 416, "*/4");
    check("films?limit=0", &[EXACT], 206, "*/4");
    check("films?id=eq.0&offset=0", &[EXACT], 200, "*/0");
    check("directors?select=id,films!inner(id)&limit=1", &[EXACT], 206, "0-0/2");
    check("directors?select=id,films()&films=is.null&limit=1", &[EXACT], 200, "0-0/1");
    check("films", &[("prefer", "count=planned")], 200, "0-3/4");
    check("films?title=eq.It's 100%25 \\ \"x\"&details->>a=neq.%2525", &[("prefer", "count=planned")], 206, "*/1");
    check("films?limit=1", &[("prefer", "count=estimated")], 206, "0-0/4");
}

fn ok_representations(cinema: &Cinema) {
    let check = |url: &str, accept: &str, status: u16, expected: &str| {
        let (found, _, body) = cinema.get(url, &[("accept", accept)]);
        assert_eq!((found, body.as_str()), (status, expected), "{url}");
    };
    const OBJECT: &str = "application/vnd.pgrst.object+json";
    check("actors?id=eq.1", OBJECT, 200, r#"{"id":1,"name":"Kirk"}"#);
    check("films?select=id,year&id=eq.4", "application/vnd.pgrst.object+json;nulls=stripped", 200, r#"{"id":4}"#);
    check("films?select=id,year&id=eq.4", "application/vnd.pgrst.array+json;nulls=stripped", 200, r#"[{"id":4}]"#);
    check(
        "actors?id=gt.1",
        OBJECT,
        406,
        r#"{"code":"PGRST116","details":"The result contains 2 rows","hint":null,"message":"Cannot coerce the result to a single JSON object"}"#,
    );
    check("actors?select=id,page:name&order=id&limit=2", "text/csv", 200, "id,page\n1,Kirk\n2,Roy");
    check("films?select=title,year&id=eq.4", "text/csv", 200, "title,year\n\"It's \"\"quoted\"\", (100%) \\\\ 🙂\",");
    check("actors?id=eq.0", "text/csv", 200, "\n");
    let (status, range, body) = cinema.request(Method::HEAD, "actors", &[("prefer", "count=exact")]);
    assert_eq!((status, range.as_str(), body.as_str()), (200, "0-2/3", ""));
}

/// Names may hold anything; `%` also where Postgres formats the statement.
fn ok_odd_names(cinema: &Cinema) {
    let url = "odd \"names\" 100%?select=\"the \\\"id\\\" %25d\",select,f:films(id)&\"the \\\"id\\\" %25d\"=gt.1&order=select.desc";
    let expected = r#"[{"the \"id\" %d":2,"select":"b","f":{"id":3}}]"#;
    for prefer in ["count=exact", "count=planned", "count=estimated"] {
        let (_, _, body) = cinema.get(url, &[("prefer", prefer)]);
        assert_eq!(body, expected);
    }
}

fn ok_functions_of_rows(cinema: &Cinema) {
    let check = |url: &str, range: &str, expected: &str| {
        for prefer in ["count=exact", "count=planned"] {
            let (_, found, body) = cinema.get(url, &[("prefer", prefer)]);
            assert_eq!(body, expected, "{url}");
            assert!(found == range || prefer == "count=planned", "{url}: {found}");
        }
    };
    check(
        "films?select=id,maker(name),stars(name)&id=lte.2&order=maker(name),id",
        "0-1/2",
        "[{\"id\":1,\"maker\":{\"name\":\"Kubrick\"},\"stars\":[{\"name\":\"Kirk\"}]}, \n {\"id\":2,\"maker\":{\"name\":\"Kubrick\"},\"stars\":[{\"name\":\"Ryan\"}]}]",
    );
    check("films?select=id,s:stars!inner(id)&s.name=eq.Roy&limit=1", "0-0/1", r#"[{"id":3,"s":[{"id":2}]}]"#);
    check("films?select=id,maker()&maker=is.null", "0-0/1", r#"[{"id":4}]"#);
    // Of a row that is itself embedded, or is a function's.
    check(
        "directors?select=name,films(title,stars(name))&films.id=eq.3&id=eq.2",
        "0-0/1",
        r#"[{"name":"Spielberg","films":[{"title":"Jaws","stars":[{"name":"Roy"}]}]}]"#,
    );
    check(
        "films?select=id,...maker(by:name,directors(id))&id=eq.1",
        "0-0/1",
        r#"[{"id":1,"by":"Kubrick","directors":[{"id":2}]}]"#,
    );
    // In the place of a foreign key.
    check("films?select=id,swatches(id)&id=eq.1", "0-0/1", r#"[{"id":1,"swatches":[{"id":1}]}]"#);
}

fn ok_representations_of_domains(cinema: &Cinema) {
    let check = |url: &str, expected: &str| {
        // So that the planner sees the condition too; what it guesses does not matter.
        let (_, _, body) = cinema.get(url, &[("prefer", "count=planned")]);
        assert_eq!(body, expected, "{url}");
    };
    check("swatches?id=eq.1", r##"[{"id":1,"shade":"#ff","film_id":1}]"##);
    check("swatches?select=tone:shade,text:shade::text&shade=eq.%2300ff", r##"[{"tone":"#ff","text":"\"#ff\""}]"##);
    check("swatches?select=id&shade=in.(ff,%232a)&order=shade", "[{\"id\":3}, \n {\"id\":1}]");
    check("swatches?select=id&shade=not.in.()&id=eq.1", r#"[{"id":1}]"#);
    check("swatches?select=id&or=(shade.lt.1,shade.eq(any).{2a,2b})&order=id", "[{\"id\":2}, \n {\"id\":3}]");
    check("swatches?select=id&shade=is.null", "[]");
    check(
        "films?select=swatches(*),swatches_film:swatches!inner()&id=eq.2",
        r##"[{"swatches":[{"id":3,"shade":"#2a","film_id":2}]}]"##,
    );
}

fn ok_settings_of_the_role(cinema: &Cinema) {
    let work_mem = |role| cinema.sent_as(role, Method::GET, "actors?select=work_mem&id=eq.1", &[], "").2;
    assert_eq!(work_mem("careful"), r#"[{"work_mem":"5MB"}]"#);
    assert_eq!(work_mem("reader"), r#"[{"work_mem":"4MB"}]"#);
}

fn ok_execution_plans(cinema: &Cinema) {
    let plan = |url: &str, media_type: &str| {
        let (status, range, body) = cinema.get(url, &[("accept", media_type), ("prefer", "count=exact")]);
        assert_eq!((status, range.as_str()), (200, ""), "{url}");
        body
    };
    let text = plan("films?id=gt.1&title=neq.it's 100%25 \\\"a\"&limit=1", "application/vnd.pgrst.plan");
    assert!(text.starts_with("Aggregate  (cost=") && text.contains("it''s 100% \\\"a\""), "{text}");
    let analyzed = plan("directors?select=*,films(*)", "application/vnd.pgrst.plan+json; options=analyze|verbose");
    assert!(analyzed.starts_with("[\n") && analyzed.contains("\"Actual Rows\""), "{analyzed}");
    let csv = plan("odd \"names\" 100%", "application/vnd.pgrst.plan;for=\"text/csv\";options=verbose");
    assert!(csv.contains("string_agg("), "{csv}");
}
