//! What the target gets: the body as it came, and the headers as they came, but for those that were about one
//! connection only. A delivery that has become too old to be verified is signed afresh.

use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::domain::delivery::Headers;
use crate::domain::envelope;
use crate::domain::secret::Keyring;
use crate::domain::time::Timestamp;
use crate::store::forwarded::Parcel;

/// Headers that are passed on; far more than any server takes.
const MOST: usize = 1024;
/// Those that are, wherever they stand.
const SIGNED: [&str; 6] =
    ["svix-id", "svix-timestamp", "svix-signature", "webhook-id", "webhook-timestamp", "webhook-signature"];
/// Headers that are between two neighbours on the way (RFC 9110, 7.6.1), and those that the client writes.
const BETWEEN_NEIGHBOURS: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];
/// Receivers refuse what was signed more than five minutes ago; older than this it may be by the time it is there.
const STALE_SECS: i64 = 4 * 60;

/// The headers of a first or later attempt: as they came, as long as a receiver can verify them.
pub(super) fn passed_on(parcel: &Parcel, keyring: impl Fn() -> Keyring, now: Timestamp) -> HeaderMap {
    let age = now.secs() - parcel.sent_at.secs();
    if age > STALE_SECS { afresh(parcel, &keyring(), now) } else { as_they_came(parcel) }
}

/// The headers signed for this moment by every secret known; as they came if none is.
pub(super) fn afresh(parcel: &Parcel, keyring: &Keyring, now: Timestamp) -> HeaderMap {
    let mut map = as_they_came(parcel);
    if keyring.is_empty() {
        return map;
    }
    let secs = now.secs();
    let signed = keyring.secrets().iter().map(|secret| secret.sign(&parcel.id, secs, &parcel.body));
    let signature = signed.collect::<Vec<_>>().join(" ");
    let names = |name: &HeaderName, brand: &str| name.as_str().starts_with(brand);
    let standard = map.keys().any(|name| names(name, "webhook-"));
    let svix = map.keys().any(|name| names(name, "svix-"));
    let brands = [("svix", svix || !standard), ("webhook", standard)];
    for (brand, _) in brands.into_iter().filter(|(_, wanted)| *wanted) {
        let texts =
            [("id", parcel.id.clone()), ("timestamp", secs.to_string()), ("signature", signature.clone())];
        for (name, text) in texts {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(format!("{brand}-{name}")), HeaderValue::from_str(&text))
            {
                map.insert(name, value);
            }
        }
    }
    map
}

