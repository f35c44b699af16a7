//! TLS of the listener's own: a certificate and its key from two files, read anew when those change.
#![expect(clippy::disallowed_methods, reason = "the two files are read here")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, CertificateError, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::domain::time::Timestamp;
use crate::pulse::Pulse;

/// So long before it expires, a certificate is to be renewed: those of Let's Encrypt are by then.
const RENEWAL_MILLIS: i64 = 30 * 24 * 3600 * 1000;
/// The first second of the year 10000, in which no certificate holds any more.
const END: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(253_402_300_800));
/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// What the listener shows a peer that speaks TLS. Clones share it.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    pair: Arc<Pair>,
}

/// The files, and what they held when they were last good.
#[derive(Debug)]
struct Pair {
    cert: PathBuf,
    key: PathBuf,
    held: RwLock<Arc<CertifiedKey>>,
}

/// What tells that a file is another one now.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Tls {
    /// Reads both files.
    ///
    /// # Errors
    /// One line that names the option, the file and what is wrong.
    pub fn read(cert: &Path, key: &Path) -> Result<Self, String> {
        let held = RwLock::new(Arc::new(certified(cert, key)?));
        let pair = Arc::new(Pair { cert: cert.to_owned(), key: key.to_owned(), held });
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Pair>::clone(&pair);
        let mut config = config.with_no_client_auth().with_cert_resolver(resolver);
        // Who insists on HTTP/2 is told so in the handshake.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), pair })
    }

    /// The handshake.
    ///
    /// # Errors
    /// If it comes to nothing.
    pub async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }

    /// Reads the files anew whenever they change, until `stop`. A pair that does not fit is told of, and the
    /// one before is kept; so is that the one in use has to be renewed.
    pub async fn follow(self, pulse: Pulse, stop: CancellationToken) {
        let mut looks = tokio::time::interval(LOOK);
        let mut read = self.pair.stamp();
        let mut seen = read;
        let mut expires = expires_at(&self.pair.held());
        pulse.certificate_expires(expires);
        let (mut fault, mut told) = (None, None);
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            let now = self.pair.stamp();
            // Two files cannot be replaced at once: wait until nothing has moved for one look.
            let settled = std::mem::replace(&mut seen, now) == now;
            if settled && now != read {
                read = now;
                match certified(&self.pair.cert, &self.pair.key) {
                    Ok(fresh) => {
                        expires = expires_at(&fresh);
                        *self.pair.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
                        pulse.certificate_expires(expires);
                        pulse.certificate(None);
                        (fault, told) = (None, None);
                    }
                    Err(why) => fault = Some(format!("{why}; the one before stays in use")),
                }
            }
            let to_tell = fault.clone().or_else(|| self.pair.warning(expires?, clock::now()));
            if to_tell.is_some() && to_tell != told {
                pulse.certificate(to_tell.clone());
                told = to_tell;
            }
        }
    }
}

/// What a peer says against the certificate, if that is why its handshake came to nothing.
#[must_use]
pub fn doubt(error: &std::io::Error) -> Option<&'static str> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::AlertReceived(alert) = error else { return None };
    match alert {
        AlertDescription::UnknownCA => Some(
            "its issuer is not known there; give the whole chain in --tls-cert, from an authority that everybody knows",
        ),
        AlertDescription::CertificateExpired => Some("it has expired; renew it"),
        AlertDescription::CertificateRevoked => Some("it was revoked; renew it"),
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown => {
            Some("it is not valid there; look at its names, its dates and the chain in --tls-cert")
        }
        _ => None,
    }
}

/// When a certificate expires, if that can be told: rustls is asked whether it holds at the end of all time.
fn expires_at(certified: &CertifiedKey) -> Option<Timestamp> {
    let parsed = ParsedCertificate::try_from(certified.cert.first()?).ok()?;
    let algorithms = ring::default_provider().signature_verification_algorithms.all;
    let judged =
        verify_server_cert_signed_by_trust_anchor(&parsed, &RootCertStore::empty(), &[], END, algorithms);
    match judged {
        Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Timestamp::from_secs(i64::try_from(not_after.as_secs()).ok()?)
        }
        _ => None,
    }
}

impl Pair {
    fn held(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is said of one that expires then, if it is time to say so.
    fn warning(&self, expires: Timestamp, now: Timestamp) -> Option<String> {
        let left = expires.since(now);
        let tense = if left < 0 { "expired" } else { "expires" };
        let what = format!("--tls-cert {}: {tense} at {expires}; renew it", self.cert.display());
        (left < RENEWAL_MILLIS).then_some(what)
    }

    fn stamp(&self) -> Stamp {
        [&self.cert, &self.key].map(|path| {
            let meta = path.metadata().ok()?;
            Some((meta.modified().ok()?, meta.len()))
        })
    }
}

impl ResolvesServerCert for Pair {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.held())
    }
}

fn certified(cert: &Path, key: &Path) -> Result<CertifiedKey, String> {
    let read = |option: &str, path: &Path| {
        std::fs::read(path).map_err(|error| format!("{option} {}: cannot be read: {error}", path.display()))
    };
    let wrong = |option: &str, path: &Path, what: &str| format!("{option} {}: {what}", path.display());
    let chain = CertificateDer::pem_slice_iter(&read("--tls-cert", cert)?).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|_not_pem| wrong("--tls-cert", cert, "is no PEM text"))?;
    if chain.is_empty() {
        return Err(wrong("--tls-cert", cert, "holds no certificate (BEGIN CERTIFICATE)"));
    }
    let pem = zeroize::Zeroizing::new(read("--tls-key", key)?);
    let secret = PrivateKeyDer::from_pem_slice(&pem).map_err(|_no_key| {
        wrong("--tls-key", key, "holds no private key (BEGIN PRIVATE KEY), or one with a passphrase")
    })?;
    CertifiedKey::from_der(chain, secret, &ring::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            wrong("--tls-key", key, &format!("is not the key of the certificate in {}", cert.display()))
        }
        error => format!("--tls-cert {}, --tls-key {}: {error}", cert.display(), key.display()),
    })
}
