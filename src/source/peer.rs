//! Who a request really comes from, and whether deliveries are taken from there.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;
use ipnet::IpNet;

/// Where Svix sends from, by its own list (docs.svix.com, source addresses): US, US-East, EU, AU, CA.
const SVIX: [&str; 20] = [
    "44.228.126.217/32",
    "50.112.21.217/32",
    "52.24.126.164/32",
    "54.148.139.208/32",
    "2600:1f24:64:8000::/56",
    "54.164.207.221/32",
    "54.90.7.123/32",
    "2600:1f28:37:4000::/56",
    "52.215.16.239/32",
    "54.216.8.72/32",
    "63.33.109.123/32",
    "2a05:d028:17:8000::/56",
    "13.239.204.236/32",
    "54.66.246.217/32",
    "54.252.65.96/32",
    "2406:da2c:13:4000::/56",
    "52.60.44.49/32",
    "3.98.68.230/32",
    "3.96.105.27/32",
    "2600:1f21:1c:4000::/56",
];

/// Addresses: one of them, a network (`192.0.2.0/24`), or a list that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network(IpNet);

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let net = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        net.map(Self).ok_or_else(|| {
            format!("`{}` is no address and no network like 192.0.2.0/24", text.escape_debug())
        })
    }
}

/// Senders deliveries are taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Senders {
    /// Those of a network.
    In(Network),
    /// Those Svix publishes.
    Svix,
}

impl FromStr for Senders {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().eq_ignore_ascii_case("svix") {
            return Ok(Self::Svix);
        }
        text.parse().map(Self::In).map_err(|why: String| why + ", nor the word svix")
    }
}

/// Whom the port believes and whom it lets in.
#[derive(Debug, Clone, Default)]
pub struct Peers {
    trusted: Vec<IpNet>,
    /// `None` means everybody.
    allowed: Option<Vec<IpNet>>,
}

impl Peers {
    /// Proxies that are believed, and senders that are let in; none means everybody.
    #[must_use]
    pub fn new(trusted: &[Network], allowed: &[Senders]) -> Self {
        let nets = allowed.iter().flat_map(|senders| match senders {
            Senders::In(network) => vec![network.0],
            Senders::Svix => SVIX.iter().filter_map(|text| text.parse().ok()).collect(),
        });
        Self {
            trusted: trusted.iter().map(|network| network.0).collect(),
            allowed: (!allowed.is_empty()).then(|| nets.collect()),
        }
    }

    /// Whether this address is a proxy that is believed.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        holds(&self.trusted, address)
    }

    /// Whether deliveries are taken from there.
    #[must_use]
    pub fn admits(&self, address: IpAddr) -> bool {
        self.allowed.as_ref().is_none_or(|allowed| holds(allowed, address))
    }

    /// Whether deliveries are not taken from everywhere.
    #[must_use]
    pub fn chooses(&self) -> bool {
        self.allowed.is_some()
    }

    /// Whose request it is: the peer's, or, if that is a trusted proxy, of whom it says so. Its word is read
    /// from the right, as whoever is further left could have written anything.
    ///
    /// A proxy that writes one of the two headers and passes the other on unread would let a stranger choose
    /// who to be; so if they disagree, neither is believed.
    #[must_use]
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.ip().to_canonical();
        if !self.trusts(peer) {
            return peer;
        }
        let said = |name: &str, entries: fn(&str) -> Vec<Option<IpAddr>>| {
            let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default());
            let hops: Vec<_> = lines.flat_map(entries).collect();
            (!hops.is_empty()).then(|| self.first_untrusted(peer, &hops))
        };
        match (said("forwarded", forwarded), said("x-forwarded-for", x_forwarded_for)) {
            (Some(one), Some(other)) if one != other => peer,
            (Some(client), _) | (None, Some(client)) => client,
            (None, None) => peer,
        }
    }

    /// The rightmost hop that is no trusted proxy; the last one known, if the next is not readable.
    fn first_untrusted(&self, peer: IpAddr, hops: &[Option<IpAddr>]) -> IpAddr {
        let mut client = peer;
        for hop in hops.iter().rev() {
            let Some(address) = hop else { break };
            client = *address;
            if !self.trusts(client) {
                break;
            }
        }
        client
    }
}

fn holds(nets: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    nets.iter().any(|net| net.contains(&address))
}

/// The addresses of one line of `X-Forwarded-For`: `203.0.113.9, [2001:db8::1]:443`.
fn x_forwarded_for(line: &str) -> Vec<Option<IpAddr>> {
    line.split(',').map(node).collect()
}

/// The `for` of every element of one line of `Forwarded` (RFC 7239): `for="[2001:db8::1]:443";proto=https`.
///
/// A line that ends within quotes says nothing: a stranger has opened them, so that what the proxy wrote behind
/// would seem to be a part of what the stranger wrote.
fn forwarded(line: &str) -> Vec<Option<IpAddr>> {
    let mut quotes = Quotes::default();
    line.chars().for_each(|c| quotes.pass(c));
    if quotes.open { vec![None] } else { split(line, ',').map(hop).collect() }
}

/// The `for` of one element, in which each part is `name=value`.
fn hop(element: &str) -> Option<IpAddr> {
    let node_of = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| node(value))
    };
    split(element, ';').find_map(node_of).flatten()
}

