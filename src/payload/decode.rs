//! What is hidden in a string: JSON in base64, alone or in the query of a link, as in an invite link.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The JSON hidden in a string, laid out for reading; `None` if there is none.
#[must_use]
pub fn hidden_json(text: &str) -> Option<String> {
    let query = text.split_once('?').map_or("", |(_, query)| query);
    let values = query.split('&').filter_map(|pair| pair.split_once('=').map(|(_, value)| value));
    std::iter::once(text).chain(values).find_map(base64_json)
}

fn base64_json(text: &str) -> Option<String> {
    let digits = text.trim().replace("%3D", "=").replace("%2B", "+").replace("%2F", "/");
    let digits = digits.trim_end_matches('=');
    // Shorter ones are words that happen to be base64.
    if digits.len() < 8 {
        return None;
    }
    let bytes = STANDARD_NO_PAD.decode(digits).or_else(|_| URL_SAFE_NO_PAD.decode(digits)).ok()?;
    let value: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    if value.is_object() || value.is_array() { serde_json::to_string_pretty(&value).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_invite_link_is_read() {
        let body = include_str!("../../assets/samples/candidate.invited.json");
        let link = body.split("\"inviteLink\": \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let hidden = hidden_json(link).unwrap();
        assert!(hidden.contains("\"email\": \"bea.grant@example.com\""), "{hidden}");
        for plain in ["https://example.com/?q=hello", "plainwords", "MTIzNDU2Nzg5", ""] {
            assert_eq!(hidden_json(plain), None, "{plain}");
        }
    }
}
