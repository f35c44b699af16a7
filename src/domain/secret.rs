//! Signing secrets: read leniently, never shown, wiped from memory when dropped.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::count::plural;

/// Bytes a key may have. Svix makes 24 and takes 24 to 75; the public test vectors have one of 18.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=128;

/// Why a text is no signing secret. Never quotes the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Nothing there.
    #[error("the secret is empty; copy the endpoint's signing secret, it begins with `whsec_`")]
    Empty,
    /// A signature was pasted.
    #[error(
        "the secret begins with `v1,`: that is a signature; copy the endpoint's signing secret, it begins with `whsec_`"
    )]
    Signature,
    /// A key of the asymmetric scheme was pasted.
    #[error(
        "the secret begins with `{0}`: that is an asymmetric key, which is not supported; use the endpoint's `whsec_` signing secret"
    )]
    Asymmetric(&'static str),
    /// It has blanks inside.
    #[error(
        "the secret has a blank inside, after {0} characters: it was cut or two were pasted; copy it whole"
    )]
    Blank(usize),
    /// It has a character that base64 has not.
    #[error(
        "the secret is no base64: character {0} cannot stand there; copy it whole, it begins with `whsec_`"
    )]
    Character(usize),
    /// The prefix stands there twice.
    #[error("the secret begins with `whsec_` twice; give it once")]
    Twice,
    /// Its last letters are no base64.
    #[error(
        "the secret's base64 ends wrongly: it was cut, or has a letter too many or a wrong one at its end; copy it whole"
    )]
    Ending,
    /// It is too short or too long.
    #[error(
        "the secret has {}, a signing secret has 24 to 75: it was cut or is something else; copy it whole",
        plural(*.0 as u64, "byte")
    )]
    Length(usize),
}

/// A secret as it was given, before anybody has read it: never shown, wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Given(Zeroizing<String>);

impl Given {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Given {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl From<String> for Given {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl FromStr for Given {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(…)")
    }
}

/// A text with whatever looks like a secret in it left out: signing secrets, and who a URL is asked for as.
///
/// For errors that quote what was typed: a secret is soon given to the wrong option.
#[must_use]
pub fn masked(text: &str) -> Cow<'_, str> {
    match without_secrets(text) {
        Cow::Borrowed(text) => without_users(text),
        Cow::Owned(text) => Cow::Owned(without_users(&text).into_owned()),
    }
}

/// A text whose URLs name no user and no password.
fn without_users(text: &str) -> Cow<'_, str> {
    const BEGIN: &str = "://";
    let ends = |c: char| c.is_whitespace() || "/?#'\"`".contains(c);
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(BEGIN) {
        let (before, from) = rest.split_at(at + BEGIN.len());
        let user = from.split(ends).next().and_then(|authority| authority.rfind('@')).unwrap_or_default();
        out.push_str(before);
        if user > 0 {
            out.push('…');
        }
        rest = from.get(user..).unwrap_or_default();
    }
    if out.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(out + rest) }
}

fn without_secrets(text: &str) -> Cow<'_, str> {
    const SIGNS: [&str; 3] = ["whsec_", "whsk_", "whsk1_"];
    let digit = |c: char| c.is_ascii_alphanumeric() || "+/=-_".contains(c);
    if !SIGNS.iter().any(|sign| text.contains(sign)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, sign)) =
        SIGNS.iter().filter_map(|sign| rest.find(sign).map(|at| (at, *sign))).min_by_key(|(at, _)| *at)
    {
        let (before, from) = rest.split_at(at);
        let after = from.strip_prefix(sign).unwrap_or_default();
        rest = after.trim_start_matches(digit);
        out.push_str(before);
        out.push_str(sign);
        if rest.len() < after.len() {
            out.push('…');
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// One signing secret of one endpoint.
#[derive(Clone)]
pub struct Secret {
    key: Zeroizing<Vec<u8>>,
    tail: String,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret(…{})", self.tail)
    }
}

impl Secret {
    /// Reads `whsec_` and base64, or the base64 alone; blanks and quotes around it and missing padding do
    /// not matter.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence that does not quote it.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let text = text.trim_matches(|c: char| c.is_whitespace() || "\"'`".contains(c));
        if text.starts_with("v1,") || text.starts_with("v1a,") {
            return Err(SecretError::Signature);
        }
        if let Some(prefix) =
            ["whpk_", "whsk_", "whpk1_", "whsk1_"].into_iter().find(|prefix| text.starts_with(prefix))
        {
            return Err(SecretError::Asymmetric(prefix));
        }
        let bare = text.strip_prefix("whsec_").unwrap_or(text);
        if bare.starts_with("whsec_") {
            return Err(SecretError::Twice);
        }
        let skipped = text.chars().count() - bare.chars().count();
        let digits = bare.trim_end_matches('=');
        if digits.is_empty() {
            return Err(SecretError::Empty);
        }
        for (n, c) in digits.chars().enumerate() {
            match c {
                'A'..='Z' | 'a'..='z' | '0'..='9' | '+' | '/' => {}
                c if c.is_whitespace() => return Err(SecretError::Blank(skipped + n)),
                _ => return Err(SecretError::Character(skipped + n + 1)),
            }
        }
        let padded = Zeroizing::new(format!("{digits}{}", "=".repeat((4 - digits.len() % 4) % 4)));
        // Decoded in place: a buffer that grew would leave copies behind.
        let mut key = Zeroizing::new(vec![0; padded.len()]);
        let decoded = STANDARD.decode_slice(padded.as_bytes(), &mut key);
        let length = decoded.as_ref().map_or(digits.len() * 3 / 4, |length| *length);
        if !LENGTHS.contains(&length) {
            return Err(SecretError::Length(length));
        }
        decoded.map_err(|_undecodable| SecretError::Ending)?;
        key.truncate(length);
        Ok(Self::of(key))
    }

    /// A secret of these bytes.
    #[must_use]
    pub fn from_bytes(key: [u8; 24]) -> Self {
        Self::of(Zeroizing::new(key.to_vec()))
    }

    fn of(key: Zeroizing<Vec<u8>>) -> Self {
        let text = Zeroizing::new(STANDARD_NO_PAD.encode(&*key));
        let tail = text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned();
        Self { key, tail }
    }

    /// The last four characters, for telling secrets apart in messages.
    #[must_use]
    pub fn tail(&self) -> &str {
        &self.tail
    }

    /// The signature of a delivery, as the `svix-signature` header has it: `v1,` and base64.
    #[must_use]
    pub fn sign(&self, id: &str, secs: i64, body: &[u8]) -> String {
        let tag = self.mac(id, &secs.to_string(), body).finalize().into_bytes();
        format!("v1,{}", STANDARD.encode(tag))
    }

    /// The MAC over `id.timestamp.body`, not finished, so that a tag can be compared in constant time.
    pub(super) fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        mac(&self.key, id, timestamp, body)
    }

    /// The same with the secret's text in place of the key it encodes: a common mistake of senders.
    pub(super) fn mac_of_text(&self, id: &str, timestamp: &str, body: &[u8]) -> [Hmac<Sha256>; 2] {
        let text = Zeroizing::new(STANDARD.encode(&*self.key));
        let prefixed = Zeroizing::new(format!("whsec_{}", *text));
        [mac(text.as_bytes(), id, timestamp, body), mac(prefixed.as_bytes(), id, timestamp, body)]
    }
}

