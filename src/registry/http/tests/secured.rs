//! TLS, with certificates made here.

use super::*;
use crate::registry::Tls;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::path::{Path, PathBuf};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// A server that wants a certificate of this authority and shows one.
    fn server(&self) -> Server {
        let (certificate, key) = self.issue("localhost");
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            );
        Server::start_tls(|_| (200, known()), config.unwrap())
    }
}

fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file
}

fn asked(server: &Server, tls: Tls) -> Result<(), String> {
    let settings = Settings {
        tls,
        ..Settings::of(&server.url)
    };
    let registry = HttpRegistry::new(&settings)?;
    registry.schema(1).map(drop).map_err(|error| error.to_string())
}

#[test]
fn the_registry_shows_a_certificate_of_the_named_authority_and_is_shown_ours() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new(), Authority::new());
    let server = authority.server();
    let (certificate, key) = authority.issue("millstream");
    let client = Some((
        written(folder.path(), "client.pem", &certificate.pem()),
        written(folder.path(), "client.key", &key.serialize_pem()),
    ));
    let ca = Some(written(folder.path(), "ca.pem", &authority.0.pem()));
    let other = Some(written(folder.path(), "other.pem", &other.0.pem()));

    let with = |ca: &Option<PathBuf>, client: &Option<(PathBuf, PathBuf)>| Tls {
        ca: ca.clone(),
        client: client.clone(),
    };
    assert_eq!(asked(&server, with(&ca, &client)), Ok(()));
    let stranger = asked(&server, with(&other, &client)).unwrap_err();
    assert!(
        stranger.contains("away: no connection: invalid peer certificate"),
        "{stranger}"
    );
    assert!(
        asked(&server, with(&None, &client))
            .unwrap_err()
            .contains("away: no connection")
    );
    let unshown = asked(&server, with(&ca, &None)).unwrap_err();
    assert!(unshown.contains("is away"), "{unshown}");
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn files_that_are_of_no_use_are_named_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = written(folder.path(), "nothing.pem", "nothing");
    let refused = |tls: Tls| {
        let settings = Settings {
            tls,
            ..Settings::of("https://localhost")
        };
        HttpRegistry::new(&settings).err().unwrap()
    };
    let ca = |file: PathBuf| Tls {
        ca: Some(file),
        client: None,
    };
    let missing = refused(ca(folder.path().join("ca.pem")));
    assert!(
        missing.starts_with("can't read ") && missing.contains("ca.pem"),
        "{missing}"
    );
    let empty = refused(ca(nothing.clone()));
    assert!(empty.contains("nothing.pem: there is no certificate in PEM"), "{empty}");
    let unpaired = refused(Tls {
        ca: None,
        client: Some((nothing.clone(), nothing)),
    });
    assert!(
        unpaired.contains("there is no certificate in PEM with its private key"),
        "{unpaired}"
    );
}
