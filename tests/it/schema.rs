//! The saved JSON is what `assets/session.schema.json` says, whatever the session holds.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a document that is not as it should be is to fail"
)]

use invigil::domain::delivery::Source;
use invigil::domain::event::{EventKind, Status};
use invigil::domain::filter;
use invigil::domain::proctoring::{Flag, ViolationKind};
use invigil::domain::time::Timestamp;
use jsonschema::Validator;
use serde_json::{Value, json};

use super::keeping::{Keeper, midnight};

const SCHEMA: &str = include_str!("../../assets/session.schema.json");
const CANDIDATE: &str = include_str!("../../assets/samples/candidate.completed.json");
const ASSESSMENT: &str = include_str!("../../assets/samples/assessment.created.json");

/// A body with white space around it.
const AROUND: &[u8] = br#" {"type":"candidate","event":"teleported","data":{"a":1,"a":2}} "#;

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

fn validator() -> Validator {
    jsonschema::options().should_validate_formats(true).build(&schema()).unwrap()
}

/// Reads a saved JSON and fails with every place where it is not as the schema says.
fn valid(saved: &str) -> Value {
    let document: Value = serde_json::from_str(saved).unwrap();
    let validator = validator();
    let wrong: Vec<_> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "not as the schema says:\n{}", wrong.join("\n"));
    document
}

fn at(minute: i64) -> Timestamp {
    midnight().plus_millis(minute * 60_000)
}

/// Something of everything a session can hold.
fn session() -> Keeper {
    let keeper = Keeper::new();
    for (n, kind) in (0..).zip(EventKind::ALL) {
        let sample = if kind.of_assessment() { ASSESSMENT } else { CANDIDATE };
        let mut body: Value = serde_json::from_str(sample).unwrap();
        body["event"] = json!(kind.event());
        if !kind.of_assessment() {
            body["data"]["candidateId"] = json!(format!("candidate-{}", n % 3));
            body["data"]["signals"]["antiCheating"]["tabSwitchCount"] = json!(n);
            body["data"]["signals"]["antiCheating"]["copyPasteDetected"] = json!(n % 2 == 0);
            body["data"]["signals"]["antiCheating"]["endIPAddress"] = json!("198.51.100.7");
        }
        let source = Source::ALL[n as usize % 4];
        keeper.take(&format!("msg_{n}"), at(n), source, body.to_string().as_bytes());
    }
    let odd: [&[u8]; 9] = [
        b"no JSON at all",
        b"",
        b"\xff\xfe\x00",
        b"[1, 2e300, -0, \"\\u00e9\"]",
        AROUND,
        br#"{"type":"candidate","event":"completed"}"#,
        br#"{"type":"candidate","event":"score_updated","data":{"assessmentId":"alone","candidateId":"c"}}"#,
        br#"{"type":"assessment","event":"deleted","data":{"assessmentId":"gone"},"timestamp":1778491596453}"#,
        br#"{"type":7,"event":null,"data":{"assessmentId":["x"],"candidateId":{}}}"#,
    ];
    for (n, body) in (0..).zip(odd) {
        keeper.take(&format!("odd \"{n}\""), at(100 + n), Source::Http, body);
    }
    keeper.take("msg_4", at(200), Source::Relay, b"{}");
    keeper
}

#[test]
fn a_saved_session_is_as_the_schema_says() {
    let keeper = session();
    let document = valid(&keeper.saved(None, false));
    assert_eq!(
        document["totals"],
        json!({"events": 22, "deliveries": 23, "duplicates": 1, "unrecognised": 6})
    );
    assert_eq!(document["events"].as_array().unwrap().len(), 22);
    assert_eq!(document["candidates"].as_array().unwrap().len(), 4);
    assert_eq!(document["candidates"][3]["status"], Value::Null, "only a score has come");
    let events = || document["events"].as_array().unwrap().iter();
    let other: Vec<_> = events().filter_map(|event| event["body_base64"].as_str()).collect();
    assert_eq!(other, ["bm8gSlNPTiBhdCBhbGw=", "", "//4A"]);
    let around: Vec<_> = events().filter_map(|event| event.get("blanks")).collect();
    assert_eq!(around, [&json!([" ", " "])]);
}

#[test]
fn an_empty_session_is_as_the_schema_says() {
    let document = valid(&Keeper::new().saved(None, false));
    assert_eq!((&document["events"], &document["candidates"]), (&json!([]), &json!([])));
}

#[test]
fn what_a_filter_chooses_is_as_the_schema_says() {
    let keeper = session();
    for (text, events) in [
        ("candidate:candidate-1", 3),
        ("is:unrecognised", 6),
        ("is:duplicate OR violation:tab_switch>=1000", 1),
        ("type:nothing.of_it", 0),
    ] {
        let document = valid(&keeper.saved(Some(filter::parse(text).unwrap()), false));
        assert_eq!(document["totals"]["events"], json!(events), "{text}");
        assert_eq!(document["events"].as_array().unwrap().len(), events, "{text}");
        assert!(document["session"]["filter"].is_string(), "{text}");
    }
}

#[test]
fn a_redacted_session_is_as_the_schema_says_and_names_nobody() {
    let keeper = session();
    for filter in [None, Some("candidate:bea.grant@example.com OR Bea")] {
        let saved = keeper.saved(filter.map(|text| filter::parse(text).unwrap()), true);
        let document = valid(&saved);
        assert_eq!(document["session"]["redacted"], json!(true));
        for personal in
            ["Bea", "Grant", "bea.grant", "203.0.113.209", "198.51.100.7", "21.9974", "eyJlbWFpbCI6"]
        {
            assert!(!saved.contains(personal), "{personal} stands in the redacted document");
        }
    }
}

#[test]
fn the_schema_knows_exactly_the_words_of_the_code() {
    let schema = schema();
    let words = |at: &str| -> Vec<String> {
        let given = schema.pointer(&format!("/$defs/{at}/enum")).unwrap();
        sorted(serde_json::from_value(given.clone()).unwrap())
    };
    let known = |words: &[&str]| sorted(words.iter().map(|word| (*word).to_owned()).collect());
    assert_eq!(words("status"), known(&Status::ALL.map(Status::word)));
    assert_eq!(words("kind"), known(&ViolationKind::ALL.map(ViolationKind::word)));
    assert_eq!(words("flag"), known(&Flag::ALL.map(Flag::word)));
    assert_eq!(words("event/properties/source"), known(&Source::ALL.map(Source::word)));
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words
}

/// A change that makes a document wrong.
type Damage = fn(&mut Value);

#[test]
fn the_schema_refuses_what_invigil_does_not_write() {
    let document = valid(&session().saved(None, false));
    let damage: [(&str, Damage); 9] = [
        ("another format", |it| it["format"] = json!("session")),
        ("a newer version", |it| it["version"] = json!(2)),
        ("a field nobody knows", |it| it["extra"] = json!(1)),
        ("one within", |it| it["candidates"][0]["extra"] = json!(1)),
        ("an unknown status", |it| it["candidates"][0]["status"] = json!("gone")),
        ("a count below nought", |it| it["totals"]["events"] = json!(-1)),
        ("a local time", |it| it["events"][0]["occurred_at"] = json!("2026-11-23T18:00:00+01:00")),
        ("no body", |it| {
            it["events"][0].as_object_mut().unwrap().remove("payload");
        }),
        ("no session", |it| {
            it.as_object_mut().unwrap().remove("session");
        }),
    ];
    for (what, damage) in damage {
        let mut damaged = document.clone();
        damage(&mut damaged);
        assert!(!validator().is_valid(&damaged), "{what} is taken");
    }
}
