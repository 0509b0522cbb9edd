//! Reads the introspection's answer: JSON whose shape is known, as Rust values that borrow from it.
//!
//! Readers that serde derives come once more for each struct, twice over, and made 25 KB of the compressed components;
//! here a struct is the list of its fields.

use std::borrow::Cow;

/// A value in the text; `None` where there is another one.
pub(crate) trait Read<'a>: Sized {
    fn read(reader: &mut Reader<'a>) -> Option<Self>;

    /// What stands for a field that an array leaves out at its end.
    fn missing() -> Option<Self> {
        None
    }
}

/// A place in the text.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Whether an array or object has begun and has no element yet.
    is_first: bool,
}

/// Reads a whole text; the error is the place, in bytes, where something else was expected.
pub(crate) fn read<'a, T: Read<'a>>(text: &'a str) -> Result<T, usize> {
    let mut reader = Reader { text, at: 0, is_first: false };
    let value = T::read(&mut reader);
    reader.skip_blanks();
    value.filter(|_| reader.at == text.len()).ok_or(reader.at)
}

impl<'a> Reader<'a> {
    /// Begins an array or object.
    pub(crate) fn open(&mut self, bracket: char) -> Option<()> {
        self.is_first = true;
        self.take(bracket).then_some(())
    }

    /// Goes to the next element; `false` at the end, behind which the text goes on.
    pub(crate) fn next(&mut self, bracket: char) -> Option<bool> {
        if self.take(bracket) {
            self.is_first = false;
            return Some(false);
        }
        let is_first = std::mem::replace(&mut self.is_first, false);
        (is_first || self.take(',')).then_some(true)
    }

    /// The next field of a struct that is an array.
    pub(crate) fn field<T: Read<'a>>(&mut self) -> Option<T> {
        if self.peek() == Some(b']') {
            return T::missing();
        }
        (std::mem::replace(&mut self.is_first, false) || self.take(',')).then(|| T::read(self))?
    }

    /// The name of an object's member.
    pub(crate) fn name(&mut self) -> Option<Cow<'a, str>> {
        let name = self.string()?;
        self.take(':').then_some(name)
    }

    /// Takes a word or sign if it is next.
    fn take(&mut self, sign: char) -> bool {
        let is_next = self.peek() == Some(sign as u8);
        self.at += usize::from(is_next);
        is_next
    }

    fn word(&mut self, word: &str) -> bool {
        self.skip_blanks();
        let is_next = self.text[self.at..].starts_with(word);
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    fn peek(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        if self.peek()? != b'"' {
            return None;
        }
        let bytes = &self.text.as_bytes()[self.at + 1..];
        let mut end = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        let has_escapes = bytes[end] == b'\\';
        while bytes[end] == b'\\' {
            end += 2;
            end += bytes.get(end..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        }
        let quoted = &self.text[self.at..self.at + end + 2];
        let value = match has_escapes {
            true => serde_json::from_str::<String>(quoted).ok()?.into(),
            false => quoted[1..quoted.len() - 1].into(),
        };
        self.at += quoted.len();
        Some(value)
    }

    fn number(&mut self) -> Option<u64> {
        self.skip_blanks();
        let rest = &self.text[self.at..];
        let digits = &rest[..rest.bytes().take_while(u8::is_ascii_digit).count()];
        let number = digits.parse().ok()?;
        self.at += digits.len();
        Some(number)
    }
}

macro_rules! number {
    ($($type:ty)+) => {
        $(impl Read<'_> for $type {
            fn read(reader: &mut Reader<'_>) -> Option<Self> {
                reader.number()?.try_into().ok()
            }
        })+
    };
}

number!(u8 u16 u32 usize);

impl Read<'_> for bool {
    fn read(reader: &mut Reader<'_>) -> Option<bool> {
        let is_true = reader.word("true");
        (is_true || reader.word("false")).then_some(is_true)
    }
}

impl Read<'_> for char {
    fn read(reader: &mut Reader<'_>) -> Option<char> {
        let text = reader.string()?;
        let mut characters = text.chars();
        characters.next().filter(|_| characters.next().is_none())
    }
}

impl<'a> Read<'a> for Cow<'a, str> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        reader.string()
    }
}

impl<'a, T: Read<'a>> Read<'a> for Option<T> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        if reader.word("null") { Some(None) } else { T::read(reader).map(Some) }
    }

    fn missing() -> Option<Self> {
        Some(None)
    }
}

impl<'a, T: Read<'a>> Read<'a> for Vec<T> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let mut items = Vec::new();
        reader.open('[')?;
        while reader.next(']')? {
            items.push(T::read(reader)?);
        }
        Some(items)
    }

    fn missing() -> Option<Self> {
        Some(Vec::new())
    }
}

impl<'a, A: Read<'a>, B: Read<'a>> Read<'a> for (A, B) {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        reader.open('[')?;
        let pair = (reader.field()?, reader.field()?);
        (!reader.next(']')?).then_some(pair)
    }
}

/// Makes structs readable from arrays of their fields, in this order.
macro_rules! rows {
    ($($name:ident { $($field:ident),+ })+) => {
        $(impl<'a> $crate::json::Read<'a> for $name<'a> {
            fn read(reader: &mut $crate::json::Reader<'a>) -> Option<Self> {
                reader.open('[')?;
                let row = $name { $($field: reader.field()?),+ };
                (!reader.next(']')?).then_some(row)
            }
        })+
    };
}

/// Makes a struct readable from an object that has all of its fields as members, and no others.
macro_rules! object {
    ($name:ident { $($field:ident),+ }) => {
        impl<'a> $crate::json::Read<'a> for $name<'a> {
            fn read(reader: &mut $crate::json::Reader<'a>) -> Option<Self> {
                $(let mut $field = None;)+
                reader.open('{')?;
                while reader.next('}')? {
                    match &*reader.name()? {
                        $(stringify!($field) => $field = Some($crate::json::Read::read(reader)?),)+
                        _ => return None,
                    }
                }
                Some($name { $($field: $field?),+ })
            }
        }
    };
}

pub(crate) use {object, rows};

#[cfg(test)]
mod tests {
    use super::*;

    type Mixed<'a> = Vec<(Option<Cow<'a, str>>, Vec<u16>)>;

    #[test]
    fn ok_values() {
        let text = " [ [ \"a\\\"\\u00e9\\\\\" , [1,\n65535] ],[null,[]],[\"\"]] ";
        let expected: Mixed<'_> =
            vec![(Some("a\"é\\".into()), vec![1, 65535]), (None, vec![]), (Some("".into()), vec![])];
        assert_eq!(read::<Mixed<'_>>(text), Ok(expected));
        assert_eq!(read::<(bool, char)>("[true,\"é\"]"), Ok((true, 'é')));
    }

    #[test]
    fn err_other_values() {
        for (text, at) in [
            ("", 0),
            ("[", 1),
            ("[1]", 1),
            ("[[\"a\",[65536]]]", 12),
            ("[[\"a\",[-1]]]", 7),
            ("[[\"a\",[1.5]]]", 8),
            ("[[\"a\",[1],2]]", 10),
            ("[[\"a\" [1]]]", 6),
            ("[[\"a\",[1,]]]", 9),
            ("[,]", 1),
            ("[]]", 2),
            ("[[\"a", 2),
            ("[[\"a\\", 2),
            ("[[\"a\\x\"]]", 2),
            ("[[nul]]", 2),
        ] {
            assert_eq!(read::<Mixed<'_>>(text).map(|_| ()), Err(at), "{text}");
        }
    }
}
