//! Measures a catalog by hand: `cargo run --release -p catalog --example measure FILE [RELATION]`, where FILE holds the
//! introspection's answer. With `SCHEMA.NAME`, prints that relation.

use std::time::Instant;

use catalog::Catalog;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().expect("the first argument is a file with the introspection's answer");
    let json = std::fs::read(file).expect("the file can be read");
    let start = Instant::now();
    let catalog = Catalog::from_introspection(&json).expect("the file holds an answer");
    println!("{:>10} bytes of JSON", json.len());
    println!("{:>10} bytes encoded, in {:?}", catalog.as_bytes().len(), start.elapsed());
    measure_open(&catalog);
    measure_lookup(&catalog);
    if let Some((schema, name)) = arguments.next().as_deref().and_then(|name| name.split_once('.')) {
        print(&catalog, schema, name);
    }
}

fn measure_open(catalog: &Catalog) {
    const ROUNDS: u32 = 100;
    let start = Instant::now();
    for _ in 0..ROUNDS {
        Catalog::from_bytes(std::hint::black_box(catalog.as_bytes().clone())).expect("it was just written");
    }
    println!("{:>10?} to open and check", start.elapsed() / ROUNDS);
}

fn measure_lookup(catalog: &Catalog) {
    let relations: Vec<_> = catalog.relations().collect();
    let start = Instant::now();
    let found =
        relations.iter().filter(|relation| catalog.relation(relation.schema(), relation.name()).is_some()).count();
    let lookups = found.max(1) as u32;
    println!("{:>10?} a lookup of a relation ({found} found)", start.elapsed() / lookups);
    let start = Instant::now();
    let columns: usize = relations.iter().map(|relation| relation.columns().count()).sum();
    println!("{:>10?} a column ({columns} columns)", start.elapsed() / columns.max(1) as u32);
    let start = Instant::now();
    let relationships: usize = relations.iter().map(|relation| relation.relationships().count()).sum();
    println!("{:>10?} a relationship ({relationships} relationships)", start.elapsed() / relationships.max(1) as u32);
}

fn print(catalog: &Catalog, schema: &str, name: &str) {
    let Some(relation) = catalog.relation(schema, name) else { return println!("no such relation") };
    println!("{relation:?}: {:?}, key {:?}", relation.kind(), relation.primary_key().collect::<Vec<_>>());
    relation.columns().for_each(|column| {
        println!("  {column:?}, nullable: {}, default: {:?}", column.is_nullable(), column.default())
    });
    relation.relationships().for_each(|relationship| println!("  {relationship:?}"));
    relation.sources().for_each(|source| println!("  reads {source:?}"));
}
