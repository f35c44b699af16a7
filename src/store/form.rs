//! The forms an event takes as JSON: as it came, on one line, or safe to look at.

use std::borrow::Cow;

use crate::domain::clean;

/// How an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Its payload as it came.
    Verbatim,
    /// The same, but for line breaks between its parts: those are blanks.
    Line,
    /// A line in which every character that hides is spelt as its escape.
    Plain,
}

impl Form {
    /// A JSON text in this form. Inside its strings there are no line breaks but escaped ones.
    pub(super) fn of(self, json: &str) -> Cow<'_, str> {
        let broken = json.contains(['\n', '\r']);
        let line = || if broken { json.replace(['\n', '\r'], " ").into() } else { Cow::Borrowed(json) };
        match self {
            Self::Verbatim => json.into(),
            Self::Line => line(),
            Self::Plain => clean::json(&line()).into_owned().into(),
        }
    }
}
