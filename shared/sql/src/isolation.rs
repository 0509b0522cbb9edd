//! How much a transaction sees of those that run beside it.

/// An isolation level other than the one that the database has for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Each statement sees what was committed before it.
    ReadCommitted,
    /// All statements see the same.
    RepeatableRead,
    /// All transactions could have run one after the other.
    Serializable,
}

impl Isolation {
    /// What a value of `default_transaction_isolation` means. Postgres has `read uncommitted` for `read committed`.
    pub fn of_setting(value: &str) -> Isolation {
        match value {
            "repeatable read" => Isolation::RepeatableRead,
            "serializable" => Isolation::Serializable,
            _ => Isolation::ReadCommitted,
        }
    }

    /// The value of `Neon-Batch-Isolation-Level`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Isolation::ReadCommitted => "ReadCommitted",
            Isolation::RepeatableRead => "RepeatableRead",
            Isolation::Serializable => "Serializable",
        }
    }
}
