//! The HTTP surface: what is asked, in which order it is checked, and what is answered.
//!
//! An answer holds no secret, no signature, nothing of a payload and never a `webhook-delivery` header, with
//! which a sender could be told to switch the endpoint off. Its body is stored and shown by the sender, so it
//! is empty or one short code.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::answer::Answer;
use super::intake::Intake;
use crate::clock;
use crate::domain::delivery::{Arrival, Headers, Source};

/// The peer's address, which the listener adds to each request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

#[derive(Clone)]
struct Surface {
    intake: Intake,
    path: std::sync::Arc<str>,
    max_body: usize,
}

/// The router: webhooks at `path`, `/healthz`, 404 elsewhere.
pub fn router(intake: Intake, path: &str, max_body: usize) -> Router {
    Router::new().fallback(answer).with_state(Surface { intake, path: path.into(), max_body })
}

async fn answer(State(surface): State<Surface>, request: Request) -> Response {
    let path = request.uri().path();
    if path == &*surface.path {
        if request.method() == Method::POST {
            return receive(surface, request).await;
        }
        return Answer::not_a_post().into_response();
    }
    if path == "/healthz" {
        return health(&surface, request.method());
    }
    StatusCode::NOT_FOUND.into_response()
}

fn health(surface: &Surface, method: &Method) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    if surface.intake.storage_fault().is_some() {
        return Answer::unavailable().into_response();
    }
    StatusCode::OK.into_response()
}

async fn receive(surface: Surface, request: Request) -> Response {
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.to_string());
    let (parts, body) = request.into_parts();
    let body = match read(&parts.headers, body, surface.max_body).await {
        Ok(body) => body,
        Err(status) => {
            if status == StatusCode::PAYLOAD_TOO_LARGE {
                surface.intake.too_large();
            }
            // What is left of the body is not read: the connection cannot be used again.
            return (status, [(header::CONNECTION, "close")]).into_response();
        }
    };
    let received_at = clock::now();
    let arrival = Arrival { source: Source::Http, peer, received_at, headers: headers(&parts.headers), body };
    Answer::of(&surface.intake.accept(arrival).await).into_response()
}

/// The whole body, refused by its announced length before a byte of it is read, or while it streams in.
async fn read(headers: &HeaderMap, body: Body, max: usize) -> Result<Bytes, StatusCode> {
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > max as u64) {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    match Limited::new(body, max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        // The body ended before its length, or its chunks are malformed.
        Err(_) => Err(StatusCode::BAD_REQUEST),
    }
}

fn headers(map: &HeaderMap) -> Headers {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Headers(map.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect())
}
