//! Verifying a delivery: HMAC-SHA256 over the bytes as they came, as Svix and Standard Webhooks sign.
//!
//! The order of the checks is that of every official library: headers there, timestamp readable, timestamp
//! within the tolerance, signature. Sources: Svix "Verifying webhooks manually"; the Standard Webhooks
//! specification, "Signature scheme" and "Verifying webhook authenticity".

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac;
use sha2::{Digest, Sha256};

use super::delivery::Headers;
use super::diagnosis;
use super::duration::age;
use super::refusal::Code;
use super::secret::Keyring;
use super::time::Timestamp;

/// Longest id taken. Svix's have 31 characters and at most 256 are allowed.
const MAX_ID: usize = 256;

/// A delivery whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// `svix-id`
    pub id: String,
    /// `svix-timestamp`
    pub sent_at: Timestamp,
    /// Which secret of the keyring matched, from 0.
    pub key: usize,
}

/// Why a delivery is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The word in the answer.
    pub code: Code,
    /// A sentence a person can act on; holds neither a secret nor a signature.
    pub sentence: String,
    /// Our clock less the sender's timestamp, seconds; `None` if it gave no readable one.
    pub clock_off_secs: Option<i64>,
}

impl Fault {
    fn new(code: Code, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into(), clock_off_secs: None }
    }
}

/// The three headers of a delivery, under either name, read but not believed.
#[derive(Debug)]
struct Claims<'a> {
    id: &'a str,
    timestamp: &'a str,
    sent_at: Timestamp,
    signature: &'a str,
}

/// The value of `svix-NAME` or `webhook-NAME`; an empty one is not there.
fn claim<'a>(headers: &'a Headers, name: &'static str) -> Option<&'a str> {
    ["svix-", "webhook-"]
        .into_iter()
        .find_map(|brand| {
            headers
                .0
                .iter()
                .find(|(key, _)| key.strip_prefix(brand) == Some(name))
                .map(|(_, value)| value.trim())
        })
        .filter(|value| !value.is_empty())
}

fn required<'a>(headers: &'a Headers, name: &'static str) -> Result<&'a str, Fault> {
    claim(headers, name).ok_or_else(|| {
        let others =
            ["id", "timestamp", "signature"].into_iter().any(|other| claim(headers, other).is_some());
        let hint = if others {
            "something between Svix and here removed it"
        } else {
            "no signature header came at all: this is not from Svix, or a proxy in front removes its headers"
        };
        Fault::new(Code::MissingHeader, format!("the header `svix-{name}` is missing; {hint}"))
    })
}

fn read_id(id: &str) -> Result<&str, Fault> {
    if id.len() > MAX_ID {
        let sentence = format!("the header `svix-id` has {} characters, more than {MAX_ID}", id.len());
        return Err(Fault::new(Code::MalformedHeader, sentence));
    }
    if id.chars().any(|c| !c.is_ascii_graphic()) {
        return Err(Fault::new(
            Code::MalformedHeader,
            "the header `svix-id` holds blanks or unprintable characters",
        ));
    }
    Ok(id)
}

fn read_timestamp(text: &str) -> Result<Timestamp, Fault> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let time = plain.then(|| text.parse().ok().and_then(Timestamp::from_secs)).flatten();
    time.filter(|_| text.len() < 12).ok_or_else(|| {
        let hint =
            if plain && text.len() == 13 { "it looks like milliseconds" } else { "it is no such number" };
        let sentence = format!("the header `svix-timestamp` must be whole seconds since 1970; {hint}");
        Fault::new(Code::MalformedHeader, sentence)
    })
}

fn claims(headers: &Headers) -> Result<Claims<'_>, Fault> {
    let id = required(headers, "id")?;
    let timestamp = required(headers, "timestamp")?;
    let signature = required(headers, "signature")?;
    Ok(Claims { id: read_id(id)?, timestamp, sent_at: read_timestamp(timestamp)?, signature })
}

