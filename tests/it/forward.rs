//! Passing events on, end to end: the real program between a sender and targets that do what targets do.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that fails is to say where, and this one looks at the clock"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use invigil::client::trust::Trust;
use invigil::client::url::Url;
use invigil::domain::forward::{Forwarded, Replay, State};
use invigil::domain::query::Query;
use invigil::domain::secret::{Keyring, Secret};
use invigil::domain::signature::verify;
use invigil::forward::Forward;
use invigil::forward::target::Ending;
use invigil::pulse::Pulse;
use invigil::store::reader::Reader;
use invigil::{clock, forward};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::support::SECRET;
use super::support::command::{Ended, invigil, run};
use super::support::program::{self, PATIENCE, Program};
use super::support::target::{Manner, Target};

const SAMPLE: &[u8] = include_bytes!("../../assets/samples/candidate.completed.json");

/// Starts `invigil serve` in front of a target and waits until it listens.
async fn start(target: &Target, session: &Path, more: &[&str]) -> Program {
    Program::serve(session, &[&["--forward-to", &target.url()], more].concat()).await
}

/// The next line about forwarding that says it is in this state.
async fn state(program: &mut Program, state: &str) -> Value {
    loop {
        let happening = program.told("forward").await;
        if happening["state"] == state {
            return happening;
        }
    }
}

async fn deliver(program: &Program, id: &str, body: &[u8]) {
    assert_eq!(post(program.address(), id, body, &signed(id, body)).await, "HTTP/1.1 204 No Content");
}

/// The headers of a signed delivery.
fn signed(id: &str, body: &[u8]) -> String {
    let lines = program::signed(id, SECRET, body).map(|(name, value)| format!("{name}: {value}\r\n"));
    lines.concat()
}

/// Sends a request and returns the status line of the answer.
async fn post(address: &str, id: &str, body: &[u8], headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /webhook HTTP/1.1\r\nHost: hooks.example.com\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n{headers}\
         Content-Type: application/json\r\nX-Forwarded-For: 192.0.2.7\r\nX-Twice: a\r\nX-Twice: b\r\n\
         X-About: {id}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

/// What the session says became of an event.
fn result(session: &Path, id: &str) -> Option<Forwarded> {
    let reader = Reader::open(session).unwrap();
    let seq = reader.seq_of(id).unwrap().unwrap_or_else(|| panic!("{id} is not kept"));
    reader.forwarded(seq).unwrap()
}

#[tokio::test]
async fn bytes_and_headers_go_on_as_they_came_once_an_event() {
    let (mut target, dir) =
        (Target::open(Manner::Answer(201, "{\"ok\":true}")).await, tempfile::tempdir().unwrap());
    let session = dir.path().join("s.sqlite");
    let program = start(&target, &session, &[]).await;
    let odd = b"{\"a\" : 1e400,\t\"a\":2}\r\n\xff";
    let headers = signed("msg_odd", odd);
    for _ in 0..2 {
        assert_eq!(post(program.address(), "msg_odd", odd, &headers).await, "HTTP/1.1 204 No Content");
    }
    let got = target.next().await;
    assert_eq!((got.line.as_str(), &got.body[..]), ("POST /hooks?token=t1 HTTP/1.1", &odd[..]));
    let sent: Vec<(&str, &str)> = headers.lines().filter_map(|line| line.split_once(": ")).collect();
    for (name, value) in sent {
        assert_eq!(got.headers.get(name), Some(value));
    }
    let mut names: Vec<&str> = got.headers.0.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let wanted = [
        "content-length",
        "content-type",
        "host",
        "svix-id",
        "svix-signature",
        "svix-timestamp",
        "x-about",
        "x-forwarded-for",
        "x-twice",
        "x-twice",
    ];
    assert_eq!(names, wanted);
    assert_eq!(got.headers.get("host"), Some(target.host.as_str()));
    deliver(&program, "msg_2", SAMPLE).await;
    assert_eq!(target.ids(1).await, ["msg_2"], "the repeat is the same event");
    assert_eq!(post(program.address(), "msg_3", b"{}", "").await, "HTTP/1.1 401 Unauthorized");
    program.stop().await;
    assert!(target.nothing(), "what is refused goes nowhere");
    let told = result(&session, "msg_odd").unwrap();
    assert_eq!(
        (told.state, told.status, told.attempts, told.replayed),
        (State::Delivered, Some(201), 1, false)
    );
    assert_eq!(told.note, "{\"ok\":true}");

    // Begun anew, it has nothing to do again; without verifying, whatever is taken goes on.
    let program = start(&target, &session, &["--no-verify"]).await;
    assert_eq!(post(program.address(), "msg_3", b"unsigned", "").await, "HTTP/1.1 204 No Content");
    assert_eq!(target.next().await.body, b"unsigned");
    program.stop().await;
    assert!(target.nothing());
}

#[tokio::test]
async fn a_target_that_hangs_delays_nothing_and_gets_it_all_after_a_restart() {
    let (mut target, dir) = (Target::open(Manner::Hang).await, tempfile::tempdir().unwrap());
    let session = dir.path().join("s.sqlite");
    let program = start(&target, &session, &[]).await;
    let wanted: Vec<String> = (0..40).map(|n| format!("msg_{n:02}")).collect();
    for id in &wanted {
        deliver(&program, id, SAMPLE).await;
    }
    assert_eq!(target.ids(16).await, wanted[..16], "all but these wait, and all are acknowledged");
    assert!(target.nothing());
    let begun = Instant::now();
    program.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "it does not wait for the target");
    assert_eq!(target.most(), 16);
    assert_eq!(result(&session, "msg_00"), None);

    target.leave().await;
    target.come_back(Manner::Answer(204, "")).await;
    let mut program = start(&target, &session, &[]).await;
    assert_eq!(state(&mut program, "on").await["waiting"], 40);
    assert_eq!(target.ids(40).await, wanted, "none is lost");
    deliver(&program, "msg_new", SAMPLE).await;
    assert_eq!(target.ids(1).await, ["msg_new"]);
    program.stop().await;
    assert!(wanted.iter().all(|id| result(&session, id).is_some_and(|told| told.state == State::Delivered)));
}

