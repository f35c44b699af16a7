//! A mirror says exactly what the session says that it mirrors, whatever came in between.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "what cannot be kept or read is to fail the test"
)]

use std::path::Path;

use bytes::Bytes;
use invigil::domain::delivery::{Delivery, Headers, Source};
use invigil::domain::envelope;
use invigil::domain::secret::Keyring;
use invigil::domain::stream::{self, Frame, Hello};
use invigil::domain::time::Timestamp;
use invigil::pulse::Pulse;
use invigil::store::check;
use invigil::store::forget::{Forgetting, Whom};
use invigil::store::journal::Journal;
use invigil::store::mirror;
use invigil::store::reader::Reader;
use invigil::store::tap::{After, Tap};

use super::keeping::midnight;

const SAMPLE: &str = include_str!("../../assets/samples/candidate.completed.json");
const ASSESSMENT: &str = include_str!("../../assets/samples/assessment.created.json");

/// Any of the deliveries that a session may get: with and without a time of their own, alike and not, earlier
/// and later attempts at few events, and bodies that say nothing.
fn delivery(random: &mut fastrand::Rng) -> Delivery {
    let event = random.u32(..40);
    let sent_at = midnight().plus_millis(random.i64(0..3_600_000));
    let conflict = u32::from(random.u32(..8) == 0);
    let body = match event % 5 {
        0 => ASSESSMENT.replace("\"name\": \"", &format!("\"name\": \"{}{conflict}", event % 10)),
        1 => format!("no JSON {event} {conflict}\u{0}"),
        2 => format!(" {{\"event\":\"of another kind\",\"n\":{event}{conflict}}}\n"),
        _ => SAMPLE
            .replace("\"tabSwitchCount\": 0", &format!("\"tabSwitchCount\": {}", event + conflict))
            .replace("Bea", &format!("Bea{}", event % 7)),
    };
    let id = format!("msg_{event}");
    Delivery {
        headers: Headers(vec![("svix-id".into(), id.clone()), ("x".into(), "\"ä\\".into())]),
        id,
        sent_at,
        received_at: sent_at.plus_millis(random.i64(0..1000)),
        source: if random.bool() { Source::Http } else { Source::Relay },
        verified: random.bool(),
        event: envelope::decode(body.as_bytes()),
        body: Bytes::from(body),
    }
}

/// Everything in a session that is derived, and the events but for where they came from.
fn dump(path: &Path) -> Vec<String> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let events = "id, received_at, occurred_at, basis, sent_at, deliveries, conflicts, verified, kind, name, \
                  is_json, assessment, candidacy, score, size";
    let mut lines = Vec::new();
    let questions = [
        ("*", "sums", "1"),
        (events, "event", "seq"),
        ("*", "assessment", "n"),
        ("*", "candidacy", "n"),
        ("*", "rise", "seq, kind"),
        ("value", "meta WHERE key IN ('identity', 'created_at')", "key"),
    ];
    for (columns, table, order) in questions {
        let mut statement =
            connection.prepare(&format!("SELECT {columns} FROM {table} ORDER BY {order}")).unwrap();
        let width = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells = (0..width).map(|n| format!("{:?}", row.get_ref(n).unwrap()));
            lines.push(format!("{table}: {}", cells.collect::<Vec<_>>().join("|")));
        }
    }
    lines
}

/// A session there and a mirror of it here.
struct Pair {
    own: Journal,
    mirror: Option<(Journal, Tap)>,
    path: std::path::PathBuf,
}

impl Pair {
    /// Opens the mirror where it was left.
    fn attach(&self) -> (Journal, Tap) {
        let (_, hello) = Tap::new(&self.own, &After::default()).unwrap();
        let mirror =
            Journal::mirror(&self.path, &hello, "ws://there", Timestamp::default(), Pulse::default())
                .unwrap();
        let at = mirror.position().unwrap();
        let id = Some(at.id).filter(|id| !id.is_empty());
        let after = After { seq: at.seq, id, repeats: (at.seq > 0).then_some(at.repeats) };
        let (tap, hello) = Tap::new(&self.own, &after).unwrap();
        assert!(!hello.diverged);
        (mirror, tap)
    }

