//! The relay end to end: the real program in front of a relay in the hands of the test.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that fails is to say where, and this one looks at the clock"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use invigil::clock;
use invigil::domain::secret::Secret;
use invigil::store::reader::Reader;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::support::SECRET;
use super::support::command::invigil;
use super::support::program::{PATIENCE, Program};
use super::support::relay::{FakeRelay, IN_USE, event};

const SAMPLE: &[u8] = include_bytes!("../../assets/samples/candidate.completed.json");

/// Starts `invigil serve` in front of a relay and waits until it listens.
async fn start(relay: &FakeRelay, session: &Path, relay_args: &[&str]) -> Program {
    Program::serve(session, &[&["--relay-url", &relay.url()], relay_args].concat()).await
}

/// A delivery as Svix signs it, under a relay id of `relay-ID`.
fn signed(id: &str, body: &[u8]) -> Value {
    event(&format!("relay-{id}"), &headers(id, SECRET, body), body)
}

fn headers(id: &str, secret: &str, body: &[u8]) -> Value {
    let now = clock::now().secs();
    let signature = Secret::parse(secret).unwrap().sign(id, now, body);
    json!({ "content-type": "application/json", "host": "play.svix.com", "svix-id": id,
        "svix-timestamp": now.to_string(), "svix-signature": signature })
}

fn body_of(session: &Path, id: &str) -> Vec<u8> {
    let reader = Reader::open(session).unwrap();
    let seq = reader.seq_of(id).unwrap().unwrap_or_else(|| panic!("{id} is not kept"));
    let detail = reader.detail(seq).unwrap().unwrap();
    assert_eq!(detail.line.source.word(), "relay");
    detail.body
}

#[tokio::test]
async fn the_url_is_told_and_the_token_outlives_stop_and_kill() {
    let (relay, dir) = (FakeRelay::open().await, tempfile::tempdir().unwrap());
    let session = dir.path().join("s.sqlite");
    let mut first = start(&relay, &session, &["--relay"]).await;
    let (mut line, token) = relay.granted().await;
    assert!(token.len() == 29 && token.starts_with("c_"), "{token}");
    assert_eq!(first.line().await, format!("relay {}", relay.receive(&token)));
    assert_eq!(first.told("relay").await["url"], relay.receive(&token));
    assert!(first.told("relay_warning").await["why"].as_str().unwrap().contains("can read what passes"));
    assert_eq!(line.ask(signed("msg_1", SAMPLE)).await, 204);
    assert_eq!(first.told("event").await["source"], "relay");
    first.terminate();
    let Some(Message::Close(Some(close))) = line.message().await else { panic!("no close") };
    assert_eq!(u16::from(close.code), 1000);
    drop(line);
    assert!(first.child.wait().await.unwrap().success());

    let mut second = start(&relay, &session, &["--relay"]).await;
    let (line, again) = relay.granted().await;
    assert_eq!(again, token, "kept with the session");
    assert_eq!(second.line().await, format!("relay {}", relay.receive(&token)));
    second.child.kill().await.unwrap();
    drop(line);
    // The links are held until the programs are gone: one that is dropped would be made anew at once.
    let mut third = start(&relay, &session, &["--relay"]).await;
    let (line, again) = relay.granted().await;
    assert_eq!(again, token);
    third.child.kill().await.unwrap();
    drop(line);
    let fourth = start(&relay, &session, &["--relay", "given-by-hand"]).await;
    let (line, given) = relay.granted().await;
    assert_eq!(given, "given-by-hand", "sent verbatim");
    fourth.stop().await;
    drop(line);
    let fifth = start(&relay, &session, &["--relay"]).await;
    let (_line, own) = relay.granted().await;
    assert_eq!(own, token, "one that was given does not take the place of the session's");
    fifth.stop().await;
    assert_eq!(body_of(&session, "msg_1"), SAMPLE);
}

