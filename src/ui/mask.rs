//! Hiding who somebody is on the screen: the same person has the same stand-in everywhere.

use std::borrow::Cow;
use std::net::IpAddr;

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

/// Fields of a payload that name or place a person.
const PERSONAL: [&str; 17] = [
    "firstName",
    "lastName",
    "fullName",
    "email",
    "phone",
    "phoneNumber",
    "ipAddress",
    "startIPAddress",
    "endIPAddress",
    "recentLatitude",
    "recentLongitude",
    "preciseLocation",
    "latitude",
    "longitude",
    "location",
    "recentLocation",
    "city",
];

/// A string of a payload, or a stand-in for it if its key or its look says that it is about a person.
#[must_use]
pub fn value<'a>(key: Option<&str>, text: &'a str) -> Cow<'a, str> {
    if text.is_empty() {
        return Cow::Borrowed(text);
    }
    let personal = key.is_some_and(|key| PERSONAL.iter().any(|name| name.eq_ignore_ascii_case(key)));
    let address = text.contains('@') || text.contains("://") || text.parse::<IpAddr>().is_ok();
    if personal || address {
        return Cow::Owned(format!("hidden-{:04x}", number(text) & 0xffff));
    }
    Cow::Borrowed(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_are_stable_and_tell_nothing() {
        assert_eq!(person("a"), person("a"));
        assert_ne!(person("a"), person("b"));
        for (key, text) in [
            (Some("firstName"), "Bea"),
            (Some("note"), "write to bea.grant@example.com"),
            (Some("inviteLink"), "https://candidate.testlify.com/x?key=eyJl"),
            (None, "203.0.113.209"),
            (None, "2001:db8::1"),
        ] {
            assert!(value(key, text).starts_with("hidden-"), "{text}");
        }
        assert_eq!(value(Some("browserName"), "Brave"), "Brave");
    }
}
