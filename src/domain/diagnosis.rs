//! Why a signature does not match: tries the usual mistakes and says which one it was.
//!
//! Runs only for deliveries that are refused anyway, and only to explain: nothing here can let one in.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::secret::Keyring;

/// Larger bodies are not tried in other spellings.
const MAX_BODY: usize = 64 * 1024;

/// Why `v1` entries that hold no 32 bytes in base64 do not.
pub(super) fn of_unreadable(signature: &str) -> &'static str {
    let hex = signature
        .split_ascii_whitespace()
        .filter_map(|entry| entry.strip_prefix("v1,"))
        .any(|text| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if hex {
        "the signature is written in hex, not in base64: whatever signed this is not Svix"
    } else {
        "the `v1` signature is no base64 of 32 bytes: it was cut or changed on the way"
    }
}

/// What the sender, or something on the way, did differently; `None` if nothing that is tried explains it.
pub(super) fn of_mismatch(
    id: &str,
    timestamp: &str,
    body: &[u8],
    tags: &[[u8; 32]],
    keyring: &Keyring,
) -> Option<&'static str> {
    let holds = |mac: Hmac<Sha256>| tags.iter().any(|tag| mac.clone().verify_slice(tag).is_ok());
    let any = |body: &[u8]| keyring.secrets().iter().any(|secret| holds(secret.mac(id, timestamp, body)));
    for secret in keyring.secrets() {
        if secret.mac_of_text(id, timestamp, body).into_iter().any(holds) {
            return Some(
                "it was signed with the secret's text; the key is what the base64 after `whsec_` decodes to: mend the sender",
            );
        }
    }
    if body.len() > MAX_BODY {
        return None;
    }
    respelt(body).into_iter().find(|(_, body)| any(body)).map(|(explanation, _)| explanation)
}

/// The same body as it may have been before something rewrote it.
fn respelt(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    const BREAKS: &str = "the signature holds for this body with its line breaks kept: it was sent without them; \
                          send the bytes as they are (`curl --data-binary`, not `-d`)";
    const SPELLING: &str = "this looks like a re-serialised body: the signature holds for the same JSON in another \
                            spelling; a proxy or framework on the way parses and writes it anew, pass the bytes on as they are";
    let mut tries = Vec::new();
    let trimmed = body.trim_ascii();
    if trimmed.len() != body.len() {
        tries.push((
            "the signature holds for this body without the blanks around it: something on the way added them",
            trimmed.to_vec(),
        ));
    }
    let ending = [body, b"\n"].concat();
    tries.push((BREAKS, ending));
    let unix: Vec<u8> = body.iter().copied().filter(|byte| *byte != b'\r').collect();
    if unix.len() != body.len() {
        tries.push((
            "the signature holds for this body with Unix line ends: something on the way changed them",
            unix,
        ));
    }
    if let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) {
        let sorted = sorted(&value);
        for value in [&value, &sorted] {
            tries.extend(serde_json::to_vec(value).map(|text| (SPELLING, text)));
            let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
            // Samples are often kept in a file that ends with a line break.
            tries.push((SPELLING, format!("{pretty}\n").into_bytes()));
            tries.push((SPELLING, pretty.into_bytes()));
            // Python's `json.dumps` puts a blank behind every colon and comma.
            tries.push((SPELLING, spaced(value).into_bytes()));
        }
    }
    tries
}

fn sorted(value: &serde_json::Value) -> serde_json::Value {
    let mut value = value.clone();
    value.sort_all_objects();
    value
}

fn spaced(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(list) => {
            format!("[{}]", list.iter().map(spaced).collect::<Vec<_>>().join(", "))
        }
        serde_json::Value::Object(map) => {
            let member =
                |(key, value): (&String, _)| format!("{}: {}", serde_json::json!(key), spaced(value));
            format!("{{{}}}", map.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::secret::Secret;
    use super::*;

    #[test]
    fn a_rewritten_body_is_recognised() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let keyring = Keyring::new(vec![secret.clone()]);
        let explain = |sent: &str, came: &str| {
            let tag = secret.mac("m", "1", sent.as_bytes()).finalize().into_bytes().into();
            of_mismatch("m", "1", came.as_bytes(), &[tag], &keyring).unwrap_or("nothing")
        };
        assert!(explain("{\"b\":1,\"a\":[2]}", "{ \"b\": 1,\n\"a\": [2] }").contains("re-serialised"));
        assert!(explain("{\"b\": 1, \"a\": [2]}", "{\"b\":1,\"a\":[2]}").contains("re-serialised"));
        assert!(explain("{\"a\":1}\n", "{\"a\":1}").contains("--data-binary"));
        assert!(explain("{\"a\":1}", "{\"a\":1}\n").contains("blanks around"));
        assert!(explain("a\nb", "a\r\nb").contains("line ends"));
        assert_eq!(explain("{\"a\":1}", "{\"a\":2}"), "nothing");
        let [text, _] = secret.mac_of_text("m", "1", b"x");
        let tag = text.finalize().into_bytes().into();
        assert!(
            of_mismatch("m", "1", b"x", &[tag], &keyring).is_some_and(|why| why.contains("secret's text"))
        );
    }
}
