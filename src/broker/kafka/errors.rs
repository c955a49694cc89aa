//! What to do about an error of librdkafka. The only place that decides it.
//!
//! Known of librdkafka: a failed `TxnOffsetCommit` with ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID or
//! REBALANCE_IN_PROGRESS asks for an abort; INVALID_PRODUCER_EPOCH and INVALID_TXN_STATE are fatal for the producer, so it is
//! rebuilt. What only time can mend (a broker away, a time-out) is tried again for ever.

use crate::broker::{BrokerError, Reaction};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// Turns an error into one that says what to do.
pub fn classify(operation: &'static str, error: KafkaError) -> BrokerError {
    let reaction = match &error {
        KafkaError::Transaction(error) if error.is_fatal() => Reaction::Rebuild,
        KafkaError::Transaction(error) if error.txn_requires_abort() => Reaction::Abort,
        KafkaError::Transaction(error) if error.is_retriable() => Reaction::Retry,
        KafkaError::Transaction(error) => of_code(error.code()),
        KafkaError::MessageConsumptionFatal(code) => match code {
            Code::FencedInstanceId | Code::UnknownMemberId => of_code(*code),
            _ => Reaction::Rebuild,
        },
        KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_) | KafkaError::Nul(_) => Reaction::Fatal,
        error => error.rdkafka_error_code().map_or(Reaction::Retry, of_code),
    };
    BrokerError {
        operation,
        message: message(&error),
        reaction,
    }
}

/// What a delivery report's error means for the transaction it is in.
pub fn classify_delivery(error: KafkaError) -> BrokerError {
    let mut classified = classify("write", error);
    // The record is gone from the queue: the transaction it was in can't be committed any more, only begun again.
    if classified.reaction == Reaction::Retry {
        classified.reaction = Reaction::Abort;
    }
    classified
}

fn of_code(code: Code) -> Reaction {
    match code {
        Code::MessageSizeTooLarge | Code::InvalidRecord | Code::InvalidMessageSize | Code::InvalidTimestamp => {
            Reaction::DeadLetter
        }
        Code::Fenced | Code::ProducerFenced | Code::Fatal | Code::State | Code::InvalidTransactionalState => {
            Reaction::Rebuild
        }
        Code::InvalidProducerEpoch | Code::InvalidProducerIdMapping | Code::OutOfOrderSequenceNumber => {
            Reaction::Rebuild
        }
        Code::PurgeQueue | Code::PurgeInflight | Code::IllegalGeneration | Code::RebalanceInProgress => Reaction::Abort,
        Code::UnknownMemberId | Code::MessageTimedOut => Reaction::Abort,
        Code::FencedInstanceId => Reaction::Fatal,
        Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed | Code::ClusterAuthorizationFailed => {
            Reaction::Fatal
        }
        Code::TransactionalIdAuthorizationFailed | Code::UnsupportedVersion | Code::InvalidArgument => Reaction::Fatal,
        Code::InvalidConfig | Code::PolicyViolation | Code::InvalidReplicationFactor | Code::InvalidTopic => {
            Reaction::Fatal
        }
        _ => Reaction::Retry,
    }
}

/// The error in librdkafka's words, with what would help where it is known.
fn message(error: &KafkaError) -> String {
    let text = match error {
        KafkaError::Transaction(error) => error.string(),
        KafkaError::ClientConfig(_, description, key, _) => format!("{description} (property {key})"),
        error => error
            .rdkafka_error_code()
            .map_or_else(|| error.to_string(), |code| code.to_string()),
    };
    let help = match error.rdkafka_error_code() {
        Some(Code::FencedInstanceId) => {
            "; another process joined the group under this instance name: every instance needs its own"
        }
        Some(
            Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed | Code::TransactionalIdAuthorizationFailed,
        ) => {
            "; grant this user the operation on topics, group and transactional ids that begin with the application's name"
        }
        Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => "; the topic does not exist",
        _ => "",
    };
    format!("{text}{help}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_time_can_mend_is_tried_again() {
        for code in [
            Code::BrokerTransportFailure,
            Code::AllBrokersDown,
            Code::OperationTimedOut,
            Code::NotCoordinator,
        ] {
            assert_eq!(
                classify("poll", KafkaError::MessageConsumption(code)).reaction,
                Reaction::Retry,
                "{code}"
            );
        }
    }

    #[test]
    fn a_record_that_was_not_delivered_costs_its_transaction() {
        let error = KafkaError::MessageProduction(Code::BrokerTransportFailure);
        assert_eq!(classify_delivery(error).reaction, Reaction::Abort);
        let error = KafkaError::MessageProduction(Code::MessageSizeTooLarge);
        assert_eq!(classify_delivery(error).reaction, Reaction::DeadLetter);
    }

    #[test]
    fn a_fenced_producer_is_rebuilt_and_a_fenced_instance_ends_the_program() {
        assert_eq!(
            classify("commit", KafkaError::Global(Code::InvalidProducerEpoch)).reaction,
            Reaction::Rebuild
        );
        let fenced = classify("poll", KafkaError::MessageConsumptionFatal(Code::FencedInstanceId));
        assert_eq!(fenced.reaction, Reaction::Fatal);
        assert!(fenced.message.contains("needs its own"), "{}", fenced.message);
    }
}
