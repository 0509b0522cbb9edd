//! What a text may ask for, and what is done about members that are no good.

/// Deepest nesting of arrays and objects.
pub const DEPTH_MAX: usize = 128;

/// Longest number, in bytes. Postgres keeps all digits of a `numeric`, JavaScript 17.
pub const NUMBER_BYTES_MAX: usize = 1024;

/// Largest exponent, without its sign. JavaScript ends at 308; for Postgres the seven bytes of `1e99999` are a `numeric`
/// of 41 KB.
pub const EXPONENT_MAX: u32 = 1000;

/// Longest name of a member, in bytes as it is spelled.
pub const NAME_BYTES_MAX: usize = 16 * 1024;

/// Most members of one object.
pub const MEMBERS_MAX: usize = 100_000;

/// What to do about a member that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Refuse the whole text.
    Refuse,
    /// Tell the visitor, who leaves the member out.
    Drop,
    /// Nothing.
    Allow,
}

/// The limits of a text, and its rules. The default has the constants of this crate, and refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// [`DEPTH_MAX`].
    pub depth: usize,
    /// [`NUMBER_BYTES_MAX`].
    pub number_bytes: usize,
    /// [`EXPONENT_MAX`].
    pub exponent: u32,
    /// [`NAME_BYTES_MAX`].
    pub name_bytes: usize,
    /// [`MEMBERS_MAX`].
    pub members: usize,
    /// Members that change a prototype where JavaScript assigns them: `__proto__`, and `constructor` with an object that
    /// has `prototype`, in any spelling.
    pub prototypes: Policy,
    /// A second member of one name; RFC 8259 §4 says that names should be unique, and what becomes of others differs from
    /// reader to reader. The first one is the one that stays.
    pub duplicates: Policy,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            depth: DEPTH_MAX,
            number_bytes: NUMBER_BYTES_MAX,
            exponent: EXPONENT_MAX,
            name_bytes: NAME_BYTES_MAX,
            members: MEMBERS_MAX,
            prototypes: Policy::Refuse,
            duplicates: Policy::Refuse,
        }
    }
}