fn mac(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac
}

/// The secrets any of which may have signed: several endpoints, or an old and a new one during a rotation.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    secrets: Vec<Secret>,
}

impl Keyring {
    /// A keyring of these.
    #[must_use]
    pub fn new(secrets: Vec<Secret>) -> Self {
        Self { secrets }
    }

    /// The secrets, in the order they were given.
    #[must_use]
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// True if nothing can be verified.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// The last four characters of each: `…AbCd, …EfGh`.
    #[must_use]
    pub fn tails(&self) -> String {
        let tails: Vec<_> = self.secrets.iter().map(|secret| format!("…{}", secret.tail)).collect();
        tails.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_paste_is_taken() {
        for text in [
            "whsec_plJ3nmyCDGBKInavdOK15jsl",
            " plJ3nmyCDGBKInavdOK15jsl\n",
            "\"whsec_plJ3nmyCDGBKInavdOK15jsl=\"",
        ] {
            assert_eq!(Secret::parse(text).map(|secret| secret.tail), Ok("5jsl".to_owned()), "{text}");
        }
        assert!(Secret::parse("whsec_MTIzNDU2Nzg5MDEyMzQ1Njc").is_ok(), "padding may be missing");
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_left_out() {
        for (text, shown) in [
            ("unexpected argument 'whsec_MfKQ+9/r=' found", "unexpected argument 'whsec_…' found"),
            ("whsec_a,whsec_b whsk_c", "whsec_…,whsec_… whsk_…"),
            ("it begins with `whsec_`, as in whsec_…", "it begins with `whsec_`, as in whsec_…"),
            ("nothing", "nothing"),
            ("`ws://ann:hunter2@h/x?a@b` and http://h", "`ws://…@h/x?a@b` and http://h"),
            ("https://whsec_abc@h:1", "https://…@h:1"),
            ("mail a@b.c, see https://h/a@b", "mail a@b.c, see https://h/a@b"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn what_is_no_secret_is_named_and_never_quoted() {
        let cases = [
            ("", "is empty"),
            ("whsec_", "is empty"),
            ("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "begins with `v1,`"),
            ("whpk_SOMETHING", "begins with `whpk_`"),
            ("whsec_abcd efgh", "blank inside, after 10 characters"),
            ("whsec_abcd!efgh", "character 11"),
            ("whsec_abcd", "has 3 bytes,"),
            ("42", "has 1 byte,"),
            ("whsec_plJ3nmyCDGBKInavdOK15efgh", "ends wrongly"),
            ("whsec_MTIzNDU2Nzg5MDEyMzQ1Njd", "ends wrongly"),
            ("whsec_whsec_plJ3nmyCDGBKInavdOK15efgh", "`whsec_` twice"),
        ];
        for (text, part) in cases {
            let sentence = Secret::parse(text).unwrap_err().to_string();
            assert!(sentence.contains(part), "{sentence}");
            assert!(!sentence.contains("efgh") && !sentence.contains("g0hM9"), "{sentence}");
        }
        assert_eq!(
            format!("{:?}", Secret::parse("whsec_plJ3nmyCDGBKInavdOK15jsl").unwrap()),
            "Secret(…5jsl)"
        );
    }
}
