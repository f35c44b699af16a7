//! The HTTP surface, row by row of what others rely on.
#![expect(clippy::unwrap_used, reason = "a test that fails is to say where")]

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use invigil::clock;
use invigil::domain::query::{Anchor, EventRow, Query};
use invigil::domain::secret::{Keyring, Secret};
use invigil::pulse::Pulse;
use invigil::source::http::{Surface, router};
use invigil::source::intake::{Intake, Rules};
use invigil::store::journal::Journal;
use invigil::store::reader::Reader;
use tower::ServiceExt;

use super::support::SECRET;

const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const SAMPLE: &str = include_str!("../../assets/samples/candidate.completed.json");
const LIMIT: usize = 64 << 10;

struct Door {
    router: Router,
    intake: Intake,
    journal: Journal,
    pulse: Pulse,
    dir: tempfile::TempDir,
}

impl Door {
    fn new(secrets: &[&str], no_verify: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let pulse = Pulse::default();
        let journal = Journal::open(&dir.path().join("s.sqlite"), clock::now(), pulse.clone()).unwrap();
        let keyring = Keyring::new(secrets.iter().map(|secret| Secret::parse(secret).unwrap()).collect());
        let intake =
            Intake::new(Rules { keyring, no_verify, tolerance_secs: 300 }, journal.clone(), pulse.clone());
        let surface = Surface { path: "/webhook".into(), max_body: LIMIT, ..Surface::default() };
        Self { router: router(intake.clone(), surface), intake, journal, pulse, dir }
    }

    async fn ask(&self, request: Request<Body>) -> Response<Body> {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        assert!(!answer.headers().contains_key("webhook-delivery"), "it could switch the endpoint off");
        answer
    }

    async fn post(&self, delivery: Delivery) -> StatusCode {
        self.ask(delivery.request()).await.status()
    }

    /// The word in the answer of a refused delivery.
    async fn refused(&self, delivery: Delivery) -> String {
        let answer = self.ask(delivery.request()).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        body.strip_prefix("{\"error\":\"").and_then(|rest| rest.strip_suffix("\"}")).unwrap().to_owned()
    }

    fn reader(&self) -> Reader {
        Reader::of(&self.journal).unwrap()
    }

    fn body(&self, id: &str) -> Vec<u8> {
        let seq = self.reader().seq_of(id).unwrap().unwrap();
        self.reader().detail(seq).unwrap().unwrap().body
    }
}

struct Delivery {
    id: &'static str,
    off_secs: i64,
    brand: &'static str,
    secret: &'static str,
    body: Vec<u8>,
}

impl Delivery {
    fn new(id: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { id, off_secs: 0, brand: "svix", secret: SECRET, body: body.into() }
    }

    fn request(&self) -> Request<Body> {
        let secs = clock::now().secs() + self.off_secs;
        let signature = Secret::parse(self.secret).unwrap().sign(self.id, secs, &self.body);
        let named = |name: &str| format!("{}-{name}", self.brand);
        Request::post("/webhook")
            .header(named("id"), self.id)
            .header(named("timestamp"), secs)
            .header(named("signature"), signature)
            .body(self.body.clone().into())
            .unwrap()
    }
}

#[tokio::test]
async fn a_good_delivery_is_kept_under_either_brand_and_counted_once() {
    let door = Door::new(&[OTHER, SECRET], false);
    assert_eq!(door.post(Delivery::new("msg_a", SAMPLE)).await, StatusCode::NO_CONTENT);
    assert_eq!(
        door.post(Delivery { brand: "webhook", ..Delivery::new("msg_b", SAMPLE) }).await,
        StatusCode::NO_CONTENT
    );
    for _ in 0..3 {
        assert_eq!(door.post(Delivery::new("msg_a", SAMPLE)).await, StatusCode::NO_CONTENT);
    }
    let sums = door.reader().sums().unwrap();
    assert_eq!((sums.events, sums.deliveries, sums.candidates, sums.assessments), (2, 5, 1, 1));
    assert_eq!(door.body("msg_a"), SAMPLE.as_bytes());
}

#[tokio::test]
async fn a_repeated_id_with_another_body_keeps_the_first_and_shows_the_conflict() {
    let door = Door::new(&[SECRET], false);
    door.post(Delivery::new("msg_a", "first")).await;
    assert_eq!(door.post(Delivery::new("msg_a", "second")).await, StatusCode::NO_CONTENT);
    assert_eq!(door.body("msg_a"), b"first");
    let detail = door.reader().detail(1).unwrap().unwrap();
    assert_eq!((detail.line.deliveries, detail.line.conflicts), (2, 1));
}