#[tokio::test]
async fn a_killed_program_goes_on_from_where_it_stood() {
    let (mut target, dir) = (Target::open(Manner::Answer(204, "")).await, tempfile::tempdir().unwrap());
    let session = dir.path().join("s.sqlite");
    let mut program = start(&target, &session, &[]).await;
    deliver(&program, "msg_1", SAMPLE).await;
    assert_eq!(target.ids(1).await, ["msg_1"]);
    let begun = Instant::now();
    while result(&session, "msg_1").is_none() {
        assert!(begun.elapsed() < PATIENCE, "the result is written by itself");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    target.leave().await;
    deliver(&program, "msg_2", SAMPLE).await;
    assert_eq!(state(&mut program, "failing").await["waiting"], 1);
    program.child.kill().await.unwrap();
    target.come_back(Manner::Answer(204, "")).await;
    let program = start(&target, &session, &[]).await;
    deliver(&program, "msg_3", SAMPLE).await;
    assert_eq!(target.ids(2).await, ["msg_2", "msg_3"]);
    program.stop().await;
    assert!(target.nothing());
}

#[tokio::test]
async fn a_target_that_is_gone_is_told_and_waited_for() {
    let (mut target, dir) = (Target::open(Manner::Answer(204, "")).await, tempfile::tempdir().unwrap());
    let session = dir.path().join("s.sqlite");
    let mut program = start(&target, &session, &[]).await;
    assert_eq!(
        state(&mut program, "on").await["url"],
        format!("http://{}/hooks", target.host),
        "without the token"
    );
    target.leave().await;
    for n in 0..20 {
        deliver(&program, &format!("msg_{n:02}"), SAMPLE).await;
    }
    let failing = state(&mut program, "failing").await;
    assert!(failing["why"].as_str().unwrap().contains("refused"), "{failing}");
    assert!(failing["next"].is_string(), "{failing}");
    target.come_back(Manner::Answer(204, "")).await;
    assert_eq!(target.ids(20).await.len(), 20);
    state(&mut program, "recovered").await;
    program.stop().await;
    assert!(target.nothing());
    assert_eq!(result(&session, "msg_19").unwrap().attempts, 1, "being gone does not count");
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_and_given_up() {
    let manner = |got: &super::support::target::Got| match got.id() {
        "msg_redirect" => Manner::Redirect,
        "msg_close" => Manner::Close,
        "msg_endless" => Manner::Endless,
        "msg_wrong" => Manner::Answer(500, "oops \u{1b}[2J"),
        _ => Manner::Answer(200, "fine"),
    };
    let (mut target, dir) = (Target::that(manner).await, tempfile::tempdir().unwrap());
    let session = dir.path().join("s.sqlite");
    let mut program = start(&target, &session, &[]).await;
    let bad = ["msg_redirect", "msg_close", "msg_wrong"];
    for id in ["msg_redirect", "msg_endless", "msg_close", "msg_wrong", "msg_fine"] {
        deliver(&program, id, SAMPLE).await;
    }
    let mut failed = Vec::new();
    for _ in bad {
        let failure = program.told("forward_failed").await;
        assert_eq!(failure["attempts"], 4);
        assert!(!failure.to_string().contains('\u{1b}'));
        failed.push(failure["id"].as_str().unwrap().to_owned());
    }
    failed.sort();
    assert_eq!(failed, ["msg_close", "msg_redirect", "msg_wrong"]);
    // Others are taken all the while.
    deliver(&program, "msg_last", SAMPLE).await;
    let mut got: Vec<String> = Vec::new();
    while got.last().is_none_or(|id| id != "msg_last") {
        let request = target.next().await;
        assert!(request.line.starts_with("POST /hooks?"), "no redirect is followed: {}", request.line);
        got.push(request.id().to_owned());
    }
    program.stop().await;
    assert!(target.nothing());
    let times = |id: &str| got.iter().filter(|got| *got == id).count();
    assert_eq!(bad.map(times), [4, 4, 4]);
    assert_eq!(["msg_endless", "msg_fine", "msg_last"].map(times), [1, 1, 1]);
    let told = |id: &str| result(&session, id).unwrap();
    assert_eq!((told("msg_redirect").status, told("msg_redirect").state), (Some(302), State::GivenUp));
    assert!(told("msg_redirect").note.contains("/elsewhere, which is not followed"));
    assert_eq!((told("msg_close").status, told("msg_close").state), (None, State::GivenUp));
    assert_eq!(told("msg_wrong").note, "oops \u{1b}[2J");
    let endless = told("msg_endless");
    assert_eq!((endless.status, endless.state, endless.note.len()), (Some(200), State::Delivered, 1024));
    assert!(target.sent.load(Ordering::Relaxed) < 16 << 20, "what is not wanted is not taken");
    let reader = Reader::open(&session).unwrap();
    assert_eq!(reader.sums().unwrap().unforwarded, 3);
}

/// What was received long ago is signed afresh: a receiver would refuse it, as it should.
#[tokio::test]
async fn what_has_become_too_old_is_signed_afresh() {
    let (mut target, dir) = (Target::open(Manner::Answer(204, "")).await, tempfile::tempdir().unwrap());
    let session = dir.path().join("s.sqlite");
    let program = start(&target, &session, &["--secret", SECRET, "--tolerance", "1h"]).await;
    let then = clock::now().secs() - 1_800;
    let signature = Secret::parse(SECRET).unwrap().sign("msg_old", then, SAMPLE);
    let headers = format!("svix-id: msg_old\r\nsvix-timestamp: {then}\r\nsvix-signature: {signature}\r\n");
    assert_eq!(post(program.address(), "msg_old", SAMPLE, &headers).await, "HTTP/1.1 204 No Content");
    let got = target.next().await;
    let keyring = Keyring::new(vec![Secret::parse(SECRET).unwrap()]);
    let verified = verify(&got.headers, &got.body, &keyring, 60, clock::now()).unwrap();
    assert_eq!(verified.id, "msg_old");
    program.stop().await;
}

#[test]
fn a_url_that_cannot_be_posted_to_is_named() {
    for url in ["localhost:3000", "ftp://example.com/", "http://"] {
        let home = tempfile::tempdir().unwrap();
        let args = ["serve", "--secret", SECRET, "--forward-to", url];
        let Ended { code, err: said, .. } = run(&args, home.path(), "");
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("--forward-to") && said.lines().count() == 1, "{said}");
    }
}

/// A certificate for the target's address by an authority of its own, and that authority's in a file.
fn certificate(dir: &Path) -> ServerConfig {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(dir.join("authority.pem"), authority.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).unwrap()
}

/// Over https nothing is handed to who cannot show that it is them; it waits until it can.
#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_told_and_gets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let config = certificate(dir.path());
    let mut target = Target::open(Manner::Answer(204, "")).await.encrypted(config).await;
    let session = dir.path().join("s.sqlite");
    let mut program = start(&target, &session, &[]).await;
    deliver(&program, "msg_1", SAMPLE).await;
    let failing = state(&mut program, "failing").await;
    assert!(failing["why"].as_str().is_some_and(|why| why.ends_with("by --ca-file")), "{failing}");
    assert_eq!((&failing["waiting"], failing["next"].is_string()), (&Value::from(1), true), "{failing}");
    program.stop().await;
    assert!(target.nothing());
    let authority = dir.path().join("authority.pem").display().to_string();
    let program = start(&target, &session, &["--ca-file", &authority]).await;
    let got = target.next().await;
    assert_eq!((got.id(), got.body.as_slice()), ("msg_1", SAMPLE));
    program.stop().await;
    assert_eq!(result(&session, "msg_1").unwrap().state, State::Delivered);
    let simulate = ["simulate", "--to", &target.url(), "--secret", SECRET, "--limit", "1"];
    for (trusted, code) in [(vec![], Some(1)), (vec!["--ca-file", &authority], Some(0))] {
        let simulated = invigil(&[&simulate[..], &trusted].concat(), dir.path());
        let ended = tokio::process::Command::from(simulated).output().await.unwrap();
        assert_eq!(ended.status.code(), code, "{trusted:?}");
        let said = String::from_utf8(ended.stderr).unwrap();
        let why = "1 of 1 message failed: its certificate is of an authority that is not known here";
        assert_eq!(said.contains(why), code == Some(1), "{said}");
    }
    target.next().await;
    assert!(target.nothing());
}

