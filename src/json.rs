//! The one reader of JSON text: a pull parser over the bytes as they came.
//!
//! Ordinary JSON libraries are wrong here on purpose: a webhook body may repeat a key, spell a number as
//! `1e400`, carry a lone surrogate or nest ten thousand arrays, and none of that may lose an event or a
//! digit. So nothing is converted before somebody asks: a value is a slice of the text, and a value of an
//! unexpected type is skipped, not an error. Only text that is not JSON at all is an error.

use std::borrow::Cow;

/// How deep arrays and objects may nest before the text counts as "no JSON".
///
/// Common readers (`serde_json`, many others) stop at 128. The saved session embeds a body three levels
/// deep, so this keeps a saved session readable by all of them.
pub const MAX_DEPTH: u32 = 120;

/// Where and why a text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct Error {
    /// What was wrong there.
    pub what: &'static str,
    /// Byte offset from the start of the text.
    pub at: usize,
}

/// What kind of value comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{`
    Object,
    /// `[`
    Array,
    /// `"`
    String,
    /// A digit or a minus sign.
    Number,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
}

/// A pull parser: ask for what you expect, get `None` where something else stands.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    deepest: u32,
}

type Result<T> = std::result::Result<T, Error>;

impl<'a> Reader<'a> {
    /// Starts at the beginning of `text`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, deepest: MAX_DEPTH }
    }

    /// The same for a document that holds others, each of which may nest [`MAX_DEPTH`] deep, so many levels
    /// down.
    #[must_use]
    pub fn around(text: &'a str, levels: u32) -> Self {
        Self { deepest: MAX_DEPTH + levels, ..Self::new(text) }
    }

    /// Byte offset of the next unread byte, blanks included.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    fn fail<T>(&self, what: &'static str) -> Result<T> {
        Err(Error { what, at: self.at })
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The text from a position on, up to the next unread byte.
    #[must_use]
    pub fn slice(&self, from: usize) -> &'a str {
        // Ends always fall on ASCII bytes that were just read, so this is never `None`.
        self.text.get(from..self.at).unwrap_or_default()
    }

    /// The kind of the next value; the reader then stands on its first byte.
    ///
    /// # Errors
    /// If no value can start here.
    pub fn peek(&mut self) -> Result<Kind> {
        self.blanks();
        match self.byte() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            Some(_) => self.fail("expected a value"),
            None => self.fail("the text ends too early"),
        }
    }

    /// Reads an object, handing every key and the reader on its value to `member`, which must consume
    /// exactly that value. Any other value is skipped. True if there was an object.
    ///
    /// # Errors
    /// If the text is no JSON here, or nests deeper than [`MAX_DEPTH`].
    pub fn object(&mut self, mut member: impl FnMut(&mut Self, &str) -> Result<()>) -> Result<bool> {
        if self.peek()? != Kind::Object {
            self.skip()?;
            return Ok(false);
        }
        self.enter()?;
        if !self.closes(b'}') {
            loop {
                self.blanks();
                let key = self.text()?;
                self.blanks();
                if self.byte() != Some(b':') {
                    return self.fail("expected `:`");
                }
                self.at += 1;
                member(self, &key)?;
                if !self.more(b'}')? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(true)
    }

    /// Reads an array, handing the reader on each element to `element`, which must consume exactly one
    /// value. Any other value is skipped. True if there was an array.
    ///
    /// # Errors
    /// If the text is no JSON here, or nests deeper than [`MAX_DEPTH`].
    pub fn array(&mut self, mut element: impl FnMut(&mut Self) -> Result<()>) -> Result<bool> {
        if self.peek()? != Kind::Array {
            self.skip()?;
            return Ok(false);
        }
        self.enter()?;
        if !self.closes(b']') {
            loop {
                element(self)?;
                if !self.more(b']')? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(true)
    }

    fn enter(&mut self) -> Result<()> {
        if self.depth >= self.deepest {
            return self.fail("nested too deeply");
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    fn closes(&mut self, end: u8) -> bool {
        self.blanks();
        let closed = self.byte() == Some(end);
        if closed {
            self.at += 1;
        }
        closed
    }

    fn more(&mut self, end: u8) -> Result<bool> {
        self.blanks();
        match self.byte() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(false)
            }
            _ => self.fail("expected `,` or the end of the object or array"),
        }
    }

    /// Skips one value of any kind and returns its text as it was spelt, without blanks around it.
    ///
    /// # Errors
    /// If the text is no JSON here, or nests deeper than [`MAX_DEPTH`].
    pub fn skip(&mut self) -> Result<&'a str> {
        let kind = self.peek()?;
        let from = self.at;
        match kind {
            Kind::Object => {
                self.object(|reader, _| reader.skip().map(drop))?;
            }
            Kind::Array => {
                self.array(|reader| reader.skip().map(drop))?;
            }
            Kind::String => {
                self.raw_string()?;
            }
            Kind::Number => self.raw_number()?,
            Kind::Bool | Kind::Null => self.word()?,
        }
        Ok(self.slice(from))
    }

    /// The next value if it is a string, unescaped; lone surrogates become U+FFFD.
    ///
    /// # Errors
    /// If the text is no JSON here.
    pub fn string(&mut self) -> Result<Option<Cow<'a, str>>> {
        if self.peek()? == Kind::String {
            return Ok(Some(self.text()?));
        }
        self.skip()?;
        Ok(None)
    }

    /// The next value if it is a finite number, or a string that spells a whole one.
    ///
    /// # Errors
    /// If the text is no JSON here.
    pub fn number(&mut self) -> Result<Option<f64>> {
        let kind = self.peek()?;
        let raw = self.skip()?;
        let number: Option<f64> = match kind {
            Kind::Number => raw.parse().ok(),
            Kind::String => {
                raw.trim_matches('"').parse::<i64>().ok().and_then(|whole| whole.to_string().parse().ok())
            }
            _ => None,
        };
        Ok(number.filter(|number| number.is_finite()))
    }

    /// The next value if it is `true` or `false`.
    ///
    /// # Errors
    /// If the text is no JSON here.
    pub fn boolean(&mut self) -> Result<Option<bool>> {
        Ok(match self.skip()? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        })
    }

    /// Checks that nothing but blanks is left.
    ///
    /// # Errors
    /// If something is left.
    pub fn finish(mut self) -> Result<()> {
        self.blanks();
        if self.at == self.text.len() { Ok(()) } else { self.fail("something follows the value") }
    }

    /// The text between the quotes, escapes checked but not resolved.
    ///
    /// # Errors
    /// If there is no well-formed string here.
    pub fn raw_string(&mut self) -> Result<&'a str> {
        Ok(self.token()?.0)
    }

    /// The same, escapes resolved.
    fn text(&mut self) -> Result<Cow<'a, str>> {
        let (raw, escapes) = self.token()?;
        Ok(if escapes { unescape(raw) } else { Cow::Borrowed(raw) })
    }

    /// The text between the quotes, and whether there are escapes in it.
    fn token(&mut self) -> Result<(&'a str, bool)> {
        if self.byte() != Some(b'"') {
            return self.fail("expected a string");
        }
        self.at += 1;
        let from = self.at;
        let bytes = self.text.as_bytes();
        let mut escapes = false;
        loop {
            self.at += plain(bytes.get(self.at..).unwrap_or_default());
            match self.byte() {
                Some(b'"') => {
                    let raw = self.slice(from);
                    self.at += 1;
                    return Ok((raw, escapes));
                }
                Some(b'\\') => escapes = true,
                Some(_) => return self.fail("control character in a string"),
                None => return self.fail("the text ends within a string"),
            }
            let hex =
                || bytes.get(self.at + 2..self.at + 6).is_some_and(|h| h.iter().all(u8::is_ascii_hexdigit));
            match bytes.get(self.at + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
                Some(b'u') if hex() => self.at += 6,
                _ => return self.fail("bad escape in a string"),
            }
        }
    }

    fn digits(&mut self) -> Result<()> {
        let from = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == from { self.fail("expected a digit") } else { Ok(()) }
    }

    fn raw_number(&mut self) -> Result<()> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn word(&mut self) -> Result<()> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        match ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word)) {
            Some(word) => {
                self.at += word.len();
                Ok(())
            }
            None => self.fail("expected a value"),
        }
    }
}

