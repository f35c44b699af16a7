//! Scenarios anyone can read (`scenarios/*.toml`), each played in the order given, in reverse, and with every
//! delivery twice: what the session says must be the same.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "reads the scenario files, and a scenario that is not as it should be is to fail"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use invigil::domain::delivery::Source;
use invigil::domain::event::EventKind;
use invigil::domain::time::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::keeping::{Keeper, midnight};

/// One file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    about: String,
    deliver: Vec<String>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    /// All of them.
    candidates: Vec<ExpectedCandidate>,
    /// All of them, if any is given.
    #[serde(default)]
    assessments: Vec<ExpectedAssessment>,
    /// All of them, in the order they came.
    #[serde(default)]
    rises: Vec<String>,
    #[serde(default)]
    totals: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedCandidate {
    who: String,
    #[serde(default = "usual")]
    assessment: String,
    /// `none` for a candidacy without one.
    status: String,
    since: Option<String>,
    name: Option<String>,
    stage: Option<String>,
    /// Not given: has none.
    score: Option<f64>,
    flag: String,
    /// Not given: has none.
    #[serde(default)]
    violations: BTreeMap<String, u64>,
    events: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedAssessment {
    name: String,
    archived: Option<bool>,
    deleted: Option<bool>,
    by_status: Option<BTreeMap<String, u64>>,
    average_score: Option<f64>,
    violations: Option<u64>,
    last_event: Option<String>,
}

fn usual() -> String {
    "Backend".to_owned()
}

/// One request to be delivered.
#[derive(Clone)]
struct Request {
    id: String,
    sent_at: Timestamp,
    body: Vec<u8>,
}

fn clock(text: &str) -> Timestamp {
    let (hours, minutes) = text.split_once(':').unwrap_or_else(|| panic!("`{text}` is no time like 10:05"));
    let number = |text: &str| text.parse::<i64>().unwrap_or_else(|_| panic!("`{text}` is no number"));
    midnight().plus_millis((number(hours) * 60 + number(minutes)) * 60_000)
}

/// `10:05`, as in the scenario files.
fn told(time: &Value) -> String {
    time.as_str().and_then(|text| text.get(11..16)).unwrap_or("never").to_owned()
}

fn requests(lines: &[String]) -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    let mut by_line = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let request = match words.as_slice() {
            ["again", number, rest @ ..] => {
                let at = number.parse::<usize>().unwrap_or_else(|_| panic!("`{line}`: again which line?"));
                let earlier: &Request = &by_line[at - 1];
                let sent_at = match rest {
                    [] => earlier.sent_at.plus_millis(5_000),
                    ["at", time] => clock(time),
                    _ => panic!("`{line}`: only `at TIME` may follow"),
                };
                Request { sent_at, ..earlier.clone() }
            }
            [time, "text", ..] => {
                let body = line.split_once("text ").map_or("", |(_, text)| text);
                Request { id: format!("msg_{:02}", n + 1), sent_at: clock(time), body: body.into() }
            }
            [time, event, whom, details @ ..] => told_of(n + 1, time, event, whom, details),
            _ => panic!("`{line}` says too little"),
        };
        by_line.push(request.clone());
        requests.push(request);
    }
    requests
}

/// An event in the sender's form, from the words of a line.
fn told_of(number: usize, time: &str, event: &str, whom: &str, details: &[&str]) -> Request {
    let of_assessment = EventKind::from_name(&format!("assessment.{event}")).is_some();
    let mut id = format!("msg_{number:02}");
    let assessment = if of_assessment { whom.to_owned() } else { usual() };
    let mut names = (assessment, Some(whom.replace('_', " ")));
    let (mut status, mut scores, mut cheating) = (Map::new(), Map::new(), Map::new());
    // As in the vendor's own samples: the status there is stale, and says nothing.
    status.insert("candidateStatus".to_owned(), json!("COMPLETED"));
    for detail in details {
        let (key, text) = detail.split_once('=').unwrap_or_else(|| panic!("`{detail}` is no key=value"));
        let value: Value = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
        match (key, text) {
            ("in", _) => text.clone_into(&mut names.0),
            ("id", _) => text.clone_into(&mut id),
            ("name", "none") => names.1 = None,
            ("name", _) => names.1 = Some(text.replace('_', " ")),
            ("stage", _) => drop(status.insert("candidateStage".to_owned(), value)),
            ("score", _) => drop(scores.insert("avgScorePercentage".to_owned(), value)),
            (kind, _) => {
                let (field, value) = signal(kind, text, value);
                cheating.insert(field.to_owned(), value);
            }
        }
    }
    let (first, last) = names.1.as_deref().map_or((None, None), |name| match name.split_once(' ') {
        Some((first, last)) => (Some(first), Some(last)),
        None => (Some(name), None),
    });
    let assessment = json!({"name": names.0, "workspaceUrl": "example"});
    let assessment_id = format!("assessment-{}", names.0.to_lowercase());
    let body = if of_assessment {
        json!({"type": "assessment", "event": event, "success": true,
            "data": {"assessmentId": assessment_id, "assessment": assessment, "orgId": "org"}})
    } else {
        json!({"type": "candidate", "event": event, "success": true, "timestamp": clock(time).millis(),
            "data": {"assessmentId": assessment_id, "assessment": assessment, "orgId": "org",
                "candidateId": candidate_id(whom),
                "candidate": {"firstName": first, "lastName": last},
                "scores": scores, "status": status, "signals": {"antiCheating": cheating}}})
    };
    Request { id, sent_at: clock(time), body: body.to_string().into_bytes() }
}

