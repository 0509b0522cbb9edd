//! The syntax of PostgREST's configuration files, which is that of the Haskell library configurator-pg.
//!
//! ```text
//! file  = *( bind / group )                  ; one to a line, white space and comments between
//! bind  = key "=" value
//! group = key "{" *( bind / group ) "}"      ; its key and a dot go before those inside
//! key   = word *( "." word )                 ; a word begins with a letter and goes on with letters, digits, "_", "-"
//! value = "on" / "off" / "true" / "false" / string / integer
//! ```
//!
//! In a string, `$(NAME)` is what `NAME` was bound to before, else the environment's variable, and `$$` is `$`. Imports,
//! lists, and entries put out of force by `#;` are refused: no option of PostgREST's needs them.

use crate::Value;
use crate::reader::{Problem, Reader};

/// Deepest group in a group.
const GROUP_DEPTH_MAX: usize = 8;

/// One `key = value`; of two with the same key, the second holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bind {
    pub(super) key: String,
    pub(super) value: Value,
    /// Counted from 1.
    pub(super) line: usize,
}

pub(super) fn parse(text: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Vec<Bind>, Problem> {
    let mut file = File { reader: Reader::new(text), binds: Vec::new(), environment: &environment };
    file.entries("", 0)?;
    Ok(file.binds)
}

struct File<'a> {
    reader: Reader<'a>,
    binds: Vec<Bind>,
    environment: &'a dyn Fn(&str) -> Option<String>,
}

