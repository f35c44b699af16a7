//! Hiding who somebody is on the screen: the same person has the same stand-in everywhere.

use std::borrow::Cow;
use std::net::SocketAddr;

use super::cells::clean;
use crate::app::model::Model;
use crate::domain::filter::veiled;

/// A number that is the same for the same text and tells nothing of it to an eye.
fn number(text: &str) -> u32 {
    // FNV-1a: enough for telling people on one screen apart. What leaves the machine is the export's matter.
    text.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The stand-in for a person.
#[must_use]
pub fn person(id: &str) -> String {
    format!("Person {:04X}", number(id) & 0xffff)
}

/// The stand-in for a person's e-mail address.
#[must_use]
pub fn email(id: &str) -> String {
    format!("person-{:04x}@hidden", number(id) & 0xffff)
}

/// The stand-in for the address of whoever sent something; what is no address tells of nobody.
#[must_use]
pub fn address(peer: &str) -> String {
    // The port is another one each time.
    let host = peer.parse().map(|peer: SocketAddr| peer.ip()).or_else(|_| peer.parse());
    let Ok(host) = host else { return peer.to_owned() };
    format!("Address {:04X}", number(&host.to_canonical().to_string()) & 0xffff)
}

/// A header's value, where that cannot name anybody: a proxy writes into others whom it has heard, and from where.
#[must_use]
pub fn header<'a>(name: &str, value: &'a str, model: &Model) -> Cow<'a, str> {
    let of_sender = ["svix-", "webhook-", "content-", "user-agent"].iter().any(|own| name.starts_with(own));
    if model.redact && !of_sender { Cow::Borrowed("(hidden)") } else { clean(value) }
}

/// A filter without what may name a person, where people are hidden.
#[must_use]
pub fn filter<'a>(text: &'a str, model: &Model) -> Cow<'a, str> {
    veil(text, model, false)
}

/// The same of a filter that is being typed.
#[must_use]
pub fn typed_filter<'a>(text: &'a str, model: &Model) -> Cow<'a, str> {
    veil(text, model, true)
}

fn veil<'a>(text: &'a str, model: &Model, typed: bool) -> Cow<'a, str> {
    if model.redact { Cow::Owned(veiled(text, cover(model), typed)) } else { Cow::Borrowed(text) }
}

/// What stands in place of a character that is typed and not to be read.
#[must_use]
pub fn cover(model: &Model) -> char {
    if model.ascii { '*' } else { '•' }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::Setup;

    #[test]
    fn stand_ins_are_stable_and_differ() {
        assert_eq!(person("a"), person("a"));
        assert_ne!(person("a"), person("b"));
        assert!(email("a").ends_with("@hidden"));
        assert_eq!(address("198.51.100.7:52114"), address("198.51.100.7:4"));
        assert_ne!(address("198.51.100.7:52114"), address("198.51.100.8:52114"));
        assert_eq!(address("[2001:db8::7]:52114"), address("2001:db8::7"));
        assert_ne!(address("2001:db8::7"), address("2001:db8::8"));
        assert_eq!(address("the relay"), "the relay");
    }

    #[test]
    fn a_header_of_a_proxy_is_hidden() {
        let mut model = Model::new(Setup::default());
        let shown = |model: &Model, name| header(name, "198.51.100.7", model).into_owned();
        assert_eq!(shown(&model, "x-forwarded-for"), "198.51.100.7");
        model.redact = true;
        assert_eq!(
            ["svix-id", "x-forwarded-for"].map(|name| shown(&model, name)),
            ["198.51.100.7", "(hidden)"]
        );
    }
}
