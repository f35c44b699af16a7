//! The target: one HTTP client, one request at a time in, one ending out. No redirect is followed, and of an
//! answer no more is read than is worth showing.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap};
use hyper::{Method, Request, Response, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout, timeout_at};

use crate::trust::{self, Trust};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a body may take once the status is known.
const BODY: Duration = Duration::from_secs(2);
/// Bytes of an answer's body that are kept.
const KEPT: usize = 1 << 10;
/// Bytes of it that are read, so that the connection can be used again; beyond, it is closed.
const READ: usize = 64 << 10;

enum Connections {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Encrypted(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

/// A URL that can be posted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url(Uri);

impl Url {
    /// Reads an `http://` or `https://` URL.
    ///
    /// # Errors
    /// Why it cannot be posted to, in a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|why| format!("is no URL: {why}"))?;
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("holds a user name, which is not sent; leave it out".into());
        }
        if uri.authority().is_some_and(|authority| !trust::has_port(authority)) {
            return Err("names a port that cannot be; they are from 1 to 65535".into());
        }
        match (uri.scheme_str(), uri.host()) {
            (Some("http" | "https"), Some(_)) => Ok(Self(uri)),
            _ => Err("must begin with http:// or https:// and name a host".into()),
        }
    }

    /// Whether it leads to a listener of this machine at this address and path.
    #[must_use]
    pub fn leads_to(&self, listener: SocketAddr, path: &str) -> bool {
        let own = self.0.scheme_str().map_or(80, |scheme| if scheme == "https" { 443 } else { 80 });
        let host = self.0.host().unwrap_or_default().trim_matches(['[', ']']);
        let here = match host.parse::<IpAddr>() {
            Ok(host) => {
                let host = host.to_canonical();
                let all = listener.ip().is_unspecified() && (host.is_loopback() || host.is_unspecified());
                host == listener.ip().to_canonical() || all
            }
            Err(_) => {
                let ip = listener.ip().to_canonical();
                host.eq_ignore_ascii_case("localhost") && (ip.is_loopback() || ip.is_unspecified())
            }
        };
        here && self.0.port_u16().unwrap_or(own) == listener.port() && self.0.path() == path
    }

    /// As it is shown: without the query, in which there may be a token.
    #[must_use]
    pub fn shown(&self) -> String {
        let part = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let authority = self.0.authority().map(hyper::http::uri::Authority::as_str);
        format!("{}://{}{}", part(self.0.scheme_str()), part(authority), self.0.path())
    }
}

/// The user's own code, as it is reached.
pub struct Target {
    connections: Connections,
    url: Url,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// There was an answer.
    Answered {
        /// Its status.
        status: u16,
        /// How its body begins; for a redirect, where it leads.
        begins: String,
    },
    /// There was none, though somebody was there.
    Failed(String),
    /// Nobody was there.
    Unreachable(String),
}

impl Ending {
    /// The target took the event.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Answered { status: 200..300, .. })
    }
}

impl Target {
    /// A target at a URL, whose certificate is to be of somebody who is trusted.
    ///
    /// # Errors
    /// If the system's certificates cannot be read, for `https`.
    pub fn new(url: Url, trust: &Trust) -> Result<Self, String> {
        let connector = || {
            let mut connector = HttpConnector::new();
            connector.set_nodelay(true);
            connector.set_connect_timeout(Some(CONNECT));
            connector
        };
        let builder = || {
            let mut builder = Client::builder(TokioExecutor::new());
            builder.pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(20));
            builder
        };
        let connections = match url.0.scheme_str() {
            Some("https") => {
                let tls = trust.connector()?;
                let mut connector = connector();
                connector.enforce_http(false);
                Connections::Encrypted(
                    builder().build(tls.https_only().enable_http1().wrap_connector(connector)),
                )
            }
            _ => Connections::Plain(builder().build(connector())),
        };
        Ok(Self { connections, url })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Sends one event, and tells how it ended and after how many milliseconds.
    pub async fn send(&self, headers: HeaderMap, body: Vec<u8>) -> (Ending, u32) {
        let begun = Instant::now();
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.0.clone();
        *request.headers_mut() = headers;
        let answer = async {
            match &self.connections {
                Connections::Plain(client) => client.request(request).await,
                Connections::Encrypted(client) => client.request(request).await,
            }
        };
        let answer = timeout(TIMEOUT, answer).await;
        let millis = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
        let ending = match answer {
            Err(_) => Ending::Failed(format!("no answer within {} s", TIMEOUT.as_secs())),
            Ok(Err(error)) if error.is_connect() => Ending::Unreachable(trust::failing(&error)),
            Ok(Err(error)) => Ending::Failed(trust::failing(&error)),
            Ok(Ok(answer)) => answered(answer).await,
        };
        (ending, millis)
    }
}

async fn answered(answer: Response<Incoming>) -> Ending {
    let status = answer.status().as_u16();
    if answer.status().is_redirection()
        && let Some(location) = answer.headers().get(header::LOCATION)
    {
        let location: String = String::from_utf8_lossy(location.as_bytes()).chars().take(200).collect();
        return Ending::Answered {
            status,
            begins: format!("redirects to {location}, which is not followed"),
        };
    }
    let begins = begins(answer.into_body()).await;
    Ending::Answered { status, begins: String::from_utf8_lossy(&begins).into_owned() }
}

/// How a body begins. What is long, slow or broken off is cut: the status has told what matters.
async fn begins(mut body: Incoming) -> Vec<u8> {
    let deadline = Instant::now() + BODY;
    let (mut kept, mut read) = (Vec::new(), 0);
    while let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await {
        let Some(data) = frame.data_ref() else { continue };
        read += data.len();
        kept.extend(data.iter().take(KEPT - kept.len()));
        if read > READ {
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_used_is_named() {
        let wrong = |url: &str| Url::parse(url).err().unwrap_or_default();
        assert!(wrong("ftp://example.com/").contains("must begin with http://"));
        assert!(wrong("localhost:3000").contains("must begin with http://"));
        assert!(wrong("http://a b/").contains("is no URL"));
        assert!(wrong("http://ann:secret@example.com/").contains("user name"));
        for port in ["99999", "0", "", "x"] {
            assert!(Url::parse(&format!("http://127.0.0.1:{port}/")).is_err(), "{port}");
        }
        let url = Url::parse("http://127.0.0.1:3000/hooks?token=abc").unwrap();
        assert_eq!(url.shown(), "http://127.0.0.1:3000/hooks");
    }

    #[test]
    fn the_way_back_to_a_listener_is_seen() {
        let leads = |url: &str, listener: &str| {
            Url::parse(url).unwrap().leads_to(listener.parse().unwrap(), "/webhook")
        };
        for (url, listener) in [
            ("http://127.0.0.1:8080/webhook", "127.0.0.1:8080"),
            ("http://localhost:8080/webhook?x=1", "127.0.0.1:8080"),
            ("http://[::1]:8080/webhook", "[::]:8080"),
            ("http://127.0.0.1/webhook", "0.0.0.0:80"),
        ] {
            assert!(leads(url, listener), "{url} {listener}");
        }
        for (url, listener) in [
            ("http://127.0.0.1:8080/hooks", "127.0.0.1:8080"),
            ("http://127.0.0.1:8081/webhook", "127.0.0.1:8080"),
            ("http://192.0.2.1:8080/webhook", "127.0.0.1:8080"),
        ] {
            assert!(!leads(url, listener), "{url} {listener}");
        }
    }
}
