//! From the introspection's answer to bytes; format.rs has the grammar.
//!
//! Sections refer to one another by offset, so they are written from the inside outwards: strings, types, columns,
//! legs, relations, and the index at last.

mod computed;
mod function;
mod handler;
mod representation;
mod role;

use self::computed::Grouped;
use crate::checksum::checksum;
use crate::derive::{Derived, Leg, derive};
use crate::format::{
    CHECKSUM_AT, DIRECTORY_AT, FORMAT_VERSION, FORWARD, HAS_REPRESENTATIONS, HEADER_BYTES, IDENTITY_ALWAYS,
    IDENTITY_BY_DEFAULT, INVERSE, IS_GENERATED, IS_NULLABLE, IS_UNIQUE, IS_WATCHED, MAGIC, THROUGH, put_block,
    put_varint, within,
};
use crate::introspection::{Answer, Column, Relation, Type};
use crate::link::Link;
use crate::pool::{Laid, Pool};
use crate::source::{Source, sources};
use crate::{BYTES_MAX, Error};

/// The encoding of an answer that [`crate::introspection::parse`] has checked.
pub(crate) fn encode(answer: &Answer<'_>) -> Result<Vec<u8>, Error> {
    let derived = derive(answer)?;
    let sources = sources(answer);
    let computed = computed::grouped(answer)?;
    let keys: Vec<ColumnKey<'_>> = answer.columns.iter().map(|column| ColumnKey::new(column, &answer.types)).collect();
    let columns = columns(answer, &keys);
    let strings = strings(answer, &columns, &derived, &sources).lay(|bytes, text| put_block(bytes, text.as_bytes()));
    let (types, type_offsets) = types(answer, &strings);
    let columns = columns.lay(|bytes, column| put_column(bytes, column, &strings, &type_offsets));
    let (legs, leg_offsets) = legs(&derived.legs, &strings);
    let (index, relations) =
        Relations { answer, derived, sources, computed, strings: &strings, keys, columns: &columns, leg_offsets }
            .bytes();
    let (function_index, functions) = function::functions(&answer.functions, &strings);
    let handlers = handler::handlers(&answer.handlers, &strings);
    let roles = role::roles(&answer.roles, &strings);
    assemble(&[
        &index,
        &relations,
        &legs,
        &columns.bytes,
        &types,
        &function_index,
        &functions,
        &handlers,
        &roles,
        &strings.bytes,
    ])
}

/// All that distinguishes a column's record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct ColumnKey<'a> {
    name: &'a str,
    data_type: usize,
    flags: u8,
    default: Option<&'a str>,
    description: Option<&'a str>,
}

impl<'a> ColumnKey<'a> {
    /// The column with its default as a caller sees it: its type's, unless it has one; none, if it is generated.
    fn new(column: &'a Column<'_>, types: &'a [Type<'_>]) -> ColumnKey<'a> {
        let data_type = &types[column.data_type];
        let default = column.default.as_deref().or(data_type.default.as_deref());
        let nullable = if data_type.is_not_null { 0 } else { IS_NULLABLE };
        ColumnKey {
            name: &column.name,
            data_type: column.data_type,
            flags: column.flags & (nullable | IDENTITY_ALWAYS | IDENTITY_BY_DEFAULT | IS_GENERATED),
            default: default.filter(|_| column.flags & IS_GENERATED == 0),
            description: column.description.as_deref(),
        }
    }
}

fn columns<'a>(answer: &Answer<'_>, keys: &[ColumnKey<'a>]) -> Pool<ColumnKey<'a>> {
    let mut pool = Pool::new();
    answer.relations.iter().flat_map(|relation| &relation.columns).for_each(|column| pool.add(keys[*column]));
    pool
}

/// Every text that will be referred to, as often as it will be.
fn strings<'a>(
    answer: &'a Answer<'_>,
    columns: &Pool<ColumnKey<'a>>,
    derived: &Derived<'a>,
    sources: &[Vec<Source<'a>>],
) -> Pool<&'a str> {
    let mut pool: Pool<&'a str> = Pool::new();
    for relation in &answer.relations {
        pool.add(&relation.schema);
        pool.add(&relation.name);
        relation.description.iter().for_each(|text| pool.add(text));
    }
    for described in &answer.types {
        pool.add(&described.name);
        pool.add(&described.base_name);
        described.labels.iter().for_each(|label| pool.add(label));
    }
    for column in columns.keys() {
        pool.add(column.name);
        column.default.into_iter().chain(column.description).for_each(|text| pool.add(text));
    }
    for leg in &derived.legs {
        pool.add(leg.constraint);
        leg.pairs.iter().for_each(|(source, target)| [source, target].iter().for_each(|name| pool.add(name)));
    }
    function::add_strings(&mut pool, &answer.functions);
    derived.keys.iter().flatten().for_each(|name| pool.add(name));
    computed::add_strings(&mut pool, &answer.computed);
    representation::add_strings(&mut pool, &answer.representations);
    handler::add_strings(&mut pool, &answer.handlers);
    role::add_strings(&mut pool, &answer.roles);
    sources.iter().flatten().for_each(|source| [source.schema, source.name].iter().for_each(|name| pool.add(name)));
    pool
}