fn candidate_id(who: &str) -> String {
    format!("candidate-{}", who.to_lowercase())
}

/// The sender's field for a violation.
fn signal(kind: &str, text: &str, value: Value) -> (&'static str, Value) {
    let seen = text == "seen";
    match kind {
        "copy_paste" if seen => ("copyPasteDetected", json!(true)),
        "ai_plugin" if seen => ("aiPluginDetected", json!(true)),
        "webcam" if seen => ("webCamViolationDetetcted", json!(true)),
        "tab_switch" => ("tabSwitchCount", value),
        "screen_left" => ("screenLeftByCandidateCount", value),
        "mouse_out" => ("mouseOutCount", value),
        "full_screen_exit" => ("fullScreenViolationCount", value),
        "copy_paste" => ("copyPasteViolationCount", value),
        "ai_plugin" => ("aiPluginViolationCount", value),
        "focus_guard" => ("focusGuardViolationCount", value),
        "talking" => ("talkingViolationCount", value),
        "webcam" => ("webCamViolationCount", value),
        "start_ip" => ("startIPAddress", value),
        "end_ip" => ("endIPAddress", value),
        "same_ip" => ("isFilledFromSameIP", value),
        other => panic!("`{other}` is nothing a line can say"),
    }
}

fn play(requests: &[Request]) -> Keeper {
    let keeper = Keeper::new();
    for request in requests {
        keeper.take(&request.id, request.sent_at, Source::Http, &request.body);
    }
    keeper
}

/// What a session says, without what hangs on the moment and the order of arrival.
fn said(keeper: &Keeper) -> Value {
    let mut document = keeper.document();
    let mut events = document["events"].as_array().unwrap().clone();
    for event in &mut events {
        let event = event.as_object_mut().unwrap();
        event.remove("received_at");
        event.remove("deliveries");
    }
    events.sort_by_key(|event| event["id"].to_string());
    document["events"] = Value::from(events);
    let totals = document["totals"].as_object_mut().unwrap();
    totals.remove("deliveries");
    totals.remove("duplicates");
    document
}

fn rises(keeper: &Keeper) -> Vec<String> {
    let told = |row: invigil::domain::query::RiseRow| {
        let who = row.candidate_id.trim_start_matches("candidate-").to_owned();
        let time = told(&json!(row.at.to_string()));
        format!("{time} {who} {} {} to {}", row.kind, row.before, row.after)
    };
    keeper.rises().into_iter().map(told).collect()
}

/// The rows of a list of the document for which a test holds; exactly one is expected.
fn one<'a>(document: &'a Value, list: &str, key: &[(&str, &str)]) -> &'a Value {
    let rows = document[list].as_array().unwrap();
    let found: Vec<_> =
        rows.iter().filter(|row| key.iter().all(|(name, value)| row[name] == *value)).collect();
    match found.as_slice() {
        [row] => row,
        rows => panic!("{} rows of `{list}` with {key:?}", rows.len()),
    }
}

