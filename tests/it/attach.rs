//! Looking on from elsewhere, end to end: the real program on both sides, and viewers in the hands of the test.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that fails is to say where, and this one looks at the clock"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::SinkExt;
use invigil::store::export::{self, Choice, Format};
use invigil::store::reader::Reader;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message;

use super::support::command::invigil;
use super::support::looking::{HERE, Server, Viewer};
use super::support::program::PATIENCE;
use super::support::serving::until;
use super::support::target::{Manner, Target};
use super::support::terminal::Terminal;

const SAMPLE: &str = include_str!("../../assets/samples/candidate.completed.json");

/// A session as it would be saved, but for when that was and where its events came from.
fn saved(session: &Path) -> Value {
    let mut text = Vec::new();
    export::write(&Reader::open(session).unwrap(), &mut text, Format::Json, &Choice::default()).unwrap();
    let mut saved: Value = serde_json::from_slice(&text).unwrap();
    saved["session"]["exported_at"] = Value::Null;
    for event in saved["events"].as_array_mut().unwrap() {
        event["source"] = Value::Null;
    }
    saved
}

/// The mirrors below a data directory. All of it is the user's alone, as the session is where it comes from.
fn mirrors(home: &Path) -> Vec<PathBuf> {
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for directory in ["invigil", "invigil/attached"] {
        assert_eq!(mode(&home.join(directory)), 0o700, "{directory}");
    }
    let entries =
        std::fs::read_dir(home.join("invigil/attached")).unwrap().map(|entry| entry.unwrap().path());
    let entries = entries.inspect(|path| assert_eq!(mode(path), 0o600, "{}", path.display()));
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "sqlite")).collect();
    files.sort();
    files
}

#[tokio::test]
async fn token_origin_and_host_decide_who_may_look_on() {
    let dir = tempfile::tempdir().unwrap();
    let open = Server::start(&dir.path().join("open.sqlite"), HERE, &[]).await;
    let shut =
        Server::start(&dir.path().join("shut.sqlite"), HERE, &["--control-token", "correct-horse"]).await;
    assert_eq!(open.get("/metrics", &[]).await.0, 200);
    for (headers, status, code) in [
        (&[("host", "evil.example")][..], 403, "foreign_host"),
        (&[("origin", "https://evil.example")], 403, "cross_origin"),
        (&[("origin", "null")], 403, "cross_origin"),
    ] {
        let (got, body) = open.get("/metrics", headers).await;
        assert_eq!((got, body), (status, format!("{{\"error\":\"{code}\"}}")));
        let headers = headers.to_vec();
        assert_eq!(Viewer::with(&open.control, "", &headers).await.err().unwrap().0, 403);
    }
    for (headers, status) in [
        (&[][..], 401),
        (&[("authorization", "Bearer wrong")], 401),
        (&[("authorization", "Bearer correct-horse"), ("origin", "https://evil.example")], 403),
        (&[("authorization", "Bearer correct-horse")], 200),
        (&[("authorization", "Bearer correct-horse"), ("host", "watch.example.com")], 200),
    ] {
        assert_eq!(shut.get("/metrics", headers).await.0, status, "{headers:?}");
        let viewed = Viewer::with(&shut.control, "", headers).await.err().map_or(200, |(status, _)| status);
        assert_eq!(viewed, status, "{headers:?}");
    }
    assert_eq!(shut.get("/healthz", &[]).await.0, 200, "whoever starts it has no token");
    assert_eq!(open.get("/attach", &[]).await.0, 426);
    assert_eq!(open.get("/", &[]).await.0, 404);
    for query in ["?after=x", "?after=-1", "?after=1&repeats=y", "?id=%zz"] {
        assert_eq!(Viewer::with(&open.control, query, &[]).await.err().unwrap().0, 400, "{query}");
    }
    open.stop().await;
    shut.stop().await;
}

