//! The URL of somebody who is sent to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hyper::Uri;
use hyper::http::uri::Authority;

const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

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
        if uri.authority().is_some_and(|authority| !has_port(authority)) {
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
        let here = match host.parse() {
            Ok(host) => reaches(host, listener.ip()),
            Err(_) => {
                host.eq_ignore_ascii_case("localhost")
                    && LOOPBACK.into_iter().any(|host| reaches(host, listener.ip()))
            }
        };
        here && self.0.port_u16().unwrap_or(own) == listener.port() && self.0.path() == path
    }

    /// Whether it is sent to over TLS.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// As a client takes it.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.0
    }

    /// As it is shown: without the query, in which there may be a token.
    #[must_use]
    pub fn shown(&self) -> String {
        let part = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let authority = self.0.authority().map(Authority::as_str);
        format!("{}://{}{}", part(self.0.scheme_str()), part(authority), self.0.path())
    }
}

/// Whether who connects to an address is answered by who listens at another.
fn reaches(host: IpAddr, listener: IpAddr) -> bool {
    // Who connects to no address in particular is connected to this machine.
    let host = match host.to_canonical() {
        IpAddr::V4(host) if host.is_unspecified() => LOOPBACK[0],
        IpAddr::V6(host) if host.is_unspecified() => LOOPBACK[1],
        host => host,
    };
    let listener = listener.to_canonical();
    // Who listens at `::` is called by the older addresses, too; not the other way round.
    let of_all = listener.is_unspecified() && (listener.is_ipv6() || host.is_ipv4());
    host == listener || of_all && host.is_loopback()
}

/// Whether the port that an address names is one; none is, too. A host alone is read as well as one with a user.
#[must_use]
pub fn has_port(authority: &Authority) -> bool {
    let text = authority.as_str();
    let named = text.rsplit('@').next().is_some_and(|place| place.len() > authority.host().len());
    !named || authority.port_u16().is_some_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_used_is_named() {
        let wrong = |url: &str| Url::parse(url).err().unwrap_or_default();
        assert!(wrong("ftp://example.com/").contains("must begin with http://"));
        for url in ["localhost:3000", "/webhooks"] {
            assert!(wrong(url).contains("must begin with http://"), "{url}");
        }
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
            ("http://127.0.0.1:8080/webhook", "[::]:8080"),
            ("http://0.0.0.0:8080/webhook", "127.0.0.1:8080"),
            ("http://[::]:8080/webhook", "[::1]:8080"),
            ("http://localhost:8080/webhook", "[::1]:8080"),
            ("http://127.0.0.2:8080/webhook", "127.0.0.2:8080"),
            ("http://127.0.0.1/webhook", "0.0.0.0:80"),
        ] {
            assert!(leads(url, listener), "{url} {listener}");
        }
        for (url, listener) in [
            ("http://127.0.0.1:8080/hooks", "127.0.0.1:8080"),
            ("http://127.0.0.1:8081/webhook", "127.0.0.1:8080"),
            ("http://192.0.2.1:8080/webhook", "127.0.0.1:8080"),
            ("http://[::1]:8080/webhook", "0.0.0.0:8080"),
            ("http://0.0.0.0:8080/webhook", "[::1]:8080"),
            ("http://127.0.0.2:8080/webhook", "127.0.0.1:8080"),
        ] {
            assert!(!leads(url, listener), "{url} {listener}");
        }
    }
}
