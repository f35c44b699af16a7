//! The frames of the relay: JSON in, JSON out, nothing else.
//!
//! ```text
//! ours    {"type":"start","version":1,"data":{"token":"c_…"}}
//! theirs  {"type":"start","version":1,"data":{"token":"c_…"}}
//! theirs  {"type":"event","version":1,"data":{"id":"…","method":"POST","headers":{…},"body":"base64"}}
//! ours    {"type":"event","version":1,"data":{"id":"…","status":204,"headers":{…},"body":"base64"}}
//! ```

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use crate::domain::delivery::Headers;
use crate::source::answer::Answer;

/// The one version there is.
const VERSION: u64 = 1;
/// Bodies are read with padding and without: the bytes are the same.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the relay says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// It has taken the token; the public URL is built from the one it names.
    Start {
        /// The token.
        token: String,
    },
    /// A delivery, to be answered by its id.
    Event(Event),
}

/// A delivery as the relay passes it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The relay's own id of it, which is not the `svix-id`.
    pub id: String,
    /// The method of the request.
    pub method: String,
    /// Its headers, names in lower case.
    pub headers: Headers,
    /// Its body.
    pub body: Body,
}

/// The body of a delivery, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The bytes as they were sent.
    Whole(Bytes),
    /// It is over the limit, and was not decoded.
    TooLarge,
    /// It is no base64.
    Garbled,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: String,
    version: Option<u64>,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct StartData {
    token: String,
}

#[derive(Deserialize)]
struct EventData {
    id: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default)]
    body: Option<String>,
}

/// Reads a frame; bodies of more than `max_body` bytes are left alone.
///
/// # Errors
/// Why it is none that we know, in a few words.
pub fn read(text: &[u8], max_body: usize) -> Result<Frame, String> {
    let envelope: Envelope =
        serde_json::from_slice(text).map_err(|error| format!("it is no frame: {error}"))?;
    let Envelope { kind, version, data } = envelope;
    if version != Some(VERSION) {
        return Err(match version {
            Some(version) => {
                format!("version {version} is not known; update invigil if there is a newer one")
            }
            None => "it names no version".to_owned(),
        });
    }
    let wrong = |error: serde_json::Error| format!("its data is not that of a frame `{kind}`: {error}");
    match kind.as_str() {
        "start" => {
            let StartData { token } = serde_json::from_str(data.get()).map_err(wrong)?;
            Ok(Frame::Start { token })
        }
        "event" => Ok(Frame::Event(event(serde_json::from_str(data.get()).map_err(wrong)?, max_body))),
        _ => Err(format!("type `{}` is not known", kind.chars().take(40).collect::<String>())),
    }
}

fn event(data: EventData, max_body: usize) -> Event {
    let text = data.body.unwrap_or_default();
    // Four letters are three bytes, and a last, incomplete group brings fewer.
    let body = if text.trim_end_matches('=').len() / 4 * 3 > max_body {
        Body::TooLarge
    } else {
        match LENIENT.decode(&text) {
            Ok(bytes) if bytes.len() > max_body => Body::TooLarge,
            Ok(bytes) => Body::Whole(bytes.into()),
            Err(_) => Body::Garbled,
        }
    };
    // The same name in another case: the last value wins, as in the other clients.
    let mut headers = Map::new();
    for (name, value) in data.headers.unwrap_or_default() {
        headers.insert(name.to_ascii_lowercase(), value);
    }
    let text = |(name, value)| match value {
        Value::String(value) => Some((name, value)),
        _ => None,
    };
    let headers = Headers(headers.into_iter().filter_map(text).collect());
    let method = data.method.unwrap_or_else(|| "POST".to_owned());
    Event { id: data.id, method, headers, body }
}

/// The frame that asks for a token.
#[must_use]
pub fn start(token: &str) -> String {
    json!({ "type": "start", "version": VERSION, "data": { "token": token } }).to_string()
}

/// The frame that answers a delivery.
#[must_use]
pub fn answer(id: &str, answer: &Answer) -> String {
    let headers: Map<String, Value> =
        answer.header.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    let data = json!({
        "id": id,
        "status": answer.status.as_u16(),
        "headers": headers,
        "body": STANDARD.encode(&answer.body),
    });
    json!({ "type": "event", "version": VERSION, "data": data }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::refusal::Code;
    use crate::source::intake::Reply;

    fn event_of(text: &str) -> Event {
        match read(text.as_bytes(), 8).unwrap() {
            Frame::Event(event) => event,
            start @ Frame::Start { .. } => panic!("{start:?}"),
        }
    }

    #[test]
    fn an_event_is_read_to_the_byte_whatever_its_headers_case() {
        let event = event_of(
            r#"{"type":"event","version":1,"extra":[],"data":{"id":"2Nm","method":"PUT","odd":null,
                "headers":{"Svix-Id":"msg_1","HOST":"x","host":"y","n":7},"body":"/wD+"}}"#,
        );
        let headers = [("svix-id", "msg_1"), ("host", "y")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!((event.id.as_str(), event.method.as_str()), ("2Nm", "PUT"));
        assert_eq!(event.headers, Headers(headers.into()));
        assert_eq!(event.body, Body::Whole(Bytes::from_static(&[0xff, 0, 0xfe])));
    }

    #[test]
    fn a_body_is_whole_empty_too_large_or_garbled() {
        let body = |body: &str| {
            event_of(&format!(r#"{{"type":"event","version":1,"data":{{"id":"a","body":{body}}}}}"#)).body
        };
        let whole = |bytes: &'static [u8]| Body::Whole(Bytes::from_static(bytes));
        assert_eq!(body("null"), whole(b""));
        assert_eq!(body("\"\""), whole(b""));
        assert_eq!(body("\"YQ\""), whole(b"a"));
        assert_eq!(body("\"YWJjZGVmZ2g=\""), whole(b"abcdefgh"));
        assert_eq!(body("\"YWJjZGVmZ2hp\""), Body::TooLarge);
        assert_eq!(body(&format!("\"{}\"", "!".repeat(100))), Body::TooLarge);
        assert_eq!(body("\"no base64\""), Body::Garbled);
    }

    #[test]
    fn what_is_no_frame_is_named() {
        for (text, why) in [
            ("", "it is no frame"),
            ("garbage", "it is no frame"),
            ("[1]", "it is no frame"),
            (r#"{"type":"event","data":{"id":"a"}}"#, "it names no version"),
            (r#"{"type":"event","version":2,"data":{"id":"a"}}"#, "version 2"),
            (r#"{"type":"ack","version":1,"data":{}}"#, "type `ack`"),
            (r#"{"type":"event","version":1,"data":{}}"#, "missing field `id`"),
            (r#"{"type":"start","version":1,"data":{"token":7}}"#, "frame `start`"),
        ] {
            let told = read(text.as_bytes(), 8).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
        assert!(read(&[0xff, 0xfe], 8).is_err());
    }

    #[test]
    fn ours_are_as_the_other_clients_write_them() {
        assert_eq!(start("c_0a"), r#"{"type":"start","version":1,"data":{"token":"c_0a"}}"#);
        let refused = Answer::of(&Reply::Refused(Code::NoMatchingSignature));
        assert_eq!(
            answer("2Nm", &refused),
            r#"{"type":"event","version":1,"data":{"id":"2Nm","status":401,"headers":{"content-type":"application/json"},"body":"eyJlcnJvciI6Im5vX21hdGNoaW5nX3NpZ25hdHVyZSJ9"}}"#
        );
    }
}
