//! The check of rows, in the pass in which their JSON is scanned.

use std::fmt::Write as _;

use json::{Container, Interest, Scalar, Visitor};

use crate::declared::{self, Declared, Given, Refusal};
use crate::rule::Rule;
use crate::violation::{Violation, Violations};

/// What patterns may take for the whole text, in bytes times steps: 0.2 to 0.4 s. An operator's
/// `max-length` in front of a pattern keeps a text far from it.
pub const PATTERN_WORK_MAX: u64 = 20_000_000;

/// The error that Postgres has for rules of one's own.
const CHECK_VIOLATION: &str = "23514";

/// What is to become of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// Each is a new row.
    Insert,
    /// It is what rows are changed to: what it does not name stays.
    Update,
}

/// What is asked of one column.
#[derive(Debug, Clone)]
pub struct Column<'r> {
    /// The member's name.
    pub name: &'r str,
    /// What the catalog says of it, where that is to be looked at.
    pub declared: Option<Declared<'r>>,
    /// What the operator asks.
    pub rules: &'r [Rule],
}

/// A visitor that looks at an object, or at the objects of an array. Anything else in their places is not looked at.
pub struct Check<'r> {
    relation: &'r str,
    write: Write,
    /// Sorted by name.
    columns: Vec<Column<'r>>,
    /// Of each whether its members count.
    is_taken: Vec<bool>,
    /// Places of columns that rows may have to have.
    awaited: Vec<usize>,
    /// What the text is.
    whole: Option<Container>,
    depth: usize,
    /// Counted from 1.
    row: usize,
    /// The column whose value comes next.
    current: Option<usize>,
    /// By place in the row before: a name, and its column.
    known: Vec<(Box<[u8]>, Option<usize>)>,
    /// The last row with a value for each column, and the last one with its member.
    valued: Vec<usize>,
    named: Vec<usize>,
    pattern_work: u64,
    violations: Violations,
}

impl<'r> Check<'r> {
    /// A check of rows for a relation, before the text. Each column is named once. With `taken`, members of other names mean
    /// nothing.
    pub fn new(relation: &'r str, write: Write, mut columns: Vec<Column<'r>>, taken: Option<&[String]>) -> Check<'r> {
        add_companions(&mut columns);
        sort::sort_by(&mut columns, &|one, other| one.name.cmp(other.name));
        let is_taken = |column: &Column<'_>| taken.is_none_or(|taken| taken.iter().any(|name| name == column.name));
        let is_awaited = |place: &usize| is_awaited(&columns[*place], write);
        Check {
            relation,
            write,
            is_taken: columns.iter().map(is_taken).collect(),
            awaited: (0..columns.len()).filter(is_awaited).collect(),
            whole: None,
            depth: 0,
            row: 0,
            current: None,
            known: Vec::new(),
            valued: vec![0; columns.len()],
            named: vec![0; columns.len()],
            pattern_work: 0,
            violations: Violations::default(),
            columns,
        }
    }

    /// What was found, after the text.
    pub fn violations(self) -> Violations {
        self.violations
    }

    /// In how many containers the members of rows lie.
    fn row_depth(&self) -> usize {
        if self.whole == Some(Container::Object) { 1 } else { 2 }
    }

    fn is_in_row(&self) -> bool {
        self.depth == self.row_depth()
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        let place = self.columns.binary_search_by(|column| column.name.as_bytes().cmp(name)).ok()?;
        self.is_taken[place].then_some(place)
    }

    /// A value of the current column.
    fn value(&mut self, given: Option<Given<'_>>) {
        let Some(place) = self.current.take() else { return };
        self.named[place] = self.row;
        if let Some(generated) = self.columns[place].declared.as_ref().and_then(|declared| declared.generated) {
            let refusal = generated.refusal(self.columns[place].name, self.write == Write::Insert);
            return self.refuse(place, refusal);
        }
        match given {
            None => self.null(place),
            Some(given) => {
                self.valued[place] = self.row;
                self.check(place, given);
            }
        }
    }

    fn check(&mut self, place: usize, given: Given<'_>) {
        let declared = self.columns[place].declared.as_ref();
        if let Some(refusal) = declared.and_then(|declared| declared.refusal(given)) {
            return self.refuse(place, refusal);
        }
        let rules = self.columns[place].rules;
        for rule in rules.iter().filter(|rule| rule.is_about_values()) {
            match given {
                Given::Text { text, .. } if !self.may_run(rule, text) => return self.add(place, rule, OUT_OF_WORK),
                Given::Text { text, .. } if rule.holds(text) => {}
                Given::Text { .. } => self.add(place, rule, rule.sentence(self.columns[place].name)),
                // Rules speak of single values, and one of them is enough to say so.
                Given::Array | Given::Object => return self.add(place, rule, rule.sentence(self.columns[place].name)),
            }
        }
    }

    /// Whether a pattern may still be run.
    fn may_run(&mut self, rule: &Rule, text: &str) -> bool {
        if let Rule::Pattern(matcher) = rule {
            self.pattern_work = self.pattern_work.saturating_add(matcher.work(text));
        }
        self.pattern_work <= PATTERN_WORK_MAX
    }

    /// A null that stands in the text, or would be put in the place of nothing.
    fn null(&mut self, place: usize) {
        let column = &self.columns[place];
        if column.declared.as_ref().is_some_and(|declared| declared.refuses_null) {
            let refusal = declared::null_refusal(self.relation, column.name);
            self.refuse(place, refusal);
        } else if let Some(rule) = column.rules.iter().find(|rule| **rule == Rule::Required) {
            self.add(place, rule, rule.sentence(column.name));
        }
    }

    fn end_row(&mut self) {
        for at in 0..self.awaited.len() {
            let place = self.awaited[at];
            if self.named[place] != self.row && self.write == Write::Insert {
                self.absent(place);
            }
            let rules = self.columns[place].rules;
            for rule in rules {
                if let Rule::TogetherWith(others) = rule
                    && others.iter().any(|other| self.is_valued(other) != (self.valued[place] == self.row))
                {
                    self.add(place, rule, rule.sentence(self.columns[place].name));
                }
            }
        }
    }

    /// A new row has no such member.
    fn absent(&mut self, place: usize) {
        let column = &self.columns[place];
        if let Some(declared) = &column.declared
            && declared.refuses_null
            && !declared.is_filled
        {
            let refusal = declared::null_refusal(self.relation, column.name);
            self.refuse(place, refusal);
        } else if let Some(rule) = column.rules.iter().find(|rule| **rule == Rule::Required) {
            self.add(place, rule, rule.sentence(column.name));
        }
    }

    fn is_valued(&self, name: &str) -> bool {
        self.find(name.as_bytes()).is_some_and(|place| self.valued[place] == self.row)
    }

    fn refuse(&mut self, place: usize, Refusal { rule, code, message }: Refusal) {
        let pointer = self.pointer(place);
        self.violations.add(Violation { pointer, rule, code, message });
    }

    fn add(&mut self, place: usize, rule: &Rule, message: impl Into<String>) {
        self.refuse(place, Refusal { rule: rule.name(), code: CHECK_VIOLATION, message: message.into() });
    }

    /// Of a member of the present row.
    fn pointer(&self, place: usize) -> String {
        let mut pointer = String::new();
        if self.whole == Some(Container::Array) {
            write!(pointer, "/{}", self.row - 1).expect("a string takes all that is written");
        }
        pointer.push('/');
        pointer.push_str(&self.columns[place].name.replace('~', "~0").replace('/', "~1"));
        pointer
    }
}