/// How many bytes stand for themselves in a string: up to a quote, a backslash or a control character. Most
/// strings are short, so that eight at a time are quicker than any search that has to be set up.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    // The highest bit of each byte that is smaller; of those after the first such byte it may be wrong.
    let less = |word: u64, than: u64| word.wrapping_sub(ONES * than) & !word & (ONES * 0x80);
    let (words, rest) = bytes.as_chunks::<8>();
    for (n, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let is = |byte: u8| less(word ^ (ONES * u64::from(byte)), 1);
        let found = less(word, 0x20) | is(b'"') | is(b'\\');
        if found != 0 {
            return n * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    let rest = rest.iter().position(special).unwrap_or(rest.len());
    words.len() * 8 + rest
}

/// Checks that `text` is one JSON value and no deeper than [`MAX_DEPTH`].
///
/// # Errors
/// Where it is not.
pub fn check(text: &str) -> Result<()> {
    let mut reader = Reader::new(text);
    reader.skip()?;
    reader.finish()
}

/// The blanks before the value of a JSON text, the value, and the blanks after it: to those who read JSON they are no
/// part of it, and they were signed with it.
#[must_use]
pub fn apart(text: &str) -> [&str; 3] {
    let value = text.trim();
    let (before, after) = text.split_once(value).unwrap_or_default();
    [before, value, after]
}

/// Resolves the escapes of a string's inside as [`Reader::raw_string`] returns it.
#[must_use]
pub fn unescape(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut chars = after.chars();
        match chars.next() {
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                rest = unescape_unit(after.get(1..).unwrap_or_default(), &mut out);
                continue;
            }
            Some(other) => out.push(other),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Resolves the four digits after `\u`, and the low surrogate that may follow; returns what is left.
fn unescape_unit<'a>(after: &'a str, out: &mut String) -> &'a str {
    let unit = |text: &str| text.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let Some(first) = unit(after) else { return after };
    let rest = after.get(4..).unwrap_or_default();
    if let Some(low) = rest.strip_prefix("\\u").and_then(unit)
        && (0xD800..0xDC00).contains(&first)
        && (0xDC00..0xE000).contains(&low)
    {
        let code = 0x1_0000 + ((first - 0xD800) << 10) + (low - 0xDC00);
        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        return rest.get(6..).unwrap_or_default();
    }
    out.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

#[cfg(test)]
mod tests;
