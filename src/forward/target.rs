//! The target: one event in, one ending out. Of an answer no more is read than is worth showing.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap};
use tokio::time::{Instant, timeout, timeout_at};

use crate::client::Client;
use crate::client::reason::failing;
use crate::client::trust::Trust;
use crate::client::url::Url;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long a body may take once the status is known.
const BODY: Duration = Duration::from_secs(2);
/// Bytes of an answer's body that are kept.
const KEPT: usize = 1 << 10;
/// Bytes of it that are read, so that the connection can be used again; beyond, it is closed.
const READ: usize = 64 << 10;

/// The user's own code, as it is reached.
pub struct Target(Client);

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
        Client::new(url, trust).map(Self)
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.0.url()
    }

    /// Sends one event, and tells how it ended and after how many milliseconds.
    pub async fn send(&self, headers: HeaderMap, body: Vec<u8>) -> (Ending, u32) {
        let begun = Instant::now();
        let answer = timeout(TIMEOUT, self.0.post(headers, body.into())).await;
        let millis = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
        let ending = match answer {
            Err(_) => Ending::Failed(format!("no answer within {} s", TIMEOUT.as_secs())),
            Ok(Err(error)) if error.is_connect() => Ending::Unreachable(failing(&error)),
            Ok(Err(error)) => Ending::Failed(failing(&error)),
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