const OUT_OF_WORK: &str = "there is too much text for the patterns that it has to match";

/// Adds columns that others name and that nothing is asked of.
fn add_companions(columns: &mut Vec<Column<'_>>) {
    for place in 0..columns.len() {
        for rule in columns[place].rules {
            let Rule::TogetherWith(others) = rule else { continue };
            for other in others {
                if columns.iter().all(|column| column.name != other) {
                    columns.push(Column { name: other, declared: None, rules: &[] });
                }
            }
        }
    }
}

/// Whether the end of a row has to be looked at for this column.
fn is_awaited(column: &Column<'_>, write: Write) -> bool {
    let is_refused_when_absent =
        column.declared.as_ref().is_some_and(|declared| declared.refuses_null && !declared.is_filled);
    column.rules.iter().any(|rule| matches!(rule, Rule::TogetherWith(_)))
        || write == Write::Insert && (is_refused_when_absent || column.rules.contains(&Rule::Required))
}

impl Visitor for Check<'_> {
    fn interest(&self) -> Interest {
        Interest { containers: 3, names: 3, scalars: 3 }
    }

    fn enter(&mut self, container: Container, _: usize) {
        self.whole.get_or_insert(container);
        if self.depth > 0 && self.is_in_row() {
            let given = if container == Container::Array { Given::Array } else { Given::Object };
            self.value(Some(given));
        }
        self.depth += 1;
        if self.is_in_row() {
            self.row += 1;
        }
    }

    fn leave(&mut self, container: Container, _: usize) {
        if self.is_in_row() && container == Container::Object {
            self.end_row();
        }
        self.depth -= 1;
    }

    fn name(&mut self, name: &[u8], place: usize) {
        if !self.is_in_row() {
            return;
        }
        if let Some((_, column)) = self.known.get(place).filter(|(known, _)| **known == *name) {
            self.current = *column;
            return;
        }
        self.current = self.find(name);
        self.known.truncate(place);
        self.known.push((name.into(), self.current));
    }

    fn scalar(&mut self, scalar: Scalar, spelled: &[u8], _: usize) {
        // An element that is no row has its number, too.
        self.row += usize::from(self.depth == 1 && self.whole == Some(Container::Array));
        if self.current.is_none() || !self.is_in_row() {
            return;
        }
        if scalar == Scalar::Null {
            return self.value(None);
        }
        let text = match scalar {
            Scalar::True => "true".into(),
            Scalar::False => "false".into(),
            _ => json::unescape(spelled),
        };
        self.value(Some(Given::Text { text: &text, is_string: scalar == Scalar::Text }));
    }
}

#[cfg(test)]
mod tests;
