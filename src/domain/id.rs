//! Identities: the message id that Svix gives an event, and the time hidden inside it.

use super::time::Timestamp;

/// Seconds from 1970 to the epoch of a KSUID.
const KSUID_EPOCH: i64 = 1_400_000_000;
/// No webhook of Svix's is older than this (2017); an id that says so is no KSUID.
const SANE_FROM: i64 = 1_483_228_800;
/// Nor younger than this (2100).
const SANE_UNTIL: i64 = 4_102_444_800;

/// When the message behind a `svix-id` was created, if the id is a KSUID with milliseconds.
///
/// Svix makes ids as `msg_` and 27 base-62 digits of 20 bytes: four of seconds since 2014, one of
/// quarter-milliseconds (`ms / 4`), fifteen random. Ids of other senders and tests have other forms; those
/// give `None`. Source: the KSUID draft and the open-source Svix server.
#[must_use]
pub fn created_at(message_id: &str) -> Option<Timestamp> {
    let digits = message_id.rsplit_once('_').map_or(message_id, |(_, digits)| digits);
    if digits.len() != 27 {
        return None;
    }
    let mut bytes = [0u8; 20];
    for digit in digits.bytes() {
        let mut carry = match digit {
            b'0'..=b'9' => u32::from(digit - b'0'),
            b'A'..=b'Z' => u32::from(digit - b'A') + 10,
            b'a'..=b'z' => u32::from(digit - b'a') + 36,
            _ => return None,
        };
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 62;
            *byte = u8::try_from(carry & 0xff).unwrap_or_default();
            carry >>= 8;
        }
        if carry != 0 {
            return None;
        }
    }
    let [a, b, c, d, quarter, ..] = bytes;
    let secs = i64::from(u32::from_be_bytes([a, b, c, d])) + KSUID_EPOCH;
    (SANE_FROM..SANE_UNTIL).contains(&secs).then_some(())?;
    Timestamp::from_millis(secs * 1000 + (i64::from(quarter) * 4).min(999))
}

/// A message id as Svix makes them, for a moment and some random bytes.
#[must_use]
pub fn message_id(created: Timestamp, random: [u8; 15]) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let secs = u32::try_from(created.secs() - KSUID_EPOCH).unwrap_or_default();
    let quarter = u8::try_from(created.millis().rem_euclid(1000) / 4).unwrap_or_default();
    let mut bytes: Vec<u8> = secs.to_be_bytes().into_iter().chain([quarter]).chain(random).collect();
    let mut digits = [b'0'; 27];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0u32;
        for byte in &mut bytes {
            let value = rest * 256 + u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or_default();
            rest = value % 62;
        }
        *digit = DIGITS.get(rest as usize).copied().unwrap_or(b'0');
    }
    format!("msg_{}", String::from_utf8_lossy(&digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_examples_of_the_specification() {
        let millis = |id: &str| created_at(id).map(Timestamp::millis);
        assert_eq!(millis("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"), Some(1_674_087_231_400));
        assert_eq!(millis("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk"), Some(1_649_367_553_200));
        assert_eq!(millis("msg_p5jXN8AQM9LWM0D4loKWxJek"), None);
        assert_eq!(millis("msg_zzzzzzzzzzzzzzzzzzzzzzzzzzz"), None);
        assert_eq!(millis("msg_000000000000000000000000000"), None);
        assert_eq!(millis("é"), None);
    }

    #[test]
    fn makes_ids_that_tell_their_time() {
        let made = Timestamp::from_millis(1_790_000_000_444).unwrap();
        let id = message_id(made, [7; 15]);
        assert_eq!(id.len(), 31);
        assert_eq!(created_at(&id), Some(made));
    }
}
