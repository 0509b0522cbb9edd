//! One column of a relation, and its type.

use crate::format::{Cursor, IDENTITY_ALWAYS, IDENTITY_BY_DEFAULT, IS_GENERATED, IS_NULLABLE};
use crate::{Catalog, format};

/// A column, read in place.
#[derive(Clone, Copy)]
pub struct Column<'a> {
    catalog: &'a Catalog,
    flags: u8,
    name: &'a str,
    /// What follows name and flags: type, default, description.
    rest: Cursor<'a>,
}

/// Whether, and how firmly, Postgres numbers the rows (`GENERATED … AS IDENTITY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// A value of the caller's is refused unless the statement says `OVERRIDING SYSTEM VALUE`.
    Always,
    /// A value of the caller's is taken.
    ByDefault,
}

/// What sort of type it is (`pg_type.typtype`, with true arrays told apart from base types).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeKind {
    /// A base type such as `integer` or `json`.
    Base,
    /// An array with elements of another type.
    Array,
    /// A row type.
    Composite,
    /// A domain over another type.
    Domain,
    /// An enumeration.
    Enum,
    /// A range.
    Range,
    /// A multirange.
    Multirange,
    /// A pseudo-type, which only very odd columns have.
    Pseudo,
}

impl<'a> Column<'a> {
    /// The column whose record begins at `at` in the columns' section.
    pub(crate) fn read(catalog: &'a Catalog, at: u32) -> Option<Column<'a>> {
        let mut rest = catalog.columns_at(at)?;
        let flags = rest.byte()?;
        let name = catalog.string(rest.varint()?)?;
        Some(Column { catalog, flags, name, rest })
    }

    /// The column's name, unquoted.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The declared type as `format_type` writes it with an empty search path: with its modifier, and qualified and
    /// quoted unless it lies in `pg_catalog`. It can stand in SQL as it is: `character varying(20)`, `app.mood`.
    pub fn data_type(&self) -> &'a str {
        self.data_type_record().name
    }

    /// The type below all domains, without modifier, written like [`Column::data_type`]: `json`, `text[]`, `app.mood`.
    /// Same as the declared type where that is no domain.
    pub fn base_type(&self) -> &'a str {
        self.data_type_record().base_name
    }

    /// What sort of type the declared one is.
    pub fn type_kind(&self) -> TypeKind {
        self.data_type_record().kind
    }

    /// What sort of type the one below all domains is; never [`TypeKind::Domain`].
    pub fn base_type_kind(&self) -> TypeKind {
        self.data_type_record().base_kind
    }

    /// The most characters (or bits, for bit strings) that a value may have, where the type or a domain says so.
    pub fn max_length(&self) -> Option<u32> {
        self.data_type_record().max_length
    }

    /// The labels of the enumeration, in their order; empty for any other type. Domains are looked through.
    pub fn enum_labels(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let catalog = self.catalog;
        self.data_type_record().labels.varints().map_while(move |at| catalog.string(at))
    }

    /// Whether NULL may be stored: neither the column nor a domain of its type says `NOT NULL`. True for the columns
    /// of views, about which Postgres knows nothing.
    pub fn is_nullable(&self) -> bool {
        self.flags & IS_NULLABLE != 0
    }

    /// The SQL expression that fills the column when no value is given: its own default, else its domain's;
    /// `nextval(…)` for an identity column that takes values; `None` for a generated column and where there is none.
    pub fn default(&self) -> Option<&'a str> {
        let mut rest = self.rest;
        rest.varint()?;
        self.catalog.optional_string(rest.varint()?)
    }

    /// The column's comment.
    pub fn description(&self) -> Option<&'a str> {
        let mut rest = self.rest;
        rest.varint()?;
        rest.varint()?;
        self.catalog.optional_string(rest.varint()?)
    }

    /// Whether Postgres numbers the rows by this column.
    pub fn identity(&self) -> Option<Identity> {
        match self.flags & (IDENTITY_ALWAYS | IDENTITY_BY_DEFAULT) {
            IDENTITY_ALWAYS => Some(Identity::Always),
            IDENTITY_BY_DEFAULT => Some(Identity::ByDefault),
            _ => None,
        }
    }

    /// Whether the value is computed from other columns (`GENERATED ALWAYS AS (…)`) and can not be written.
    pub fn is_generated(&self) -> bool {
        self.flags & IS_GENERATED != 0
    }

    /// The function that shows values of the column's domain as JSON, as SQL names it; `None` if they are shown as they are
    /// (<https://docs.postgrest.org/en/stable/references/api/domain_representations.html>).
    pub fn to_json(&self) -> Option<&'a str> {
        self.representation(0)
    }

    /// The function that reads values of the column's domain from JSON, as it is in bodies of requests.
    pub fn from_json(&self) -> Option<&'a str> {
        self.representation(1)
    }

    /// The function that reads values of the column's domain from text, as it is in URLs.
    pub fn from_text(&self) -> Option<&'a str> {
        self.representation(2)
    }

    fn representation(&self, place: usize) -> Option<&'a str> {
        let function = self.data_type_record().representation.varints().nth(place)?;
        self.catalog.optional_string(function)
    }

    fn data_type_record(&self) -> Type<'a> {
        let mut rest = self.rest;
        rest.varint().and_then(|at| Type::read(self.catalog, at)).unwrap_or(Type::UNKNOWN)
    }
}

impl std::fmt::Debug for Column<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name(), self.data_type())
    }
}

/// A type with its modifier, shared by all columns that have it.
struct Type<'a> {
    kind: TypeKind,
    base_kind: TypeKind,
    name: &'a str,
    base_name: &'a str,
    max_length: Option<u32>,
    labels: Cursor<'a>,
    representation: Cursor<'a>,
}

impl<'a> Type<'a> {
    /// What damaged bytes read as.
    const UNKNOWN: Type<'static> = Type {
        kind: TypeKind::Pseudo,
        base_kind: TypeKind::Pseudo,
        name: "unknown",
        base_name: "unknown",
        max_length: None,
        labels: Cursor::EMPTY,
        representation: Cursor::EMPTY,
    };

    fn read(catalog: &'a Catalog, at: u32) -> Option<Type<'a>> {
        let mut record = catalog.types_at(at)?;
        Some(Type {
            kind: format::type_kind(record.byte()?)?,
            base_kind: format::type_kind(record.byte()?)?,
            name: catalog.string(record.varint()?)?,
            base_name: catalog.string(record.varint()?)?,
            max_length: record.varint()?.checked_sub(1),
            labels: record.block()?,
            representation: record.block()?,
        })
    }
}