#[tokio::test]
async fn whatever_comes_before_the_start_is_answered_takes_nothing_away() {
    let (relay, dir) = (FakeRelay::open().await, tempfile::tempdir().unwrap());
    let session = dir.path().join("s.sqlite");
    let mut program = start(&relay, &session, &["--relay"]).await;
    let mut line = relay.accept().await;
    let token = line.start().await;
    line.send(Message::Ping("are you there".into())).await;
    let Some(Message::Pong(pong)) = line.message().await else { panic!("no pong") };
    assert_eq!(&pong[..], b"are you there");
    assert_eq!(line.ask(signed("msg_early", SAMPLE)).await, 204);
    // The relay has the last word on the token, and may say it in a binary message.
    let grant = json!({ "type": "start", "version": 1, "data": { "token": "c_another" } });
    line.send(Message::binary(grant.to_string())).await;
    assert_ne!(token, "c_another");
    assert_eq!(program.line().await, format!("relay {}", relay.receive("c_another")));
    program.stop().await;
    assert_eq!(body_of(&session, "msg_early"), SAMPLE);
}

#[tokio::test]
async fn frames_that_are_none_are_left_aside_and_the_link_holds() {
    let (relay, dir) = (FakeRelay::open().await, tempfile::tempdir().unwrap());
    let session = dir.path().join("s.sqlite");
    let mut program = start(&relay, &session, &["--relay"]).await;
    let (mut line, _) = relay.granted().await;
    let mut unversioned = signed("msg_no", SAMPLE);
    unversioned.as_object_mut().unwrap().remove("version");
    for (frame, why) in [
        ("{\"type\":\"ack\",\"version\":1,\"data\":{}}".to_owned(), "type `ack` is not known"),
        (unversioned.to_string(), "names no version"),
        ("garbage \u{1b}[2J".to_owned(), "it is no frame"),
    ] {
        line.text(frame).await;
        let told = program.told("relay_skipped").await;
        assert!(told["why"].as_str().unwrap().contains(why), "{told}");
    }
    line.send(Message::binary(vec![0xff, 0x00])).await;
    program.told("relay_skipped").await;
    let garbled = json!({ "type": "event", "version": 1, "data": {
        "id": "relay-bad", "method": "POST", "headers": headers("msg_bad", SECRET, SAMPLE), "body": "no base64!",
    } });
    assert_eq!(line.ask(garbled).await, 400);
    assert_eq!(line.ask(signed("msg_good", SAMPLE)).await, 204);
    program.stop().await;
    assert_eq!(Reader::open(&session).unwrap().sums().unwrap().events, 1);
}

