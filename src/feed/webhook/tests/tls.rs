//! TLS, with certificates made here.

use super::*;
use crate::topology::WebhookTls;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::path::Path;
use std::time::Instant;

/// Writes a new certificate of this host with its key, and gives it.
fn new_certificate(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("tls.crt"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

fn files(folder: &Path) -> Webhook {
    Webhook {
        tls: Some(WebhookTls {
            certificate: folder.join("tls.crt"),
            key: folder.join("tls.key"),
        }),
        ..settings("{api_key: \"${KEY}\"}")
    }
}

/// Posts to a webhook that must show this certificate.
fn post(hook: &Hook, trusted: &CertificateDer<'static>) -> std::io::Result<u16> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, hook.connect());
    stream.write_all(&Request::of(b"{}").bytes())?;
    Ok(answer(&mut stream).status)
}

#[test]
fn events_come_over_tls_and_a_changed_certificate_is_used_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = new_certificate(folder.path());
    let broker = broker();
    let hook = Hook::start(files(folder.path()), Arc::new(broker.clone()));
    assert_eq!(post(&hook, &first).unwrap(), 200);

    // a file that is half of what it was is of no use, and the last certificate goes on
    std::fs::write(folder.path().join("tls.key"), "-----BEGIN PRIVATE").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(post(&hook, &first).unwrap(), 200);

    let second = new_certificate(folder.path());
    let began = Instant::now();
    while post(&hook, &second).is_err() {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "the new certificate is not used"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(post(&hook, &first).is_err(), "the old certificate is shown, still");
    assert_eq!(bodies(&broker, "orders").len(), 3);
    hook.stop();
}

#[test]
fn plain_requests_to_tls_get_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    new_certificate(folder.path());
    let broker = broker();
    let hook = Hook::start(files(folder.path()), Arc::new(broker.clone()));
    let mut stream = hook.connect();
    stream.write_all(&Request::of(b"{}").bytes()).unwrap();
    let mut read = Vec::new();
    let _ = stream.read_to_end(&mut read);
    assert!(!read.starts_with(b"HTTP"), "{read:?}");
    assert!(bodies(&broker, "orders").is_empty());
}

#[test]
fn files_that_are_not_there_or_do_not_fit_are_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let failure = || {
        let mut hook = Hook::start(files(folder.path()), Arc::new(broker()));
        hook.thread.take().unwrap().join().unwrap().unwrap_err().to_string()
    };
    let missing = failure();
    assert!(
        missing.starts_with("feed hook: can't read ") && missing.contains("tls.crt"),
        "{missing}"
    );
    new_certificate(folder.path());
    let key = std::fs::read(folder.path().join("tls.key")).unwrap();
    new_certificate(folder.path());
    std::fs::write(folder.path().join("tls.key"), key).unwrap();
    let other = failure();
    assert!(other.contains("certificate and key don't fit"), "{other}");
    std::fs::write(folder.path().join("tls.crt"), "nothing").unwrap();
    let none = failure();
    assert!(none.contains("there is no certificate in PEM"), "{none}");
}
