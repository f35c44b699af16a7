//! `--redact`: nothing that names a person survives in any form a session is saved in, and everything else stays.
#![expect(clippy::unwrap_used, reason = "a test that fails is to say where")]

use std::collections::BTreeSet;
use std::net::IpAddr;

use invigil::domain::delivery::Source;
use invigil::domain::filter;
use invigil::simulate::rollout::{Plan, Rollout};
use invigil::store::export::{self, Choice, Format};
use proptest::prelude::*;
use serde_json::Value;

use super::keeping::{Keeper, midnight};

const SAMPLES: [&str; 13] = [
    include_str!("../../assets/samples/assessment.archived.json"),
    include_str!("../../assets/samples/assessment.created.json"),
    include_str!("../../assets/samples/assessment.deleted.json"),
    include_str!("../../assets/samples/assessment.updated.json"),
    include_str!("../../assets/samples/candidate.completed.json"),
    include_str!("../../assets/samples/candidate.disqualified.json"),
    include_str!("../../assets/samples/candidate.enrolled.json"),
    include_str!("../../assets/samples/candidate.in_progress.json"),
    include_str!("../../assets/samples/candidate.invitation_expired.json"),
    include_str!("../../assets/samples/candidate.invited.json"),
    include_str!("../../assets/samples/candidate.invited_for_interview.json"),
    include_str!("../../assets/samples/candidate.rejected.json"),
    include_str!("../../assets/samples/candidate.score_updated.json"),
];

/// Everything personal of a body, in small letters: found here in another way than by what replaces it.
fn personal(value: &Value, key: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let (Some(first), Some(last)) = (fields.get("firstName"), fields.get("lastName")) {
                found
                    .insert(format!("{} {}", first.as_str().unwrap(), last.as_str().unwrap()).to_lowercase());
            }
            fields.iter().for_each(|(key, value)| personal(value, key, found));
        }
        Value::Array(values) => values.iter().for_each(|value| personal(value, key, found)),
        Value::String(text) => {
            let text = text.to_lowercase();
            let of_person = ["firstName", "lastName", "recentLatitude", "recentLongitude"].contains(&key);
            let is_address = text.parse::<IpAddr>().is_ok() && !key.ends_with("Version");
            if of_person || text.contains('@') || text.contains("://") || is_address {
                found.insert(text.clone());
            }
            // What an invite link holds, and the file name in the link of a report.
            for part in
                text.split(['=', '&', '/', '?']).filter(|part| part.len() > 40 || part.contains(".pdf"))
            {
                found.insert(part.to_owned());
            }
        }
        _ => {}
    }
}

/// Where a text holds something personal: in plain letters as a word of its own, else anywhere.
fn holds(text: &str, needle: &str) -> bool {
    let of_word = |c: char| c.is_ascii_alphanumeric();
    text.match_indices(needle).any(|(at, _)| {
        let (before, after) = text.split_at(at);
        let after = after.strip_prefix(needle).unwrap();
        let goes_on_before = before.ends_with(of_word) && needle.starts_with(of_word);
        let goes_on_after = after.starts_with(of_word) && needle.ends_with(of_word);
        !needle.is_ascii() || !goes_on_before && !goes_on_after
    })
}

/// A session saved in each form, redacted, in small letters; JSON's own escapes of letters are read.
fn saved(keeper: &Keeper, filter: &str) -> Vec<String> {
    let filter = Some(filter::parse(filter).unwrap()).filter(|filter| !filter.is_empty());
    let choice = Choice { filter, redact: true, now: midnight().plus_millis(1 << 40) };
    let forms = [Format::Json, Format::Ndjson, Format::Csv].map(|format| {
        let mut out = Vec::new();
        export::write(keeper.reader(), &mut out, format, &choice).unwrap();
        String::from_utf8(out).unwrap().to_lowercase()
    });
    forms.into()
}

fn nothing_survives(keeper: &Keeper, needles: &BTreeSet<String>, filter: &str) {
    for (form, text) in ["JSON", "NDJSON", "CSV"].into_iter().zip(saved(keeper, filter)) {
        let left: Vec<_> = needles.iter().filter(|needle| holds(&text, needle)).collect();
        assert!(left.is_empty(), "{form} {filter:?} still has {left:?}");
    }
}

#[test]
fn nothing_of_a_person_survives_of_the_samples() {
    let keeper = Keeper::new();
    let mut needles = BTreeSet::new();
    for (n, sample) in SAMPLES.into_iter().enumerate() {
        keeper.take(&format!("msg_{n}"), midnight(), Source::Http, sample.as_bytes());
        personal(&serde_json::from_str(sample).unwrap(), "", &mut needles);
    }
    assert!(
        needles.contains("bea grant") && needles.contains("203.0.113.209") && needles.len() > 9,
        "{needles:?}"
    );
    for filter in ["", "candidate:bea.grant@example.com", "Bea -grant@nowhere.example", "\"Bea Grant\""] {
        nothing_survives(&keeper, &needles, filter);
    }
    let (plain, redacted) = (keeper.document(), keeper.saved(None, true));
    let redacted: Value = serde_json::from_str(&redacted).unwrap();
    assert_eq!(plain["totals"], redacted["totals"]);
    assert_eq!(plain["violations"], redacted["violations"]);
    for field in ["assessment_id", "candidate_id", "status", "score", "flag", "events"] {
        assert_eq!(plain["candidates"][0][field], redacted["candidates"][0][field], "{field}");
    }
}