#[tokio::test]
async fn what_is_not_understood_is_kept_to_the_byte() {
    let door = Door::new(&[SECRET], false);
    let nested = "[".repeat(10_000) + &"]".repeat(10_000);
    let bodies: [(&'static str, Vec<u8>); 4] = [
        ("msg_text", b"hello".to_vec()),
        ("msg_bytes", vec![0xff, 0x00, 0xfe]),
        ("msg_deep", nested.into_bytes()),
        ("msg_unknown", br#"{"type":"candidate","event":"teleported"}"#.to_vec()),
    ];
    for (id, body) in &bodies {
        assert_eq!(door.post(Delivery::new(id, body.clone())).await, StatusCode::NO_CONTENT);
        assert_eq!(&door.body(id), body);
    }
    assert_eq!(door.reader().sums().unwrap().unrecognised, 4);
}

#[tokio::test]
async fn every_refusal_has_its_code_and_reaches_no_file() {
    let door = Door::new(&[SECRET], false);
    let good = || Delivery::new("msg_a", SAMPLE);
    assert_eq!(door.refused(Delivery { secret: OTHER, ..good() }).await, "no_matching_signature");
    assert_eq!(door.refused(Delivery { off_secs: -400, ..good() }).await, "timestamp_too_old");
    assert_eq!(door.refused(Delivery { off_secs: 400, ..good() }).await, "timestamp_too_new");
    assert_eq!(door.refused(Delivery { id: " ", ..good() }).await, "missing_header");
    for (header, value, code) in [
        ("svix-timestamp", "yesterday", "malformed_header"),
        ("svix-signature", "nonsense", "malformed_header"),
        ("svix-signature", "", "missing_header"),
        ("svix-signature", "v1a,AAAA", "no_matching_signature"),
    ] {
        let mut request = good().request();
        request.headers_mut().insert(header, value.parse().unwrap());
        let answer = door.ask(request).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, format!("{{\"error\":\"{code}\"}}"), "{header}: {value}");
    }
    assert_eq!(door.reader().sums().unwrap().deliveries, 0);
    assert_eq!(door.pulse.snapshot().refused(), 8);
    let shown =
        door.reader().events(&Query::default(), &Anchor::First, 0, 20, &door.pulse.refusals()).unwrap();
    assert_eq!(shown.rows.iter().filter(|row| matches!(row, EventRow::Refusal(..))).count(), 8);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_announced_or_streamed() {
    let door = Door::new(&[SECRET], false);
    assert_eq!(door.post(Delivery::new("msg_a", vec![b'a'; LIMIT])).await, StatusCode::NO_CONTENT);
    assert_eq!(door.post(Delivery::new("msg_b", vec![b'a'; LIMIT + 1])).await, StatusCode::PAYLOAD_TOO_LARGE);
    let announced =
        Request::post("/webhook").header("content-length", LIMIT + 1).body(Body::empty()).unwrap();
    assert_eq!(door.ask(announced).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn other_methods_and_paths_are_told_so() {
    let door = Door::new(&[SECRET], false);
    let ask = async |method: &str, path: &str| {
        door.ask(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
    };
    for method in ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"] {
        let answer = ask(method, "/webhook").await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers()["allow"], "POST");
    }
    for path in ["/", "/webhook/", "/webhooks", "/Webhook", "/healthz/x"] {
        assert_eq!(ask("POST", path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(ask("GET", "/healthz").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_cannot_be_stored_is_never_acknowledged() {
    let door = Door::new(&[SECRET], false);
    std::fs::remove_file(door.dir.path().join("s.sqlite")).unwrap();
    let answer = door.ask(Delivery::new("msg_a", SAMPLE).request()).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["retry-after"], "5");
    assert!(door.pulse.storage_fault().is_some());
    let health = Request::get("/healthz").body(Body::empty()).unwrap();
    assert_eq!(door.ask(health).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    door.journal.clone().close().await;
    assert_eq!(door.post(Delivery::new("msg_b", SAMPLE)).await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn what_came_before_there_was_a_secret_is_verified_when_there_is_one() {
    let door = Door::new(&[], false);
    assert_eq!(door.refused(Delivery::new("msg_a", SAMPLE)).await, "no_matching_signature");
    assert_eq!(
        door.refused(Delivery { secret: OTHER, ..Delivery::new("msg_b", SAMPLE) }).await,
        "no_matching_signature"
    );
    assert_eq!(door.pulse.snapshot().pending, 2);
    let settled = door.intake.add_secret(Secret::parse(SECRET).unwrap()).await;
    assert_eq!((settled.verified, settled.refused), (1, 1));
    assert_eq!(door.reader().sums().unwrap().events, 1);
    assert_eq!((door.pulse.snapshot().pending, door.pulse.refusals().len()), (0, 1));
}

#[tokio::test]
async fn a_wrong_secret_does_not_lose_what_waited_for_the_right_one() {
    let door = Door::new(&[], false);
    for id in ["msg_a", "msg_b"] {
        assert_eq!(door.refused(Delivery::new(id, SAMPLE)).await, "no_matching_signature");
    }
    assert_eq!((door.pulse.snapshot().pending, door.pulse.snapshot().refused()), (2, 0));
    let settled = door.intake.add_secret(Secret::parse(OTHER).unwrap()).await;
    assert_eq!((settled.verified, settled.refused, settled.waiting), (0, 0, 2));
    assert_eq!(door.pulse.snapshot().pending, 2);
    let settled = door.intake.add_secret(Secret::parse(SECRET).unwrap()).await;
    assert_eq!((settled.verified, settled.refused, settled.waiting), (2, 0, 0));
    assert_eq!(door.reader().sums().unwrap().events, 2);
    assert_eq!((door.pulse.snapshot().pending, door.pulse.snapshot().refused()), (0, 0));
}

#[tokio::test]
async fn unsigned_deliveries_are_taken_only_when_asked_for_and_marked() {
    let door = Door::new(&[SECRET], true);
    let unsigned = Request::post("/webhook").body(SAMPLE.into()).unwrap();
    assert_eq!(door.ask(unsigned).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(door.post(Delivery::new("msg_signed", SAMPLE)).await, StatusCode::NO_CONTENT);
    let lines = door.reader().since(0, 10).unwrap();
    assert_eq!(lines.iter().map(|line| line.verified).collect::<Vec<_>>(), [false, true]);
}
