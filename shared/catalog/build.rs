//! Takes comments and indentation out of the introspection's SQL: a component would carry them along.

use std::path::Path;
use std::{env, fs};

const SOURCE: &str = "src/introspection.sql";

fn main() {
    println!("cargo::rerun-if-changed={SOURCE}");
    let sql = fs::read_to_string(SOURCE).expect("the SQL lies beside the code");
    // No text between quotes goes over a line, and no comment stands behind anything.
    let lines = sql.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("--"));
    let folder = env::var_os("OUT_DIR").expect("Cargo says where to");
    fs::write(Path::new(&folder).join("introspection.sql"), lines.collect::<Vec<_>>().join("\n"))
        .expect("Cargo's folder can be written");
}