/// Verifies a delivery against every secret; holds if any `v1` entry matches under any of them.
///
/// `now` is when the delivery arrived. Comparison is in constant time.
///
/// # Errors
/// Why it is refused, with a sentence a person can act on.
pub fn verify(
    headers: &Headers,
    body: &[u8],
    keyring: &Keyring,
    tolerance_secs: i64,
    now: Timestamp,
) -> Result<Verified, Fault> {
    let claims = claims(headers)?;
    let off = now.secs() - claims.sent_at.secs();
    timely(off, tolerance_secs)
        .and_then(|()| matching_key(&claims, body, keyring))
        .map(|key| Verified { id: claims.id.to_owned(), sent_at: claims.sent_at, key })
        .map_err(|fault| Fault { clock_off_secs: Some(off), ..fault })
}

/// Whether a timestamp is within the tolerance; exactly the tolerance is.
fn timely(off: i64, tolerance_secs: i64) -> Result<(), Fault> {
    let (code, way, hint) = if off > tolerance_secs {
        (
            Code::TimestampTooOld,
            "old",
            "it was held up on the way, is a replay of a captured request, or this machine's clock is fast",
        )
    } else if -off > tolerance_secs {
        (Code::TimestampTooNew, "in the future", "this machine's clock is slow, or the sender's is fast")
    } else {
        return Ok(());
    };
    let sentence = format!(
        "the timestamp is {} {way}, more than the tolerance of {tolerance_secs} s; {hint}",
        age(off.unsigned_abs())
    );
    Err(Fault::new(code, sentence))
}

/// What a signature header is made of, as far as `v1` goes.
struct Entries<'a> {
    tags: Vec<[u8; 32]>,
    v1: usize,
    other: Vec<&'a str>,
    unreadable: usize,
}

/// Splits `v1,… v1a,… v2,…`; only `v1` entries of 32 bytes in strict base64 can match.
fn entries(signature: &str) -> Entries<'_> {
    let mut entries = Entries { tags: Vec::new(), v1: 0, other: Vec::new(), unreadable: 0 };
    for entry in signature.split_ascii_whitespace() {
        match entry.split_once(',') {
            Some(("v1", text)) => {
                entries.v1 += 1;
                let tag: Option<[u8; 32]> =
                    STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
                entries.tags.extend(tag);
            }
            Some((version, _)) => entries.other.push(version),
            None => entries.unreadable += 1,
        }
    }
    entries
}

fn matching_key(claims: &Claims<'_>, body: &[u8], keyring: &Keyring) -> Result<usize, Fault> {
    let entries = entries(claims.signature);
    for (key, secret) in keyring.secrets().iter().enumerate() {
        let mac = secret.mac(claims.id, claims.timestamp, body);
        for tag in &entries.tags {
            if mac.clone().verify_slice(tag).is_ok() {
                return Ok(key);
            }
        }
    }
    if entries.v1 == 0 && entries.other.is_empty() {
        let sentence = "the header `svix-signature` holds no `v1,…` entry and nothing else that could be one";
        return Err(Fault::new(Code::MalformedHeader, sentence));
    }
    Err(Fault::new(Code::NoMatchingSignature, no_match(claims, body, keyring, &entries)))
}

/// Why nothing matched, as far as that can be found out.
fn no_match(claims: &Claims<'_>, body: &[u8], keyring: &Keyring, entries: &Entries<'_>) -> String {
    if entries.v1 == 0 {
        let versions: Vec<String> =
            entries.other.iter().map(|version| version.chars().take(8).collect()).collect();
        return format!(
            "the sender signed with {} only, which is not supported; choose the endpoint's `whsec_` secret",
            versions.join(", ").replace(|c: char| !c.is_ascii_graphic() && c != ' ', "?")
        );
    }
    if keyring.is_empty() {
        return "no secret is known yet, so nothing can be verified; give the endpoint's signing secret"
            .into();
    }
    let tried = keyring.tails();
    if entries.tags.is_empty() {
        return diagnosis::of_unreadable(claims.signature).into();
    }
    match diagnosis::of_mismatch(claims.id, claims.timestamp, body, &entries.tags, keyring) {
        Some(found) => found.into(),
        None => format!(
            "no signature matches under the secrets ending in {tried}; compare with the signing secret of this \
             endpoint, or something on the way changed the body"
        ),
    }
}