#[tokio::test]
async fn a_viewer_is_told_all_from_where_it_is_and_what_was_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("s.sqlite"), HERE, &[]).await;
    for n in 1..=3 {
        server.post(&format!("msg_{n}"), SAMPLE).await;
    }
    server.post("msg_2", SAMPLE).await;
    let mut all = Viewer::open(&server.control, "").await;
    let hello = all.told("hello").await;
    assert_eq!((&hello["protocol"], &hello["newest"]), (&1.into(), &3.into()));
    let batch = all.told("events").await;
    let events = batch["events"].as_array().unwrap();
    assert_eq!(events.len(), 3);
    assert_eq!(events[1]["deliveries"], 2);
    let original: Value = serde_json::from_str(SAMPLE).unwrap();
    assert_eq!((&events[0]["payload"], &events[0]["verified"]), (&original, &true.into()));
    assert_eq!(all.told("report").await["repeated"], 1);

    let mut rest = Viewer::open(&server.control, "?after=2&id=msg_2&repeats=0").await;
    assert_eq!(rest.told("hello").await["diverged"], Value::Null);
    let batch = rest.told("events").await;
    assert_eq!((&batch["events"][0]["id"], &batch["repeated"][0]["id"]), (&"msg_3".into(), &"msg_2".into()));

    server.post("msg_1", "{\"another\":\"body\"}").await;
    for viewer in [&mut all, &mut rest] {
        let batch = viewer.told("events").await;
        let one = &batch["repeated"][0];
        assert_eq!(
            (&one["id"], &one["deliveries"], &one["conflicts"]),
            (&"msg_1".into(), &2.into(), &1.into())
        );
    }
    assert_eq!(server.offer("msg_forged", &format!("whsec_{}", "A".repeat(32)), SAMPLE).await, 401);
    loop {
        let report = rest.told("report").await;
        if report["refusals"][0]["id"] == "msg_forged" {
            assert_eq!(report["refused"]["no_matching_signature"], 1);
            break;
        }
    }
    let mut lost = Viewer::open(&server.control, "?after=2&id=msg_elsewhere").await;
    assert_eq!(lost.told("hello").await["diverged"], true);
    assert!(lost.frame().await.is_none());
    // What is committed last is told before the end.
    server.post("msg_4", "no JSON").await;
    server.stop().await;
    let batch = all.told("events").await;
    assert_eq!(batch["events"][0]["body_base64"], "bm8gSlNPTg==");
    while all.frame().await.is_some() {}
}

/// A figure of the page for Prometheus.
fn figure(page: &str, name: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(&format!("invigil_{name} ")));
    assert!(line.is_some(), "no {name} in\n{page}");
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn figures_stand_on_the_control_address() {
    let dir = tempfile::tempdir().unwrap();
    let session = dir.path().join("s.sqlite");
    let server = Server::start(&session, HERE, &[]).await;
    server.post("msg_0", &SAMPLE.replace("69145db6968cb883ddfc598b", "forgotten")).await;
    server.stop().await;
    // What was removed had a number, and is not there.
    let forget = ["forget", "s.sqlite", "--candidate", "forgotten", "--yes"];
    assert!(Command::from(invigil(&forget, dir.path())).status().await.unwrap().success());
    let server = Server::start(&session, HERE, &[]).await;
    for id in ["msg_1", "msg_2", "msg_1"] {
        server.post(id, &SAMPLE.replace("Bea", "Ada\\u001b{evil=\\\"1\\\"}")).await;
    }
    server.offer("msg_3", &format!("whsec_{}", "A".repeat(32)), SAMPLE).await;
    let _viewer = Viewer::open(&server.control, "").await;
    let (_, text) = server.get("/metrics", &[]).await;
    let value = |name: &str| figure(&text, name);
    for (name, wanted) in [
        ("deliveries_accepted_total", 3.0),
        ("deliveries_repeated_total", 1.0),
        ("events_total", 2.0),
        ("deliveries_refused_total{code=\"no_matching_signature\"}", 1.0),
        ("session_events", 2.0),
        ("queue_deliveries", 0.0),
        ("storage_up", 1.0),
        ("viewers", 1.0),
        ("committed_deliveries_total", 3.0),
    ] {
        assert!((value(name) - wanted).abs() < 0.1, "{name}: {text}");
    }
    let groups = value("commit_seconds_count");
    assert!((1.0..=3.0).contains(&groups) && value("commit_seconds_sum") > 0.0, "{text}");
    assert!((value("commit_seconds_bucket{le=\"+Inf\"}") - groups).abs() < 0.1);
    assert!(value("disk_free_bytes") > 0.0);
    assert!(!text.contains("evil") && !text.contains("Ada"), "{text}");
    assert!(!text.contains("_forward_"), "nothing is forwarded: {text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("invigil_") && value.parse::<f64>().is_ok(), "{line}");
    }
    server.stop().await;
}

