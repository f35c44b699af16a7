//! Pseudonyms for what names a person: stable within one document, without a way back.
//!
//! Names, e-mail addresses, IP addresses, coordinates, places and links are replaced everywhere, payloads
//! included. A link goes whole: an invite link holds the address, base64 inside.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::event::EventKind;
use crate::json::{Kind, Reader};

/// Shorter names would be found in other words; the fields that hold them are replaced all the same.
const SHORTEST_NAME: usize = 3;

/// Keys whose text is replaced whatever it looks like, with what takes its place.
const PERSONAL: [(&str, &str); 20] = [
    ("firstName", "name"),
    ("lastName", "name"),
    ("fullName", "name"),
    ("name", ""),
    ("email", "email"),
    ("phone", "phone"),
    ("phoneNumber", "phone"),
    ("ipAddress", "ip"),
    ("startIPAddress", "ip"),
    ("endIPAddress", "ip"),
    ("recentLatitude", "place"),
    ("recentLongitude", "place"),
    ("latitude", "place"),
    ("longitude", "place"),
    ("preciseLocation", "place"),
    ("recentLocation", "place"),
    ("location", "place"),
    ("city", "place"),
    ("state", "place"),
    ("inviteKey", "key"),
];

/// Keys of the sender that are also words: a candidate called "Test Candidate" must not rename them.
const STRUCTURE: [&str; 14] = [
    "type",
    "event",
    "data",
    "success",
    "timestamp",
    "metadata",
    "assessment",
    "candidate",
    "links",
    "status",
    "scores",
    "signals",
    "name",
    "title",
];

/// Replaces what names a person.
pub struct Redactor {
    salt: [u8; 32],
    /// Names of people, folded, longest first.
    names: Vec<String>,
}

impl Redactor {
    /// A redactor that knows these people's names. The pseudonyms hang on the names known, so that they
    /// cannot be looked up in a table made beforehand.
    #[must_use]
    pub fn new(people: &[String]) -> Self {
        let mut hasher = Sha256::new();
        let mut names = BTreeSet::new();
        for person in people {
            hasher.update(person);
            hasher.update([0]);
            names.insert(person.to_lowercase());
            names.extend(person.split_whitespace().map(str::to_lowercase));
        }
        let mut names: Vec<_> =
            names.into_iter().filter(|name| name.chars().count() >= SHORTEST_NAME).collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        Self { salt: hasher.finalize().into(), names }
    }

    fn pseudonym(&self, what: &str, text: &str) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.salt);
        hasher.update(text.trim().to_lowercase());
        let digest = hasher.finalize();
        let number = digest.iter().take(4).fold(0u32, |number, byte| (number << 8) | u32::from(*byte));
        match what {
            "email" => format!("person-{number:08x}@redacted.invalid"),
            "link" => format!("https://redacted.invalid/{number:08x}"),
            what => format!("{what}-{number:08x}"),
        }
    }

    /// A text of a list, like a name or an address, replaced as a whole.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let what = if text.contains('@') { "email" } else { "name" };
        self.pseudonym(what, text)
    }

    /// A text of people's own words, like a filter, with the names and addresses in it replaced.
    #[must_use]
    pub fn words(&self, text: &str) -> String {
        self.string("", "", None, text)
    }

    /// A body with everything personal in it replaced; it stays JSON, in the same order.
    #[must_use]
    pub fn payload(&self, body: &str) -> String {
        let mut out = String::with_capacity(body.len());
        let mut reader = Reader::new(body);
        match self.value(&mut reader, "", "", &mut out) {
            Ok(()) => out,
            // Whoever calls this has seen that it is JSON; if it is not, nothing may pass.
            Err(_) => "null".to_owned(),
        }
    }

    fn value(
        &self,
        reader: &mut Reader<'_>,
        parent: &str,
        key: &str,
        out: &mut String,
    ) -> Result<(), crate::json::Error> {
        let personal = PERSONAL.iter().find(|(field, _)| *field == key).map(|(_, what)| *what);
        match reader.peek()? {
            Kind::Object => {
                let mut between = '{';
                reader.object(|reader, name| {
                    out.push(between);
                    between = ',';
                    out.push_str(&quoted(&self.key(name)));
                    out.push(':');
                    self.value(reader, key, name, out)
                })?;
                out.push_str(if between == '{' { "{}" } else { "}" });
            }
            Kind::Array => {
                let mut between = '[';
                reader.array(|reader| {
                    out.push(between);
                    between = ',';
                    self.value(reader, parent, key, out)
                })?;
                out.push_str(if between == '[' { "[]" } else { "]" });
            }
            Kind::String => {
                let text = reader.string()?.unwrap_or_default();
                out.push_str(&quoted(&self.string(parent, key, personal, &text)));
            }
            Kind::Number if personal.is_some_and(|what| !what.is_empty()) => {
                reader.skip()?;
                out.push('0');
            }
            _ => out.push_str(reader.skip()?),
        }
        Ok(())
    }

    fn string(&self, parent: &str, key: &str, personal: Option<&str>, text: &str) -> String {
        if text.trim().is_empty() {
            return text.to_owned();
        }
        // `name` is a person's in `candidate`, and an assessment's elsewhere.
        // What an event is and whom it is about must stay the same in a redacted document: a name may well be
        // part of such a word, or of the letters of an id.
        let kind = || EventKind::ALL.iter().any(|kind| kind.name().split('.').any(|word| word == text));
        let id = || text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        if matches!(key, "type" | "event") && parent.is_empty() && kind() {
            return text.to_owned();
        }
        if (key.ends_with("Id") || key == "_id") && id() {
            return text.to_owned();
        }
        let personal = if key == "name" && parent == "candidate" { Some("name") } else { personal };
        if let Some(what) = personal.filter(|what| !what.is_empty()) {
            return self.pseudonym(what, text);
        }
        if text.contains("://") {
            return self.pseudonym("link", text);
        }
        if text.parse::<std::net::IpAddr>().is_ok() {
            return self.pseudonym("ip", text);
        }
        self.prose(text)
    }

    /// A key: the sender's own stay, in any other the names are replaced.
    fn key(&self, key: &str) -> String {
        let ours = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if STRUCTURE.contains(&key)
            || key.chars().all(ours) && !self.names.iter().any(|name| stands(key, name))
        {
            return key.to_owned();
        }
        self.prose(key)
    }

    /// A text in which names and addresses may stand among other words.
    fn prose(&self, text: &str) -> String {
        let mut out = text.to_owned();
        if text.contains('@') {
            let words = text.split_inclusive(char::is_whitespace);
            out = words
                .map(|word| if word.contains('@') { self.pseudonym("email", word) } else { word.to_owned() })
                .collect();
        }
        let folded = out.to_lowercase();
        // Folding can change lengths outside ASCII; then a name that is found takes the whole text with it.
        let found = self.names.iter().filter(|name| folded.contains(name.as_str()));
        for name in found {
            let same_length = folded.len() == out.len() && out.is_ascii();
            if !same_length {
                return self.pseudonym("text", text);
            }
            out = replace_words(&out, name, &self.pseudonym("name", name));
        }
        out
    }
}

