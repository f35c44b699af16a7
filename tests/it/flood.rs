//! More than can be stored, and one large event among small ones, at the real program.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test of the real program, which is to say where it fails"
)]

use std::net::TcpStream;

use super::support::serving::{Load, Serving, ask, body, signed};

/// Senders at once.
const FLOOD: usize = 400;

fn resident_kib(serving: &Serving) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", serving.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Another program holds the session: nothing can be stored while hundreds send at once.
#[cfg(target_os = "linux")]
#[test]
fn a_flood_above_what_can_be_stored_is_asked_to_come_later() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("flood.sqlite");
    let serving = Serving::start(&path);
    assert_eq!(serving.ask(&signed("msg_first", &body(0), 0)).status, 204);
    let before = resident_kib(&serving);
    let holder = rusqlite::Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let send = |number: usize| {
        let mut stream = TcpStream::connect(&serving.address).unwrap();
        let request = signed(&format!("msg_{number}"), &body(number), 0);
        (ask(&mut stream, &request).unwrap(), stream)
    };
    let answers: Vec<_> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..FLOOD).map(|number| scope.spawn(move || send(number))).collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    for (answer, _) in &answers {
        assert_eq!(answer.status, 503, "nothing can be kept: {}", answer.head);
        assert!(answer.head.contains("retry-after: "), "{}", answer.head);
    }
    assert!(resident_kib(&serving) < before + (48 << 10), "it hoards");
    holder.execute_batch("ROLLBACK").unwrap();
    let load = Load::default();
    let burst = load.burst(&serving.address);
    burst.until_more(FLOOD);
    burst.end();
    load.is_kept(&path);
}

#[test]
fn a_megabyte_among_small_events_is_kept_to_the_byte() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("large.sqlite");
    let serving = Serving::start(&path);
    let load = Load::default();
    let burst = load.burst(&serving.address);
    burst.until_more(50);
    let large = body(7).replacen('{', &format!("{{\"note\":\"{}\",", "lorem ipsum ".repeat(1 << 16)), 1);
    assert!(large.len() < 1 << 20, "the sender sends no more");
    let (first, again) = (signed("msg_large", &large, 0), signed("msg_large", &large, 0));
    assert_eq!((serving.ask(&first).status, serving.ask(&again).status), (204, 204));
    burst.until_more(50);
    burst.end();
    let reader = invigil::store::reader::Reader::open(&path).unwrap();
    let seq = reader.seq_of("msg_large").unwrap().unwrap();
    let detail = reader.detail(seq).unwrap().unwrap();
    assert_eq!((detail.body, detail.line.deliveries, detail.line.conflicts), (large.into_bytes(), 2, 0));
    load.is_kept(&path);
}
