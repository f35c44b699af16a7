//! The way to a real relay: TCP, TLS where the URL says so, the upgrade; and the session that keeps the token.

use std::time::Duration;

use axum::http::{HeaderValue, Uri, header};
use hyper_rustls::{HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tower::{Service, ServiceExt};

use super::Outside;
use super::address::Address;
use crate::store::journal::Journal;

/// From the first packet to the upgrade.
const DIAL: Duration = Duration::from_secs(10);
/// For the token to be written; a session that cannot be written now is tried again with the next link.
const KEEP: Duration = Duration::from_secs(2);
/// What a frame may hold beside a body over the limit, which is still read so that it can be answered.
const FRAME_MARGIN: usize = 8 << 20;
/// The name of the token among the facts of a session.
const TOKEN: &str = "relay_token";

/// A connection, encrypted or not.
type Stream = TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>;

/// The way to a relay.
pub struct Wire {
    address: Address,
    max_frame: usize,
    journal: Journal,
}

impl Wire {
    /// The way to the relay at this address, for bodies of so many bytes.
    #[must_use]
    pub fn new(address: Address, max_body: usize, journal: Journal) -> Self {
        Self { address, max_frame: max_body.saturating_mul(2).saturating_add(FRAME_MARGIN), journal }
    }

    /// The token that the session has kept, if any.
    #[must_use]
    pub fn kept(&self) -> Option<String> {
        // A session that cannot be read has told so by then.
        self.journal.recall(TOKEN).ok().flatten()
    }

    async fn connect(&self) -> Result<WebSocketStream<Stream>, String> {
        let uri = self.address.listen();
        let tls = HttpsConnectorBuilder::new()
            .try_with_platform_verifier()
            .map_err(|why| format!("the system's certificates cannot be read: {why}"))?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let mut connector = tls.https_or_http().enable_http1().wrap_connector(tcp);
        let reached = connector.ready().await.map_err(|why| reason(&*why))?.call(web(uri)?).await;
        let stream = reached.map_err(|why| reason(&*why))?;
        let mut request = uri.into_client_request().map_err(|why| why.to_string())?;
        let agent = HeaderValue::from_static(concat!("invigil/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(header::USER_AGENT, agent);
        let config = WebSocketConfig::default()
            .max_message_size(Some(self.max_frame))
            .max_frame_size(Some(self.max_frame));
        let upgraded =
            tokio_tungstenite::client_async_with_config(request, TokioIo::new(stream), Some(config)).await;
        upgraded.map(|(socket, _)| socket).map_err(|why| format!("there is no relay: {why}"))
    }
}

impl Outside for Wire {
    type Stream = Stream;

    async fn dial(&self) -> Result<WebSocketStream<Stream>, String> {
        let slow = || format!("it cannot be reached within {} s", DIAL.as_secs());
        timeout(DIAL, self.connect()).await.map_err(|_elapsed| slow())?
    }

    async fn keep(&self, token: &str) -> bool {
        matches!(timeout(KEEP, self.journal.remember(TOKEN, token)).await, Ok(Ok(())))
    }

    fn receive(&self, token: &str) -> String {
        self.address.receive(token)
    }
}

/// The same address as HTTP knows it.
fn web(uri: &Uri) -> Result<Uri, String> {
    let scheme = if uri.scheme_str() == Some("wss") { "https" } else { "http" };
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    format!("{scheme}://{authority}/").parse().map_err(|why| format!("its URL is none: {why}"))
}

/// What is at the bottom of an error: "Connection refused" says more than "client error".
fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    format!("it cannot be reached: {deepest}")
}
