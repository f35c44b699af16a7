//! Whom a TLS client of ours trusts: the authorities that the system knows, and those in a file. And what is told of
//! why nobody could be reached.
#![expect(clippy::disallowed_methods, reason = "the file is read here")]

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::iter;
use std::path::Path;
use std::sync::Arc;

use hyper::http::uri::Authority;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_rustls::builderstates::WantsSchemes;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, InvalidMessage};
use rustls_platform_verifier::Verifier;

/// The authorities that are trusted besides the system's. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    besides: Arc<[CertificateDer<'static>]>,
}

impl Trust {
    /// Trusts the certificates in a PEM file, too: of an authority, or of the other side itself.
    ///
    /// # Errors
    /// One line that names the option, the file and what is wrong.
    pub fn read(option: &str, file: &Path) -> Result<Self, String> {
        let wrong = |what: &str| format!("{option} {}: {what}", file.display());
        let pem = std::fs::read(file).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
        let found = CertificateDer::pem_slice_iter(&pem).collect::<Result<Arc<[_]>, _>>();
        let besides = found.map_err(|_not_pem| wrong("is no PEM text"))?;
        if besides.is_empty() {
            return Err(wrong("holds no certificate (BEGIN CERTIFICATE)"));
        }
        let trust = Self { besides };
        trust.config().map_err(|why| wrong(&format!("holds a certificate that cannot be used: {why}")))?;
        Ok(trust)
    }

    /// What connects over TLS to whomever is trusted.
    ///
    /// # Errors
    /// In a sentence, if the system's authorities cannot be read.
    pub fn connector(&self) -> Result<HttpsConnectorBuilder<WantsSchemes>, String> {
        let config =
            self.config().map_err(|why| format!("the system's certificates cannot be read: {why}"))?;
        Ok(HttpsConnectorBuilder::new().with_tls_config(config))
    }

    fn config(&self) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let verifier = Verifier::new_with_extra_roots(self.besides.iter().cloned(), Arc::clone(&provider))?;
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        // The name is rustls' for whatever is not its own; this verifier is its authors', and verifies all.
        let config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        Ok(config.with_no_client_auth())
    }
}

/// What is wrong with the other side's TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// It is of an authority that is not trusted.
    UnknownIssuer,
    /// Its certificate is no good otherwise, in the words of who verified it.
    Other(String),
    /// It speaks something else.
    None,
}

impl Display for Doubt {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownIssuer => f.write_str(
                "its certificate is of an authority that is not known here; give that, or the certificate, by --ca-file",
            ),
            Self::Other(why) => write!(f, "its certificate is not trusted: {why}"),
            Self::None => f.write_str("it speaks no TLS; is http:// or ws:// meant?"),
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
                rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Some(Doubt::None),
                _ => None,
            };
        }
        why = within.map(|inner| inner as &(dyn Error + 'static)).or_else(|| why.source())?;
    }
}

/// Whether the port that an address names is one; none is, too. A host alone is read as well as one with a user.
#[must_use]
pub fn has_port(authority: &Authority) -> bool {
    let text = authority.as_str();
    let named = text.rsplit('@').next().is_some_and(|place| place.len() > authority.host().len());
    !named || authority.port_u16().is_some_and(|port| port > 0)
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
