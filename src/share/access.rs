//! Who may look on: whoever has the token; on a loopback address without one, whoever is on this machine.
//!
//! A browser on this machine is also everybody whose page it shows. So a request that a page of another origin
//! makes is refused, and without a token also one that names a host which is not this machine: a name of
//! somebody's that leads here.

use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::domain::bearer::Bearer;

/// What is asked of whoever looks on.
#[derive(Debug)]
pub struct Access {
    token: Option<Bearer>,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stranger {
    /// A page of another origin asks.
    CrossOrigin,
    /// It has no token.
    NoToken,
    /// It has another token.
    WrongToken,
    /// It names another host.
    ForeignHost,
}

impl IntoResponse for Stranger {
    fn into_response(self) -> Response {
        let (status, code) = match self {
            Self::CrossOrigin => (StatusCode::FORBIDDEN, "cross_origin"),
            Self::ForeignHost => (StatusCode::FORBIDDEN, "foreign_host"),
            Self::NoToken => (StatusCode::UNAUTHORIZED, "no_token"),
            Self::WrongToken => (StatusCode::UNAUTHORIZED, "wrong_token"),
        };
        let mut answer = super::refusal(status, code);
        if status == StatusCode::UNAUTHORIZED {
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}

impl Access {
    /// For those who have this token; with none, for those on this machine.
    #[must_use]
    pub fn new(token: Option<Bearer>) -> Self {
        Self { token }
    }

    /// Whether a request with these headers may pass.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<(), Stranger> {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let host = text(header::HOST);
        if headers.contains_key(header::ORIGIN) {
            let origin = text(header::ORIGIN).and_then(|origin| origin.parse::<Uri>().ok());
            let origin = origin.as_ref().and_then(Uri::authority);
            if host.is_none() || origin.map(axum::http::uri::Authority::as_str) != host {
                return Err(Stranger::CrossOrigin);
            }
        }
        let Some(token) = &self.token else {
            return if host.is_some_and(is_here) { Ok(()) } else { Err(Stranger::ForeignHost) };
        };
        let given = text(header::AUTHORIZATION).and_then(|value| value.split_once(' '));
        match given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) {
            Some((_, given)) if token.is(given.trim()) => Ok(()),
            Some(_) => Err(Stranger::WrongToken),
            None => Err(Stranger::NoToken),
        }
    }
}

/// Whether a host, with or without a port, is this machine by a name that nobody else gives it.
fn is_here(host: &str) -> bool {
    let Ok(uri) = host.parse::<Uri>() else { return false };
    let name = uri.host().unwrap_or_default();
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    let address = bare.parse::<std::net::IpAddr>();
    address.map_or_else(|_| name.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(token: Option<&str>, given: &[(&'static str, &str)]) -> Result<(), Stranger> {
        let headers = given.iter().map(|(name, value)| {
            (header::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        let access = Access::new(token.map(|token| Bearer::parse(token).unwrap()));
        access.admit(&headers.collect())
    }

    #[test]
    fn without_a_token_this_machine_is_let_in_by_its_own_names_only() {
        for host in ["127.0.0.1:7070", "localhost", "LOCALHOST:1", "[::1]:7070", "127.8.8.8"] {
            assert_eq!(admit(None, &[("host", host)]), Ok(()), "{host}");
        }
        for host in
            ["evil.example", "127.0.0.1.evil.example:7070", "192.0.2.1", "localhost.evil.example", "a b"]
        {
            assert_eq!(admit(None, &[("host", host)]), Err(Stranger::ForeignHost), "{host}");
        }
        assert_eq!(admit(None, &[]), Err(Stranger::ForeignHost));
    }

    #[test]
    fn with_a_token_it_is_the_token_that_counts() {
        let host = ("host", "watch.example.com");
        let with = |value: &str| admit(Some("correct-horse"), &[host, ("authorization", value)]);
        assert_eq!(with("Bearer correct-horse"), Ok(()));
        assert_eq!(with("bearer  correct-horse"), Ok(()));
        assert_eq!(with("Bearer wrong"), Err(Stranger::WrongToken));
        assert_eq!(with("Basic correct-horse"), Err(Stranger::NoToken));
        assert_eq!(admit(Some("correct-horse"), &[("host", "127.0.0.1")]), Err(Stranger::NoToken));
    }

    #[test]
    fn a_page_of_another_origin_is_refused_even_with_the_token() {
        let host = ("host", "127.0.0.1:7070");
        let token = ("authorization", "Bearer t");
        for origin in ["https://evil.example", "null", "http://127.0.0.1:8080", "file://"] {
            assert_eq!(admit(None, &[host, ("origin", origin)]), Err(Stranger::CrossOrigin), "{origin}");
            assert_eq!(admit(Some("t"), &[host, token, ("origin", origin)]), Err(Stranger::CrossOrigin));
        }
        assert_eq!(admit(None, &[host, ("origin", "http://127.0.0.1:7070")]), Ok(()));
    }
}