/// Who and when of a delivery that is taken unsigned: what the headers say, or else made from the body.
///
/// # Errors
/// If a header is there but cannot be read.
pub fn read_unverified(headers: &Headers, body: &[u8], now: Timestamp) -> Result<(String, Timestamp), Fault> {
    let sent_at = claim(headers, "timestamp").map(read_timestamp).transpose()?.unwrap_or(now);
    if let Some(id) = claim(headers, "id") {
        return Ok((read_id(id)?.to_owned(), sent_at));
    }
    // The same body sent again is the same event: what else could tell?
    let mut start = [0; 16];
    start.iter_mut().zip(Sha256::digest(body)).for_each(|(to, from)| *to = from);
    Ok((format!("unsigned_{:032x}", u128::from_be_bytes(start)), sent_at))
}

#[cfg(test)]
mod tests {
    use super::super::secret::Secret;
    use super::*;
    use proptest::prelude::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const TAG: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn keyring(secrets: &[&str]) -> Keyring {
        Keyring::new(secrets.iter().map(|text| Secret::parse(text).unwrap()).collect())
    }

    fn headers(brand: &str, id: &str, timestamp: &str, signature: &str) -> Headers {
        let named = |name: &str, value: &str| (format!("{brand}-{name}"), value.to_owned());
        Headers(vec![named("id", id), named("timestamp", timestamp), named("signature", signature)])
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs).unwrap()
    }

    fn check(signature: &str, secrets: &[&str], now: i64) -> Result<usize, (Code, String)> {
        let headers = headers("svix", ID, "1614265330", signature);
        let verified = verify(&headers, BODY, &keyring(secrets), 300, at(now));
        verified.map(|verified| verified.key).map_err(|fault| (fault.code, fault.sentence))
    }

    #[test]
    fn the_public_vectors_hold() {
        let long = |n| vec![b'a'; n];
        let vectors: [(&str, &str, i64, &[u8], &str); 6] = [
            (SECRET, ID, 1_614_265_330, BODY, TAG),
            (
                "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                1_649_367_553,
                br#"{"email":"test@example.com","username":"test_user"}"#,
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
            (
                "whsec_plJ3nmyCDGBKInavdOK15jsl",
                "msg_loFOjxBNrRLzqYUf",
                1_731_705_121,
                br#"{"event_type":"ping","data":{"success":true}}"#,
                "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
            ),
            (SECRET, ID, 1_614_265_330, &long(1 << 20), "v1,txpEUxqWZJ5nteTnymUVa+7C4NHpBeXJ6CsBAW0c3/A="),
            (SECRET, ID, 1_614_265_330, &long(262_144), "v1,Mw4Pe2WgApuT7NSqnSq0PQPV9gbLdggCl9B865x5Xh0="),
            (SECRET, ID, 1_614_265_330, &long(262_143), "v1,NTItnqyWMoFhk2Bbe5V/BMdcFRWgcSQaTgqLHX7FC7c="),
        ];
        for (secret, id, secs, body, signature) in vectors {
            for brand in ["svix", "webhook"] {
                let headers = headers(brand, id, &secs.to_string(), signature);
                let verified = verify(&headers, body, &keyring(&[secret]), 300, at(secs)).unwrap();
                assert_eq!(verified, Verified { id: id.into(), sent_at: at(secs), key: 0 });
            }
            assert_eq!(Secret::parse(secret).unwrap().sign(id, secs, body), signature);
        }
    }

    #[test]
    fn any_entry_under_any_secret_will_do() {
        let other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let wrong = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let now = 1_614_265_330;
        assert_eq!(check(&format!("v1a,xyz {wrong} junk v2,abc {TAG}"), &[other, SECRET], now), Ok(1));
        let relabelled = TAG.replace("v1,", "v1a,");
        assert_eq!(check(&relabelled, &[SECRET], now).unwrap_err().0, Code::NoMatchingSignature);
        assert_eq!(check(&TAG.replace('=', ""), &[SECRET], now).unwrap_err().0, Code::NoMatchingSignature);
    }

    #[test]
    fn the_tolerance_reaches_both_ways() {
        let code = |now| check(TAG, &[SECRET], now).map_err(|(code, _)| code);
        assert_eq!(code(1_614_265_330 + 300), Ok(0));
        assert_eq!(code(1_614_265_330 - 300), Ok(0));
        assert_eq!(code(1_614_265_330 + 301), Err(Code::TimestampTooOld));
        assert_eq!(code(1_614_265_330 - 301), Err(Code::TimestampTooNew));
        let (_, sentence) = check(TAG, &[SECRET], 1_614_265_330 + 1200).unwrap_err();
        assert!(sentence.contains("1200 s old"), "{sentence}");
        let (_, sentence) = check(TAG, &[SECRET], 1_614_265_330 + 90 * 86_400).unwrap_err();
        assert!(sentence.contains("90 days old"), "{sentence}");
    }

    #[test]
    fn a_missing_or_unreadable_header_is_named() {
        let fault = |headers: Headers| {
            let fault = verify(&headers, BODY, &keyring(&[SECRET]), 300, at(1_614_265_330)).unwrap_err();
            (fault.code, fault.sentence)
        };
        let cases = [
            (headers("svix", "", "1614265330", TAG), Code::MissingHeader, "`svix-id` is missing"),
            (headers("svix", ID, "", TAG), Code::MissingHeader, "`svix-timestamp` is missing"),
            (headers("webhook", ID, "1614265330", " "), Code::MissingHeader, "`svix-signature` is missing"),
            (Headers::default(), Code::MissingHeader, "not from Svix"),
            (headers("svix", ID, "1614265330000", TAG), Code::MalformedHeader, "looks like milliseconds"),
            (headers("svix", ID, "+1614265330", TAG), Code::MalformedHeader, "whole seconds"),
            (headers("svix", ID, "-5", TAG), Code::MalformedHeader, "whole seconds"),
            (headers("svix", "msg \u{1b}", "1614265330", TAG), Code::MalformedHeader, "`svix-id` holds"),
            (headers("svix", &"m".repeat(300), "1614265330", TAG), Code::MalformedHeader, "300 characters"),
            (headers("svix", ID, "1614265330", "nonsense"), Code::MalformedHeader, "no `v1,…` entry"),
            (headers("svix", ID, "1614265330", "v1a,abc"), Code::NoMatchingSignature, "with v1a only"),
        ];
        for (headers, code, part) in cases {
            let (got, sentence) = fault(headers);
            assert_eq!(got, code, "{sentence}");
            assert!(sentence.contains(part), "{sentence}");
        }
    }

    #[test]
    fn unsigned_deliveries_get_an_id_from_their_body() {
        let now = at(5);
        let of = |body: &[u8]| read_unverified(&Headers::default(), body, now).unwrap();
        assert_eq!(of(b"a"), of(b"a"));
        assert_ne!(of(b"a").0, of(b"b").0);
        assert_eq!(of(b"a").1, now);
    }

    proptest! {
        #[test]
        fn what_is_signed_holds_and_any_flipped_bit_does_not(
            key in proptest::collection::vec(any::<u8>(), 24..64),
            body in prop_oneof![proptest::collection::vec(any::<u8>(), 1..200), "[ -~é]{1,80}".prop_map(String::into_bytes)],
            bit in any::<prop::sample::Index>(),
        ) {
            let text = STANDARD.encode(&key);
            let secret = Secret::parse(&text).unwrap();
            let signature = secret.sign(ID, 1_614_265_330, &body);
            if std::str::from_utf8(&body).is_ok() {
                let theirs = standardwebhooks::Webhook::new(&text).unwrap().sign(ID, 1_614_265_330, &body);
                prop_assert_eq!(theirs.ok(), Some(signature.clone()), "an independent signer agrees");
            }
            let headers = headers("svix", ID, "1614265330", &signature);
            let keyring = Keyring::new(vec![secret]);
            let holds = |body: &[u8]| verify(&headers, body, &keyring, 300, at(1_614_265_330)).is_ok();
            prop_assert!(holds(&body));
            let mut changed = body;
            let bit = bit.index(changed.len() * 8);
            changed[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!holds(&changed));
        }
    }
}