/// The types' section, and where in it each type begins.
fn types(answer: &Answer<'_>, strings: &Laid<&str>) -> (Vec<u8>, Vec<u32>) {
    let mut bytes = Vec::new();
    let mut offsets = Vec::new();
    let representations = representation::blocks(answer, strings);
    for (described, representation) in answer.types.iter().zip(representations) {
        offsets.push(bytes.len() as u32);
        bytes.extend([described.kind, described.base_kind].map(kind_byte));
        put_varint(&mut bytes, strings.offset(&described.name));
        put_varint(&mut bytes, strings.offset(&described.base_name));
        put_varint(&mut bytes, described.max_length.map_or(0, |length| length.saturating_add(1)));
        let labels = block(described.labels.iter().map(|label| strings.offset(label)));
        put_block(&mut bytes, &labels);
        put_block(&mut bytes, &representation);
    }
    (bytes, offsets)
}

fn put_column(bytes: &mut Vec<u8>, column: ColumnKey<'_>, strings: &Laid<&str>, types: &[u32]) {
    bytes.push(column.flags);
    put_varint(bytes, strings.offset(column.name));
    put_varint(bytes, types[column.data_type]);
    put_optional(bytes, column.default, strings);
    put_optional(bytes, column.description, strings);
}

/// The legs' section, and where in it each leg begins.
fn legs(legs: &[Leg<'_>], strings: &Laid<&str>) -> (Vec<u8>, Vec<u32>) {
    let mut bytes = Vec::new();
    let mut offsets = Vec::new();
    for leg in legs {
        offsets.push(bytes.len() as u32);
        put_varint(&mut bytes, leg.source as u32);
        put_varint(&mut bytes, leg.target as u32);
        bytes.push(if leg.is_unique { IS_UNIQUE } else { 0 });
        put_varint(&mut bytes, strings.offset(leg.constraint));
        let names = leg.pairs.iter().flat_map(|(source, target)| [source, target]);
        put_block(&mut bytes, &block(names.map(|name| strings.offset(name))));
    }
    (bytes, offsets)
}

/// What the relations' section is written from.
struct Relations<'a> {
    answer: &'a Answer<'a>,
    derived: Derived<'a>,
    sources: Vec<Vec<Source<'a>>>,
    computed: Grouped<'a>,
    strings: &'a Laid<&'a str>,
    keys: Vec<ColumnKey<'a>>,
    columns: &'a Laid<ColumnKey<'a>>,
    leg_offsets: Vec<u32>,
}

impl Relations<'_> {
    /// The index and the relations.
    fn bytes(&self) -> (Vec<u8>, Vec<u8>) {
        let (mut index, mut bytes) = (Vec::new(), Vec::new());
        for place in 0..self.answer.relations.len() {
            index.extend((bytes.len() as u32).to_le_bytes());
            self.put(&mut bytes, place);
        }
        (index, bytes)
    }

    fn put(&self, bytes: &mut Vec<u8>, place: usize) {
        let relation = &self.answer.relations[place];
        put_varint(bytes, self.strings.offset(&relation.schema));
        put_varint(bytes, self.strings.offset(&relation.name));
        bytes.extend([kind_byte(relation.kind), relation.flags & !IS_WATCHED | self.representations(relation)]);
        put_varint(bytes, relation.oid);
        put_optional(bytes, relation.description.as_deref(), self.strings);
        let columns = relation.columns.iter().map(|column| self.columns.offset(self.keys[*column]));
        put_block(bytes, &block(columns));
        put_block(bytes, &block(self.derived.keys[place].iter().map(|name| self.strings.offset(name))));
        put_block(bytes, &block(self.derived.links[place].iter().flat_map(|link| self.link(*link))));
        put_block(bytes, &self.sources(place));
        put_block(bytes, &computed::block(&self.computed, place, self.strings));
    }

    /// The flag that says whether a column's values are shown or read by a function.
    fn representations(&self, relation: &Relation<'_>) -> u8 {
        let is_represented = |column: &usize| {
            let data_type = self.answer.columns[*column].data_type;
            self.answer.representations.iter().any(|one| one.data_type == data_type)
        };
        if relation.columns.iter().any(is_represented) { HAS_REPRESENTATIONS } else { 0 }
    }

    fn link(&self, link: Link) -> impl Iterator<Item = u32> {
        let reference = |number: usize, direction| self.leg_offsets[number] * 4 + direction;
        let (first, second) = match link {
            Link::Forward(number) => (reference(number, FORWARD), None),
            Link::Inverse(number) => (reference(number, INVERSE), None),
            Link::Through(from, to) => (reference(from, THROUGH), Some(self.leg_offsets[to])),
        };
        [first].into_iter().chain(second)
    }

    fn sources(&self, place: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for source in &self.sources[place] {
            put_varint(&mut bytes, source.oid);
            put_varint(&mut bytes, self.strings.offset(source.schema));
            put_varint(&mut bytes, self.strings.offset(source.name));
            bytes.push(source.flags);
        }
        bytes
    }
}