/// One message of many that is not taken is told, with why, and is no success.
#[tokio::test]
async fn a_simulation_that_was_not_taken_whole_has_failed() {
    let dir = tempfile::tempdir().unwrap();
    let first = std::sync::OnceLock::<String>::new();
    let target = Target::that(move |got| {
        let refused = got.id() == first.get_or_init(|| got.id().to_owned());
        Manner::Answer(if refused { 405 } else { 204 }, "")
    })
    .await;
    let args = ["simulate", "--to", &target.url(), "--secret", SECRET, "--rate", "0", "--limit", "9"];
    let simulated = invigil(&[&args[..], &["--duplicates", "0"]].concat(), dir.path());
    let ended = tokio::process::Command::from(simulated).output().await.unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.ends_with("--to: 1 of 9 messages failed: it answered 405\n"), "{said}");
    let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((&report["accepted"], &report["failed"]), (&8.into(), &1.into()));
}

/// Somebody who speaks something else is told from somebody who refuses.
/// A saved session is looked at, events of it are sent again, and somebody goes on with it meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_session_that_somebody_begins_to_write_is_sent_on_from() {
    let (target, dir) = (Target::open(Manner::Answer(204, "")).await, tempfile::tempdir().unwrap());
    let session = dir.path().join("s.sqlite");
    let first = Program::serve(&session, &[]).await;
    deliver(&first, "msg_1", SAMPLE).await;
    first.stop().await;
    let stop = CancellationToken::new();
    let saved = Forward {
        target: forward::target::Target::new(Url::parse(&target.url()).unwrap(), &Trust::default()).unwrap(),
        reader: Reader::open(&session).unwrap(),
        journal: None,
        pulse: Pulse::default(),
        keyring: Box::new(Keyring::default),
    };
    let (orders, _) = forward::begin(saved, stop.clone()).unwrap();
    assert_eq!(orders.replay(Replay::One(1)).await.unwrap().delivered, 1);
    let second = Program::serve(&session, &[]).await;
    deliver(&second, "msg_2", SAMPLE).await;
    let all = Replay::Chosen { query: Query::default(), until: 2, total: 2 };
    let sum = orders.replay(all).await.unwrap();
    assert_eq!((sum.delivered, sum.stopped), (2, None));
    assert_eq!(orders.replay(Replay::One(2)).await.unwrap().delivered, 1);
    second.stop().await;
    stop.cancel();
}

