//! Where a relay is: the URL to listen at, and the public URL that belongs to a token.

use axum::http::Uri;

use crate::client::url::has_port;

/// The public relay.
pub const PUBLIC: &str = "wss://api.relay.svix.com/api/v1/listen/";
/// The host of the public relay, and the one that takes deliveries for it.
const PUBLIC_HOST: &str = "api.relay.svix.com";
const PUBLIC_INBOX: &str = "https://play.svix.com";
/// Where a relay is listened to, if its URL names no path.
const LISTEN: &str = "/api/v1/listen/";

/// A relay's two faces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    listen: Uri,
    inbox: String,
}

impl Address {
    /// Reads a `wss://` or, for a server of one's own, `ws://` URL. Without a path it is that of the public
    /// relay. Deliveries go to `/in/TOKEN/` of the same host, over `https` or `http`; those of the public
    /// relay to play.svix.com.
    ///
    /// # Errors
    /// Why it cannot be used, in a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` must begin with wss:// or ws:// and name a host, and no port or one from 1 to 65535"
            )
        };
        let uri: Uri = text.parse().map_err(|_no_uri| wrong())?;
        let (scheme, authority) = (uri.scheme_str(), uri.authority().ok_or_else(wrong)?);
        let web = match scheme {
            Some("wss") => "https",
            Some("ws") => "http",
            _ => return Err(wrong()),
        };
        if authority.host().is_empty() || authority.as_str().contains('@') || !has_port(authority) {
            return Err(wrong());
        }
        let path = if uri.path() == "/" { LISTEN } else { uri.path() };
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let listen = format!("{}://{authority}{path}{query}", scheme.unwrap_or_default());
        let inbox = if authority.host().eq_ignore_ascii_case(PUBLIC_HOST) {
            PUBLIC_INBOX.to_owned()
        } else {
            // A relay that stands below a path has its inbox there too.
            let below = path.trim_end_matches('/').strip_suffix(LISTEN.trim_end_matches('/'));
            format!("{web}://{authority}{}", below.unwrap_or_default())
        };
        Ok(Self { listen: listen.parse().map_err(|_no_uri| wrong())?, inbox })
    }

    /// The URL to listen at.
    #[must_use]
    pub fn listen(&self) -> &Uri {
        &self.listen
    }

    /// The public URL that takes deliveries for a token.
    #[must_use]
    pub fn receive(&self, token: &str) -> String {
        format!("{}/in/{token}/", self.inbox)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receive_url_is_svix_plays_or_of_the_same_host() {
        let both = |text: &str| {
            let address = Address::parse(text).unwrap();
            (address.listen().to_string(), address.receive("c_1"))
        };
        let pair = |listen: &str, receive: &str| (listen.to_owned(), receive.to_owned());
        assert_eq!(both(PUBLIC), pair(PUBLIC, "https://play.svix.com/in/c_1/"));
        for short in ["ws://127.0.0.1:9999", "ws://127.0.0.1:9999/"] {
            let listen = "ws://127.0.0.1:9999/api/v1/listen/";
            assert_eq!(both(short), pair(listen, "http://127.0.0.1:9999/in/c_1/"));
        }
        assert_eq!(
            both("wss://relay.example.com/below/api/v1/listen?a=b"),
            pair(
                "wss://relay.example.com/below/api/v1/listen?a=b",
                "https://relay.example.com/below/in/c_1/"
            )
        );
    }

    #[test]
    fn what_is_no_websocket_url_is_named() {
        for bad in
            ["", "relay", "http://h/", "ws://", "wss:///x", "ws://user@h/", "ws://h h/", "ws://h:99999/"]
        {
            assert!(Address::parse(bad).unwrap_err().contains("wss://"), "{bad}");
        }
    }
}
