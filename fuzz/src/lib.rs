//! What must hold for any bytes at all, one function for each reader of text from outside.
//!
//! The fuzzer runs them without end (`cargo fuzz run NAME`), and `cargo test` on the corpus and on made-up
//! bytes (`tests/it/fuzz.rs`). A promise that is broken is a panic.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken promise is to stop the fuzzer")]

use std::cell::OnceCell;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use invigil::app::reading::Reading;
use invigil::domain::clean::{self, Clean};
use invigil::domain::delivery::Headers;
use invigil::domain::query::{Anchor, Query};
use invigil::domain::redact::Redactor;
use invigil::domain::secret::{Keyring, Secret};
use invigil::domain::stream::{self, BatchWriter};
use invigil::domain::time::Timestamp;
use invigil::domain::{alert, envelope, filter, id, signature};
use invigil::json;
use invigil::payload::tree::Tree;
use invigil::payload::{decode, diff, find, fold, path};
use invigil::source::peer::{Network, Peers};
use invigil::source::relay::address::Address;
use invigil::source::relay::frame::{self, Body, Frame};
use invigil::source::relay::token;
use invigil::store::export::{self, Choice, Format};
use invigil::store::import;
use invigil::store::reader::Reader;
use tempfile::TempDir;

/// The secret everything is signed with; it must turn up nowhere.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Bytes a relayed body may have.
const MAX_BODY: usize = 64;

/// What holds a promise to any bytes.
type Target = fn(&[u8]);

/// Every target with its name.
pub const ALL: [(&str, Target); 8] = [
    ("signature", signature),
    ("envelope", envelope),
    ("tree", tree),
    ("filter", filter),
    ("import", import),
    ("relay", relay),
    ("attach", attach),
    ("forwarded", forwarded),
];

/// A text that is shown must hold nothing that hides, and stay as it is when it is cleaned again.
fn shown(text: &str) {
    let clean = Clean::of(text);
    assert!(clean.as_str().chars().all(clean::plain), "{text:?}");
    assert_eq!(Clean::of(clean.as_str()), clean);
}

/// What a stranger sent as one of the two headers, before a proxy that is trusted wrote behind it. The first byte
/// says which header, and how the proxy writes.
pub fn forwarded(data: &[u8]) {
    let Some((how, sent)) = data.split_first() else { return };
    let (name, mark) = if how & 1 == 0 { ("x-forwarded-for", "") } else { ("forwarded", "for=") };
    let (client, spelt) = match how & 6 {
        0 => ("198.51.100.4", "198.51.100.4"),
        2 => ("198.51.100.4", "\"198.51.100.4:4711\""),
        4 => ("2001:db8::4", "\"[2001:db8::4]\""),
        _ => ("2001:db8::4", "\"[2001:db8::4]:4711\""),
    };
    let spelt = if mark.is_empty() { spelt.trim_matches('"') } else { spelt };
    let line = [sent, b", ", mark.as_bytes(), spelt.as_bytes()].concat();
    let Ok(line) = HeaderValue::from_bytes(&line) else { return };
    let proxy = SocketAddr::from(([127, 0, 0, 1], 4711));
    let trusted = ["127.0.0.0/8".parse().unwrap()];
    let of = |trusted: &[Network], line: HeaderValue| {
        Peers::new(trusted, &[]).client(proxy, &HeaderMap::from_iter([(HeaderName::from_static(name), line)]))
    };
    assert_eq!(of(&[], line.clone()), proxy.ip(), "who is not trusted has no say");
    let found = of(&trusted, line.clone());
    let real: IpAddr = client.parse().unwrap();
    assert!(found == real || found == proxy.ip(), "{line:?} made {real} into {found}");
}

