//! TLS of its own: spoken, renewed, and kept when the renewal is no good.

use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, CertifiedKey, DnType, KeyPair, generate_simple_self_signed};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::super::support::command::run;
use super::*;

fn pair() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["hooks.example.com".to_owned()]).unwrap()
}

/// One that has issued nothing here.
fn another_authority() -> CertificateDer<'static> {
    let mut params = CertificateParams::new(["another.example.com".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "another");
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
}

fn keep(dir: &Path, pair: &CertifiedKey<KeyPair>) {
    std::fs::write(dir.join("cert.pem"), pair.cert.pem()).unwrap();
    std::fs::write(dir.join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
}

/// Sends a good delivery over TLS, believing this certificate alone.
fn post(served: &Served, believed: &CertificateDer<'static>, alpn: &[&str]) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(believed.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let client = ClientConnection::new(Arc::new(config), "hooks.example.com".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(client, served.connect());
    stream.write_all(&signed().closing().bytes())?;
    stream.flush()?;
    let said = rest(&mut stream);
    Ok(said)
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = std::time::Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn tls_is_spoken_renewed_and_kept() {
    let files = tempfile::tempdir().unwrap();
    let first = pair();
    keep(files.path(), &first);
    let path = |name: &str| files.path().join(name).display().to_string();
    let mut served = Served::with(&["--tls-cert", &path("cert.pem"), "--tls-key", &path("key.pem")]);
    assert!(served.said.starts_with("listening on https://127.0.0.1:"), "{}", served.said);
    let good = |served: &Served, pair: &CertifiedKey<KeyPair>| {
        post(served, pair.cert.der(), &["http/1.1"]).is_ok_and(|said| said.starts_with("HTTP/1.1 204 "))
    };
    assert!(good(&served, &first));
    assert!(post(&served, first.cert.der(), &[]).unwrap().starts_with("HTTP/1.1 204 "));
    assert!(post(&served, first.cert.der(), &["h2"]).is_err(), "HTTP/2 alone is refused in the handshake");
    assert!(post(&served, &another_authority(), &[]).is_err());
    assert!(served.line_with("notice").contains("TLS handshakes failed"));
    let line = served.line_with("notice");
    assert!(line.contains("UnknownCA"), "why a sender hangs up: {line}");
    let plain = served.say(&signed().bytes());
    assert!(plain.starts_with("HTTP/1.1 400 "), "HTTP on a TLS port: {plain}");
    assert!(good(&served, &first));

    let second = pair();
    keep(files.path(), &second);
    until("the new certificate is shown", || good(&served, &second));
    assert!(served.line_with("certificate").contains("read anew"));

    std::fs::write(files.path().join("key.pem"), first.signing_key.serialize_pem()).unwrap();
    let line = served.line_with("notice");
    assert!(line.contains("--tls-key") && line.contains("stays in use"), "{line}");
    assert!(good(&served, &second));
}

/// One that is about to expire, as long as it is in use.
#[test]
fn a_certificate_that_is_to_be_renewed_is_told_of_until_it_is() {
    let files = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(["hooks.example.com".to_owned()]).unwrap();
    let days = u64::try_from(clock::now().secs()).unwrap() / 86_400 + 29;
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(days * 86_400);
    let signing_key = KeyPair::generate().unwrap();
    let cert = params.self_signed(&signing_key).unwrap();
    keep(files.path(), &CertifiedKey { cert, signing_key });
    let path = |name: &str| files.path().join(name).display().to_string();
    let control = free_port();
    let args = ["--tls-cert", &path("cert.pem"), "--tls-key", &path("key.pem"), "--control", &control];
    let mut served = Served::with(&args);
    let line = served.line_with("notice");
    let date = clock::now().plus_millis(29 * 86_400_000).to_string();
    assert!(
        line.contains("expires at ") && line.contains(date.get(..10).unwrap()) && line.contains("renew it"),
        "{line}"
    );
    let metrics = || {
        let mut stream = TcpStream::connect(&control).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        rest(stream)
    };
    let told = format!("invigil_certificate_expires_timestamp_seconds {}", days * 86_400);
    assert!(metrics().contains(&told), "{}", metrics());
    keep(files.path(), &pair());
    assert!(served.line_with("certificate was").contains("read anew"));
    assert!(!metrics().contains(&told));
}

/// An address that is nobody's at the moment.
fn free_port() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn a_pair_that_does_not_fit_is_named_at_the_start() {
    let files = tempfile::tempdir().unwrap();
    let path = |name: &str| files.path().join(name);
    keep(files.path(), &pair());
    let start = || {
        let pair = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
        let args = [&["serve", "--secret", SECRET, "--listen", "127.0.0.1:0"][..], &pair].concat();
        let ended = run(&args, files.path(), "");
        assert_eq!(ended.code, 2);
        ended.err
    };
    std::fs::write(path("key.pem"), pair().signing_key.serialize_pem()).unwrap();
    assert!(start().contains("is not the key of the certificate"));
    std::fs::write(path("key.pem"), "nothing").unwrap();
    assert!(start().contains("holds no private key"));
    std::fs::write(path("cert.pem"), "").unwrap();
    assert!(start().contains("holds no certificate"));
    std::fs::remove_file(path("cert.pem")).unwrap();
    assert!(start().contains("cannot be read"));
}
