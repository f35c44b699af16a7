//! Whom a TLS client of ours trusts: the authorities that the system knows, and those in a file.
#![expect(clippy::disallowed_methods, reason = "the file is read here")]

use std::path::Path;
use std::sync::{Arc, OnceLock};

use hyper_rustls::HttpsConnectorBuilder;
use hyper_rustls::builderstates::WantsSchemes;
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

/// The authorities that are trusted besides the system's. Clones share them, and what is made of them.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    besides: Arc<[CertificateDer<'static>]>,
    /// Made when it is needed first: the system's are a file of some size.
    made: Arc<OnceLock<ClientConfig>>,
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
        let trust = Self { besides, ..Self::default() };
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
        if let Some(made) = self.made.get() {
            return Ok(made.clone());
        }
        let config = self.make()?;
        Ok(self.made.get_or_init(|| config).clone())
    }

    fn make(&self) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let verifier = Verifier::new_with_extra_roots(self.besides.iter().cloned(), Arc::clone(&provider))?;
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        // The name is rustls' for whatever is not its own; this verifier is its authors', and verifies all.
        let config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        Ok(config.with_no_client_auth())
    }
}