/// The three headers, a line each, then the body. The first byte says what is signed well.
pub fn signature(data: &[u8]) {
    let Some((how, data)) = data.split_first() else { return };
    let mut parts = data.splitn(4, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (message, timestamp, mut given, body) = (text(part()), text(part()), text(part()), part());
    let secret = Secret::parse(SECRET).unwrap();
    let now = Timestamp::from_secs(1_614_265_330).unwrap();
    let right = timestamp.trim().parse().ok().map(|secs| secret.sign(message.trim(), secs, body));
    if let (1, Some(right)) = (how % 4, &right) {
        given = format!("{given} {right}");
    }
    let prefix = if how & 4 == 0 { "svix" } else { "webhook" };
    let named = |name: &str, value: &str| (format!("{prefix}-{name}"), value.to_owned());
    let headers =
        Headers(vec![named("id", &message), named("timestamp", &timestamp), named("signature", &given)]);
    let keyring = Keyring::new(vec![Secret::from_bytes([7; 24]), secret]);
    match signature::verify(&headers, body, &keyring, 300, now) {
        Ok(verified) => {
            let right = right.unwrap();
            let tag = right.trim_start_matches("v1,");
            assert!(given.contains(tag), "{given:?} was taken for {right:?}");
            assert!(now.since(verified.sent_at).abs() <= 300_000);
        }
        Err(fault) => {
            shown(&fault.sentence);
            assert!(!fault.sentence.contains("MfKQ9r8G"), "{}", fault.sentence);
            if let Some(tag) = right.as_deref().and_then(|right| right.strip_prefix("v1,")) {
                assert!(!fault.sentence.contains(tag), "{}", fault.sentence);
            }
        }
    }
    // Nothing is verified without a secret, whatever is claimed.
    assert!(signature::verify(&headers, body, &Keyring::default(), 300, now).is_err());
    if let Ok((message, _)) = signature::read_unverified(&headers, body, now) {
        assert!(!message.is_empty());
    }
    let _ = id::created_at(&message);
    if let Err(error) = Secret::parse(&message) {
        shown(&error.to_string());
    }
}

/// A body, read as an event and with everything personal taken out.
pub fn envelope(data: &[u8]) {
    let event = envelope::decode(data);
    let text = std::str::from_utf8(data);
    assert_eq!(event.is_json, text.is_ok_and(|text| json::check(text).is_ok()));
    assert!(event.kind.is_none() || event.is_json);
    if let Some(score) = event.score {
        assert!(score.is_finite());
    }
    let Some(text) = text.ok().filter(|_| event.is_json) else {
        // Others may be stricter, but not more lenient; what they skip they do not always look at.
        assert!(text.is_err() || !strict(data), "{:?}", String::from_utf8_lossy(data));
        return;
    };
    let people: Vec<String> = event.candidate_name.iter().cloned().collect();
    let redactor = Redactor::new(&people);
    let redacted = redactor.payload(text);
    assert_eq!(json::check(&redacted), Ok(()), "{redacted}");
    if strict(data) {
        assert!(strict(redacted.as_bytes()), "{redacted}");
    }
    // What was said is still said.
    let again = envelope::decode(redacted.as_bytes());
    assert_eq!(again.kind, event.kind);
    assert_eq!(again.signals.counts, event.signals.counts);
}

/// Whether an independent reader takes it.
fn strict(data: &[u8]) -> bool {
    let mut reader = serde_json::Deserializer::from_slice(data);
    // Nesting is counted a little differently by each.
    let depth = data.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
    depth < 100
        && <serde::de::IgnoredAny as serde::Deserialize>::deserialize(&mut reader).is_ok()
        && reader.end().is_ok()
}

/// Two bodies with a zero byte between, as trees: rows, folds, paths, search and what changed.
pub fn tree(data: &[u8]) {
    let mut halves = data.splitn(2, |byte| *byte == 0);
    let (first, second) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
    let (old, new) = (Tree::new(first), Tree::new(second));
    for tree in [&old, &new] {
        assert!(!tree.rows().is_empty());
        let count = u32::try_from(tree.rows().len()).unwrap();
        let mut folds = fold::Folds::new(tree);
        folds.set_all(tree, false);
        for at in 0..count.min(200) {
            let row = tree.row(at).unwrap();
            assert!(row.end > at && row.end <= count);
            assert!(row.parent.is_none_or(|parent| parent < at));
            assert_eq!(tree.children(at).count(), row.children as usize);
            let _ = (path::of(tree, at), tree.scalar(at), decode::hidden_json(&tree.scalar(at)));
            folds.reveal(tree, at);
            assert_eq!(folds.visible().get(folds.place(at)), Some(&at));
        }
        let hits = find::Hits::of(tree, "a");
        assert!(hits.rows().iter().all(|at| *at < count));
    }
    assert_eq!(diff::compare(&old, &old), []);
    let changes = diff::compare(&old, &new);
    if old.is_json() == new.is_json() && old.text() == new.text() {
        assert_eq!(changes, []);
    }
    let mut reading = Reading::new(second);
    reading.compare(first);
    for (width, height) in [(80, 24), (1, 1)] {
        reading.fit(width, height);
        reading.show_changes(true);
        reading.look("a");
        assert!(reading.is_empty() || reading.at() < reading.len());
        let _ = (reading.path(), reading.link(), reading.raw_lines().count());
    }
}

/// A text as a filter, printed and read again, and asked of a session; and as a rule of an alert.
pub fn filter(data: &[u8]) {
    thread_local! {
        static SESSION: OnceCell<(TempDir, Reader)> = const { OnceCell::new() };
    }
    let text = String::from_utf8_lossy(data);
    if let Ok(rule) = text.parse::<alert::Rule>() {
        assert_eq!(rule.to_string().parse(), Ok(rule));
    }
    let parsed = match filter::parse(&text) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!((1..=text.chars().count() + 1).contains(&error.column), "{text:?}: {error}");
            return shown(&error.to_string());
        }
    };
    let printed = parsed.to_string();
    assert_eq!(filter::parse(&printed).as_ref(), Ok(&parsed), "{text:?} was printed as {printed:?}");
    SESSION.with(|session| {
        let (_, reader) = session.get_or_init(|| {
            let directory = tempfile::tempdir().unwrap();
            let kept = keep(directory.path(), SAVED.as_bytes()).unwrap();
            (directory, kept)
        });
        let query = Query {
            filters: vec![parsed],
            now: Timestamp::parse("2026-11-24T00:00:00Z").unwrap(),
            ..Query::default()
        };
        let ask = || -> Result<u64, invigil::store::StoreError> {
            reader.candidates(&query, &Anchor::First, 0, 10)?;
            reader.assessments(&query, &Anchor::First, 0, 10)?;
            reader.rises(&query, &Anchor::First, 0, 10)?;
            Ok(reader.events(&query, &Anchor::First, 0, 10, &[])?.total)
        };
        let found = ask().unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert!(found <= 3);
    });
}

