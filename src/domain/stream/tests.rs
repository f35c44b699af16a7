//! What is written is read, and what is strange is named.

use proptest::prelude::*;

use super::*;
use crate::domain::forward::{Forwarding, Trouble};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::vitals::{Link, Relay, Vitals};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_123 + secs * 1000).unwrap()
}

fn written(batch: &Batch) -> String {
    let mut writer = BatchWriter::default();
    for event in &batch.events {
        writer.event(event);
    }
    writer.finish(&Batch { events: Vec::new(), ..batch.clone() })
}

fn record(seq: Seq, id: String, headers: Vec<(String, String)>, body: Vec<u8>) -> Record {
    Record {
        seq,
        id,
        received_at: at(seq),
        sent_at: at(-seq),
        source: Source::ALL[seq as usize % Source::ALL.len()],
        verified: seq % 2 == 0,
        deliveries: seq as u64,
        conflicts: seq as u64 / 3,
        headers: Headers(headers),
        event: envelope::decode(&body),
        body: body.into(),
    }
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<Vec<u8>>(),
        "\\PC{0,20}".prop_map(String::into_bytes),
        Just(b" {\"a\" : 1e400,\n\"a\":\"\\ud800\"}".to_vec()),
        Just(b"{\"a\" : 1e400,\n\"a\":\"\\ud800\"}".to_vec()),
        Just(b"[1.10,-0]\n".to_vec()),
        Just("[".repeat(128).into_bytes().into_iter().chain("]".repeat(128).into_bytes()).collect()),
        Just(Vec::new()),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        parts in prop::collection::vec(
            ("[!-~]{1,30}", prop::collection::vec(("[a-z-]{1,9}", "\\PC{0,20}"), 0..4), bodies()), 0..5
        ),
        repeats in 0..9_i64,
        last in prop::option::of(0..9_i64),
    ) {
        let events = parts.into_iter().zip(1..).map(|((id, headers, body), n)| record(n, id, headers, body));
        let repeated = Repeated { id: "msg_\"1\"".into(), deliveries: 7, conflicts: 1, sent_at: at(3), verified: repeats > 1 };
        let batch = Batch {
            events: events.collect(),
            repeated: vec![repeated; repeats as usize % 3],
            repeats,
            newest: 99,
            last_received_at: last.map(at),
        };
        let text = written(&batch);
        prop_assert_eq!(read(&text), Ok(Frame::Batch(batch)));
        prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok());
    }

    #[test]
    fn nothing_that_comes_is_too_strange_to_be_read_or_named(text in "\\PC{0,60}", cut in 0..400_usize) {
        let _ = read(&text);
        let batch = Batch { events: vec![record(1, "m".into(), vec![], b"{}".to_vec())], ..Batch::default() };
        let whole = written(&batch);
        let _ = read(whole.get(..cut.min(whole.len())).unwrap_or_default());
    }
}

#[test]
fn a_json_body_stands_in_the_frame_as_it_is() {
    let body = b"{\"b\":1.10, \"a\":[ ]}";
    let batch = Batch { events: vec![record(1, "m".into(), vec![], body.to_vec())], ..Batch::default() };
    assert!(written(&batch).contains("\"payload\":{\"b\":1.10, \"a\":[ ]}"));
}

#[test]
fn a_greeting_and_a_report_come_back_whole() {
    let hello = Hello {
        protocol: PROTOCOL,
        version: "0.1.0".into(),
        session: "5f0c".into(),
        created_at: at(0),
        newest: 12,
        diverged: true,
    };
    assert_eq!(read(&hello.write()), Ok(Frame::Hello(hello)));
    let refusal = Refusal {
        number: 3,
        at: at(1),
        peer: Some("192.0.2.1:5".into()),
        id: None,
        code: Code::TimestampTooOld,
        sentence: "too old\u{1b}".into(),
        clock_off_secs: Some(-7),
        pending: true,
    };
    let relay = Relay {
        link: Link::Retrying { at: at(9) },
        url: Some("https://play.example/in/c_1/".into()),
        last_end: Some("it was silent".into()),
        ends: 2,
        down_since: Some(at(2)),
        ..Relay::default()
    };
    let vitals = Vitals {
        accepted: 5,
        repeated: 1,
        refused: [0, 1, 2, 0, 3, 4],
        streak: 4,
        url: Some("http://127.0.0.1:1/webhook".into()),
        storage_fault: Some("full".into()),
        relay: Some(relay),
        forward: Some(Forwarding {
            target: "http://127.0.0.1:3000/hook".into(),
            follows: true,
            delivered: 2,
            waiting: 7,
            trouble: Some(Trouble { since: at(6), why: "refused".into(), again_at: Some(at(8)) }),
            given_up: 1,
            ..Forwarding::default()
        }),
        certificate_doubt: Some("it is not trusted".into()),
        disk_free: Some(1 << 40),
        last_accepted_at: Some(at(4)),
        lag_millis: Some(-3),
        ..Vitals::default()
    };
    let report = Report { newest: 5, vitals, unforwarded: 3, refusals: Some(vec![(4, refusal)]) };
    assert_eq!(read(&report.write()), Ok(Frame::Report(Box::new(report))));
    assert_eq!(read("{\"what\":\"report\"}"), Ok(Frame::Report(Box::default())));
}

#[test]
fn what_is_no_frame_is_named() {
    for (text, why) in [
        ("<html>", "no JSON"),
        ("{}", "does not say what it is"),
        ("{\"what\":\"hello\",\"protocol\":1,\"session\":\"../x\"}", "identity"),
        ("{\"what\":\"hello\",\"session\":\"a\"}", "protocol"),
        ("{\"what\":\"events\",\"events\":[{\"seq\":1}]}", "not said whole"),
        ("{\"what\":\"events\",\"repeated\":[1]}", "not said whole"),
    ] {
        assert!(read(text).unwrap_err().contains(why), "{text}");
    }
    assert_eq!(read("{\"what\":\"weather\"}"), Ok(Frame::Unknown));
}
