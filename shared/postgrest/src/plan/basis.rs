//! What the answer to a read is made of, where that is known: tables, the caller's role, and perhaps the claims.
//!
//! Only then can it be kept, and given to others until somebody writes one of the tables. Whatever else may have a part in an
//! answer makes it one that is not kept: a clock, a setting, a function whose body nobody knows. What that means for a
//! relation, the catalog says (`Relation::is_determined`); here is what a request adds to it.

use catalog::Relation;
use config::Config;
use sql::Statement;

use super::Plan;
use super::tree::{Condition, Node, Order, ReadPlan, Selected, Source};
use crate::api_request::{ApiRequest, Count, MediaType, Operation, canonical};

/// What an answer is made of.
#[derive(Debug)]
pub struct Basis<'a> {
    /// The relations that are asked for; one may come more than once.
    pub relations: Vec<Relation<'a>>,
    /// The tables below them, by their OIDs, each once.
    pub tables: Vec<u32>,
    /// Whether the database tells of all who write the tables.
    pub is_watched: bool,
}

/// Types to which a value may be cast without a clock or a setting.
const CASTS: [&str; 14] = [
    "text", "varchar", "integer", "int", "int2", "int4", "int8", "bigint", "smallint", "numeric", "boolean", "json",
    "jsonb", "uuid",
];
/// Types of which no value means another thing tomorrow.
const TIMELESS: [&str; 13] = [
    "text",
    "character varying",
    "character",
    "tsvector",
    "integer",
    "bigint",
    "smallint",
    "numeric",
    "double precision",
    "boolean",
    "json",
    "jsonb",
    "uuid",
];
/// What dates and times may be called (<https://www.postgresql.org/docs/current/datatype-datetime.html>).
const MOMENTS: [&str; 4] = ["now", "today", "tomorrow", "yesterday"];

impl<'a> Plan<'a> {
    /// What the answer is made of; `None` where that is not known, or is not all.
    pub fn basis(&self, request: &ApiRequest, config: &Config) -> Option<Basis<'a>> {
        let Plan::Read(plan) = self else { return None };
        let is_counted = !matches!(request.preferences.count, Some(Count::Planned | Count::Estimated));
        let is_plain = plan.handler.is_none() && request.explain.is_none() && request.media_type != MediaType::GeoJson;
        let is_determined = is_counted && is_plain && config.db_pre_request.is_none() && plan.root.is_determined();
        is_determined.then(|| plan.basis())
    }

    /// Has the statement of a read tell its snapshot.
    pub fn tell_snapshot(&mut self) {
        if let Plan::Read(plan) = self {
            plan.tells_snapshot = true;
        }
    }

    /// Has the settings of a read that has a [`basis`](Plan::basis) say nothing of headers and cookies. Nothing reads them there, and without them
    /// what is sent for two requests that have the same answer is the same: the region runs it once.
    pub fn withhold_request(&mut self) {
        if let Plan::Read(plan) = self {
            plan.withholds_request = true;
        }
    }

    /// The tables that are written by name; others may be by triggers, rules, and functions.
    pub fn written(&self) -> Vec<u32> {
        let relation = if let Plan::Mutate(plan) = self { plan.target.rows.relation() } else { None };
        relation.iter().flat_map(|relation| relation.sources()).map(|source| source.oid).collect()
    }
}

/// All of a read that decides its answer, beside catalog, policy, role and claims: what its response says of the request, and the
/// statements behind the settings.
pub fn identity(request: &ApiRequest, statements: &[Statement], part: &mut dyn FnMut(Option<&str>)) {
    part(Some(request.method.as_str()));
    part(Some(&request.schema));
    part(Some(if request.is_schema_negotiated { "1" } else { "" }));
    part(Some(&request.target));
    part(Some(&canonical(&request.query)));
    part(Some(request.media_type.content_type()));
    part(request.preferences.applied(request.action, false).as_deref());
    part(request.preferences.timezone.as_deref());
    part(Some(&request.range.offset.to_string()));
    for statement in statements.iter().skip(1) {
        part(Some(&statement.text));
        statement.parameters.iter().for_each(|parameter| part(parameter.as_deref()));
    }
}

impl<'a> ReadPlan<'a> {
    fn basis(&self) -> Basis<'a> {
        let relations = self.relations();
        let (mut tables, mut is_watched) = (Vec::new(), true);
        for source in relations.iter().flat_map(|relation| relation.sources()) {
            tables.push(source.oid);
            is_watched &= source.is_watched;
        }
        sort::distinct(&mut tables);
        Basis { relations, tables, is_watched }
    }
}

impl Node<'_> {
    /// Whether nothing but tables, role and claims has a part in it.
    fn is_determined(&self) -> bool {
        let relation =
            self.rows.relation().filter(|relation| relation.is_determined() && !relation.has_representations());
        relation.is_some()
            && self.select.iter().all(|selected| self.is_column(selected))
            && self.conditions.iter().all(|condition| self.is_timeless(condition))
            && self.order.iter().all(|order| self.is_order(order))
            && self.embeds.iter().all(|embed| {
                let junction = embed.join.junction.as_ref().map(|junction| junction.relation);
                embed.join.function.is_none()
                    && junction.is_none_or(|relation| relation.is_determined())
                    && embed.node.is_determined()
            })
    }

    fn is_column(&self, selected: &Selected<'_>) -> bool {
        let (source, casts) = match selected {
            Selected::Star | Selected::Known { .. } | Selected::One { .. } => return true,
            Selected::Count { aggregate, .. } => (None, [aggregate.cast, None]),
            Selected::Column { source, cast, aggregate, .. } => {
                (Some(source), [*cast, aggregate.and_then(|aggregate| aggregate.cast)])
            }
        };
        source.is_none_or(|source| self.knows(source)) && casts.iter().flatten().all(|cast| CASTS.contains(cast))
    }

    /// A function of the row is called like a column.
    fn knows(&self, source: &Source<'_>) -> bool {
        self.rows.column(&source.field.name).is_some()
    }

    fn is_timeless(&self, condition: &Condition<'_>) -> bool {
        match condition {
            Condition::Embedded { .. } => true,
            Condition::Group { conditions, .. } => conditions.iter().all(|condition| self.is_timeless(condition)),
            Condition::Filter { source, operation, .. } => {
                let column = self.rows.column(&source.field.name);
                let is_timeless = |data_type| !source.field.path.is_empty() || TIMELESS.contains(&data_type);
                column.is_some_and(|column| is_timeless(column.base_type()) || !operation.names_a_moment())
            }
        }
    }

    fn is_order(&self, order: &Order<'_>) -> bool {
        let node = order.embed.map_or(self, |embed| &self.embeds[embed].node);
        node.knows(&order.source)
    }
}

impl Operation {
    /// Whether some value could be a moment that moves on.
    fn names_a_moment(&self) -> bool {
        match self {
            Operation::Simple(_, text)
            | Operation::Quantified(_, _, text)
            | Operation::IsDistinctFrom(text)
            | Operation::Search(_, _, text) => names_a_moment(text),
            Operation::In(elements) => elements.iter().any(|element| names_a_moment(element)),
            Operation::Is(_) => false,
        }
    }
}

fn names_a_moment(text: &str) -> bool {
    let mut words = text.split(|letter: char| !letter.is_ascii_alphabetic());
    words.any(|word| MOMENTS.iter().any(|moment| word.eq_ignore_ascii_case(moment)))
}