    /// Takes one step; false if there was none.
    async fn step(&mut self) -> bool {
        let (mirror, mut tap) = match self.mirror.take() {
            Some(held) => held,
            None => self.attach(),
        };
        let frame = tap.step().unwrap().frame;
        let moved = frame.is_some();
        if let Some(frame) = frame {
            let Ok(Frame::Batch(batch)) = stream::read(std::str::from_utf8(&frame).unwrap()) else {
                unreachable!("no batch")
            };
            let before = mirror.position().unwrap();
            let kept = mirror.reflect(mirror.prepare(batch.clone(), &before)).await.unwrap();
            kept.await.unwrap().unwrap();
            // The same again does not fit any more, nor does what begins elsewhere.
            let kept = mirror.reflect(mirror.prepare(batch, &before)).await.unwrap();
            assert!(kept.await.unwrap().is_err());
        }
        self.mirror = Some((mirror, tap));
        moved
    }
}

#[tokio::test]
async fn a_mirror_equals_its_session_whenever_it_was_told_what() {
    for seed in 0..6 {
        let mut random = fastrand::Rng::with_seed(seed);
        let dir = tempfile::tempdir().unwrap();
        let own = Journal::open(&dir.path().join("own.sqlite"), midnight(), Pulse::default()).unwrap();
        let mut pair = Pair { own, mirror: None, path: dir.path().join("mirror.sqlite") };
        for _ in 0..250 {
            match random.u32(..10) {
                0 => drop(pair.step().await),
                1 => {
                    if let Some((mirror, tap)) = pair.mirror.take() {
                        drop(tap);
                        mirror.close().await;
                    }
                }
                _ => drop(pair.own.append(delivery(&mut random)).await.unwrap()),
            }
        }
        while pair.step().await {}
        let (mirror, _) = pair.mirror.take().unwrap();
        let (own, mirrored) = (dump(pair.own.path()), dump(mirror.path()));
        assert!(own.len() > 45, "{own:?}");
        assert_eq!(own, mirrored, "seed {seed}");
        mirror.close().await;
        pair.own.close().await;
    }
}