#[tokio::test]
async fn bodies_and_headers_of_every_sort_arrive_to_the_byte() {
    let (relay, dir) = (FakeRelay::open().await, tempfile::tempdir().unwrap());
    let session = dir.path().join("s.sqlite");
    let program = start(&relay, &session, &["--relay", "--max-body", "1MiB"]).await;
    let (mut line, _) = relay.granted().await;
    let large: Vec<u8> = (0..1_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let bodies = [("msg_large", large.as_slice()), ("msg_empty", b""), ("msg_bytes", &[0xff, 0x00, 0xfe])];
    for (id, body) in bodies {
        line.send(Message::binary(signed(id, body).to_string())).await;
        assert_eq!(line.answer().await.status, 204, "{id}");
    }
    let over = [large.as_slice(), b"x"].concat();
    assert_eq!(line.ask(signed("msg_over", &over)).await, 413);
    let far_over = "A".repeat(8 << 20);
    let frame =
        json!({ "type": "event", "version": 1, "data": { "id": "x", "method": "POST", "body": far_over } });
    assert_eq!(line.ask(frame).await, 413);
    let mut mixed = signed("msg_mixed", SAMPLE);
    let lower = mixed["data"]["headers"].as_object().unwrap().clone();
    let upper =
        lower.into_iter().map(|(name, value)| (name.replace("svix", "SviX").replace('h', "H"), value));
    mixed["data"]["headers"] = upper.collect();
    assert_eq!(line.ask(mixed).await, 204);
    let mut get = signed("msg_get", b"");
    get["data"]["method"] = "GET".into();
    line.text(get).await;
    let refused = line.answer().await;
    assert_eq!((refused.status, &refused.headers), (405, &json!({ "allow": "POST" })));
    line.text(event(
        "relay-forged",
        &headers("msg_forged", &format!("whsec_{}", "A".repeat(32)), SAMPLE),
        SAMPLE,
    ))
    .await;
    let refused = line.answer().await;
    assert_eq!((refused.status, refused.body), (401, b"{\"error\":\"no_matching_signature\"}".to_vec()));
    program.stop().await;
    for (id, body) in bodies {
        assert!(body_of(&session, id) == body, "{id}");
    }
    body_of(&session, "msg_mixed");
}

#[tokio::test]
async fn deliveries_are_answered_by_id_as_each_is_done_and_always_in_time() {
    let (relay, dir) = (FakeRelay::open().await, tempfile::tempdir().unwrap());
    let session = dir.path().join("s.sqlite");
    let program = start(&relay, &session, &["--relay"]).await;
    let (mut line, _) = relay.granted().await;
    assert_eq!(line.ask(signed("msg_0", SAMPLE)).await, 204);
    // While somebody else holds the file, nothing can be kept: what needs no disk overtakes.
    let meddler = rusqlite::Connection::open(&session).unwrap();
    meddler.execute_batch("BEGIN IMMEDIATE").unwrap();
    line.text(signed("msg_1", SAMPLE)).await;
    line.text(signed("msg_2", SAMPLE)).await;
    line.text(event("relay-forged", &json!({}), SAMPLE)).await;
    assert_eq!(line.answer().await.id, "relay-forged");
    let begun = Instant::now();
    meddler.execute_batch("COMMIT").unwrap();
    let mut ids = [line.answer().await, line.answer().await].map(|answer| (answer.id, answer.status));
    ids.sort();
    assert_eq!(ids, [("relay-msg_1".to_owned(), 204), ("relay-msg_2".to_owned(), 204)]);
    assert!(begun.elapsed() < Duration::from_secs(5));
    // Held for longer than a sender would wait: it is told to come again, and what was begun is still kept.
    meddler.execute_batch("BEGIN IMMEDIATE").unwrap();
    for n in 0..32 {
        line.text(signed(&format!("msg_late_{n}"), SAMPLE)).await;
    }
    line.text(event("relay-forged", &json!({}), SAMPLE)).await;
    let late = line.answer().await;
    assert_eq!((late.status, &late.headers), (503, &json!({ "retry-after": "5" })), "32 and no more at once");
    let mut others = Vec::new();
    for _ in 0..32 {
        others.push(line.answer().await.status);
    }
    others.sort_unstable();
    assert_eq!((others[0], &others[1..]), (401, &[503; 31][..]));
    meddler.execute_batch("COMMIT").unwrap();
    drop(meddler);
    // More at once than are in work at once.
    for n in 0..100 {
        line.text(signed(&format!("msg_many_{n}"), SAMPLE)).await;
    }
    let mut answered = std::collections::BTreeSet::new();
    for _ in 0..100 {
        let answer = line.answer().await;
        assert_eq!(answer.status, 204);
        answered.insert(answer.id);
    }
    assert_eq!(answered.len(), 100);
    // Asked to stop while something is in work: that is answered still, and then the link is closed.
    let meddler = rusqlite::Connection::open(&session).unwrap();
    meddler.execute_batch("BEGIN IMMEDIATE").unwrap();
    line.text(signed("msg_in_work", SAMPLE)).await;
    assert_eq!(line.ask(event("relay-read", &json!({}), SAMPLE)).await, 401);
    program.terminate();
    meddler.execute_batch("COMMIT").unwrap();
    drop(meddler);
    let last = line.answer().await;
    assert_eq!((last.id.as_str(), last.status), ("relay-msg_in_work", 204));
    let Some(Message::Close(Some(close))) = line.message().await else { panic!("no close") };
    assert_eq!(u16::from(close.code), 1000);
    program.stop().await;
    body_of(&session, "msg_late_31");
}

#[tokio::test]
async fn what_came_just_before_the_link_broke_is_kept_and_the_link_is_made_anew() {
    let (relay, dir) = (FakeRelay::open().await, tempfile::tempdir().unwrap());
    let session = dir.path().join("s.sqlite");
    let mut program = start(&relay, &session, &["--relay"]).await;
    let (mut line, token) = relay.granted().await;
    line.text(signed("msg_last", SAMPLE)).await;
    assert_eq!(program.told("event").await["id"], "msg_last");
    line.reset();
    let mut down = program.told("relay").await;
    while down["state"] != "retrying" {
        down = program.told("relay").await;
    }
    assert_eq!(down["why"], "the connection broke off: Connection reset by peer");
    // No relay at all, then one that is none, then the relay again.
    drop(relay.connection().await);
    let mut stranger = relay.connection().await;
    tokio::io::AsyncWriteExt::write_all(
        &mut stranger,
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    )
    .await
    .unwrap();
    let (mut line, again) = relay.granted().await;
    assert_eq!(again, token);
    assert_eq!(line.ask(signed("msg_next", SAMPLE)).await, 204);
    program.stop().await;
    body_of(&session, "msg_last");
}

#[tokio::test]
async fn a_token_in_use_is_given_up_only_after_a_while_and_loudly() {
    let (relay, dir) = (FakeRelay::open().await, tempfile::tempdir().unwrap());
    let session = dir.path().join("s.sqlite");
    let mut first = start(&relay, &session, &["--relay"]).await;
    let (_line, token) = relay.granted().await;
    assert_eq!(first.line().await, format!("relay {}", relay.receive(&token)), "told only once it is kept");
    first.stop().await;
    let mut program = start(&relay, &session, &["--relay"]).await;
    for _ in 0..4 {
        let mut line = relay.accept().await;
        assert_eq!(line.start().await, token);
        line.close(1008, IN_USE).await;
    }
    let (mut line, fresh) = relay.granted().await;
    assert_ne!(fresh, token);
    assert_eq!(program.line().await, format!("relay {}", relay.receive(&fresh)));
    let moved = program.told("relay_moved").await;
    assert_eq!(
        (&moved["from"], &moved["url"]),
        (&json!(relay.receive(&token)), &json!(relay.receive(&fresh)))
    );
    assert_eq!(line.ask(signed("msg_1", SAMPLE)).await, 204);
    program.stop().await;
    drop(line);
    let again = start(&relay, &session, &["--relay"]).await;
    let (_line, kept) = relay.granted().await;
    assert_eq!(kept, fresh, "the new one is kept");
    again.stop().await;
}

#[tokio::test]
async fn the_way_through_a_relay_adds_little() {
    let (relay, dir) = (FakeRelay::open().await, tempfile::tempdir().unwrap());
    let program = start(&relay, &dir.path().join("s.sqlite"), &["--relay"]).await;
    let (mut line, _) = relay.granted().await;
    let http = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let (mut direct, mut relayed) = (Vec::new(), Vec::new());
    for n in 0..300 {
        let id = format!("msg_direct_{n}");
        let mut request = axum::http::Request::post(&program.url);
        for (name, value) in headers(&id, SECRET, SAMPLE).as_object().unwrap() {
            request = request.header(name, value.as_str().unwrap());
        }
        let request = request.body(http_body_util::Full::new(bytes::Bytes::from_static(SAMPLE))).unwrap();
        let begun = Instant::now();
        assert_eq!(http.request(request).await.unwrap().status(), 204);
        direct.push(begun.elapsed());
        let frame = signed(&format!("msg_relayed_{n}"), SAMPLE).to_string();
        let begun = Instant::now();
        line.text(frame).await;
        assert_eq!(line.answer().await.status, 204);
        relayed.push(begun.elapsed());
    }
    direct.sort();
    relayed.sort();
    let (direct, relayed) = (direct[150], relayed[150]);
    println!("median of 300: direct {direct:?}, through a relay {relayed:?}");
    assert!(relayed < direct + Duration::from_millis(5), "{relayed:?} and not {direct:?}");
    program.stop().await;
}

#[tokio::test]
async fn what_is_posted_to_the_url_arrives_and_is_answered_as_over_http() {
    let (relay, dir) = (FakeRelay::open().await, tempfile::tempdir().unwrap());
    let session = dir.path().join("s.sqlite");
    let mut program = start(&relay, &session, &["--relay"]).await;
    let playing = tokio::spawn(relay.play());
    let url = program.line().await.strip_prefix("relay ").unwrap().to_owned();
    let pace =
        ["--candidates", "5", "--rate", "500", "--duplicates", "0.2", "--disorder", "0.2", "--seed", "3"];
    let args = [&["simulate", "--to", &url, "--secret", SECRET][..], &pace].concat();
    let mut simulate = Command::from(invigil(&args, dir.path()));
    let sent = timeout(PATIENCE, simulate.output()).await.unwrap().unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    program.stop().await;
    playing.abort();
    let sums = Reader::open(&session).unwrap().sums().unwrap();
    assert!(sums.candidates == 5 && sums.deliveries > sums.events, "{sums:?}");
}
