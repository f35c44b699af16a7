//! The way to a WebSocket: TCP, TLS where the URL says so, the upgrade.

use std::time::Duration;

use axum::http::uri::Scheme;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tower::{Service, ServiceExt};

use crate::client::reason::{self, Doubt};
use crate::client::trust::Trust;

/// From the first packet to the upgrade.
const DIAL: Duration = Duration::from_secs(10);

/// A connection, encrypted or not.
pub type Stream = TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>;

/// Why there is no WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialError {
    /// Nobody is there, or nobody who answers; in a sentence.
    Unreachable(String),
    /// Somebody is there, with a certificate of an authority that is not trusted here.
    UnknownIssuer,
    /// Somebody is there and answers with this status, and with so much of a body.
    Refused(StatusCode, Vec<u8>),
    /// Somebody is there and speaks something else; what is wrong with it.
    Foreign(String),
}

/// Reaches a `ws://` or `wss://` URL and is upgraded, in 10 seconds at most. Frames may have so many bytes, and the
/// other side's certificate must be one that is trusted.
///
/// # Errors
/// Why there is no WebSocket.
pub async fn dial(
    uri: &Uri,
    trust: &Trust,
    headers: HeaderMap,
    max_frame: usize,
) -> Result<WebSocketStream<Stream>, DialError> {
    let slow = || DialError::Unreachable(format!("it cannot be reached within {} s", DIAL.as_secs()));
    timeout(DIAL, connect(uri, trust, headers, max_frame)).await.map_err(|_elapsed| slow())?
}

async fn connect(
    uri: &Uri,
    trust: &Trust,
    headers: HeaderMap,
    max_frame: usize,
) -> Result<WebSocketStream<Stream>, DialError> {
    let unreachable = |why: &(dyn std::error::Error + 'static)| match reason::distrusted(why) {
        Some(Doubt::UnknownIssuer) => DialError::UnknownIssuer,
        Some(doubt) => DialError::Unreachable(doubt.to_string()),
        None => DialError::Unreachable(format!("it cannot be reached: {}", reason::reason(why))),
    };
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let web = web(uri)?;
    let stream = if web.scheme() == Some(&Scheme::HTTPS) {
        let tls = trust.connector().map_err(DialError::Unreachable)?;
        let mut connector = tls.https_only().enable_http1().wrap_connector(tcp);
        let ready = connector.ready().await.map_err(|why| unreachable(&*why))?;
        ready.call(web).await.map_err(|why| unreachable(&*why))?
    } else {
        // No certificate is asked for, so that none need be known.
        let ready = tcp.ready().await.map_err(|why| unreachable(&why))?;
        MaybeHttpsStream::Http(ready.call(web).await.map_err(|why| unreachable(&why))?)
    };
    let mut request = uri.into_client_request().map_err(|why| DialError::Foreign(why.to_string()))?;
    let agent = HeaderValue::from_static(concat!("invigil/", env!("CARGO_PKG_VERSION")));
    request.headers_mut().insert(header::USER_AGENT, agent);
    request.headers_mut().extend(headers);
    let config = WebSocketConfig::default().max_message_size(Some(max_frame)).max_frame_size(Some(max_frame));
    let upgraded =
        tokio_tungstenite::client_async_with_config(request, TokioIo::new(stream), Some(config)).await;
    upgraded.map(|(socket, _)| socket).map_err(|why| match why {
        tungstenite::Error::Http(answer) => {
            DialError::Refused(answer.status(), answer.body().clone().unwrap_or_default())
        }
        tungstenite::Error::Protocol(ProtocolError::HandshakeIncomplete) => {
            DialError::Unreachable("the connection broke off before an answer".to_owned())
        }
        why @ tungstenite::Error::Io(_) => DialError::Unreachable(broken_off(&why)),
        why => DialError::Foreign(why.to_string()),
    })
}

/// What ended a connection that held, in a sentence.
pub(super) fn broken_off(why: &tungstenite::Error) -> String {
    format!("the connection broke off: {}", reason::reason(why))
}

/// The same address as HTTP knows it.
fn web(uri: &Uri) -> Result<Uri, DialError> {
    let scheme = if uri.scheme_str() == Some("wss") { "https" } else { "http" };
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    let wrong = |why| DialError::Unreachable(format!("its URL is none: {why}"));
    format!("{scheme}://{authority}/").parse().map_err(wrong)
}
