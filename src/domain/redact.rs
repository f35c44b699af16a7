//! Pseudonyms for what names a person: stable within one document, without a way back.
//!
//! Names, e-mail addresses, IP addresses, coordinates, places and links are replaced everywhere, payloads
//! included. A link goes whole: an invite link holds the address, base64 inside.

use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::event::EventKind;
use crate::json::{Kind, Reader};

/// Shorter names in plain letters would be found in other words: they are looked for as words of their own.
const SHORTEST_NAME: usize = 3;
/// Shorter texts are no base64 of an address.
const SHORTEST_BASE64: usize = 16;

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

/// Other keys of a coordinate, in small letters; what ends in `latitude` or `longitude` is one too.
const COORDINATES: [&str; 5] = ["lat", "lng", "lon", "coords", "coordinates"];

/// What may stand before and after an address or a link in prose, and is no part of it.
const OPENING: [char; 5] = ['(', '<', '[', '"', '\''];
const CLOSING: [char; 11] = [',', '.', ';', ':', '!', '?', ')', '>', ']', '"', '\''];
const MAIL: &str = "mailto:";

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

/// Where a value stands in a body.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    /// The key above the one it stands under.
    parent: &'a str,
    /// The key it stands under.
    key: &'a str,
    /// What it stands inside of, if that is personal.
    inherited: Option<&'static str>,
    /// It stands in a document that stands in a string.
    quoted: bool,
}

