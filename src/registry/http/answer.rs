//! What an answer means: the one place that says what is tried again, what is not there, and what is refused.

use super::super::{Auth, RegistryError};
use async_trait::async_trait;
use axum::http::{Extensions, Response as Answer, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next};
use serde::Deserialize;
use std::error::Error as _;
use std::time::Duration;

/// Of one answer. Schemas of a megabyte are rare.
const MOST_BYTES: usize = if cfg!(test) { 100_000 } else { 16 << 20 };
/// Of the registry's words.
const MOST_WORDS: usize = 1_000;

/// Between us and every request, the crate's too, as the crate reads whatever comes and tells neither statuses nor their causes.
/// What is not a good answer becomes a [`RegistryError`] here.
pub(super) struct Answers {
    timeout: Duration,
    /// In no message, even if an answer repeats them.
    hidden: Vec<String>,
}

/// What an answer that is not a good one means.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
struct Meant {
    error: RegistryError,
    /// The answer is to us, and says nothing of what was asked: credentials that are not taken, another address.
    is_to_us: bool,
}

/// The registry's way to say no.
#[derive(Deserialize)]
struct No {
    error_code: u32,
    #[serde(default)]
    message: Option<String>,
}

impl Answers {
    pub fn new(timeout: Duration, auth: Option<&Auth>) -> Self {
        let hidden = match auth {
            None => Vec::new(),
            Some(Auth::Bearer(token)) => vec![token.reveal().to_owned()],
            Some(Auth::Basic { username, password }) => {
                let both = format!("{}:{}", username.reveal(), password.reveal());
                vec![STANDARD.encode(&both), both, password.reveal().to_owned()]
            }
        };
        Self { timeout, hidden }
    }

    async fn read(&self, answer: Result<Response, Error>) -> Result<Response, RegistryError> {
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(Error::Reqwest(error)) => return Err(self.away(&error)),
            Err(Error::Middleware(_)) => return Err(RegistryError::Away("it could not be asked".to_owned())),
        };
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.away(&error))? {
            if body.len() + chunk.len() > MOST_BYTES {
                let message = format!("its answer is larger than {MOST_BYTES} bytes");
                return Err(RegistryError::Refused(message));
            }
            body.extend_from_slice(&chunk);
        }
        if status == StatusCode::OK {
            return Ok(Answer::new(body).into());
        }
        Err(self.no(status, &body))
    }

    /// No answer: by the last cause, which names no address.
    fn away(&self, error: &reqwest::Error) -> RegistryError {
        if error.is_timeout() {
            return RegistryError::Away(format!("no answer within {:?}", self.timeout));
        }
        let mut cause = error.source();
        while let Some(deeper) = cause.and_then(std::error::Error::source) {
            cause = Some(deeper);
        }
        let what = if error.is_connect() {
            "no connection"
        } else {
            "no whole answer"
        };
        RegistryError::Away(match cause {
            Some(cause) => format!("{what}: {}", self.words(&cause.to_string())),
            None => what.to_owned(),
        })
    }

    fn no(&self, status: StatusCode, body: &[u8]) -> RegistryError {
        let no: Option<No> = serde_json::from_slice(body).ok();
        let code = no.as_ref().map(|no| no.error_code);
        let message = no.and_then(|no| no.message).filter(|message| !message.is_empty());
        let words = match &message {
            Some(message) => format!("{}: {}", status.as_u16(), self.words(message)),
            None => format!("it answers {status}"),
        };
        match status.as_u16() {
            404 if code.is_some_and(|code| code / 100 == 404) => {
                let message = message.map_or_else(|| "such thing".to_owned(), |message| self.words(&message));
                RegistryError::Unknown(format!("such thing: {message}"))
            }
            // from a proxy, or from a registry that is not all there yet: whether there is such a schema was not said
            404 => RegistryError::Away(format!(
                "{words}, and not as a registry does; is its address right, with its path?"
            )),
            408 | 429 | 500.. => RegistryError::Away(words),
            401 | 403 => RegistryError::Refused(format!("{words}; check `auth` under `schema_registry`")),
            300..=399 => RegistryError::Refused(format!("{words}: write the address that it sends us to")),
            _ => RegistryError::Refused(words),
        }
    }

    /// Words of others: short, on one line, with nothing of ours.
    fn words(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for hidden in self.hidden.iter().filter(|hidden| !hidden.is_empty()) {
            text = text.replace(hidden, "(secret)");
        }
        crate::yaml::shortened(&text, MOST_WORDS)
    }
}

#[async_trait]
impl Middleware for Answers {
    async fn handle(&self, request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response, Error> {
        let answer = next.run(request, extensions).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        let is_to_us = matches!(status, 300..=399 | 401 | 403);
        let read = self.read(answer).await;
        read.map_err(|error| Error::middleware(Meant { error, is_to_us }))
    }
}

/// What [`Answers`] said. What comes after it is that an answer can't be read.
pub(super) fn meant(error: &(dyn std::error::Error + 'static)) -> RegistryError {
    found(error).map_or_else(unreadable, |meant| meant.error.clone())
}

/// The same for who asks about a record: that we are refused is not the record's fault, and may be mended.
pub(super) fn meant_of_record(error: &(dyn std::error::Error + 'static)) -> RegistryError {
    match found(error) {
        Some(Meant {
            error: RegistryError::Refused(why),
            is_to_us: true,
        }) => RegistryError::Away(why.clone()),
        other => other.map_or_else(unreadable, |meant| meant.error.clone()),
    }
}

fn found<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e Meant> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(Error::Middleware(error)) = error.downcast_ref::<Error>()
            && let Some(meant) = error.downcast_ref::<Meant>()
        {
            return Some(meant);
        }
        cause = error.source();
    }
    None
}

fn unreadable() -> RegistryError {
    RegistryError::Away("its answer is not one of a schema registry; is its address right, with its path?".to_owned())
}
