//! The answers: what they say, and which status. EventBridge sends again after 401, 407, 409, 429 and 5xx, and gives an event up
//! after another 4xx.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Everything of the request is Kafka's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    pub records: usize,
    pub dead_letters: usize,
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let body = format!(
            "{{\"records\": {}, \"dead_letters\": {}}}\n",
            self.records, self.dead_letters
        );
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    NotFound,
    Method,
    /// None, or not the right ones: which, is not said.
    Credentials(&'static str),
    /// The issuer's keys can't be had, so nobody knows who posts.
    KeysAway,
    ContentType,
    Encoding,
    TooLarge,
    TooMany,
    /// The body did not come in time.
    Slow,
    /// The body ended before its end.
    Broken,
    /// There is too much under way.
    Full,
    /// Kafka did not have all of it in time.
    Unacknowledged,
}

impl Refusal {
    /// One word, for the metric.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Method => "method",
            Self::Credentials(_) => "credentials",
            Self::KeysAway => "keys_away",
            Self::ContentType => "content_type",
            Self::Encoding => "content_encoding",
            Self::TooLarge => "too_large",
            Self::TooMany => "too_many",
            Self::Slow => "slow",
            Self::Broken => "broken",
            Self::Full => "full",
            Self::Unacknowledged => "unacknowledged",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Credentials(_) => StatusCode::UNAUTHORIZED,
            Self::ContentType | Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge | Self::TooMany => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken => StatusCode::BAD_REQUEST,
            // not 408, after which EventBridge gives an event up
            Self::Slow | Self::KeysAway | Self::Full | Self::Unacknowledged => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::NotFound => "nothing is here\n",
            Self::Method => "events are posted\n",
            Self::Credentials(_) => "the credentials are missing or wrong\n",
            Self::KeysAway => "the issuer's keys can't be had at the moment\n",
            Self::ContentType => "the content type must be application/json\n",
            Self::Encoding => "the body must not be encoded\n",
            Self::TooLarge => "the body is too large\n",
            Self::TooMany => "these are more events than may be under way\n",
            Self::Slow => "the body did not come in time\n",
            Self::Broken => "the body did not come whole\n",
            Self::Full => "too much is under way; send it again\n",
            Self::Unacknowledged => "Kafka did not acknowledge it in time; send it again\n",
        }
    }

    /// What the answer says besides.
    fn header(self) -> Option<(HeaderName, &'static str)> {
        match self {
            Self::Method => Some((header::ALLOW, "POST")),
            Self::Credentials(challenge) => Some((header::WWW_AUTHENTICATE, challenge)),
            Self::Full => Some((header::RETRY_AFTER, "1")),
            Self::Slow | Self::KeysAway | Self::Unacknowledged => Some((header::RETRY_AFTER, "5")),
            _ => None,
        }
    }

    /// Whether the connection ends with the answer: what is left of the body is not read, or nobody knows who this is.
    fn closes(self) -> bool {
        matches!(
            self,
            Self::TooLarge | Self::Slow | Self::Broken | Self::NotFound | Self::Method | Self::Credentials(_)
        )
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.text()).into_response();
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        if self.closes() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        response
    }
}
