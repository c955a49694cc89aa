//! Bearer tokens: signed by one of the issuer's keys, which are fetched and kept.
//!
//! Who asks for a key that nobody knows must not make us ask the issuer each time: once a minute at most, one at a time. Where
//! the issuer does not answer, nobody knows whether a token is right, and its sender is told to come again.

use super::answer::Refusal;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use rustls::crypto::ring;
use serde::de::IgnoredAny;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Between two questions for keys, where the first was answered.
const EVERY: Duration = Duration::from_secs(60);
/// The same where it was not.
const AGAIN: Duration = Duration::from_secs(5);
/// After so long the keys are asked for even where all are known: one may have been taken back.
const OLD: Duration = Duration::from_secs(600);
/// An answer may take so long, below what the sender waits for.
const ANSWER: Duration = Duration::from_secs(3);
/// Of the issuer's answer.
const MOST_BYTES: usize = 1 << 20;

/// The keys of an issuer, and what its tokens must say.
pub struct Jwks {
    client: reqwest::Client,
    url: String,
    issuer: String,
    audience: String,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    keys: Arc<Vec<Key>>,
    /// When the last answer came, or the lack of it was clear.
    asked: Option<Instant>,
    failed: bool,
    /// Somebody asks at this moment.
    asking: Option<Shared<BoxFuture<'static, ()>>>,
}

struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Jwks {
    /// # Errors
    /// Why nobody can be asked.
    pub fn new(url: &str, issuer: &str, audience: &str) -> Result<Self, String> {
        // an error says that there is one already
        let _ = ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| {
                format!(
                    "no HTTPS client for `jwks_url`: {error}; are the system's certificates (ca-certificates) there?"
                )
            })?;
        Ok(Self {
            client,
            url: url.to_owned(),
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            known: Mutex::default(),
        })
    }

    /// Whether the token is right.
    ///
    /// # Errors
    /// `KeysAway`: nobody can know.
    pub async fn check(self: &Arc<Self>, token: &str) -> Result<bool, Refusal> {
        let Ok(header) = decode_header(token) else {
            return Ok(false);
        };
        // RS256 and ES256 only: never one that a public key would do as a secret for, and never none
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
            return Ok(false);
        }
        let find = |keys: Arc<Vec<Key>>| find(&keys, header.kid.as_deref(), header.alg);
        let mut found = find(self.keys());
        if found.is_none() {
            if let Some(asking) = self.ask(EVERY) {
                asking.await;
            }
            found = find(self.keys());
        } else if self.ask(OLD).is_some() {
            // it goes on by itself: nobody waits for it while the keys that are known will do
        }
        match found {
            Some(key) => Ok(self.is_right(token, header.alg, &key)),
            None if self.known().failed => Err(Refusal::KeysAway),
            None => Ok(false),
        }
    }

    fn is_right(&self, token: &str, algorithm: Algorithm, key: &DecodingKey) -> bool {
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        decode::<IgnoredAny>(token, key, &validation).is_ok()
    }

    /// Asks the issuer, or joins who does, unless it was asked less than `pause` ago.
    fn ask(self: &Arc<Self>, pause: Duration) -> Option<Shared<BoxFuture<'static, ()>>> {
        let mut known = self.known();
        if let Some(asking) = &known.asking {
            return Some(asking.clone());
        }
        let pause = if known.failed { AGAIN } else { pause };
        if known.asked.is_some_and(|asked| asked.elapsed() < pause) {
            return None;
        }
        let own = Arc::clone(self);
        // on its own: the request that began it may be gone before it ends
        let asking = tokio::spawn(async move {
            let answer = own.fetch().await;
            let mut known = own.known();
            known.asking = None;
            known.asked = Some(Instant::now());
            known.failed = answer.is_err();
            match answer {
                Ok(keys) => known.keys = Arc::new(keys),
                Err(why) => tracing::warn!(issuer = own.issuer, why, "the issuer's keys can't be had"),
            }
        });
        let asking = asking.map(drop).boxed().shared();
        known.asking = Some(asking.clone());
        Some(asking)
    }

    async fn fetch(&self) -> Result<Vec<Key>, String> {
        let said = |error: reqwest::Error| error.without_url().to_string();
        let mut answer = self.client.get(&self.url).send().await.map_err(said)?;
        if !answer.status().is_success() {
            return Err(format!("it answers {}", answer.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(said)? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err("its answer is too large".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        let set: JwkSet =
            serde_json::from_slice(&body).map_err(|error| format!("its answer is no key set: {error}"))?;
        Ok(set.keys.iter().filter_map(usable).collect())
    }

    fn keys(&self) -> Arc<Vec<Key>> {
        Arc::clone(&self.known().keys)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key of this id; of a token without an id, the only one of its algorithm.
fn find(keys: &[Key], id: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
    let mut fitting = keys
        .iter()
        .filter(|key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id));
    let first = fitting.next()?;
    (id.is_some() || fitting.next().is_none()).then(|| first.key.clone())
}

/// A key to check signatures with, of a kind that is taken, and not meant for something else.
fn usable(jwk: &Jwk) -> Option<Key> {
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        _ => return None,
    };
    let meant = jwk.common.key_algorithm.is_none_or(|meant| meant == named)
        && matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    Some(Key {
        id: jwk.common.key_id.clone(),
        algorithm,
        key: DecodingKey::from_jwk(jwk).ok().filter(|_| meant)?,
    })
}
