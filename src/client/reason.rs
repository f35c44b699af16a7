//! Why somebody could not be reached, in words for whoever wanted to.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::iter;

use rustls::{CertificateError, InvalidMessage};

/// What is wrong with the other side's TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// It is of an authority that is not trusted.
    UnknownIssuer,
    /// Its certificate is no good otherwise, in the words of who verified it.
    Other(String),
    /// It speaks something else.
    NoTls,
}

impl Display for Doubt {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownIssuer => f.write_str(
                "its certificate is of an authority that is not known here; give that, or the certificate, by --ca-file",
            ),
            Self::Other(why) => write!(f, "its certificate is not trusted: {why}"),
            Self::NoTls => f.write_str("it speaks no TLS; is http:// or ws:// meant?"),
        }
    }
}

/// What is wrong with the other side's TLS, if that is the reason of an error: it stands somewhere among the
/// reasons, bare or within an error of input or output.
#[must_use]
pub fn distrusted(mut why: &(dyn Error + 'static)) -> Option<Doubt> {
    loop {
        let within = why.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(tls) = why.downcast_ref().or_else(|| within.and_then(|inner| inner.downcast_ref())) {
            return match tls {
                // The same name with another key is another authority.
                rustls::Error::InvalidCertificate(
                    CertificateError::UnknownIssuer | CertificateError::BadSignature,
                ) => Some(Doubt::UnknownIssuer),
                rustls::Error::InvalidCertificate(what) => Some(Doubt::Other(what.to_string())),
                rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Some(Doubt::NoTls),
                _ => None,
            };
        }
        why = within.map(|inner| inner as &(dyn Error + 'static)).or_else(|| why.source())?;
    }
}

/// Why a request came to nothing, in a sentence.
#[must_use]
pub fn failing(error: &(dyn Error + 'static)) -> String {
    if let Some(doubt) = distrusted(error) {
        return doubt.to_string();
    }
    let mut causes = iter::successors(Some(error), |why: &&(dyn Error + 'static)| (*why).source());
    let garbled = causes.any(|why| why.downcast_ref().is_some_and(hyper::Error::is_parse));
    let strange = if garbled { "it speaks no HTTP: " } else { "" };
    format!("{strange}{}", reason(error))
}

/// What is at the bottom of an error, in its own words: "Connection refused" says more than "client error", and its
/// number says nothing to whom it is shown.
#[must_use]
pub fn reason(error: &(dyn Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    let mut words = deepest.to_string();
    // The library's whole text of an end that it did not expect there.
    if words == "tls handshake eof" {
        return "it hung up in the middle of the TLS handshake".to_owned();
    }
    if let Some(number) = deepest.downcast_ref().and_then(io::Error::raw_os_error) {
        words.truncate(words.trim_end_matches(&format!(" (os error {number})")).len());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_the_innermost_one_in_words() {
        let refused = io::Error::from_raw_os_error(rustix::io::Errno::CONNREFUSED.raw_os_error());
        assert_eq!(reason(&io::Error::other(Wrapped(refused))), "Connection refused");
        assert_eq!(reason(&io::Error::other("it is (os error 7)")), "it is (os error 7)");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("client error")]
    struct Wrapped(#[source] io::Error);
}