#[tokio::test]
async fn figures_tell_how_forwarding_is_doing_and_count_deliveries_alone() {
    let dir = tempfile::tempdir().unwrap();
    let session = dir.path().join("s.sqlite");
    let target = Target::open(Manner::Answer(204, "")).await;
    let server = Server::start(&session, HERE, &["--forward-to", &target.url()]).await;
    for id in ["msg_1", "msg_2"] {
        server.post(id, SAMPLE).await;
    }
    let stands = async |server: &Server, figures: &[(&str, f64)]| {
        let begun = Instant::now();
        loop {
            let (_, page) = server.get("/metrics", &[]).await;
            if figures.iter().all(|(name, wanted)| (figure(&page, name) - wanted).abs() < 0.1) {
                return page;
            }
            assert!(begun.elapsed() < PATIENCE, "{figures:?}: {page}");
        }
    };
    let well = [
        ("forward_up", 1.0),
        ("forward_delivered_total", 2.0),
        ("forward_waiting_events", 0.0),
        ("forward_given_up_total", 0.0),
    ];
    stands(&server, &well).await;
    let reader = Reader::open(&session).unwrap();
    // What became of them is written with a group of its own, which holds no delivery.
    until("written", || reader.forwarded_to().unwrap() == Some(2));
    let page = stands(&server, &[("committed_deliveries_total", 2.0)]).await;
    assert!(figure(&page, "commit_seconds_count") <= 2.1, "{page}");
    assert!(!page.contains(&target.host), "{page}");
    server.stop().await;
    let server = Server::start(&session, HERE, &["--forward-to", "http://127.0.0.1:1/hook"]).await;
    server.post("msg_3", SAMPLE).await;
    stands(&server, &[("forward_up", 0.0), ("forward_waiting_events", 1.0)]).await;
    server.stop().await;
}

/// Ten who read all, and one who reads nothing while half a megabyte is waiting for it: it is let go after half a minute.
#[tokio::test]
async fn ten_viewers_and_one_that_never_reads_keep_nobody_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("s.sqlite"), HERE, &[]).await;
    let large = format!("{{\"large\":\"{}\"}}", "x".repeat(100_000));
    let post = async |from: usize| {
        let mut took = Vec::new();
        for n in from..from + 100 {
            let begun = Instant::now();
            server.post(&format!("msg_{n}"), if n % 4 == 0 { &large } else { SAMPLE }).await;
            took.push(begun.elapsed());
        }
        took.sort();
        took[50]
    };
    let alone = post(0).await;
    let mut silent = Viewer::open(&server.control, "").await;
    let viewers = (0..10).map(|_| {
        let control = server.control.clone();
        tokio::spawn(async move { Viewer::open(&control, "").await.ids(300).await })
    });
    let viewers: Vec<_> = viewers.collect();
    let watched = post(100).await;
    post(200).await;
    println!("median of an answer: {alone:?} alone, {watched:?} with ten viewers");
    assert!(watched < alone * 4 + Duration::from_millis(20), "{watched:?} and not {alone:?}");
    let wanted: Vec<_> = (0..300).map(|n| format!("msg_{n}")).collect();
    for viewer in viewers {
        assert_eq!(timeout(PATIENCE, viewer).await.unwrap().unwrap(), wanted);
    }
    assert!(silent.0.get_mut().readable().await.is_ok());
    // The ten have gone by themselves.
    let begun = Instant::now();
    while !server.get("/metrics", &[]).await.1.contains("\ninvigil_viewers 0\n") {
        assert!(begun.elapsed() < PATIENCE * 2, "it is not let go");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(begun.elapsed() > Duration::from_secs(5), "it was given a while");
    server.stop().await;
}

