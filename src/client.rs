//! Sending to others: one HTTP client for a URL, and what it may have to say of why it came to nothing.

pub mod reason;
pub mod trust;
pub mod url;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{HeaderMap, Method, Request, Response};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use trust::Trust;
use url::Url;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a connection is kept that nothing is sent over.
const IDLE: Duration = Duration::from_secs(20);

enum Connections {
    Plain(legacy::Client<HttpConnector, Full<Bytes>>),
    Encrypted(legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

/// Posts to a URL, over connections that it keeps.
pub struct Client {
    connections: Connections,
    url: Url,
}

impl Client {
    /// A client for a URL, whose certificate is to be of somebody who is trusted.
    ///
    /// # Errors
    /// In a sentence, if the system's certificates cannot be read, for `https`.
    pub fn new(url: Url, trust: &Trust) -> Result<Self, String> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE);
        let connections = if url.is_encrypted() {
            connector.enforce_http(false);
            let tls = trust.connector()?.https_only().enable_http1().wrap_connector(connector);
            Connections::Encrypted(builder.build(tls))
        } else {
            Connections::Plain(builder.build(connector))
        };
        Ok(Self { connections, url })
    }

    /// The URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Posts a body, and tells the beginning of the answer. No redirect is followed.
    ///
    /// # Errors
    /// Why there is no answer; [`reason::failing`] has the words for it.
    pub async fn post(&self, headers: HeaderMap, body: Bytes) -> Result<Response<Incoming>, legacy::Error> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.uri().clone();
        *request.headers_mut() = headers;
        match &self.connections {
            Connections::Plain(client) => client.request(request).await,
            Connections::Encrypted(client) => client.request(request).await,
        }
    }
}
