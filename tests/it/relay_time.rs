//! What the link to a relay does in time: silences, ends and objections, in a time that passes at once.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that fails is to say where, and the client is a task of its own"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use invigil::clock;
use invigil::domain::secret::Keyring;
use invigil::domain::vitals::Relay;
use invigil::pulse::Pulse;
use invigil::source::intake::{Intake, Rules};
use invigil::source::relay::inbox::Inbox;
use invigil::source::relay::token::Token;
use invigil::source::relay::{self, Outside};
use invigil::store::journal::Journal;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::support::relay::{IN_USE, Line};

type Kept = Arc<Mutex<Vec<String>>>;

/// A relay reached by a pipe.
struct Pipe {
    ends: mpsc::UnboundedSender<DuplexStream>,
    kept: Kept,
}

impl Outside for Pipe {
    type Stream = DuplexStream;

    async fn dial(&self) -> Result<WebSocketStream<DuplexStream>, String> {
        let (ours, theirs) = duplex(64 << 10);
        self.ends.send(theirs).unwrap();
        let upgraded = tokio_tungstenite::client_async("ws://relay/api/v1/listen/", ours).await;
        upgraded.map(|(socket, _)| socket).map_err(|why| why.to_string())
    }

    async fn keep(&self, token: &str) -> bool {
        self.kept.lock().unwrap().push(token.to_owned());
        true
    }

    fn receive(&self, token: &str) -> String {
        format!("url-of-{token}")
    }
}

/// A client at the other end of the pipe.
struct Client {
    ends: mpsc::UnboundedReceiver<DuplexStream>,
    kept: Kept,
    pulse: Pulse,
    fallen: u64,
    stop: CancellationToken,
    done: tokio::task::JoinHandle<()>,
    _dir: tempfile::TempDir,
}

impl Client {
    fn new(token: Token) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (pulse, stop) = (Pulse::default(), CancellationToken::new());
        let journal = Journal::open(&dir.path().join("s.sqlite"), clock::now(), pulse.clone()).unwrap();
        let rules = Rules { keyring: Keyring::new(Vec::new()), no_verify: false, tolerance_secs: 300 };
        let intake = Intake::new(rules, journal, pulse.clone());
        let (ends, coming) = mpsc::unbounded_channel();
        let kept = Kept::default();
        let pipe = Pipe { ends, kept: Arc::clone(&kept) };
        let inbox = Inbox { intake, pulse: pulse.clone(), max_body: 1 << 20 };
        let done = tokio::spawn(relay::run(pipe, token, inbox, stop.clone()));
        Self { ends: coming, kept, pulse, fallen: 0, stop, done, _dir: dir }
    }

    /// The next link, and the milliseconds until it was tried.
    async fn link(&mut self) -> (Line<DuplexStream>, u128) {
        let begun = Instant::now();
        let end = self.ends.recv().await.unwrap();
        let waited = begun.elapsed().as_millis();
        (Line::upgrade(end).await, waited)
    }

    /// The next link, its token given.
    async fn granted(&mut self) -> (Line<DuplexStream>, u128) {
        let (mut line, waited) = self.link().await;
        let token = line.start().await;
        line.grant(&token).await;
        let live = |relay: &Relay| relay.is_live();
        self.until(live).await;
        (line, waited)
    }

    /// Waits for the pulse to say so.
    async fn until(&self, so: impl Fn(&Relay) -> bool) -> Relay {
        let mut changed = self.pulse.changed();
        loop {
            if let Some(relay) = self.pulse.snapshot().relay.filter(&so) {
                return relay;
            }
            changed.changed().await.unwrap();
        }
    }

    /// Waits until one more link or attempt has ended, and says why.
    async fn down(&mut self) -> String {
        self.fallen += 1;
        let fallen = self.fallen;
        self.until(|relay| relay.ends == fallen).await.last_end.unwrap()
    }
}

fn fresh() -> Token {
    relay::fresh_token().unwrap()
}

/// Whether a pause is as long as this, but for its spread.
fn is_about(pause: u128, wanted: u128) -> bool {
    (wanted * 8 / 10..=wanted * 12 / 10 + 1).contains(&pause)
}

#[tokio::test(start_paused = true)]
async fn a_silent_relay_is_pinged_and_then_left() {
    let mut client = Client::new(fresh());
    let (mut line, _) = client.granted().await;
    let begun = Instant::now();
    assert!(line.message().await.unwrap().is_ping(), "an answer to it would show that the relay lives");
    assert_eq!(begun.elapsed().as_secs(), 25);
    // The library answers once it is asked for the next message: for that it is asked too late.
    sleep(Duration::from_secs(21)).await;
    assert_eq!(client.down().await, "it was silent for 45 s");
    let (_line, waited) = client.granted().await;
    assert_eq!(waited, 0, "the first time it is tried again at once");
}