#[tokio::test]
async fn a_target_that_speaks_no_http_is_called_that() {
    let greeter = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", greeter.local_addr().unwrap());
    let greeting = tokio::spawn(async move {
        let (mut stream, _) = greeter.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        stream.write_all(b"220 mail.example.com ESMTP\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    let url = Url::parse(&url).unwrap();
    let target = forward::target::Target::new(url, &Trust::default()).unwrap();
    let (ending, _) = target.send(hyper::HeaderMap::new(), b"{}".to_vec()).await;
    let Ending::Failed(why) = ending else { panic!("{ending:?}") };
    assert!(why.starts_with("it speaks no HTTP: "), "{why}");
    greeting.abort();
}

/// Where time passes at once: who does not answer is given up on, and who does not end is cut off.
#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_or_end_is_waited_for_so_long() {
    // Connections are made by the system; nobody takes them.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let send = async |address: std::net::SocketAddr| {
        let url = Url::parse(&format!("http://{address}/")).unwrap();
        let target = forward::target::Target::new(url, &Trust::default()).unwrap();
        let begun = tokio::time::Instant::now();
        let (ending, millis) = target.send(hyper::HeaderMap::new(), b"{}".to_vec()).await;
        (ending, millis, begun.elapsed().as_secs())
    };
    let (ending, millis, secs) = send(nobody.local_addr().unwrap()).await;
    assert_eq!(ending, Ending::Failed("no answer within 15 s".into()));
    assert_eq!((millis, secs), (15_000, 15));

    let slow = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = slow.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let mut stream = BufReader::new(slow.accept().await.unwrap().0);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).await.unwrap();
        }
        stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 99\r\n\r\nbegun").await.unwrap();
        std::future::pending::<()>().await;
    });
    let (ending, _, secs) = send(address).await;
    assert_eq!(ending, Ending::Answered { status: 202, begins: "begun".into() });
    assert_eq!(secs, 2);
    serving.abort();
}
