//! Those who look on and do nothing for it: how long they are kept, in a time that passes at once.

#![expect(clippy::disallowed_methods, reason = "a connection is served by a task of its own")]

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::*;
use crate::domain::delivery::{Delivery, Headers, Source};
use crate::domain::envelope;
use crate::domain::time::Timestamp;

/// A share of a session with so many events of 10 kB, and the directory that it is in.
async fn share_of(events: usize) -> (Share, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let now = Timestamp::from_secs(1_790_000_000).unwrap();
    let journal = Journal::open(&dir.path().join("s.sqlite"), now, Pulse::default()).unwrap();
    for n in 0..events {
        let body = Bytes::from(format!("{{\"large\":\"{}\"}}", "x".repeat(10_000)));
        let delivery = Delivery {
            id: format!("msg_{n}"),
            sent_at: now,
            received_at: now,
            source: Source::Http,
            verified: true,
            headers: Headers::default(),
            event: envelope::decode(&body),
            body,
        };
        journal.append(delivery).await.unwrap();
    }
    (Share::new(journal, Pulse::default(), Access::new(None), CancellationToken::new()), dir)
}

/// Looks on through a pipe that holds 64 kB.
async fn look(share: &Share) -> Result<WebSocketStream<DuplexStream>, Error> {
    let (ours, theirs) = duplex(64 << 10);
    tokio::spawn(door::connection(theirs, share.clone()));
    client_async("ws://127.0.0.1/attach", ours).await.map(|(socket, _)| socket)
}

/// Waits until nobody looks on any more.
async fn all_gone(share: &Share) {
    let _all = share.viewers.acquire_many(u32::try_from(VIEWERS).unwrap()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_stops_reading_is_let_go_after_half_a_minute() {
    let (share, _dir) = share_of(40).await;
    let mut viewer = look(&share).await.unwrap();
    assert!(viewer.next().await.unwrap().unwrap().is_text(), "it was greeted");
    assert_eq!(share.watched_by(), 1);
    let begun = Instant::now();
    all_gone(&share).await;
    assert_eq!(begun.elapsed().as_secs(), 30);
    assert_eq!(share.watched_by(), 0);
    let mut last = None;
    while let Some(message) = viewer.next().await {
        last = Some(message);
    }
    assert!(last.unwrap().is_err(), "it broke off in the middle of a frame");
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_is_never_heard_is_let_go_after_a_minute() {
    let (share, _dir) = share_of(0).await;
    // It reads, but answers no ping.
    let mut stream = look(&share).await.unwrap().into_inner();
    let (begun, mut told) = (Instant::now(), Vec::new());
    stream.read_to_end(&mut told).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 60);
    assert!(told.windows(2).any(|bytes| bytes == [0x89, 0]), "it was pinged");
    all_gone(&share).await;
}

/// Whoever asks and does not read the answer holds no place for ever.
#[tokio::test(start_paused = true)]
async fn a_question_whose_answer_is_not_read_is_let_go_after_half_a_minute() {
    let (share, _dir) = share_of(0).await;
    let (mut ours, theirs) = duplex(64);
    let begun = Instant::now();
    let connection = tokio::spawn(door::connection(theirs, share));
    ours.write_all(b"GET /x HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\nGET /x HTTP/1.1\r\n").await.unwrap();
    connection.await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 33);
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_reads_and_answers_is_told_every_few_seconds_that_somebody_is_there() {
    let (share, _dir) = share_of(0).await;
    let mut viewer = look(&share).await.unwrap();
    let begun = Instant::now();
    let mut pings = 0;
    while begun.elapsed() < Duration::from_secs(600) {
        let before = Instant::now();
        pings += u32::from(matches!(viewer.next().await.unwrap().unwrap(), Message::Ping(_)));
        assert!(before.elapsed() <= Duration::from_secs(5));
    }
    assert!(pings >= 20, "{pings} pings");
    assert_eq!(share.watched_by(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_viewer_too_many_is_told_to_come_again() {
    let (share, _dir) = share_of(0).await;
    let mut viewers = Vec::new();
    for _ in 0..VIEWERS {
        viewers.push(look(&share).await.unwrap());
    }
    let Err(Error::Http(answer)) = look(&share).await else { unreachable!() };
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()[header::RETRY_AFTER], "5");
    viewers.pop();
    while share.watched_by() == VIEWERS {
        tokio::task::yield_now().await;
    }
    assert!(look(&share).await.is_ok());
}
