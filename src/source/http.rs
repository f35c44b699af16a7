//! The HTTP surface: what is asked, in which order it is checked, and what is answered.
//!
//! An answer holds no secret, no signature, nothing of a payload and never a `webhook-delivery` header, with
//! which a sender could be told to switch the endpoint off. Its body is stored and shown by the sender, so it
//! is empty or one short code.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::answer::Answer;
use super::connection::Caller;
use super::intake::Intake;
use super::limits;
use super::peer::Peers;
use super::roster::{Line, Phase};
use crate::clock;
use crate::domain::delivery::{Arrival, Headers, Source};

/// What is taken, where, and from whom.
#[derive(Debug, Clone, Default)]
pub struct Surface {
    /// The path that takes webhooks.
    pub path: String,
    /// Bytes a body may have.
    pub max_body: usize,
    /// Whom the port believes and whom it lets in.
    pub peers: Peers,
}

#[derive(Clone)]
struct Shared {
    intake: Intake,
    surface: Arc<Surface>,
}

/// The router: webhooks at the path, `/healthz`, 404 elsewhere.
pub fn router(intake: Intake, surface: Surface) -> Router {
    Router::new().fallback(answer).with_state(Shared { intake, surface: Arc::new(surface) })
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let path = request.uri().path();
    if path == shared.surface.path {
        if let Some(stranger) = stranger(&shared.surface.peers, &request) {
            let id = request.headers().get("svix-id").map(|id| String::from_utf8_lossy(id.as_bytes()));
            shared.intake.refuse_sender(stranger, id.as_deref(), clock::now());
            // Its body is not read: the connection cannot be used again.
            return (StatusCode::FORBIDDEN, [(header::CONNECTION, "close")]).into_response();
        }
        if request.method() == Method::POST {
            return receive(shared, request).await;
        }
        return Answer::not_a_post().into_response();
    }
    if path == "/healthz" {
        return health(&shared, request.method());
    }
    StatusCode::NOT_FOUND.into_response()
}

/// Whose request it is, if deliveries are not taken from there.
fn stranger(peers: &Peers, request: &Request) -> Option<IpAddr> {
    if !peers.chooses() {
        return None;
    }
    let caller = request.extensions().get::<Caller>()?;
    let client = peers.client(caller.peer, request.headers());
    (!peers.admits(client)).then_some(client)
}

fn health(shared: &Shared, method: &Method) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    if shared.intake.storage_fault().is_some() {
        return Answer::unavailable().into_response();
    }
    StatusCode::OK.into_response()
}

async fn receive(shared: Shared, request: Request) -> Response {
    let Shared { intake, surface } = shared;
    let (parts, body) = request.into_parts();
    let caller = parts.extensions.get::<Caller>();
    let line = caller.map(|caller| &*caller.line);
    let body = match read(&parts.headers, body, surface.max_body, line).await {
        Ok(body) => body,
        Err(status) => {
            if status == StatusCode::PAYLOAD_TOO_LARGE {
                intake.too_large();
            }
            let mut answer = match status {
                StatusCode::SERVICE_UNAVAILABLE => Answer::unavailable().into_response(),
                status => status.into_response(),
            };
            // What is left of the body is not read: the connection cannot be used again.
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            return answer;
        }
    };
    if let Some(line) = line {
        line.enter(Phase::Store);
    }
    let peer = caller.map(|caller| match surface.peers.client(caller.peer, &parts.headers) {
        client if client == caller.peer.ip().to_canonical() => caller.peer.to_string(),
        client => client.to_string(),
    });
    let received_at = clock::now();
    let arrival = Arrival { source: Source::Http, peer, received_at, headers: headers(&parts.headers), body };
    Answer::of(&intake.accept(arrival).await).into_response()
}

/// The whole body within its time, refused by its announced length before a byte of it is read, or while it
/// streams in.
async fn read(headers: &HeaderMap, body: Body, max: usize, line: Option<&Line>) -> Result<Bytes, StatusCode> {
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > max as u64) {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let whole = timeout(limits::BODY, collect(body, max, line)).await;
    whole.unwrap_or(Err(StatusCode::REQUEST_TIMEOUT))
}

/// Most bodies come in one piece and are not copied. The pieces of others are put together as they come: as
/// a list, a body of single bytes would take many times its size.
async fn collect(mut body: Body, max: usize, line: Option<&Line>) -> Result<Bytes, StatusCode> {
    let (mut only, mut whole) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        // The body ended before its length, or its chunks are malformed.
        let Ok(frame) = frame else { return Err(StatusCode::BAD_REQUEST) };
        // Trailers say nothing a webhook needs.
        let Ok(piece) = frame.into_data() else { continue };
        if only.len() + whole.len() + piece.len() > max {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        if only.is_empty() && whole.is_empty() {
            only = piece;
            continue;
        }
        let first = std::mem::take(&mut only);
        if line.is_some_and(|line| !line.hold(first.len() + piece.len())) {
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&piece);
    }
    Ok(if whole.is_empty() { only } else { whole.freeze() })
}

fn headers(map: &HeaderMap) -> Headers {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Headers(map.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect())
}
