//! TLS: certificate and key from files, and from those again when they change, without a connection less.

use crate::topology::WebhookTls;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(if cfg!(test) { 0 } else { 10 });
/// In tests nobody waits.
const AT_LEAST: Duration = Duration::from_millis(50);

/// The files, what was read of them, and what is made of it.
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
    read: Texts,
    config: RustlsConfig,
}

/// As it stood in the files: it is compared, as times of change tell less.
#[derive(PartialEq, Eq)]
struct Texts {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    /// # Errors
    /// A file that can't be read or does not hold what it should, and which.
    pub async fn read(files: &WebhookTls) -> Result<Self, String> {
        let (certificate, key) = (files.certificate.clone(), files.key.clone());
        let read = texts(&certificate, &key).await?;
        let config = config(&read).map_err(|why| format!("{} and {}: {why}", certificate.display(), key.display()))?;
        Ok(Self {
            certificate,
            key,
            config: RustlsConfig::from_config(config),
            read,
        })
    }

    pub fn acceptor(&self) -> RustlsAcceptor {
        RustlsAcceptor::new(self.config.clone())
    }

    /// Looks at the files now and then, and takes what is new in them. Where that is of no use the last goes on.
    pub async fn keep_up(mut self, feed: &str) -> Infallible {
        let mut trouble = None;
        loop {
            tokio::time::sleep(EVERY.max(AT_LEAST)).await;
            let taken = self.look().await;
            match taken {
                Ok(false) => {}
                Ok(true) => {
                    trouble = None;
                    tracing::info!(feed, "the certificate has changed, and is used from now on");
                }
                Err(why) => {
                    if trouble.as_ref() != Some(&why) {
                        tracing::warn!(
                            feed,
                            why,
                            "the changed certificate can't be used: the last one is, still"
                        );
                        trouble = Some(why);
                    }
                }
            }
        }
    }

    /// Whether there was something new.
    async fn look(&mut self) -> Result<bool, String> {
        let new = texts(&self.certificate, &self.key).await?;
        if new == self.read {
            return Ok(false);
        }
        // one of two files may be the new one and the other not yet: then they don't fit, and the next look finds both
        self.config.reload_from_config(config(&new)?);
        self.read = new;
        Ok(true)
    }
}

async fn texts(certificate: &Path, key: &Path) -> Result<Texts, String> {
    Ok(Texts {
        certificate: text(certificate).await?,
        key: text(key).await?,
    })
}

async fn text(path: &Path) -> Result<Vec<u8>, String> {
    let own = path.to_owned();
    let read = tokio::task::spawn_blocking(move || std::fs::read(own)).await;
    let read = read.map_err(|error| error.to_string())?;
    read.map_err(|error| format!("can't read {}: {error}", path.display()))
}

fn config(texts: &Texts) -> Result<Arc<ServerConfig>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&texts.certificate).collect();
    let chain = chain.map_err(|error| format!("the certificate is not PEM: {error}"))?;
    if chain.is_empty() {
        return Err("there is no certificate in PEM".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(&texts.key);
    let key = key.map_err(|_| "there is no private key in PEM".to_owned())?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| format!("certificate and key don't fit: {error}"))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
