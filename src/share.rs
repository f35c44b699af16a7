//! The control address: where somebody looks on from elsewhere. `GET /attach` becomes a stream of everything
//! that is committed, `GET /metrics` is for Prometheus, `GET /healthz` for whoever starts and stops this.
//!
//! Nothing can be changed from here, and nobody who looks on is waited for: a viewer has a reader of its own,
//! which goes on from where it is when the viewer has taken what came before.

mod access;
mod door;
mod metrics;
mod steps;
#[cfg(test)]
mod tests;
mod viewer;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::steps::Steps;
use self::viewer::Wanted;
use crate::pulse::Pulse;
use crate::store::journal::Journal;

pub use self::access::Access;
pub use self::door::Door;

/// Viewers at a time; the next one is told to come again.
const VIEWERS: usize = 64;

/// What is looked at. Clones share it.
#[derive(Clone)]
pub struct Share {
    journal: Journal,
    pulse: Pulse,
    access: Arc<Access>,
    viewers: Arc<Semaphore>,
    steps: Steps,
    tasks: TaskTracker,
    /// Everything is committed that will be: viewers are told the rest and then sent away.
    done: CancellationToken,
}

impl Share {
    /// A look at this session, until `done`.
    #[must_use]
    pub fn new(journal: Journal, pulse: Pulse, access: Access, done: CancellationToken) -> Self {
        Self {
            journal,
            pulse,
            access: Arc::new(access),
            viewers: Arc::new(Semaphore::new(VIEWERS)),
            steps: Steps::default(),
            tasks: TaskTracker::new(),
            done,
        }
    }

    fn watched_by(&self) -> usize {
        VIEWERS - self.viewers.available_permits()
    }
}

/// A short answer: a status, and a code that says why.
fn refusal(status: StatusCode, code: &'static str) -> Response {
    let body = Body::from(format!("{{\"error\":\"{code}\"}}"));
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn router(share: Share) -> Router {
    Router::new().fallback(answer).with_state(share)
}

async fn answer(State(share): State<Share>, request: Request) -> Response {
    let path = request.uri().path();
    if !["/attach", "/metrics", "/healthz"].contains(&path) {
        return StatusCode::NOT_FOUND.into_response();
    }
    if request.method() != Method::GET && (request.method() != Method::HEAD || path == "/attach") {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response();
    }
    if path == "/healthz" {
        // It says nothing that needs a token, and who asks has often none.
        let well = share.pulse.storage_fault().is_none();
        return if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }.into_response();
    }
    if let Err(refused) = share.access.admit(request.headers()) {
        return refused.into_response();
    }
    if path == "/metrics" {
        let text = metrics::write(&share.pulse, &share.journal, share.watched_by());
        return ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response();
    }
    attach(share, request)
}

/// Turns the connection into a stream, if that is what is asked for.
fn attach(share: Share, mut request: Request) -> Response {
    let Some(accept) = handshake(request.headers()) else {
        let mut answer = refusal(StatusCode::UPGRADE_REQUIRED, "no_websocket");
        answer.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        answer.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return answer;
    };
    let Some(wanted) = Wanted::read(request.uri().query().unwrap_or_default()) else {
        return refusal(StatusCode::BAD_REQUEST, "malformed_query");
    };
    let Ok(place) = Arc::clone(&share.viewers).try_acquire_owned() else {
        let mut answer = refusal(StatusCode::SERVICE_UNAVAILABLE, "too_many_viewers");
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        return answer;
    };
    let upgrading = hyper::upgrade::on(&mut request);
    let tasks = share.tasks.clone();
    tasks.spawn(async move {
        // A connection that breaks off before it is one has nobody to tell.
        if let Ok(connection) = upgrading.await {
            viewer::serve(share, TokioIo::new(connection), wanted).await;
        }
        drop(place);
    });
    let mut answer = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    answer
}

/// The answer to a WebSocket's opening; `None` if it is none.
fn handshake(headers: &HeaderMap) -> Option<HeaderValue> {
    let says = |name, word: &str| {
        let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    let asked = says(header::CONNECTION, "upgrade")
        && says(header::UPGRADE, "websocket")
        && says(header::SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| asked)?;
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok()
}