#[test]
fn nothing_of_a_person_survives_wherever_it_stands() {
    let keeper = Keeper::new();
    let body = |candidate: &str, more: &str| {
        format!(
            r#"{{"type":"candidate","event":"completed","data":{{"assessmentId":"a1","candidateId":"{candidate}",
            "candidate":{{"firstName":"Bo","lastName":"Sørli","email":"bo.sorli@example.org"}},{more}}}}}"#
        )
    };
    let bodies = [
        body(
            "c1",
            r#""signals":{"antiCheating":{"preciseLocation":{"lat":48.8584,"lng":"2.2945","by":["48.8584"]},
            "location":["Paris 7e",48.8584],"recentLatitude":48.8584,"city":"Paris"}}"#,
        ),
        body(
            "c1",
            r#""note":"Bo rang; Sørli (BO) is at 198.51.100.7:4431, [2001:db8::7]:80 or ::ffff:198.51.100.7.""#,
        ),
        body(
            "c1",
            r#""note":"see www.example.org/bo, //cdn.example.org/x?u=bo or https:\/\/example.org/bo""#,
        ),
        body(
            "c1",
            r#""note":"bo.sorli%40example.org","raw":"eyJlbWFpbCI6ImJvLnNvcmxpQGV4YW1wbGUub3JnIn0=",
            "text":"{\"email\":\"bo.sorli@example.org\",\"name\":\"Bo S\\u00f8rli\"}""#,
        ),
        body(
            "c1",
            r#""assessment":{"name":"Interview with Bo Sørli","workspaceUrl":"https://bo.example.org"},
            "orgId":"bo.sorli@example.org","status":{"candidateStage":"ask bo.sorli@example.org"}"#,
        ),
        body("c1", r#""bo.sorli@example.org":1,"Sørli":2,"Bo":[{"198.51.100.7":"x"}]"#),
        body("bo.sorli@example.org", r#""x":1"#),
        r#"{"type":"mail","event":"to bo.sorli@example.org"}"#.to_owned(),
        r#"{"type":"https://example.org/bo","event":"198.51.100.7"}"#.to_owned(),
        "Sørli, bo.sorli@example.org, in no JSON at all".to_owned(),
    ];
    for (n, body) in bodies.iter().enumerate() {
        keeper.take(&format!("msg_{n}"), midnight(), Source::Http, body.as_bytes());
    }
    let needles = [
        "bo",
        "sørli",
        "s\\u00f8rli",
        "sorli",
        "example.org",
        "198.51.100.7",
        "2001:db8::7",
        "48.8584",
        "2.2945",
        "paris",
        "eyjlbwfpbci6imjvlnnvcmxpqgv4yw1wbguub3jnin0",
        "c8o4cmxpq",
    ];
    nothing_survives(&keeper, &needles.map(str::to_owned).into(), "");
    nothing_survives(
        &keeper,
        &needles.map(str::to_owned).into(),
        "candidate:bo.sorli@example.org OR www.example.org/bo",
    );
    let redacted: Value = serde_json::from_str(&keeper.saved(None, true)).unwrap();
    let id = redacted["candidates"].as_array().unwrap().iter().map(|row| row["candidate_id"].clone());
    let id = id.into_iter().find(|id| id != "c1").unwrap();
    assert_eq!(id, redacted["events"][6]["payload"]["data"]["candidateId"], "the same one everywhere");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn nothing_of_a_person_survives_of_a_rollout(seed in any::<u64>(), candidates in 1u64..20) {
        let keeper = Keeper::new();
        let plan = Plan {
            seed,
            candidates,
            start: midnight(),
            story_span_ms: 3_600_000,
            duplicates: 0.1,
            disorder: 0.1,
            forged: 0.0,
        };
        let mut needles = BTreeSet::new();
        for send in Rollout::new(plan) {
            let at = midnight().plus_millis(send.at_ms);
            keeper.take(&send.id, at, Source::Http, &send.body);
            personal(&serde_json::from_slice(&send.body).unwrap(), "", &mut needles);
        }
        prop_assert!(needles.len() as u64 > candidates);
        nothing_survives(&keeper, &needles, "");
    }
}

#[test]
fn pseudonyms_are_the_same_in_every_form() {
    let keeper = Keeper::new();
    keeper.take("msg_1", midnight(), Source::Http, SAMPLES[4].as_bytes());
    let [json, ndjson, csv] = saved(&keeper, "").try_into().unwrap();
    let document: Value = serde_json::from_str(&json).unwrap();
    let line: Value = serde_json::from_str(&ndjson).unwrap();
    assert_eq!(document["events"][0], line);
    let email = document["candidates"][0]["email"].as_str().unwrap();
    assert!(csv.contains(email) && ndjson.contains(email), "{email}");
}