#[tokio::test(start_paused = true)]
async fn any_frame_shows_that_a_relay_lives() {
    let mut client = Client::new(fresh());
    let (mut line, _) = client.granted().await;
    for _ in 0..20 {
        sleep(Duration::from_secs(20)).await;
        line.send(Message::Ping("".into())).await;
        assert!(line.message().await.unwrap().is_pong());
    }
    for _ in 0..3 {
        // One that only answers pings lives too.
        assert!(line.message().await.unwrap().is_ping());
        line.send(Message::Pong("".into())).await;
    }
    assert!(client.pulse.snapshot().relay.unwrap().is_live());
    client.stop.cancel();
    let Some(Message::Close(Some(close))) = line.message().await else { unreachable!() };
    assert_eq!(u16::from(close.code), 1000);
    client.done.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_never_answers_the_start_is_left_after_a_minute() {
    let mut client = Client::new(fresh());
    let (mut line, _) = client.link().await;
    line.start().await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(59) {
        sleep(Duration::from_secs(10)).await;
        line.send(Message::Ping("".into())).await;
    }
    assert_eq!(client.down().await, "it did not answer the start within 60 s");
    assert_eq!(begun.elapsed().as_secs(), 60);
    assert_eq!(client.pulse.snapshot().relay.unwrap().url, None, "no URL is told that does not hold");
}

#[tokio::test(start_paused = true)]
async fn however_a_link_ends_it_is_made_again_with_the_same_token_and_growing_pauses() {
    let mut client = Client::new(fresh());
    let mut pauses = Vec::new();
    let mut tokens = Vec::new();
    for code in [1000, 1011, 1008, 1006, 1001, 1000, 1000, 1000, 1000, 1000, 1000, 1000] {
        let (mut line, waited) = client.link().await;
        pauses.push(waited);
        let token = line.start().await;
        line.grant(&token).await;
        tokens.push(token);
        client.until(Relay::is_live).await;
        match code {
            // No code goes over the wire when a link just breaks off.
            1006 => drop(line),
            code => line.close(code, "whatever").await,
        }
        let why = client.down().await;
        assert!(code == 1006 || why.contains(&format!("closed the link ({code}): whatever")), "{why}");
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert_eq!(*client.kept.lock().unwrap(), tokens, "kept once");
    let wanted = [0, 0, 100, 1_000, 5_000, 5_000, 5_000, 5_000, 5_000, 5_000, 5_000, 30_000];
    assert!(pauses.iter().zip(wanted).all(|(pause, wanted)| is_about(*pause, wanted)), "{pauses:?}");
    // One that held for long begins anew.
    let (line, _) = client.granted().await;
    sleep(Duration::from_secs(11)).await;
    drop(line);
    assert_eq!(client.link().await.1, 0);
}

#[tokio::test(start_paused = true)]
async fn a_token_of_ours_in_use_is_asked_for_thrice_more_and_then_another() {
    let mut client = Client::new(Token::kept("c_old".into()));
    let mut pauses = Vec::new();
    for _ in 0..4 {
        let (mut line, waited) = client.link().await;
        assert_eq!(line.start().await, "c_old");
        line.close(1008, IN_USE).await;
        assert!(client.down().await.starts_with("another listener has this token"));
        pauses.push(waited);
    }
    assert!(pauses.iter().zip([0, 100, 1_000, 5_000]).all(|(p, w)| is_about(*p, w)), "{pauses:?}");
    let (mut line, waited) = client.link().await;
    let token = line.start().await;
    assert_eq!((token.len(), waited), (29, 0));
    line.grant(&token).await;
    let moved = client.until(Relay::is_live).await;
    assert_eq!(
        (moved.url, moved.replaced),
        (Some(format!("url-of-{token}")), Some("url-of-c_old".to_owned()))
    );
    assert_eq!(*client.kept.lock().unwrap(), [token]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_given_is_never_given_up() {
    let mut client = Client::new(Token::given("c_mine".into()));
    for _ in 0..25 {
        let (mut line, waited) = client.link().await;
        assert_eq!(line.start().await, "c_mine");
        assert!(waited <= 30_000);
        line.close(1008, IN_USE).await;
        assert!(client.down().await.contains("end it there"));
    }
    let relay = client.pulse.snapshot().relay.unwrap();
    assert_eq!((relay.url, relay.replaced), (None, None));
    assert!(client.kept.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_no_collision_and_a_new_token_called_invalid_is_shortened() {
    let mut client = Client::new(fresh());
    let (mut line, _) = client.link().await;
    let long = line.start().await;
    line.close(1008, "this socket is already in use, more or less").await;
    assert!(client.down().await.starts_with("it refused (1008): this socket"));
    let (mut line, _) = client.link().await;
    assert_eq!(line.start().await, long);
    line.close(1008, "Invalid token").await;
    assert_eq!(client.down().await, "it calls the token invalid; a new one is made");
    let (mut line, _) = client.link().await;
    let short = line.start().await;
    assert_eq!(short.len(), 12);
    line.grant(&short).await;
    client.until(Relay::is_live).await;
    assert_eq!(*client.kept.lock().unwrap(), [short]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_would_leave_its_url_is_refused() {
    let mut client = Client::new(fresh());
    let (mut line, _) = client.link().await;
    line.start().await;
    line.grant("../../\u{1b}[2J").await;
    assert_eq!(client.down().await, "it gave a token that fits into no URL");
}