/// Puts header and directory before the sections.
fn assemble(sections: &[&[u8]]) -> Result<Vec<u8>, Error> {
    let length = HEADER_BYTES + sections.iter().map(|section| section.len()).sum::<usize>();
    within(length, BYTES_MAX, "bytes")?;
    let mut bytes = Vec::with_capacity(length);
    bytes.extend(MAGIC);
    bytes.extend([FORMAT_VERSION, 0, 0, 0]);
    bytes.extend([0; DIRECTORY_AT - CHECKSUM_AT]);
    let mut offset = HEADER_BYTES as u32;
    for section in sections {
        bytes.extend(offset.to_le_bytes());
        bytes.extend((section.len() as u32).to_le_bytes());
        offset += section.len() as u32;
    }
    sections.iter().for_each(|section| bytes.extend_from_slice(section));
    let checksum = checksum(&bytes[DIRECTORY_AT..]);
    bytes[CHECKSUM_AT..DIRECTORY_AT].copy_from_slice(&checksum.to_le_bytes());
    Ok(bytes)
}

/// Varints one after the other.
fn block(values: impl Iterator<Item = u32>) -> Vec<u8> {
    let mut bytes = Vec::new();
    values.for_each(|value| put_varint(&mut bytes, value));
    bytes
}

fn put_optional(bytes: &mut Vec<u8>, text: Option<&str>, strings: &Laid<&str>) {
    put_varint(bytes, text.map_or(0, |text| strings.offset(text) + 1));
}

