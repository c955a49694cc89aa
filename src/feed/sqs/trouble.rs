//! What is wrong with SQS, in words that name the remedy and nothing secret.
//!
//! The service's own words are not repeated: those of a refused signature contain the request's, session token included.

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use std::error::Error;
use std::fmt;

/// Why a request to SQS failed. Whatever it is, time or a person elsewhere may mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble(String);

impl Trouble {
    #[cfg(test)]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// `what` was to be done: `receive`, `delete`, `extend`.
    pub fn of<E, R>(what: &str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata,
        SdkError<E, R>: Error + 'static,
    {
        let innermost = || deepest(error);
        Self(match error {
            SdkError::ServiceError(refused) => refusal(what, refused.err().code().unwrap_or("unknown error")),
            SdkError::TimeoutError(_) => "SQS does not answer in time".to_owned(),
            SdkError::DispatchFailure(_) => {
                format!("SQS can't be reached, or there are no credentials: {}", innermost())
            }
            SdkError::ResponseError(_) => "what answers does not speak as SQS does: see `endpoint`".to_owned(),
            _ => format!("the request to SQS can't be made: {}", innermost()),
        })
    }

    /// A part of a request is missing.
    pub fn unbuilt(error: aws_sdk_sqs::error::BuildError) -> Self {
        Self(format!("the request to SQS can't be made: {error}"))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The cause of all causes, which is the one that helps.
fn deepest<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest
}

/// The codes with and without the prefixes that the protocols of SQS put before them.
fn refusal(what: &str, code: &str) -> String {
    let code = code.rsplit(['#', '.']).next().unwrap_or(code);
    let remedy = match code {
        "QueueDoesNotExist" | "NonExistentQueue" => "there is no such queue: see `queue_url` and `region`",
        "AccessDenied" | "AccessDeniedException" => {
            "the role or user lacks a permission: it needs sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility"
        }
        "ExpiredToken" | "ExpiredTokenException" => "the credentials have expired: renew them",
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken" => "the credentials are not right, or are for another account or region",
        "RequestExpired" => "this machine's clock is wrong",
        "OverLimit" => "others have received too many messages and not deleted them",
        "KmsAccessDenied" => "the role or user lacks kms:Decrypt for the queue's key",
        _ => "it is tried again",
    };
    format!("SQS refuses to {what} ({code}): {remedy}")
}

/// The region that a queue's URL names: `https://sqs.eu-west-1.amazonaws.com/…`, and the older `https://eu-west-1.queue.amazonaws.com/…`.
pub fn of_region(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let host = rest.split(['/', ':']).next()?;
    let host = host
        .strip_suffix(".amazonaws.com")
        .or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
    let region = host.strip_prefix("sqs.").or_else(|| host.strip_suffix(".queue"))?;
    (!region.contains('.')).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_remedy_whatever_protocol_its_code_comes_by() {
        for code in [
            "AWS.SimpleQueueService.NonExistentQueue",
            "com.amazonaws.sqs#QueueDoesNotExist",
        ] {
            let text = refusal("receive", code);
            assert!(text.contains("`queue_url`"), "{text}");
        }
        let text = refusal("delete", "AccessDenied");
        assert!(
            text.contains("refuses to delete (AccessDenied)") && text.contains("sqs:DeleteMessage"),
            "{text}"
        );
    }

    #[test]
    fn the_region_is_that_of_the_queues_url() {
        let regions = [
            (
                "https://sqs.eu-west-1.amazonaws.com/123456789012/events",
                Some("eu-west-1"),
            ),
            (
                "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/events",
                Some("cn-north-1"),
            ),
            (
                "https://eu-west-1.queue.amazonaws.com/123456789012/events",
                Some("eu-west-1"),
            ),
            (
                "https://vpce-1-abc.sqs.eu-west-1.vpce.amazonaws.com/123456789012/events",
                None,
            ),
            ("http://localhost:4566/000000000000/events", None),
            ("no url", None),
        ];
        for (url, region) in regions {
            assert_eq!(of_region(url), region, "{url}");
        }
    }
}
