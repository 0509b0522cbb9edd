//! Classes of characters, and cases.
//!
//! In Postgres the database's locale decides; this is what a locale of UTF-8 says, as far as Rust's library knows it.

/// A class that has a name between `[:` and `:]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Alnum,
    Alpha,
    Ascii,
    Blank,
    Cntrl,
    Digit,
    Graph,
    Lower,
    Print,
    Punct,
    Space,
    Upper,
    Word,
    Xdigit,
}

const NAMES: [(&str, Class); 14] = [
    ("alnum", Class::Alnum),
    ("alpha", Class::Alpha),
    ("ascii", Class::Ascii),
    ("blank", Class::Blank),
    ("cntrl", Class::Cntrl),
    ("digit", Class::Digit),
    ("graph", Class::Graph),
    ("lower", Class::Lower),
    ("print", Class::Print),
    ("punct", Class::Punct),
    ("space", Class::Space),
    ("upper", Class::Upper),
    ("word", Class::Word),
    ("xdigit", Class::Xdigit),
];

impl Class {
    /// The class of that name.
    pub(crate) fn named(name: &str) -> Option<Class> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, class)| *class)
    }

    /// Whether a character is in it. Where case counts for nothing, upper and lower are any letter.
    pub(crate) fn contains(self, character: char, ignores_case: bool) -> bool {
        let class = match self {
            Class::Lower | Class::Upper if ignores_case => Class::Alpha,
            class => class,
        };
        u8::try_from(character)
            .ok()
            .filter(u8::is_ascii)
            .map_or_else(|| class.contains_beyond_ascii(character), |byte| class.contains_ascii(byte))
    }

    /// Whether a character of ASCII is in it.
    pub(crate) fn contains_ascii(self, byte: u8) -> bool {
        match self {
            Class::Alnum => byte.is_ascii_alphanumeric(),
            Class::Alpha => byte.is_ascii_alphabetic(),
            Class::Ascii => true,
            Class::Blank => matches!(byte, b' ' | b'\t'),
            Class::Cntrl => byte.is_ascii_control(),
            Class::Digit => byte.is_ascii_digit(),
            Class::Graph => byte.is_ascii_graphic(),
            Class::Lower => byte.is_ascii_lowercase(),
            Class::Print => matches!(byte, b' '..=b'~'),
            Class::Punct => byte.is_ascii_punctuation(),
            Class::Space => matches!(byte, b' ' | b'\t'..=b'\r'),
            Class::Upper => byte.is_ascii_uppercase(),
            Class::Word => byte.is_ascii_alphanumeric() || byte == b'_',
            Class::Xdigit => byte.is_ascii_hexdigit(),
        }
    }

    fn contains_beyond_ascii(self, character: char) -> bool {
        match self {
            Class::Alnum | Class::Word => character.is_alphanumeric(),
            Class::Alpha => character.is_alphabetic(),
            Class::Ascii | Class::Digit | Class::Xdigit => false,
            Class::Blank => is_space(character) && !is_control(character),
            Class::Cntrl => is_control(character),
            Class::Graph => is_graph(character),
            Class::Lower => character.is_lowercase(),
            Class::Print => is_graph(character) || is_space(character) && !is_control(character),
            Class::Punct => is_graph(character) && !character.is_alphanumeric(),
            Class::Space => is_space(character),
            Class::Upper => character.is_uppercase(),
        }
    }
}

/// Whether a character belongs to words, as `\w` and `\m` see it.
pub(crate) fn is_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

/// The same letter in the other case, where each is the other's only one.
pub(crate) fn other_case(character: char) -> Option<char> {
    let lower = only(character.to_lowercase())?;
    let upper = only(character.to_uppercase())?;
    if character == lower {
        (character != upper && only(upper.to_lowercase()) == Some(character)).then_some(upper)
    } else {
        (only(lower.to_uppercase()) == Some(character)).then_some(lower)
    }
}

fn only(mut characters: impl Iterator<Item = char>) -> Option<char> {
    let first = characters.next();
    first.filter(|_| characters.next().is_none())
}

/// White space at which a line may be broken.
fn is_space(character: char) -> bool {
    character.is_whitespace() && !matches!(character, '\u{85}' | '\u{a0}' | '\u{2007}' | '\u{202f}')
}

fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

fn is_graph(character: char) -> bool {
    !is_control(character) && !is_space(character)
}