/// A small saved session.
const SAVED: &str = r#"{"format":"invigil-session","version":1,"events":[
{"id":"msg_1","occurred_at":"2026-11-23T10:00:00Z","received_at":"2026-11-23T10:00:01Z","deliveries":2,"verified":true,"source":"http",
 "payload":{"type":"candidate","event":"completed","timestamp":1795428000000,"data":{"assessmentId":"a1","candidateId":"c1","firstName":"Bea",
 "scores":{"avgScorePercentage":57.5},"signals":{"antiCheating":{"tabSwitchCount":4}}}}},
{"id":"msg_2","received_at":"2026-11-23T10:00:02Z","verified":false,"source":"relay","payload":{"type":"assessment","event":"archived","data":{"assessmentId":"a1"}}},
{"id":"msg_3","received_at":"2026-11-23T10:00:03Z","body_base64":"bm8ganNvbg=="}]}"#;

fn keep(directory: &Path, saved: &[u8]) -> Option<Reader> {
    let (from, to) = (directory.join("saved.json"), directory.join("session.sqlite"));
    std::fs::write(&from, saved).unwrap();
    match import::fill(&from, &to) {
        Ok(_) => Some(Reader::open(&to).unwrap()),
        Err(error) => {
            shown(&error.to_string());
            None
        }
    }
}

/// A saved session, read, saved, read again: the second says what the first did.
pub fn import(data: &[u8]) {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(reader) = keep(first.path(), data) else { return };
    let save = |reader: &Reader, redact, format| {
        let mut out = Vec::new();
        let choice = Choice { filter: None, redact, now: Timestamp::parse("2026-11-24T00:00:00Z").unwrap() };
        export::write(reader, &mut out, format, &choice).unwrap();
        String::from_utf8(out).unwrap()
    };
    let saved = save(&reader, false, Format::Json);
    assert_eq!(json::check(&saved), Ok(()));
    let again = keep(second.path(), saved.as_bytes()).unwrap();
    let again = save(&again, false, Format::Json);
    let told = |saved: &str| saved.split_once("\"totals\"").map(|(_, told)| told.to_owned());
    assert_eq!(told(&saved), told(&again));
    assert_eq!(json::check(&save(&reader, true, Format::Json)), Ok(()));
    let table = save(&reader, false, Format::Csv);
    assert!(table.split("\r\n").all(|row| row.chars().all(clean::plain)), "{table:?}");
}

/// A frame of the relay.
pub fn relay(data: &[u8]) {
    match frame::read(data, MAX_BODY) {
        Ok(Frame::Event(event)) => {
            assert!(event.headers.0.iter().all(|(name, _)| !name.bytes().any(|b| b.is_ascii_uppercase())));
            if let Body::Whole(body) = &event.body {
                assert!(body.len() <= MAX_BODY);
            }
        }
        Ok(Frame::Start { token }) => {
            if token::is_plain(&token) {
                let address = Address::parse("wss://relay.example").unwrap();
                assert!(address.receive(&token).contains(&token));
            }
        }
        Err(why) => shown(&why),
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Err(why) = Address::parse(text)
    {
        shown(&why);
    }
}

/// A frame of an invigil that is looked at; what it tells of events is written and read again.
pub fn attach(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match stream::read(text) {
        Ok(stream::Frame::Batch(batch)) => {
            let mut writer = BatchWriter::default();
            for record in &batch.events {
                assert!(u32::try_from(record.deliveries).is_ok(), "the sum over all events fits");
                assert_eq!(record.event, envelope::decode(&record.body), "as if it had come by itself");
                writer.event(record);
            }
            let written = writer.finish(&batch);
            let Ok(stream::Frame::Batch(again)) = stream::read(&written) else { panic!("{written}") };
            assert_eq!(again.events.len(), batch.events.len());
            for (before, after) in batch.events.iter().zip(&again.events) {
                assert_eq!((&before.id, &before.headers), (&after.id, &after.headers));
                assert_eq!(before.body, after.body);
            }
        }
        Ok(stream::Frame::Hello(hello)) => {
            assert!(hello.session.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
        Ok(stream::Frame::Report(_) | stream::Frame::Unknown) => {}
        Err(why) => shown(&why),
    }
}
