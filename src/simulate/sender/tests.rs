//! The sender against a receiver in the same process.
#![expect(clippy::disallowed_methods, reason = "the receiver runs beside the test")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

use super::*;
use crate::domain::delivery::Headers;
use crate::domain::refusal::Code;
use crate::domain::secret::Keyring;
use crate::domain::signature::verify;
use crate::simulate::rollout::{Plan, Rollout};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

#[derive(Clone, Default)]
struct Receiver {
    faults: Arc<Mutex<Vec<Code>>>,
    unready: Arc<AtomicU32>,
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if receiver.unready.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let named =
        headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let keyring = Keyring::new(vec![Secret::parse(SECRET).unwrap()]);
    match verify(&Headers(named), &body, &keyring, 300, crate::clock::now()) {
        Ok(_) => StatusCode::NO_CONTENT,
        Err(fault) => {
            receiver.faults.lock().unwrap().push(fault.code);
            StatusCode::BAD_REQUEST
        }
    }
}

async fn target_at(receiver: Receiver) -> Target {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhooks", listener.local_addr().unwrap());
    let router = Router::new().route("/webhooks", post(receive)).with_state(receiver);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Target::new(Url::parse(&url).unwrap(), Secret::parse(SECRET).unwrap(), &Trust::default()).unwrap()
}

fn rollout(candidates: u64, forged: f64) -> Rollout {
    let start = crate::clock::now().plus_millis(-21_600_000);
    let story_span_ms = 21_600_000;
    Rollout::new(Plan { seed: 1, candidates, start, story_span_ms, duplicates: 0.1, disorder: 0.1, forged })
}

#[tokio::test]
async fn what_is_signed_is_taken_and_what_is_forged_is_not() {
    let receiver = Receiver::default();
    let target = target_at(receiver.clone()).await;
    let messages: Vec<_> = rollout(40, 0.1).collect();
    let forged = messages.iter().filter(|send| send.forgery.is_some()).count() as u64;
    let count = messages.len() as u64;
    let ids: HashSet<_> =
        messages.iter().filter(|send| send.forgery.is_none()).map(|send| send.id.clone()).collect();
    let stop = CancellationToken::new();
    let report = run(messages, &target, Pace { rate: None }, 64, &stop, |_, _| {}).await;
    assert_eq!((report.sent, report.refused, report.failed), (count, forged, 0));
    assert_eq!((report.accepted, report.unique), (count - forged, ids.len() as u64));
    assert_eq!(report.statuses.get("400"), Some(&forged));
    assert!(forged >= 4 && report.p50_ms > 0.0 && report.p99_ms >= report.p50_ms);
    let faults = receiver.faults.lock().unwrap();
    for code in [Code::NoMatchingSignature, Code::TimestampTooOld, Code::MissingHeader] {
        assert!(faults.contains(&code), "{code:?}");
    }
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again() {
    let receiver = Receiver::default();
    receiver.unready.store(2, Ordering::SeqCst);
    let target = target_at(receiver).await;
    let message = rollout(1, 0.0).next().unwrap();
    let outcome = send(&target, &message, crate::clock::now).await;
    assert_eq!((outcome.answer, outcome.attempts), (Ok(204), 3));
}

#[tokio::test]
async fn it_stops_when_told() {
    let target = target_at(Receiver::default()).await;
    let stop = CancellationToken::new();
    let mut seen = 0;
    let report = run(rollout(1_000, 0.0), &target, Pace { rate: None }, 8, &stop, |_, _| {
        seen += 1;
        if seen == 5 {
            stop.cancel();
        }
    })
    .await;
    // What was under way is still finished: at most one a place.
    assert!((5..=5 + 2 * 8).contains(&report.sent), "{}", report.sent);
}