/// Who is removed from a mirror does not come back with what is told next; and the session there may remove whom it
/// likes, also the one that the mirror has come to, without the mirror losing its place.
#[tokio::test]
async fn who_was_removed_from_a_mirror_stays_removed() {
    let dir = tempfile::tempdir().unwrap();
    let paths = ["own.sqlite", "mirror.sqlite"].map(|name| dir.path().join(name));
    let open = || Journal::open(&paths[0], midnight(), Pulse::default()).unwrap();
    let told = |n: u32, who: &str| {
        let body = SAMPLE.replace("69145db6968cb883ddfc598b", who);
        Delivery {
            id: format!("msg_{n}"),
            sent_at: midnight(),
            received_at: midnight(),
            source: Source::Http,
            verified: true,
            headers: Headers::default(),
            event: envelope::decode(body.as_bytes()),
            body: Bytes::from(body),
        }
    };
    let forget = |path: &Path, who: &str| {
        let gone = Forgetting::of(path, &Whom::Candidate(who.into())).unwrap().carry_out().unwrap();
        assert_eq!(gone.events, 1);
    };
    let ids = |path: &Path| {
        let lines = Reader::open(path).unwrap().since(0, 9).unwrap();
        lines.into_iter().map(|line| line.id).collect::<Vec<_>>()
    };
    let mut pair = Pair { own: open(), mirror: None, path: paths[1].clone() };
    for delivery in [told(1, "candidate_a"), told(2, "candidate_b"), told(3, "candidate_c")] {
        pair.own.append(delivery).await.unwrap();
    }
    while pair.step().await {}
    pair.mirror.take().unwrap().0.close().await;
    forget(&paths[1], "candidate_c");
    let bytes = std::fs::read(&paths[1]).unwrap();
    assert!(memchr::memmem::find(&bytes, b"msg_3").is_none(), "not even where the mirror is");
    for delivery in
        [told(3, "candidate_c"), told(4, "candidate_c"), told(2, "candidate_b"), told(5, "candidate_d")]
    {
        pair.own.append(delivery).await.unwrap();
    }
    while pair.step().await {}
    pair.mirror.take().unwrap().0.close().await;
    assert_eq!(ids(&paths[1]), ["msg_1", "msg_2", "msg_5"]);
    pair.own.close().await;
    forget(&paths[0], "candidate_d");
    pair.own = open();
    let at_the_removed = After { seq: 5, id: Some("msg_5".into()), repeats: Some(0) };
    let (_, hello) = Tap::new(&pair.own, &at_the_removed).unwrap();
    assert_eq!((hello.newest, hello.diverged), (5, false), "it is gone, and was the newest");
    pair.own.append(told(6, "candidate_a")).await.unwrap();
    while pair.step().await {}
    pair.mirror.take().unwrap().0.close().await;
    pair.own.close().await;
    assert_eq!(ids(&paths[0]), ["msg_1", "msg_2", "msg_3", "msg_4", "msg_6"]);
    assert_eq!(ids(&paths[1]), ["msg_1", "msg_2", "msg_5", "msg_6"], "each is removed from by itself");
    for path in &paths {
        let mut found = Vec::new();
        check::check(path, &Keyring::default(), &mut |line| found.push(line.to_owned())).unwrap();
        assert!(found.is_empty(), "{found:?}");
    }
}

#[tokio::test]
async fn a_mirror_is_no_session_to_receive_into_and_a_session_no_mirror() {
    let dir = tempfile::tempdir().unwrap();
    let (own, mirrored) = (dir.path().join("own.sqlite"), dir.path().join("mirror.sqlite"));
    let open = |path: &Path| Journal::open(path, midnight(), Pulse::default());
    let mirror = |path: &Path, session: &str| {
        let hello = Hello { session: session.into(), ..Hello::default() };
        Journal::mirror(path, &hello, "ws://there", midnight(), Pulse::default())
    };
    open(&own).unwrap().close().await;
    mirror(&mirrored, "5f0c").unwrap().close().await;
    let error = |opened: Result<Journal, invigil::store::StoreError>| opened.err().unwrap().to_string();
    assert!(error(open(&mirrored)).contains("mirrors a session"));
    assert!(error(mirror(&own, "5f0c")).contains("a session of its own"));
    assert!(error(mirror(&mirrored, "77")).contains("another session"));
    assert_eq!(mirror::fed_from(&mirrored).as_deref(), Some("ws://there"));
    assert_eq!(mirror::original(&mirrored).unwrap().session, "5f0c");
    assert!(mirror::original(&own).is_err());
}

#[tokio::test]
async fn a_session_that_was_put_back_is_told_from_the_one_that_went_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("own.sqlite");
    let mut random = fastrand::Rng::with_seed(1);
    let journal = Journal::open(&path, midnight(), Pulse::default()).unwrap();
    journal.append(delivery(&mut random)).await.unwrap();
    let after = |seq, id: &str| After { seq, id: Some(id.into()), repeats: Some(0) };
    let known = invigil::store::reader::Reader::of(&journal).unwrap().detail(1).unwrap().unwrap().line.id;
    let diverged = |after: &After| Tap::new(&journal, after).unwrap().1.diverged;
    assert!(!diverged(&after(1, &known)));
    assert!(diverged(&after(1, "msg_other")));
    assert!(diverged(&after(2, "msg_2")));
    assert!(!diverged(&After { seq: 9, ..After::default() }), "who says no id is not judged");
    journal.close().await;
}
