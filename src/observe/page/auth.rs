//! The user and the password that the page asks for.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

/// `USER:PASSWORD`. Shown by nothing.
#[derive(Clone)]
pub struct Credentials(String);

/// Why a text is no user with a password. It shows nothing of the text.
#[derive(Debug, thiserror::Error)]
#[error("it is not USER:PASSWORD, with neither of them empty and no control characters")]
pub struct BadCredentials;

impl Credentials {
    /// # Errors
    /// Where there is no user or no password in it.
    pub fn new(text: &str) -> Result<Self, BadCredentials> {
        match text.split_once(':') {
            Some((user, password)) if !user.is_empty() && !password.is_empty() && !text.contains(char::is_control) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(BadCredentials),
        }
    }

    /// The answer to a request that does not have them. `None`: it does.
    pub fn refuse(&self, headers: &HeaderMap) -> Option<Response> {
        let ask = [(
            header::WWW_AUTHENTICATE,
            "Basic realm=\"millstream\", charset=\"UTF-8\"",
        )];
        let refused = || (StatusCode::UNAUTHORIZED, ask, "a user and a password are needed\n").into_response();
        (!self.admit(headers.get(header::AUTHORIZATION))).then(refused)
    }

    /// Whether an `Authorization` header has them. How long that takes says nothing of how much of it is right.
    fn admit(&self, given: Option<&HeaderValue>) -> bool {
        let given = given
            .and_then(|given| given.to_str().ok())
            .and_then(|given| given.split_once(' '));
        let Some((_, encoded)) = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic")) else {
            return false;
        };
        let decoded = STANDARD.decode(encoded.trim()).unwrap_or_default();
        decoded.ct_eq(self.0.as_bytes()).into()
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(header: &str) -> bool {
        let credentials = Credentials::new("ann:p:w ü").expect("credentials");
        credentials.admit(Some(&HeaderValue::from_str(header).expect("a header")))
    }

    #[test]
    fn only_the_user_with_the_password_is_admitted() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        assert!(admits(&basic("ann:p:w ü")));
        assert!(admits(&basic("ann:p:w ü").replace("Basic", "bAsIc")));
        for text in ["ann:p:w", "ann:p:w üx", "bob:p:w ü", "", ":", "ann:"] {
            assert!(!admits(&basic(text)), "{text}");
        }
        for header in ["", "Basic", "Basic !!", "Bearer YTpi", "ann:p:w"] {
            assert!(!admits(header), "{header}");
        }
        assert!(!Credentials::new("a:b").expect("credentials").admit(None));
    }

    #[test]
    fn what_is_no_user_with_a_password_is_refused_without_showing_it() {
        for text in ["", ":", "hunter2", "a:", ":hunter2", "a:hunter2\n"] {
            let refused = Credentials::new(text).expect_err(text);
            assert!(!format!("{refused} {refused:?}").contains("hunter2"));
        }
        assert_eq!(
            format!("{:?}", Credentials::new("a:hunter2").expect("credentials")),
            "(secret)"
        );
    }
}
