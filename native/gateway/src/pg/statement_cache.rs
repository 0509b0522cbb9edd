//! The prepared statements of one connection, by their SQL text.
//!
//! Bounded; the least recently used one goes first. A name is never used twice, so that a statement which
//! Postgres did not get to prepare, or has already closed, cannot be mistaken for another.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::row::Columns;

/// A statement is prepared anew when it is this old. Postgres sees by itself when a remembered statement no
/// longer fits the schema, but for the types of parameters: those stay what they were inferred to be, also
/// when their column has changed its type since. This bounds for how long.
const AGE_MAX: Duration = Duration::from_secs(60);

/// Longer texts are prepared anew each time: they are hardly written twice, and would be kept for nothing.
pub(crate) const SQL_BYTES_MAX: usize = 32 << 10;

pub(crate) struct Statement {
    pub(crate) sql: Arc<str>,
    /// Empty: the unnamed statement.
    pub(crate) name: String,
    pub(crate) prepared: Instant,
    /// Columns of its result, as Postgres last described them: read once while they stay the same.
    columns: Mutex<Option<Arc<Columns>>>,
}

impl Statement {
    fn new(sql: &str, name: String) -> Arc<Statement> {
        Arc::new(Statement { sql: sql.into(), name, prepared: Instant::now(), columns: Mutex::default() })
    }

    /// The columns that a whole `RowDescription` or `NoData` tells of.
    pub(crate) fn describe(&self, message: &[u8]) -> io::Result<Arc<Columns>> {
        let mut known = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(columns) = known.as_ref()
            && *columns.message == *message
        {
            return Ok(columns.clone());
        }
        let columns = Arc::new(Columns::read(message)?);
        *known = Some(columns.clone());
        Ok(columns)
    }
}

pub(crate) struct StatementCache {
    statements: HashMap<Arc<str>, Entry>,
    statements_max: usize,
    names_given: u64,
    /// Rises with each use, and so orders the statements by their last one.
    clock: u64,
    /// Names of statements that left the cache but not yet Postgres.
    evicted: Vec<String>,
}

struct Entry {
    statement: Arc<Statement>,
    /// The clock at its last use.
    used: u64,
}

impl StatementCache {
    pub(crate) fn new(statements_max: usize) -> StatementCache {
        StatementCache { statements: HashMap::new(), statements_max, names_given: 0, clock: 0, evicted: Vec::new() }
    }

    /// The statement prepared for this text, if there is one.
    pub(crate) fn find(&mut self, sql: &str) -> Option<Arc<Statement>> {
        self.clock += 1;
        let entry = self.statements.get_mut(sql)?;
        entry.used = self.clock;
        let statement = entry.statement.clone();
        if statement.prepared.elapsed() > AGE_MAX {
            self.evict(&statement);
            return None;
        }
        Some(statement)
    }

    /// A name for a text that is not in the cache; the caller prepares it.
    pub(crate) fn add(&mut self, sql: &str) -> Arc<Statement> {
        if sql.len() > SQL_BYTES_MAX {
            return Statement::new(sql, String::new());
        }
        if self.statements.len() >= self.statements_max {
            self.evict_oldest();
        }
        self.names_given += 1;
        self.clock += 1;
        let name = format!("headland_{}", self.names_given);
        let statement = Statement::new(sql, name);
        let entry = Entry { statement: statement.clone(), used: self.clock };
        self.statements.insert(statement.sql.clone(), entry);
        statement
    }

    /// Forgets a statement that Postgres does not have.
    pub(crate) fn forget(&mut self, statement: &Arc<Statement>) {
        // Another may have been prepared for the same text since.
        if self.statements.get(&*statement.sql).is_some_and(|kept| Arc::ptr_eq(&kept.statement, statement)) {
            self.statements.remove(&*statement.sql);
        }
    }

    /// Gives up a statement that Postgres has.
    pub(crate) fn evict(&mut self, statement: &Arc<Statement>) {
        self.forget(statement);
        if !statement.name.is_empty() {
            self.evicted.push(statement.name.clone());
        }
    }

    /// Gives up all statements.
    pub(crate) fn evict_all(&mut self) {
        let names = self.statements.drain().map(|(_, entry)| entry.statement.name.clone());
        self.evicted.extend(names);
    }

    /// Forgets all statements: Postgres has, or will have, none of them.
    pub(crate) fn clear(&mut self) {
        self.statements.clear();
        self.evicted.clear();
    }

    /// Names to close in Postgres, each handed out once.
    pub(crate) fn take_evicted(&mut self) -> Vec<String> {
        std::mem::take(&mut self.evicted)
    }

    fn evict_oldest(&mut self) {
        let oldest = self.statements.values().min_by_key(|entry| entry.used).map(|entry| entry.statement.clone());
        if let Some(statement) = oldest {
            self.evict(&statement);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_evicts_the_least_recently_used() {
        let mut cache = StatementCache::new(2);
        cache.add("a");
        cache.add("b");
        assert!(cache.find("a").is_some());
        cache.add("c");
        assert!(cache.find("b").is_none());
        assert!(cache.find("a").is_some() && cache.find("c").is_some());
        assert_eq!(cache.take_evicted(), ["headland_2"]);
        assert!(cache.take_evicted().is_empty());
    }

    #[test]
    fn ok_names_are_never_used_twice() {
        let mut cache = StatementCache::new(2);
        let first = cache.add("a");
        cache.forget(&first);
        let second = cache.add("a");
        assert_ne!(first.name, second.name);
        cache.forget(&first);
        assert!(cache.find("a").is_some(), "forgetting the first leaves the second alone");
    }

    #[test]
    fn ok_long_texts_are_not_kept() {
        let mut cache = StatementCache::new(2);
        let at_limit = "x".repeat(SQL_BYTES_MAX);
        assert!(!cache.add(&at_limit).name.is_empty());
        let over = "x".repeat(SQL_BYTES_MAX + 1);
        assert!(cache.add(&over).name.is_empty());
        assert!(cache.find(&at_limit).is_some() && cache.find(&over).is_none());
    }
}