fn as_they_came(parcel: &Parcel) -> HeaderMap {
    let named = named_by_connection(&parcel.headers);
    let mut map = HeaderMap::new();
    for (n, (name, value)) in parcel.headers.0.iter().enumerate() {
        // More than a request can have come by a relay or out of a file alone.
        if n >= MOST && !SIGNED.contains(&name.as_str()) {
            continue;
        }
        let dropped = BETWEEN_NEIGHBOURS.contains(&name.as_str())
            || name.starts_with("proxy-")
            || named.iter().any(|held| held == name);
        if dropped {
            continue;
        }
        // A header of the relay's frame may be none that HTTP knows.
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
        {
            map.append(name, value);
        }
    }
    // An event that was imported has none, and frameworks read no body of a type they are not told.
    if parcel.headers.0.is_empty() && envelope::decode(&parcel.body).is_json {
        map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    map
}

/// What `connection:` names belongs to the connection too; but nobody takes the signature away that way.
fn named_by_connection(headers: &Headers) -> Vec<String> {
    let lists = headers.0.iter().filter(|(name, _)| name == "connection");
    let names = lists.flat_map(|(_, list)| list.split(',')).map(|name| name.trim().to_ascii_lowercase());
    names.filter(|name| !name.starts_with("svix-") && !name.starts_with("webhook-")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::Secret;
    use crate::domain::signature::verify;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn parcel(headers: &[(&str, &str)]) -> Parcel {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let headers = Headers(headers.collect());
        Parcel { seq: 1, id: "msg_1".into(), sent_at: at(0), headers, body: b"{ }\n".to_vec() }
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_790_000_000 + secs).unwrap()
    }

    fn keyring(count: usize) -> Keyring {
        let more = (1..count).map(|n| Secret::from_bytes([n as u8; 24]));
        Keyring::new([Secret::parse(SECRET).unwrap()].into_iter().chain(more).take(count).collect())
    }

    fn back(map: &HeaderMap) -> Headers {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Headers(map.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect())
    }

    #[test]
    fn more_headers_than_a_request_may_have_are_cut() {
        let names: Vec<String> = (0..40_000).map(|n| format!("x-{n}")).collect();
        let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
        let parcel = parcel(&[&headers[..], &[("svix-id", "msg_1")]].concat());
        let mut map = as_they_came(&parcel);
        assert_eq!((map.len(), &map["svix-id"]), (MOST + 1, &HeaderValue::from_static("msg_1")));
        map.insert("host", HeaderValue::from_static("there is room for what the client adds"));
        assert_eq!(afresh(&parcel, &keyring(1), at(0)).len(), MOST + 3);
    }

    #[test]
    fn what_is_of_the_connection_stays_behind_and_the_rest_goes_as_it_came() {
        let parcel = parcel(&[
            ("host", "hooks.example.com"),
            ("connection", "keep-alive, X-Hop, svix-id"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("proxy-authorization", "Basic x"),
            ("content-length", "99"),
            ("svix-id", "msg_1"),
            ("svix-timestamp", "1790000000"),
            ("svix-signature", "v1,x v1,y"),
            ("x-twice", "a"),
            ("x-twice", "b"),
            ("x-name", "Zoë"),
            ("not a header", "x"),
        ]);
        let map = passed_on(&parcel, || keyring(1), at(10));
        let mut sent = back(&map).0;
        sent.sort();
        let wanted = [
            ("svix-id", "msg_1"),
            ("svix-signature", "v1,x v1,y"),
            ("svix-timestamp", "1790000000"),
            ("x-name", "Zoë"),
            ("x-twice", "a"),
            ("x-twice", "b"),
        ];
        assert_eq!(sent, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_fresh_signature_holds_under_every_secret_and_under_the_names_that_came() {
        for brand in ["svix", "webhook"] {
            let names = ["id", "timestamp", "signature"].map(|name| format!("{brand}-{name}"));
            let came: Vec<_> = names.iter().map(|name| (name.as_str(), "old")).collect();
            let map = afresh(&parcel(&came), &keyring(2), at(9_000));
            assert_eq!(map.len(), 3, "{map:?}");
            for secret in keyring(2).secrets() {
                let one = Keyring::new(vec![secret.clone()]);
                let verified = verify(&back(&map), b"{ }\n", &one, 300, at(9_001)).unwrap();
                assert_eq!((verified.id.as_str(), verified.sent_at), ("msg_1", at(9_000)));
            }
        }
        let unsigned = afresh(&parcel(&[("content-type", "application/json")]), &keyring(1), at(0));
        assert_eq!(unsigned.len(), 4, "who signed nothing is signed as Svix does");
    }

    #[test]
    fn what_came_without_headers_is_called_json_if_it_is() {
        let sent = |body: &[u8]| {
            let map = afresh(&Parcel { body: body.to_vec(), ..parcel(&[]) }, &keyring(1), at(0));
            (map.len(), map.get("content-type").map(|kind| kind.to_str().unwrap().to_owned()))
        };
        assert_eq!(sent(b"{ }"), (4, Some("application/json".to_owned())));
        assert_eq!(sent(b"no json"), (3, None));
        let came = afresh(&parcel(&[("x-a", "1")]), &keyring(0), at(0));
        assert!(came.get("content-type").is_none(), "what came with headers goes with those");
    }

    #[test]
    fn only_what_has_become_too_old_is_signed_afresh() {
        let parcel =
            parcel(&[("svix-id", "msg_1"), ("svix-timestamp", "1790000000"), ("svix-signature", "v1,x")]);
        let signature = |map: HeaderMap| map.get("svix-signature").unwrap().to_str().unwrap().to_owned();
        assert_eq!(signature(passed_on(&parcel, || keyring(1), at(STALE_SECS))), "v1,x");
        assert_ne!(signature(passed_on(&parcel, || keyring(1), at(STALE_SECS + 1))), "v1,x");
        assert_eq!(
            signature(passed_on(&parcel, || keyring(0), at(99_999))),
            "v1,x",
            "no secret, no signature"
        );
    }
}