/// Replaces what names a person.
pub struct Redactor {
    salt: [u8; 32],
    /// Names of people, folded, longest first.
    names: Vec<String>,
    /// The same, to be asked for one.
    known: HashSet<String>,
    /// Finds all of them in one pass over a text, however many there are. Without it they are tried one by one.
    finder: Option<AhoCorasick>,
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
            names.into_iter().filter(|name| name.chars().any(char::is_alphanumeric)).collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        // Of the kinds there are, the one that takes least room where names are many.
        let kind = Some(AhoCorasickKind::ContiguousNFA);
        let finder = AhoCorasick::builder().kind(kind).build(&names).ok();
        let known = names.iter().cloned().collect();
        Self { salt: hasher.finalize().into(), names, known, finder }
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
        self.string(Place::default(), None, text)
    }

    /// An id stays as it is, unless it is something else, like an address.
    #[must_use]
    pub fn id(&self, text: &str) -> String {
        self.string(Place { key: "Id", ..Place::default() }, None, text)
    }

    /// A body with everything personal in it replaced; it stays JSON, in the same order.
    #[must_use]
    pub fn payload(&self, body: &str) -> String {
        self.document(body, Place::default())
    }

    fn document(&self, body: &str, place: Place<'_>) -> String {
        let mut out = String::with_capacity(body.len());
        let mut reader = Reader::new(body);
        match self.value(&mut reader, place, &mut out) {
            Ok(()) => out,
            // Whoever calls this has seen that it is JSON; if it is not, nothing may pass.
            Err(_) => "null".to_owned(),
        }
    }

    /// A value under a key, below another one. What stands inside something personal is so too.
    fn value(
        &self,
        reader: &mut Reader<'_>,
        place: Place<'_>,
        out: &mut String,
    ) -> Result<(), crate::json::Error> {
        let personal = personal(place.key).or(place.inherited);
        let inherited = personal.filter(|what| !what.is_empty());
        match reader.peek()? {
            Kind::Object => {
                let mut between = '{';
                reader.object(|reader, name| {
                    out.push(between);
                    between = ',';
                    out.push_str(&quoted(&self.key(name)));
                    out.push(':');
                    let place = Place { parent: place.key, key: name, inherited, ..place };
                    self.value(reader, place, out)
                })?;
                out.push_str(if between == '{' { "{}" } else { "}" });
            }
            Kind::Array => {
                let mut between = '[';
                reader.array(|reader| {
                    out.push(between);
                    between = ',';
                    self.value(reader, Place { inherited, ..place }, out)
                })?;
                out.push_str(if between == '[' { "[]" } else { "]" });
            }
            Kind::String => {
                let text = reader.string()?.unwrap_or_default();
                out.push_str(&quoted(&self.string(place, personal, &text)));
            }
            Kind::Number if inherited.is_some() => {
                reader.skip()?;
                out.push('0');
            }
            _ => out.push_str(reader.skip()?),
        }
        Ok(())
    }

    fn string(&self, place: Place<'_>, personal: Option<&str>, text: &str) -> String {
        let Place { parent, key, .. } = place;
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
        if text.trim_start().starts_with(['{', '[']) && crate::json::check(text).is_ok() {
            // One document in a string is read; one inside that is more than anybody sends, and the stack has an end.
            return if place.quoted {
                self.pseudonym("text", text)
            } else {
                self.document(text, Place { quoted: true, ..Place::default() })
            };
        }
        if key.ends_with("ersion") && text.chars().all(|c| c.is_ascii_digit() || c == '.') {
            // Four numbers with dots between are a version here, and an address elsewhere.
            return text.to_owned();
        }
        if text.contains("://") {
            return self.pseudonym("link", text);
        }
        if self.is_coded(text) {
            return self.pseudonym("text", text);
        }
        self.prose(text)
    }

    /// Whether a text holds an address or a name as base64.
    fn is_coded(&self, text: &str) -> bool {
        let digits = text.trim().trim_end_matches('=');
        if digits.len() < SHORTEST_BASE64 {
            return false;
        }
        let bytes = STANDARD_NO_PAD.decode(digits).or_else(|_other| URL_SAFE_NO_PAD.decode(digits));
        let inside = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        inside.is_some_and(|inside| self.prose(&inside) != inside)
    }

    /// A key: the sender's own stay, in any other the names are replaced.
    fn key(&self, key: &str) -> String {
        let ours = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if STRUCTURE.contains(&key)
            || key.chars().all(ours)
                && !key.split('_').any(|word| self.known.contains(&word.to_ascii_lowercase()))
        {
            return key.to_owned();
        }
        self.prose(key)
    }

    /// A text in which names, addresses and links may stand among other words.
    fn prose(&self, text: &str) -> String {
        let out: String = words(text).into_iter().map(|word| self.word(word)).collect();
        let folded = out.to_lowercase();
        // Folding can change lengths outside ASCII; then a name that is found takes the whole text with it.
        let found = self.names_in(&folded);
        if !found.is_empty() && !out.is_ascii() {
            return self.pseudonym("text", text);
        }
        found.into_iter().fold(out, |out, name| replace(&out, name, &self.pseudonym("name", name)))
    }

    /// The names that stand in a folded text, longest first.
    fn names_in(&self, folded: &str) -> Vec<&String> {
        let is_there = |name: &&String| find(folded, name).is_some();
        let Some(finder) = &self.finder else { return self.names.iter().filter(is_there).collect() };
        let places: BTreeSet<usize> =
            finder.find_overlapping_iter(folded).map(|place| place.pattern().as_usize()).collect();
        places.into_iter().filter_map(|at| self.names.get(at)).filter(is_there).collect()
    }

    /// A word and the blank after it.
    fn word(&self, word: &str) -> String {
        let (before, inside, after) = core(word);
        let lower = inside.to_ascii_lowercase();
        if inside.contains('@') || lower.contains("%40") {
            return format!("{before}{}{after}", self.pseudonym("email", inside));
        }
        if lower.contains("www.") || lower.starts_with("//") || lower.contains("://") {
            return format!("{before}{}{after}", self.pseudonym("link", inside));
        }
        if !word.contains(['.', ':']) {
            return word.to_owned();
        }
        let (mut out, mut rest) = (String::new(), word);
        while let Some((at, address)) = first_address(rest) {
            out.push_str(rest.get(..at).unwrap_or_default());
            out.push_str(&self.pseudonym("ip", address));
            rest = rest.get(at + address.len()..).unwrap_or_default();
        }
        out + rest
    }
}