/// The kind's letter, which the parser has checked to be one.
fn kind_byte(letter: char) -> u8 {
    letter as u8
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Database, Random};
    use crate::{Identity, TypeKind};

    #[test]
    fn ok_everything_about_a_column() {
        let types = [
            json!(["character varying(20)", "character varying", "b", "b", 20, [], false, null]),
            json!(["app.mood", "app.mood", "e", "e", null, ["sad", "so \"so\"", "glücklich"], false, null]),
            json!(["app.code", "integer", "d", "b", null, [], true, "7"]),
        ];
        let columns = [
            json!(["name", 1, 1, "'x'::text", "What it is called"]),
            json!(["mood", 2, 0]),
            json!(["code", 3, 1]),
            json!(["id", 0, 4, "nextval('s')", null]),
            json!(["number", 0, 2]),
            json!(["sum", 3, 9, "(a + b)", null]),
        ];
        let catalog = Database::new()
            .table("films", &["*id"])
            .typed(&columns, &types)
            .with("representations", json!([3, "app.shown", null, "app.\"read\""]))
            .catalog();
        let column = |name| catalog.relation("app", "typed").unwrap().column(name).unwrap();
        let name = column("name");
        assert_eq!((name.data_type(), name.base_type()), ("character varying(20)", "character varying"));
        assert_eq!((name.max_length(), name.default()), (Some(20), Some("'x'::text")));
        assert_eq!((name.description(), name.is_nullable()), (Some("What it is called"), true));
        assert_eq!(column("mood").enum_labels().collect::<Vec<_>>(), ["sad", "so \"so\"", "glücklich"]);
        assert_eq!((column("mood").type_kind(), column("mood").is_nullable()), (TypeKind::Enum, false));
        let code = column("code");
        assert_eq!((code.type_kind(), code.base_type_kind()), (TypeKind::Domain, TypeKind::Base));
        assert_eq!((code.is_nullable(), code.default()), (false, Some("7")), "the domain says so");
        assert_eq!(
            (column("id").identity(), column("id").default()),
            (Some(Identity::ByDefault), Some("nextval('s')"))
        );
        assert_eq!(column("number").identity(), Some(Identity::Always));
        assert_eq!((column("sum").is_generated(), column("sum").default()), (true, None));
        assert_eq!(
            (code.to_json(), code.from_json(), code.from_text()),
            (Some("app.shown"), None, Some("app.\"read\""))
        );
        assert_eq!((name.to_json(), name.from_text()), (None, None));
        let has_representations = |name| catalog.relation("app", name).unwrap().has_representations();
        assert!(has_representations("typed") && !has_representations("films"));
        assert!(catalog.relation("app", "typed").unwrap().column("Name").is_none());
    }

    #[test]
    fn ok_what_a_relation_is_known_to_read() {
        for (flags, expected) in [(0, [false, false]), (64, [true, false]), (128, [false, true]), (192, [true, true])] {
            let catalog = Database::new().table("films", &["*id"]).flags("films", flags).catalog();
            let films = catalog.relation("app", "films").unwrap();
            assert_eq!([films.is_determined(), films.reads_claims()], expected);
        }
    }

    #[test]
    fn ok_the_same_answer_gives_the_same_bytes() {
        let one = generated(&mut Random(5)).to_string();
        let mut shuffled: Value = serde_json::from_str(&one).unwrap();
        shuffled["relations"].as_array_mut().unwrap().reverse();
        assert_eq!(bytes(&one), bytes(&one));
        assert_eq!(bytes(&one), bytes(&shuffled.to_string()), "relations are sorted");
    }

    #[test]
    fn ok_generated_catalogs_read_as_they_were_described() {
        for seed in 1..200 {
            let answer = generated(&mut Random(seed));
            let catalog = crate::Catalog::from_introspection(answer.to_string().as_bytes()).unwrap();
            let relations = answer["relations"].as_array().unwrap();
            assert_eq!(catalog.relations().count(), relations.len());
            relations.iter().for_each(|relation| check_relation(&answer, &catalog, relation));
        }
    }

    fn check_relation(answer: &Value, catalog: &crate::Catalog, expected: &Value) {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let (schema, name) = (expected[1].as_str().unwrap(), expected[2].as_str().unwrap());
        let relation = catalog.relation(schema, name).expect("the relation is found");
        assert_eq!(json!(relation.oid()), expected[0]);
        assert_eq!(relation.description().map(str::to_owned), text(&expected[5]));
        assert_eq!(
            json!([relation.is_insertable(), relation.has_row_security()]),
            json!([expected[4].as_u64().unwrap() & 1 != 0, expected[4].as_u64().unwrap() & 8 != 0])
        );
        let numbers = expected[6].as_array().unwrap();
        assert_eq!(relation.columns().count(), numbers.len());
        for (column, number) in relation.columns().zip(numbers) {
            let described = &answer["columns"][number.as_u64().unwrap() as usize];
            let data_type = &answer["types"][described[1].as_u64().unwrap() as usize];
            assert_eq!(json!([column.name(), column.data_type()]), json!([described[0], data_type[0]]));
            assert_eq!(column.description().map(str::to_owned), text(&described[4]));
            assert_eq!(column.max_length(), data_type[4].as_u64().map(|length| length as u32));
        }
    }

    fn bytes(answer: &str) -> Vec<u8> {
        crate::Catalog::from_introspection(answer.as_bytes()).unwrap().as_bytes().to_vec()
    }

    /// A database with names of all sorts, and keys of which some make sense.
    fn generated(random: &mut Random) -> Value {
        const TEXTS: [&str; 8] = ["", "a", "ü,n\"ï", "\u{1F600}", "a b", "\\", "a\u{1}", "id"];
        let word = |random: &mut Random| format!("{}{}", TEXTS[random.below(8)], random.below(50));
        let maybe = |random: &mut Random| (random.below(2) == 0).then(|| word(random));
        let types: Vec<Value> = (0..1 + random.below(5))
            .map(|_| {
                json!([word(random), word(random), "b", "b", maybe(random).map(|text| text.len()), [], false, null])
            })
            .collect();
        let columns: Vec<Value> = (0..1 + random.below(60))
            .map(|_| json!([word(random), random.below(types.len()), random.below(16), maybe(random), maybe(random)]))
            .collect();
        let count = random.below(40);
        let relations: Vec<Value> = (0..count)
            .map(|oid| {
                let numbers: Vec<usize> = (0..1 + random.below(20)).map(|_| random.below(columns.len())).collect();
                let kind = ["r", "v", "p", "m", "f"][random.below(5)];
                json!([
                    oid,
                    TEXTS[random.below(8)],
                    format!("{}{oid}", word(random)),
                    kind,
                    random.below(16),
                    maybe(random),
                    numbers
                ])
            })
            .collect();
        let foreign_keys: Vec<Value> = (0..random.below(30))
            .map(|_| {
                json!([word(random), random.below(count + 5), random.below(count + 5), [1], [1], random.below(2) == 0])
            })
            .collect();
        json!({
            "types": types, "columns": columns, "relations": relations, "others": [], "keys": [[0, [1]], [1, [1]]],
            "foreign_keys": foreign_keys, "views": [[2, "{{#1@0.1}}"]], "reads": [[2, 0]], "inherits": [[0, 1]],
            "functions": [], "computed": [], "representations": [], "handlers": [], "roles": [],
        })
    }
}
