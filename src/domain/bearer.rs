//! Bearer tokens: what is asked of whoever wants to look on from elsewhere. Never shown, compared in constant
//! time, wiped from memory when dropped.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Longest token taken.
const LONGEST: usize = 512;

/// Why a text is no token. Never quotes the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// Nothing there.
    #[error("the token is empty; make one up, as long as a good password")]
    Empty,
    /// It does not fit into a header.
    #[error("the token has a character that no header may hold; use letters, digits and signs, no blanks")]
    Character,
    /// It is longer than any needs to be.
    #[error("the token is longer than {LONGEST} characters")]
    Long,
}

/// A token that was agreed on.
#[derive(Clone)]
pub struct Bearer(Zeroizing<String>);

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(…)")
    }
}

impl Bearer {
    /// Reads a token; blanks around it are not part of it.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, BearerError> {
        let text = text.trim();
        match text {
            "" => Err(BearerError::Empty),
            _ if text.len() > LONGEST => Err(BearerError::Long),
            _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => Err(BearerError::Character),
            _ => Ok(Self(Zeroizing::new(text.to_owned()))),
        }
    }

    /// Whether this is the token. How long that takes tells nothing of where they differ.
    #[must_use]
    pub fn is(&self, given: &str) -> bool {
        match (digest(&self.0), digest(given)) {
            (Some(own), Some(given)) => given.verify_slice(&own.finalize().into_bytes()).is_ok(),
            _ => false,
        }
    }

    /// The value of an `Authorization` header.
    #[must_use]
    pub fn header(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("Bearer {}", self.0.as_str()))
    }
}

/// Both sides are hashed first, so that neither their length nor their beginning can be measured.
fn digest(text: &str) -> Option<Hmac<Sha256>> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(b"invigil bearer").ok()?;
    mac.update(text.as_bytes());
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_is_the_token() {
        let token = Bearer::parse(" correct-horse\n").unwrap();
        assert!(token.is("correct-horse"));
        for other in ["", "correct-hors", "correct-horse ", "correct-horsf", "Correct-horse"] {
            assert!(!token.is(other), "{other}");
        }
        assert_eq!(token.header().as_str(), "Bearer correct-horse");
        assert!(!format!("{token:?}").contains("horse"));
    }

    #[test]
    fn what_fits_into_no_header_is_no_token() {
        let error = |text: &str| Bearer::parse(text).unwrap_err();
        assert_eq!(error(" \n"), BearerError::Empty);
        assert_eq!(error("two words"), BearerError::Character);
        assert_eq!(error("schlüssel"), BearerError::Character);
        assert_eq!(error("a\r\nb"), BearerError::Character);
        assert_eq!(error(&"x".repeat(513)), BearerError::Long);
    }
}