/// Whether a name stands in a key as a word of its own.
fn stands(key: &str, name: &str) -> bool {
    key.split('_').any(|word| word.eq_ignore_ascii_case(name))
}

/// Replaces a name, whatever its case, where it stands.
fn replace_words(text: &str, name: &str, by: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.to_ascii_lowercase().find(name) {
        out.push_str(rest.get(..at).unwrap_or_default());
        out.push_str(by);
        rest = rest.get(at + name.len()..).unwrap_or_default();
    }
    out + rest
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../assets/samples/candidate.completed.json");

    #[test]
    fn nothing_of_a_person_is_left_in_the_sample() {
        let redacted = Redactor::new(&["Bea Grant".into()]).payload(SAMPLE);
        let folded = redacted.to_lowercase();
        for personal in
            ["bea", "grant", "example.com", "203.0.113", "21.9974", "79.0011", "eyjlbwfpbci6", "testlify.com"]
        {
            assert!(!folded.contains(personal), "{personal} in {redacted}");
        }
        assert!(crate::json::check(&redacted).is_ok());
        for kept in
            ["Backend Engineer", "57.49999999999999", "\"tabSwitchCount\":0", "6a019dfcd71395322307e373"]
        {
            assert!(redacted.contains(kept), "{kept} is nobody's secret");
        }
    }

    #[test]
    fn pseudonyms_are_stable_and_differ() {
        let redactor = Redactor::new(&["Bea Grant".into(), "Ann Lee".into()]);
        assert_eq!(redactor.text("Bea Grant"), redactor.text("bea grant "));
        assert_ne!(redactor.text("Bea Grant"), redactor.text("Ann Lee"));
        let prose = redactor.payload(r#"{"note":"Bea wrote to bea@example.org","\u00e9":"Żbea"}"#);
        assert!(!prose.to_lowercase().contains("bea"), "{prose}");
    }

    #[test]
    fn a_person_called_like_a_word_of_the_sender_changes_no_event() {
        let people = ["Test Candidate", "Event Data", "Comple Ted", "Ada 6a0"].map(str::to_owned);
        let redacted = Redactor::new(&people).payload(SAMPLE);
        let (before, after) = (super::super::envelope::decode(SAMPLE.as_bytes()), redacted.into_bytes());
        let after = super::super::envelope::decode(&after);
        assert_eq!((after.kind, after.candidacy()), (before.kind, before.candidacy()));
        assert_eq!((after.score, after.signals), (before.score, before.signals));
        assert_ne!(after.candidate_name, before.candidate_name);
        let own = Redactor::new(&people).payload(r#"{"ada_answers":1,"Ada":2,"canada":3}"#);
        assert!(!own.contains("ada_answers") && !own.contains("Ada") && own.contains("canada"), "{own}");
    }
}