fn check_candidate(document: &Value, expected: &ExpectedCandidate) {
    let who = &expected.who;
    let candidate = candidate_id(who);
    let assessment = format!("assessment-{}", expected.assessment.to_lowercase());
    let row = one(document, "candidates", &[("assessment_id", &assessment), ("candidate_id", &candidate)]);
    assert_eq!(row["status"].as_str().unwrap_or("none"), expected.status, "status of {who}");
    assert_eq!(row["score"].as_f64(), expected.score, "score of {who}");
    assert_eq!(row["flag"], expected.flag, "flag of {who}");
    let given = document["violations"].as_array().unwrap().iter();
    let given = given.filter(|row| row["candidate_id"] == candidate && row["assessment_id"] == assessment);
    let given: BTreeMap<String, u64> =
        given.map(|row| (row["kind"].as_str().unwrap().to_owned(), row["count"].as_u64().unwrap())).collect();
    assert_eq!(given, expected.violations, "violations of {who}");
    assert_eq!(row["violations"].as_u64(), Some(given.values().sum()), "sum of violations of {who}");
    if let Some(since) = &expected.since {
        assert_eq!(&told(&row["status_at"]), since, "since when {who} is so");
    }
    if let Some(name) = &expected.name {
        assert_eq!(row["name"], *name, "name of {who}");
    }
    if let Some(stage) = &expected.stage {
        assert_eq!(row["stage"], *stage, "stage of {who}");
    }
    if let Some(events) = expected.events {
        assert_eq!(row["events"], events, "events of {who}");
    }
}

fn check_assessment(document: &Value, expected: &ExpectedAssessment) {
    let name = &expected.name;
    let row =
        one(document, "assessments", &[("assessment_id", &format!("assessment-{}", name.to_lowercase()))]);
    assert_eq!(row["archived"], expected.archived.unwrap_or_default(), "{name} archived");
    assert_eq!(row["deleted"], expected.deleted.unwrap_or_default(), "{name} deleted");
    if let Some(by_status) = &expected.by_status {
        assert_eq!(row["by_status"], json!(by_status), "{name} by status");
        assert_eq!(row["candidates"].as_u64(), Some(by_status.values().sum()), "candidates of {name}");
    }
    if let Some(average) = expected.average_score {
        assert_eq!(row["average_score"].as_f64(), Some(average), "average score of {name}");
    }
    if let Some(violations) = expected.violations {
        assert_eq!(row["violations"], violations, "violations of {name}");
    }
    if let Some(last) = &expected.last_event {
        assert_eq!(&told(&row["last_event_at"]), last, "last event of {name}");
    }
}

fn check(document: &Value, expect: &Expect) {
    let count = |list: &str| document[list].as_array().unwrap().len();
    assert_eq!(count("candidates"), expect.candidates.len(), "number of candidates");
    for candidate in &expect.candidates {
        check_candidate(document, candidate);
    }
    if !expect.assessments.is_empty() {
        assert_eq!(count("assessments"), expect.assessments.len(), "number of assessments");
    }
    for assessment in &expect.assessments {
        check_assessment(document, assessment);
    }
    for (name, number) in &expect.totals {
        assert_eq!(document["totals"][name].as_u64(), Some(*number), "total of {name}");
    }
}

fn run(scenario: &Scenario) {
    let requests = requests(&scenario.deliver);
    let given = play(&requests);
    check(&given.document(), &scenario.expect);
    let expected: Vec<_> = scenario.expect.rises.iter().map(|rise| rise.to_lowercase()).collect();
    assert_eq!(rises(&given), expected, "rises in the order they came");

    let reversed: Vec<_> = requests.iter().rev().cloned().collect();
    let backwards = play(&reversed);
    assert_eq!(said(&backwards), said(&given), "the other way round the session says something else");
    assert_eq!(backwards.document()["totals"], given.document()["totals"], "totals the other way round");

    let doubled: Vec<_> = requests.iter().chain(&requests).cloned().collect();
    let twice = play(&doubled);
    assert_eq!(said(&twice), said(&given), "delivered twice the session says something else");
    assert_eq!(rises(&twice), rises(&given), "delivered twice there are other rises");
    assert_eq!(twice.document()["totals"]["deliveries"], doubled.len(), "deliveries when all came twice");
}

#[test]
fn scenarios_say_the_same_in_any_order_and_however_often() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/scenarios");
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 8, "the scenarios were not found");
    let mut failed = Vec::new();
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy();
        let text = fs::read_to_string(file).unwrap();
        let scenario: Scenario = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!scenario.about.trim().is_empty(), "{name} does not say what it is about");
        // Why it failed is printed by the panic itself; here is which one.
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&scenario))).is_err() {
            failed.push(name.into_owned());
        }
    }
    assert!(failed.is_empty(), "these scenarios failed: {}", failed.join(", "));
}