/// What takes the place of whatever stands under a key; empty where it depends on what is around.
fn personal(key: &str) -> Option<&'static str> {
    let known = PERSONAL.iter().find(|(field, _)| *field == key).map(|(_, what)| *what);
    known.or_else(|| {
        let folded = key.to_ascii_lowercase();
        let is_place = COORDINATES.contains(&folded.as_str())
            || folded.ends_with("latitude")
            || folded.ends_with("longitude");
        is_place.then_some("place")
    })
}

/// The words of a text, each with the blank after it. A blank between quotes with `@` behind is part of an address.
fn words(text: &str) -> Vec<&str> {
    let quoted = text.match_indices("\"@").filter_map(|(end, _)| Some(text.get(..end)?.rfind('"')?..end));
    let mut quoted = quoted.peekable();
    let (mut words, mut from) = (Vec::new(), 0);
    for (at, blank) in text.match_indices(char::is_whitespace) {
        while quoted.next_if(|span| span.end < at).is_some() {}
        if !quoted.peek().is_some_and(|span| span.contains(&at)) {
            words.extend(text.get(from..at + blank.len()));
            from = at + blank.len();
        }
    }
    words.extend(text.get(from..));
    words
}

/// What a word is about, and what stands before and after it.
fn core(word: &str) -> (&str, &str, &str) {
    let end = word.trim_end_matches(|c: char| c.is_whitespace() || CLOSING.contains(&c)).len();
    let (word, after) = word.split_at_checked(end).unwrap_or((word, ""));
    let mut from = word.len() - word.trim_start_matches(OPENING).len();
    let rest = word.get(from..).unwrap_or_default();
    if rest.contains("\"@") && word.get(..from).is_some_and(|before| before.ends_with('"')) {
        from -= 1;
    } else if rest.get(..MAIL.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(MAIL)) {
        from += MAIL.len();
    }
    let (before, inside) = word.split_at_checked(from).unwrap_or(("", word));
    (before, inside, after)
}

/// The first IP address in a word, and where it stands; a port is no part of it.
fn first_address(word: &str) -> Option<(usize, &str)> {
    let part = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
    let mut from = 0;
    while let Some(begins) = word.get(from..)?.find(part).map(|at| from + at) {
        let run = word.get(begins..)?;
        let run = run.get(..run.find(|c| !part(c)).unwrap_or(run.len()))?;
        from = begins + run.len();
        let apart = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
        if !apart(word.get(..begins)?.chars().next_back()) || !apart(word.get(from..)?.chars().next()) {
            continue;
        }
        let whole = run.trim_end_matches(['.', ':']);
        let alone = whole.rsplit_once(':').map_or(whole, |(address, _port)| address);
        let is_address =
            |text: &&str| text.bytes().any(|byte| byte.is_ascii_digit()) && text.parse::<IpAddr>().is_ok();
        if let Some(address) = [whole, alone].into_iter().find(is_address) {
            return Some((begins, address));
        }
    }
    None
}

/// Where a name stands in a folded text. A short one in plain letters must be a word of its own.
fn find(folded: &str, name: &str) -> Option<usize> {
    if !name.is_ascii() || name.len() >= SHORTEST_NAME {
        return folded.find(name);
    }
    let of_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut places = folded.match_indices(name).map(|(at, _)| at);
    places.find(|at| {
        let before = folded.get(..*at).and_then(|before| before.chars().next_back());
        let after = folded.get(at + name.len()..).and_then(|after| after.chars().next());
        !of_word(before) && !of_word(after)
    })
}

/// Replaces a name in plain text, whatever its case, where it stands.
fn replace(text: &str, name: &str, by: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = find(&rest.to_ascii_lowercase(), name) {
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
mod tests;