impl File<'_> {
    /// All up to the end of the file, or of the group whose keys begin with `prefix`.
    fn entries(&mut self, prefix: &str, depth: usize) -> Result<(), Problem> {
        if depth > GROUP_DEPTH_MAX {
            return Err(self.reader.problem("groups are too deep"));
        }
        loop {
            self.reader.skip_lines();
            let is_over = if depth == 0 { self.reader.is_at_end() } else { self.reader.take('}') };
            if is_over {
                return Ok(());
            }
            let line = self.reader.line();
            let key = format!("{prefix}{}", self.key()?);
            self.reader.skip_lines();
            if self.reader.take('{') {
                self.entries(&format!("{key}."), depth + 1)?;
                continue;
            }
            self.reader.expect('=')?;
            self.reader.skip_lines();
            let value = self.value()?;
            self.binds.retain(|bind| bind.key != key);
            self.binds.push(Bind { key, value, line });
        }
    }

    fn key(&mut self) -> Result<String, Problem> {
        let key = self.reader.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if key == "import" {
            return Err(self.reader.problem("imports are not read"));
        }
        let is_key = key.split('.').all(|word| word.starts_with(char::is_alphabetic));
        if is_key { Ok(key.to_owned()) } else { Err(self.reader.problem("expected the name of an option")) }
    }

    fn value(&mut self) -> Result<Value, Problem> {
        if self.reader.peek() == Some('"') {
            let text = self.string()?;
            return self.interpolated(&text).map(Value::Text);
        }
        let word = self.reader.take_while(|c| c.is_alphanumeric() || matches!(c, '+' | '-' | '.'));
        match word {
            "on" | "true" => Ok(Value::Flag(true)),
            "off" | "false" => Ok(Value::Flag(false)),
            _ => word.parse().map(Value::Integer).map_err(|_| {
                self.reader.problem("expected a string in double quotes, an integer, true, false, on or off")
            }),
        }
    }

    fn string(&mut self) -> Result<String, Problem> {
        let mut text = String::new();
        self.reader.expect('"')?;
        loop {
            match self.reader.next() {
                None => return Err(self.reader.problem("a string does not end")),
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(c) => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Problem> {
        match self.reader.next() {
            Some('n') => Ok('\n'),
            Some('t') => Ok('\t'),
            Some('r') => Ok('\r'),
            Some(c @ ('"' | '\\')) => Ok(c),
            Some('u') => self.character(),
            _ => Err(self.reader.problem("an escape other than \\n, \\t, \\r, \\u, \\\" and \\\\")),
        }
    }

    /// `XXXX`, or `XXXX\uXXXX` for a character beyond U+FFFF.
    fn character(&mut self) -> Result<char, Problem> {
        let high = self.reader.hexadecimal(4)?;
        let mut units = vec![high as u16];
        if (0xd800..0xdc00).contains(&high) && self.reader.take('\\') && self.reader.take('u') {
            units.push(self.reader.hexadecimal(4)? as u16);
        }
        let text = String::from_utf16(&units).map_err(|_| self.reader.problem("an escape that is no character"))?;
        Ok(text.chars().next().expect("one or two units of UTF-16 are a character"))
    }

    fn interpolated(&self, text: &str) -> Result<String, Problem> {
        let mut whole = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            whole.push_str(before);
            rest = after;
            if let Some(after) = after.strip_prefix('$') {
                whole.push('$');
                rest = after;
            } else if let Some((name, after)) = after.strip_prefix('(').and_then(|after| after.split_once(')')) {
                whole.push_str(&self.variable(name)?);
                rest = after;
            } else {
                whole.push('$');
            }
        }
        whole.push_str(rest);
        Ok(whole)
    }

    fn variable(&self, name: &str) -> Result<String, Problem> {
        let bound = self.binds.iter().find(|bind| bind.key == name).and_then(|bind| match &bind.value {
            Value::Text(text) => Some(text.clone()),
            Value::Integer(number) => Some(number.to_string()),
            _ => None,
        });
        let value = bound.or_else(|| (self.environment)(name));
        value.ok_or_else(|| self.reader.problem(&format!("`$({name})` names nothing")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, Value)]) {
        let binds = parse(text, |name| (name == "USER").then(|| "ada".to_owned())).unwrap();
        let binds: Vec<(&str, Value)> = binds.iter().map(|bind| (bind.key.as_str(), bind.value.clone())).collect();
        assert_eq!(binds, expected, "{text}");
    }

    #[track_caller]
    fn refused(file: &str, expected: &str) {
        let message = parse(file, |_| None).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn ok_binds() {
        check("", &[]);
        check("# x\n\na=1 # y\nb = \"c\"\r\n", &[("a", Value::Integer(1)), ("b", text("c"))]);
        check("a # x\n= # y\n 1", &[("a", Value::Integer(1))]);
        check("a = on\nb = off", &[("a", Value::Flag(true)), ("b", Value::Flag(false))]);
        check("a = 1\na = 2", &[("a", Value::Integer(2))]);
        check("app.settings.x-y_z1 = -5", &[("app.settings.x-y_z1", Value::Integer(-5))]);
    }

    #[test]
    fn ok_groups() {
        check(
            "a { b { c = 1\n }\n d = 2 }\ne = 3",
            &[("a.b.c", Value::Integer(1)), ("a.d", Value::Integer(2)), ("e", Value::Integer(3))],
        );
    }

    #[test]
    fn ok_strings() {
        check(r#"a = "\"\\\n\u00e4\ud83d\ude00 'x' # y""#, &[("a", text("\"\\\nä😀 'x' # y"))]);
        check("a = \"b\nc\"", &[("a", text("b\nc"))]);
        check("x = \"1\"\na = \"$(x)$(USER)$$(x) $.b $\"", &[("x", text("1")), ("a", text("1ada$(x) $.b $"))]);
    }

    #[test]
    fn err_what_is_no_file() {
        refused("a", "expected `=`");
        refused("\n= 1", "line 2: expected the name");
        refused("1a = 1", "expected the name");
        refused("a. = 1", "expected the name");
        refused("a = b", "expected a string");
        refused("a = 'b'", "expected a string");
        refused("a = 1.5", "expected a string");
        refused("a = [1]", "expected a string");
        refused("a = \"b", "does not end");
        refused(r#"a = "\x""#, "an escape other than");
        refused(r#"a = "\ud83d""#, "no character");
        refused("a = \"$(NOBODY)\"", "`$(NOBODY)` names nothing");
        refused("a {\nb = 1", "expected the name");
        refused("}", "expected the name");
        refused("import \"x\"", "imports are not read");
        refused(&"a {".repeat(GROUP_DEPTH_MAX + 1), "too deep");
    }
}