/// Whatever happens to either side, the screen shows what is there, and the mirror ends as the session.
#[tokio::test]
async fn the_screen_follows_and_outlives_the_end_of_either_side() {
    let (dir, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let session = dir.path().join("s.sqlite");
    let server = Server::start(&session, HERE, &["--control-token", "correct-horse"]).await;
    let control = server.control.clone();
    let again = ["--control-token", "correct-horse"];
    let args = ["attach", &format!("ws://{control}"), "--token", "correct-horse"];
    server.post("msg_1", SAMPLE).await;
    let mut screen = Terminal::start(&args, home.path());
    screen.expect("LIVE");
    screen.expect("up to date");
    screen.expect("Bea Grant");
    server.post("msg_2", &SAMPLE.replace("Bea", "Ada").replace("683463f5b5", "683463f5b6")).await;
    server.post("msg_1", SAMPLE).await;
    screen.expect("Ada Grant");
    screen.expect("1 repeated");
    server.offer("msg_forged", &format!("whsec_{}", "A".repeat(32)), SAMPLE).await;
    screen.expect("1 refused");
    // The other side ends in mid-sentence, and comes back where it was.
    server.kill().await;
    screen.expect("OFFLINE");
    screen.expect("retrying in");
    let server = Server::start(&session, &control, &again).await;
    server.post("msg_3", &SAMPLE.replace("Bea", "Eve")).await;
    screen.expect("Eve Grant");
    screen.expect("LIVE");
    // This side does, and events come while nobody looks on.
    screen.child.kill().unwrap();
    screen.child.wait().unwrap();
    for n in 4..40 {
        server.post(&format!("msg_{n}"), SAMPLE).await;
    }
    server.post("msg_2", SAMPLE).await;
    let mut screen = Terminal::start(&args, home.path());
    screen.expect("39 events");
    screen.expect("2 repeated");
    screen.press("q");
    assert_eq!(screen.end(), 0);
    assert!(screen.restored());
    server.stop().await;
    // With nobody there, what is here is shown all the same.
    let mut screen = Terminal::start(&args, home.path());
    screen.expect("OFFLINE");
    screen.expect("39 events");
    screen.expect("Not followed");
    screen.press("q");
    assert_eq!(screen.end(), 0);
    let files = mirrors(home.path());
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(saved(&files[0]), saved(&session));
    let reader = Reader::open(&files[0]).unwrap();
    assert_eq!(reader.detail(1).unwrap().unwrap().line.source.word(), "attach");
}

#[tokio::test]
async fn another_session_over_there_goes_into_another_mirror() {
    let (dir, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::start(&dir.path().join("one.sqlite"), HERE, &[]).await;
    let control = server.control.clone();
    server.post("msg_1", SAMPLE).await;
    let mut screen = Terminal::start(&["attach", &control], home.path());
    screen.expect("Bea Grant");
    server.stop().await;
    let server = Server::start(&dir.path().join("two.sqlite"), &control, &[]).await;
    server.post("msg_1", &SAMPLE.replace("Bea", "Ada")).await;
    screen.expect("Another session is held there now");
    screen.expect("Ada Grant");
    assert!(!screen.text().contains("Bea Grant"));
    // A second screen leaves the mirror of the first to it.
    let mut second = Terminal::start(&["attach", &control], home.path());
    second.expect("Ada Grant");
    for screen in [&mut second, &mut screen] {
        screen.press("q");
        assert_eq!(screen.end(), 0);
        assert!(screen.restored());
    }
    server.stop().await;
    assert_eq!(mirrors(home.path()).len(), 3);
}

/// What was put back is mirrored once more beside the file that was named, however often one looks on.
#[tokio::test]
async fn a_session_that_was_put_back_gets_one_more_mirror() {
    let (dir, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (session, before) = (dir.path().join("s.sqlite"), dir.path().join("before.sqlite"));
    let server = Server::start(&session, HERE, &[]).await;
    let control = server.control.clone();
    server.post("msg_1", SAMPLE).await;
    server.stop().await;
    std::fs::copy(&session, &before).unwrap();
    let server = Server::start(&session, &control, &[]).await;
    server.post("msg_2", &SAMPLE.replace("Bea", "Ada")).await;
    let named = home.path().join("m.sqlite");
    let args = ["attach", &control, "--session", named.to_str().unwrap()];
    let mut screen = Terminal::start(&args, home.path());
    screen.expect("Ada Grant");
    screen.press("q");
    assert_eq!(screen.end(), 0);
    server.stop().await;
    std::fs::copy(&before, &session).unwrap();
    let server = Server::start(&session, &control, &[]).await;
    server.post("msg_3", &SAMPLE.replace("Bea", "Eve")).await;
    for _ in 0..2 {
        let mut screen = Terminal::start(&args, home.path());
        screen.expect("put back to an earlier state");
        screen.expect("Eve Grant");
        screen.press("q");
        assert_eq!(screen.end(), 0);
    }
    server.stop().await;
    let files = mirrors(home.path());
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(saved(&files[0]), saved(&session));
}

/// Runs `attach` and returns its exit code and what it says.
async fn attach(args: &[&str]) -> (i32, String) {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::from(invigil(&[&["attach"], args].concat(), home.path()));
    if !args[0].starts_with("wss") {
        // The system knows no authority, and none is needed.
        command.env("SSL_CERT_FILE", home.path().join("none.pem")).env("SSL_CERT_DIR", home.path());
    }
    let output = timeout(PATIENCE, command.output()).await.unwrap().unwrap();
    assert!(output.stdout.is_empty());
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn what_is_no_invigil_and_what_lets_nobody_in_is_said_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let shut = Server::start(&dir.path().join("s.sqlite"), HERE, &["--control-token", "correct-horse"]).await;
    let webhook = shut.url.strip_suffix("/webhook").unwrap().to_owned();
    // Somebody who speaks WebSocket, but nothing that is known here.
    let stranger = TcpListener::bind(HERE).await.unwrap();
    let strange = stranger.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = stranger.accept().await {
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            let _ = socket.send(Message::text("{\"what\":\"\u{1b}[2Jhi\"}")).await;
        }
    });
    // Somebody who answers with what is no HTTP.
    let garbage = TcpListener::bind(HERE).await.unwrap();
    let garbled = garbage.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = garbage.accept().await {
            let _ = stream.read(&mut [0; 100]).await;
            let _ = stream.write_all(b"220 mail.example.com ESMTP\r\n").await;
        }
    });
    // Somebody who hangs up without a word.
    let mute = TcpListener::bind(HERE).await.unwrap();
    let silent = mute.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = mute.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
        }
    });
    let (garbled_tls, silent_tls) = (format!("wss://{garbled}"), format!("wss://{silent}"));
    for (args, code, said) in [
        (&[webhook.as_str()][..], 2, "it answers 404"),
        (&[silent.as_str()], 1, "the connection broke off before an answer"),
        (&[garbled_tls.as_str()], 1, "it speaks no TLS"),
        (&[silent_tls.as_str()], 1, "hung up in the middle of the TLS handshake"),
        (&[strange.as_str()], 2, "no invigil's control address"),
        (&[garbled.as_str()], 2, "no invigil's control address"),
        (&["127.0.0.1:1"], 1, "Connection refused"),
        (&["ftp://example.com"], 2, "no address to look on at"),
        (&["ws://correct-horse@h"], 2, "--token-file"),
        (&[shut.control.as_str()], 2, "it wants a token"),
        (&[shut.control.as_str(), "--token", "wrong-horse"], 2, "refuses the token"),
        (&[shut.control.as_str(), "--token", "two words"], 2, "--token: "),
        (&[shut.control.as_str(), "--token", "correct-horse"], 2, "there is no terminal"),
    ] {
        let (got, line) = attach(args).await;
        assert_eq!(got, code, "{args:?}: {line}");
        assert!(line.contains(said) && line.lines().count() == 1, "{args:?}: {line}");
        assert!(!line.contains("horse") && !line.contains('\u{1b}'), "{line}");
    }
    shut.stop().await;
}