/// Splits at a sign outside quotes.
fn split(text: &str, sign: char) -> impl Iterator<Item = &str> {
    let mut quotes = Quotes::default();
    text.split(move |c| {
        quotes.pass(c);
        c == sign && !quotes.open
    })
}

/// Whether a quoted text is open, in which a backslash takes the meaning from what follows it.
#[derive(Default)]
struct Quotes {
    open: bool,
    escaped: bool,
}

impl Quotes {
    fn pass(&mut self, c: char) {
        let escaped = std::mem::take(&mut self.escaped);
        match c {
            _ if escaped => {}
            '\\' if self.open => self.escaped = true,
            '"' => self.open = !self.open,
            _ => {}
        }
    }
}

/// An address, with or without quotes, brackets and port. `unknown` and made-up names are none.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let address = text
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .or_else(|_| text.trim_start_matches('[').trim_end_matches(']').parse());
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], peer: &str, headers: &[(&'static str, &str)]) -> String {
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        Peers::new(&trusted, &[]).client(peer, &map).to_string()
    }

    #[test]
    fn a_stranger_cannot_say_who_it_is() {
        let headers = [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1")];
        assert_eq!(client(&[], "203.0.113.9", &headers), "203.0.113.9");
        assert_eq!(client(&["10.0.0.0/8"], "203.0.113.9", &headers), "203.0.113.9");
    }

    #[test]
    fn the_rightmost_untrusted_hop_counts() {
        let trusted = ["10.0.0.0/8", "127.0.0.1", "::1"];
        let of = |header, value| client(&trusted, "127.0.0.1", &[(header, value)]);
        for (line, expected) in [
            ("198.51.100.4", "198.51.100.4"),
            ("192.0.2.66, 198.51.100.4", "198.51.100.4"),
            ("192.0.2.66, 198.51.100.4, 10.1.2.3", "198.51.100.4"),
            ("198.51.100.4:5555, 10.1.2.3:80", "198.51.100.4"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:198.51.100.4", "198.51.100.4"),
            ("10.1.2.3", "10.1.2.3"),
            ("198.51.100.4, unknown", "127.0.0.1"),
            ("198.51.100.4, unknown, 10.1.2.3", "10.1.2.3"),
            ("", "127.0.0.1"),
        ] {
            assert_eq!(of("x-forwarded-for", line), expected, "{line}");
        }
        for (line, expected) in [
            ("for=198.51.100.4", "198.51.100.4"),
            ("For=\"[2001:db8::1]:4711\";proto=https;by=10.0.0.1", "2001:db8::1"),
            ("for=192.0.2.66, proto=https;for=198.51.100.4, for=10.1.2.3", "198.51.100.4"),
            ("for=192.0.2.66;host=\"a,for=192.0.2.1;\", for=198.51.100.4", "198.51.100.4"),
            ("for=192.0.2.66, for=_hidden", "127.0.0.1"),
            ("proto=https", "127.0.0.1"),
            ("for=\"", "127.0.0.1"),
            // Quotes that a stranger opens in front of what the proxy writes.
            ("for=44.228.126.217;a=\", for=198.51.100.4", "127.0.0.1"),
            ("for=44.228.126.217;a=\", for=\"[2001:db8::1]:443\"", "127.0.0.1"),
        ] {
            assert_eq!(of("forwarded", line), expected, "{line}");
        }
        let lines = [("x-forwarded-for", "192.0.2.66"), ("x-forwarded-for", "198.51.100.4")];
        assert_eq!(client(&trusted, "::ffff:127.0.0.1", &lines), "198.51.100.4");
    }

    #[test]
    fn two_headers_that_disagree_are_not_believed() {
        let both = |one: &str, other: &str| {
            client(&["127.0.0.1"], "127.0.0.1", &[("x-forwarded-for", one), ("forwarded", other)])
        };
        assert_eq!(both("198.51.100.4", "for=44.228.126.217"), "127.0.0.1");
        assert_eq!(both("198.51.100.4", "for=198.51.100.4"), "198.51.100.4");
    }

    #[test]
    fn senders_are_let_in_by_network_or_by_name() {
        let senders: Vec<Senders> =
            ["svix", "192.0.2.0/24"].iter().map(|text| text.parse().unwrap()).collect();
        let peers = Peers::new(&[], &senders);
        for (address, admitted) in [
            ("44.228.126.217", true),
            ("::ffff:44.228.126.217", true),
            ("44.228.126.218", false),
            ("2600:1f24:64:80ff::1", true),
            ("2600:1f24:64:8100::1", false),
            ("192.0.2.200", true),
            ("127.0.0.1", false),
        ] {
            assert_eq!(peers.admits(address.parse().unwrap()), admitted, "{address}");
        }
        assert!(Peers::default().admits("127.0.0.1".parse().unwrap()));
        assert!(SVIX.iter().all(|text| text.parse::<IpNet>().is_ok()));
        for wrong in ["", "svixx", "300.0.0.1", "10.0.0.0/33", "10.0.0.0/8,"] {
            assert!(wrong.parse::<Senders>().is_err(), "{wrong}");
        }
    }
}
