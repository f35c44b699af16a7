//! Where another invigil lets people look on: read from what a person types.

use std::fmt;

use axum::http::Uri;

use crate::client::url::has_port;
use crate::domain::stream::Position;

/// Where one looks on.
const PATH: &str = "/attach";

/// A control address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// With `ws` or `wss`, up to what comes before the path.
    base: String,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl Address {
    /// Reads `ws://` or `wss://` and a host; `http://` and `https://` mean the same, and so does an address
    /// alone. Below a path it is that of a proxy.
    ///
    /// # Errors
    /// Why it cannot be used, in a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no address to look on at, like ws://127.0.0.1:7070 or wss://host");
        let whole = if text.contains("://") { text.to_owned() } else { format!("ws://{text}") };
        let uri: Uri = whole.parse().map_err(|_no_uri| wrong())?;
        let scheme = match uri.scheme_str() {
            Some("ws" | "http") => "ws",
            Some("wss" | "https") => "wss",
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.host().is_empty() || uri.query().is_some() || !has_port(authority) {
            return Err(wrong());
        }
        if authority.as_str().contains('@') {
            return Err(
                "a token does not stand in the URL; give it by --token-file or INVIGIL_CONTROL_TOKEN".into(),
            );
        }
        let path = uri.path().trim_end_matches('/');
        let below = path.strip_suffix(PATH).unwrap_or(path);
        Ok(Self { base: format!("{scheme}://{authority}{below}") })
    }

    /// The URL of the stream from a position of a session on.
    ///
    /// # Errors
    /// If it makes no URL.
    pub(super) fn stream(&self, session: &str, from: &Position) -> Result<Uri, String> {
        let mut text = format!("{}{PATH}?after={}&repeats={}", self.base, from.seq, from.repeats);
        if !session.is_empty() {
            text.push_str("&session=");
            escape(&mut text, session);
        }
        if !from.id.is_empty() {
            text.push_str("&id=");
            escape(&mut text, &from.id);
        }
        text.parse().map_err(|why| format!("its URL is none: {why}"))
    }
}

/// Appends what may stand in a query as it is, and the rest as `%XX`.
fn escape(to: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            to.push(char::from(byte));
        } else {
            let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
            to.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_names_a_host_is_read() {
        let base = |text: &str| Address::parse(text).map(|address| address.to_string());
        for (text, wanted) in [
            ("ws://127.0.0.1:7070", "ws://127.0.0.1:7070"),
            ("ws://127.0.0.1:7070/attach", "ws://127.0.0.1:7070"),
            ("http://127.0.0.1:7070/", "ws://127.0.0.1:7070"),
            ("127.0.0.1:7070", "ws://127.0.0.1:7070"),
            ("localhost:7070", "ws://localhost:7070"),
            ("[::1]:7070", "ws://[::1]:7070"),
            ("https://watch.example.com/below/", "wss://watch.example.com/below"),
            ("wss://watch.example.com/below/attach", "wss://watch.example.com/below"),
        ] {
            assert_eq!(base(text).as_deref(), Ok(wanted), "{text}");
        }
        for bad in
            ["", "ftp://h", "ws://", "wss:///x", "a b", "ws://h?after=1", "ws://h:99999", "/tmp/x.sqlite"]
        {
            assert!(base(bad).unwrap_err().contains("no address"), "{bad}");
        }
        assert!(base("ws://token@h").unwrap_err().contains("--token-file"));
    }

    #[test]
    fn a_position_stands_in_the_url() {
        let address = Address::parse("h:1").unwrap();
        let from = Position { seq: 12, id: "msg/é".into(), repeats: 3 };
        assert_eq!(
            address.stream("5f", &from).unwrap().to_string(),
            "ws://h:1/attach?after=12&repeats=3&session=5f&id=msg%2f%c3%a9"
        );
    }
}
