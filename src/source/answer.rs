//! What a delivery is answered, whichever way it came: status, headers and body.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::intake::Reply;

/// Seconds after which a sender is asked to try again. Svix takes it as a wish within its own schedule.
const RETRY_AFTER: &str = "5";

/// An answer, before it is HTTP or a frame of the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The one header it needs, if any; the name in lower case.
    pub header: Option<(&'static str, &'static str)>,
    /// Its body: empty, or one short code.
    pub body: String,
}

impl Answer {
    /// A status alone.
    #[must_use]
    pub fn bare(status: StatusCode) -> Self {
        Self { status, header: None, body: String::new() }
    }

    /// What the door has decided.
    #[must_use]
    pub fn of(reply: &Reply) -> Self {
        match reply {
            Reply::Kept(_) => Self::bare(StatusCode::NO_CONTENT),
            Reply::Refused(code) => Self {
                status: StatusCode::UNAUTHORIZED,
                header: Some(("content-type", "application/json")),
                body: format!("{{\"error\":\"{}\"}}", code.word()),
            },
            Reply::Unavailable => Self::unavailable(),
        }
    }

    /// It cannot be kept now; the sender is to try again.
    #[must_use]
    pub fn unavailable() -> Self {
        Self { header: Some(("retry-after", RETRY_AFTER)), ..Self::bare(StatusCode::SERVICE_UNAVAILABLE) }
    }

    /// A webhook is a POST.
    #[must_use]
    pub fn not_a_post() -> Self {
        Self { header: Some(("allow", "POST")), ..Self::bare(StatusCode::METHOD_NOT_ALLOWED) }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        // As a plain body: a text would be given a type of its own.
        let body = Body::from(self.body);
        match self.header {
            Some(header) => (self.status, [header], body).into_response(),
            None => (self.status, body).into_response(),
        }
    }
}