/// A way to a control address over TLS, as a proxy makes it; its port, and its certificate.
async fn encrypted(control: &str) -> (u16, String) {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![pair.cert.der().clone()], key).unwrap();
    let (acceptor, control) = (TlsAcceptor::from(Arc::new(config)), control.to_owned());
    let socket = TcpListener::bind(HERE).await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            // Who does not like the certificate hangs up.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut plain = TcpStream::connect(&control).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut stream, &mut plain).await });
        }
    });
    (port, pair.cert.pem())
}

// The screen is waited for in one thread, while another keeps up the way to the server.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_ones_own_is_trusted_when_it_is_named() {
    let (dir, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::start(&dir.path().join("s.sqlite"), HERE, &[]).await;
    server.post("msg_1", SAMPLE).await;
    let (port, pem) = encrypted(&server.control).await;
    let file = |name: &str, text: &str| {
        std::fs::write(dir.path().join(name), text).unwrap();
        dir.path().join(name).display().to_string()
    };
    let url = format!("wss://localhost:{port}");
    let (_, another) = encrypted(&server.control).await;
    for (ca_file, said) in [
        (file("another.pem", &another), "is of an authority that is not known here"),
        (file("none.pem", ""), "holds no certificate"),
        (file("broken.pem", "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n"), "is no PEM text"),
        ("missing.pem".to_owned(), "cannot be read"),
    ] {
        let (code, line) = attach(&[&url, "--ca-file", &ca_file]).await;
        assert!(code == 2 && line.contains(said) && line.contains("--ca-file"), "{ca_file}: {line}");
    }
    let mut screen = Terminal::start(&["attach", &url, "--ca-file", &file("ca.pem", &pem)], home.path());
    screen.expect("up to date");
    screen.expect("Bea Grant");
    screen.press("q");
    assert_eq!(screen.end(), 0);
    server.stop().await;
}

