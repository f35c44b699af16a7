//! From the bytes of a body to a flat list of rows in document order.

use std::ops::Range;

use crate::json::{self, Reader};

/// What stands in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// A string, quotes included in its spelling.
    String,
    /// A number as it was spelt.
    Number,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
    /// A line of a body that is no JSON.
    Text,
}

impl Kind {
    /// True for what holds other rows.
    #[must_use]
    pub fn is_container(self) -> bool {
        matches!(self, Self::Object | Self::Array)
    }
}

/// One value of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its key, escapes resolved, if it is a member of an object.
    pub key: Option<Box<str>>,
    /// What it is.
    pub kind: Kind,
    /// How deep it stands; the document itself at 0.
    pub depth: u16,
    /// The row that holds it; `None` for the document itself.
    pub parent: Option<u32>,
    /// Its place among its siblings, from 0.
    pub place: u32,
    /// How many rows it holds directly.
    pub children: u32,
    /// The first row after it and all it holds.
    pub end: u32,
    /// Where its spelling stands in the text.
    span: Range<u32>,
}

/// A document as rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    text: String,
    rows: Vec<Row>,
    is_json: bool,
}

impl Tree {
    /// Reads a body. Whatever it is, there is something to show.
    #[must_use]
    pub fn new(body: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(body) else { return Self::lines(hex_dump(body)) };
        if json::check(text).is_err() {
            return Self::lines(text.to_owned());
        }
        let mut tree = Self { text: text.to_owned(), rows: Vec::new(), is_json: true };
        let mut reader = Reader::new(text);
        // It was checked just now, so there is no error to come.
        let _ = tree.add(&mut reader, None, 0, 0, None);
        tree
    }

    fn lines(text: String) -> Self {
        let mut rows = Vec::new();
        let mut from = 0;
        for line in text.split('\n') {
            let at = rows.len() as u32;
            let span = from as u32..(from + line.len()) as u32;
            from += line.len() + 1;
            let row = Row {
                key: None,
                kind: Kind::Text,
                depth: 0,
                parent: None,
                place: at,
                children: 0,
                end: at + 1,
                span,
            };
            rows.push(row);
        }
        Self { text, rows, is_json: false }
    }

    fn add(
        &mut self,
        reader: &mut Reader<'_>,
        key: Option<&str>,
        depth: u16,
        place: u32,
        parent: Option<u32>,
    ) -> Result<(), json::Error> {
        let kind = match reader.peek()? {
            json::Kind::Object => Kind::Object,
            json::Kind::Array => Kind::Array,
            json::Kind::String => Kind::String,
            json::Kind::Number => Kind::Number,
            json::Kind::Bool => Kind::Bool,
            json::Kind::Null => Kind::Null,
        };
        let from = reader.position() as u32;
        let at = self.rows.len() as u32;
        let key = key.map(Box::from);
        self.rows.push(Row { key, kind, depth, parent, place, children: 0, end: 0, span: from..from });
        let mut children = 0;
        match kind {
            Kind::Object => reader.object(|reader, key| {
                children += 1;
                self.add(reader, Some(key), depth + 1, children - 1, Some(at))
            })?,
            Kind::Array => reader.array(|reader| {
                children += 1;
                self.add(reader, None, depth + 1, children - 1, Some(at))
            })?,
            _ => reader.skip().map(|_| true)?,
        };
        let end = self.rows.len() as u32;
        if let Some(row) = self.rows.get_mut(at as usize) {
            (row.children, row.end, row.span.end) = (children, end, reader.position() as u32);
        }
        Ok(())
    }

    /// The rows, in document order; a row's own rows follow it.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// One row.
    #[must_use]
    pub fn row(&self, at: u32) -> Option<&Row> {
        self.rows.get(at as usize)
    }

    /// True if the body is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    /// The body as text (of a hex dump, if it was none).
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A row's value as it was spelt: quotes, escapes, digits, and for a container all it holds.
    #[must_use]
    pub fn spelling(&self, at: u32) -> &str {
        let span = self.row(at).map(|row| row.span.start as usize..row.span.end as usize);
        span.and_then(|span| self.text.get(span)).unwrap_or_default()
    }

    /// A string's text with its escapes resolved; any other scalar as it was spelt.
    #[must_use]
    pub fn scalar(&self, at: u32) -> std::borrow::Cow<'_, str> {
        let spelling = self.spelling(at);
        match self.row(at).map(|row| row.kind) {
            Some(Kind::String) => {
                let inside = spelling.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                json::unescape(inside.unwrap_or(spelling))
            }
            _ => std::borrow::Cow::Borrowed(spelling),
        }
    }

    /// The rows that a row holds directly.
    pub fn children(&self, at: u32) -> impl Iterator<Item = u32> + '_ {
        let end = self.row(at).map_or(0, |row| row.end);
        let mut next = at + 1;
        std::iter::from_fn(move || {
            let child = (next < end).then_some(next)?;
            next = self.row(child)?.end;
            Some(child)
        })
    }
}

/// Bytes that are no text: sixteen a line, in hex and as far as they are printable.
fn hex_dump(body: &[u8]) -> String {
    let lines = body.chunks(16).enumerate().map(|(n, chunk)| {
        let hex: Vec<_> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let plain: String =
            chunk.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect();
        format!("{:06x}  {:<47}  {plain}", n * 16, hex.join(" "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_order_and_repeated_keys_are_kept() {
        let tree = Tree::new(br#" {"b": 57.49999999999999, "a": [1e400, {"x":"\u00e9"}], "b": null} "#);
        let keys: Vec<_> = tree.rows().iter().map(|row| row.key.as_deref().unwrap_or("-")).collect();
        assert_eq!(keys, ["-", "b", "a", "-", "-", "x", "b"]);
        assert_eq!(
            (tree.spelling(1), tree.spelling(3), tree.spelling(5)),
            ("57.49999999999999", "1e400", r#""\u00e9""#)
        );
        assert_eq!(tree.scalar(5), "é");
        assert_eq!(tree.children(0).collect::<Vec<_>>(), [1, 2, 6]);
        assert_eq!(tree.row(2).map(|row| (row.children, row.end)), Some((2, 6)));
    }

    #[test]
    fn what_is_no_json_is_lines() {
        let tree = Tree::new(b"not\n\njson");
        assert!(!tree.is_json());
        assert_eq!((tree.rows().len(), tree.spelling(2)), (3, "json"));
        assert!(Tree::new(&[0xff, b'a']).spelling(0).contains("  .a"));
        assert_eq!(Tree::new("[".repeat(10_000).as_bytes()).rows().len(), 1);
        assert_eq!(Tree::new(b"").rows().len(), 1);
    }
}
