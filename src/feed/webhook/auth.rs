//! Who may post. Asked before anything of the body is read.

use super::answer::Refusal;
use super::jwks::Jwks;
use crate::topology::{Secret, WebhookAuth};
use axum::http::{HeaderMap, HeaderName, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use subtle::{Choice, ConstantTimeEq as _};

/// How to know who posts.
pub enum Auth {
    Nothing,
    ApiKey { header: HeaderName, keys: Vec<Secret> },
    Basic { user: Secret, passwords: Vec<Secret> },
    Oauth2(Arc<Jwks>),
}

impl Auth {
    /// # Errors
    /// Why the settings can't work.
    pub fn new(settings: &WebhookAuth) -> Result<Self, String> {
        Ok(match settings {
            WebhookAuth::Nothing => Self::Nothing,
            WebhookAuth::ApiKey { header, keys } => Self::ApiKey {
                header: HeaderName::try_from(header.as_str()).map_err(|error| error.to_string())?,
                keys: keys.clone(),
            },
            WebhookAuth::Basic { user, passwords } => Self::Basic {
                user: user.clone(),
                passwords: passwords.clone(),
            },
            WebhookAuth::Oauth2 {
                jwks_url,
                issuer,
                audience,
            } => Self::Oauth2(Arc::new(Jwks::new(jwks_url, issuer, audience)?)),
        })
    }

    /// # Errors
    /// `Credentials` where they are missing or wrong, `KeysAway` where nobody can know.
    pub async fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let right = match self {
            Self::Nothing => true,
            Self::ApiKey { header, keys } => only(headers, header).is_some_and(|given| any(keys, given)),
            Self::Basic { user, passwords } => authorization(headers, "basic")
                .and_then(|given| STANDARD.decode(given).ok())
                .is_some_and(|given| is_user(user, passwords, &given)),
            Self::Oauth2(jwks) => match authorization(headers, "bearer").and_then(|token| str::from_utf8(token).ok()) {
                Some(token) => jwks.check(token).await?,
                None => false,
            },
        };
        if right {
            Ok(())
        } else {
            Err(Refusal::Credentials(self.challenge()))
        }
    }

    fn challenge(&self) -> &'static str {
        match self {
            Self::Nothing | Self::ApiKey { .. } => "ApiKey",
            Self::Basic { .. } => "Basic realm=\"events\", charset=\"UTF-8\"",
            Self::Oauth2(_) => "Bearer",
        }
    }
}

/// The header's value, where it is there exactly once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then(|| first.as_bytes())
}

/// What follows the scheme in `authorization`.
fn authorization<'h>(headers: &'h HeaderMap, scheme: &str) -> Option<&'h [u8]> {
    let (given, rest) = only(headers, &header::AUTHORIZATION)?.split_at_checked(scheme.len())?;
    let rest = given.eq_ignore_ascii_case(scheme.as_bytes()).then_some(rest)?;
    rest.starts_with(b" ").then(|| rest.trim_ascii())
}

/// Compares with all of them, so that the time tells neither how much is right nor of which. It tells the length, which is no
/// secret.
fn equals_any(secrets: &[Secret], given: &[u8]) -> Choice {
    secrets.iter().fold(Choice::from(0), |found, secret| {
        found | secret.reveal().as_bytes().ct_eq(given)
    })
}

fn any(secrets: &[Secret], given: &[u8]) -> bool {
    equals_any(secrets, given).into()
}

/// `user:password`, both right.
fn is_user(user: &Secret, passwords: &[Secret], given: &[u8]) -> bool {
    let at = given.iter().position(|byte| *byte == b':').unwrap_or(given.len());
    let (name, rest) = given.split_at(at);
    let password = rest.get(1..).unwrap_or_default();
    (user.reveal().as_bytes().ct_eq(name) & equals_any(passwords, password)).into()
}