// The screen is waited for in one thread, while another is the target.
#[tokio::test(flavor = "multi_thread")]
async fn how_the_other_side_forwards_is_shown_and_nothing_is_sent_from_here() {
    let (dir, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let target = Target::open(Manner::Answer(204, "")).await;
    let session = dir.path().join("s.sqlite");
    let server = Server::start(&session, HERE, &["--forward-to", &target.url()]).await;
    server.post("msg_1", SAMPLE).await;
    let mut screen = Terminal::start(&["attach", &server.control], home.path());
    screen.expect("forward ok");
    let control = server.control.clone();
    server.stop().await;
    let nobody = ["--forward-to", "http://127.0.0.1:1/hook"];
    let server = Server::start(&session, &control, &nobody).await;
    server.post("msg_2", SAMPLE).await;
    screen.expect("forward waits, 1 behind");
    screen.expect("http://127.0.0.1:1/hook cannot be reached");
    screen.press("4r");
    screen.expect("A mirror sends nothing");
    screen.press("q");
    assert_eq!(screen.end(), 0);
    server.stop().await;
}

#[tokio::test]
async fn a_token_that_is_changed_over_there_is_told_on_the_screen() {
    let (dir, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (session, file) = (dir.path().join("s.sqlite"), home.path().join("token"));
    std::fs::write(&file, "correct-horse\n").unwrap();
    let token_file = file.to_str().unwrap();
    let server = Server::start(&session, HERE, &["--control-token-file", token_file]).await;
    let control = server.control.clone();
    let mut screen = Terminal::start(&["attach", &control, "--token-file", token_file], home.path());
    screen.expect("up to date");
    server.stop().await;
    let server = Server::start(&session, &control, &["--control-token", "battery-staple"]).await;
    screen.expect("refused, retrying in");
    screen.expect("it refuses the token");
    screen.press("q");
    assert_eq!(screen.end(), 0);
    server.stop().await;
}
