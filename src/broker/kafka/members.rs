//! Who is in a consumer group and what each has: by librdkafka's own call, as the binding's panics over a foreign client's name
//! that is not UTF-8.

use super::errors::classify;
use crate::broker::{BrokerError, GroupMember, TopicPartition};
use rdkafka::bindings;
use rdkafka::error::KafkaError;
use std::ffi::{CStr, CString};
use std::time::Duration;

/// The members of `group`; none where there is no such group.
///
/// `client` is alive while this runs.
pub fn members(
    client: *mut bindings::rd_kafka_t,
    group: &str,
    timeout: Duration,
) -> Result<Vec<GroupMember>, BrokerError> {
    let failed = |error| classify("read the group's members", error);
    let name = CString::new(group).map_err(|error| failed(KafkaError::Nul(error)))?;
    let milliseconds = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let mut list: *const bindings::rd_kafka_group_list = std::ptr::null();
    // SAFETY: the client is alive, the name ends in a nul, and the list is written only on success and freed below.
    let error = unsafe { bindings::rd_kafka_list_groups(client, name.as_ptr(), &mut list, milliseconds) };
    if error != bindings::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Err(failed(KafkaError::GroupListFetch(error.into())));
    }
    // SAFETY: librdkafka gave a list, with as many groups and members as it says, which nothing changes.
    let members = unsafe { of_list(&*list) };
    // SAFETY: it was given to us and is used no more.
    unsafe { bindings::rd_kafka_group_list_destroy(list) };
    Ok(members)
}

unsafe fn of_list(list: &bindings::rd_kafka_group_list) -> Vec<GroupMember> {
    let mut all = Vec::new();
    for group in unsafe { slice(list.groups, list.group_cnt) } {
        for member in unsafe { slice(group.members, group.member_cnt) } {
            let client = if member.client_id.is_null() {
                String::new()
            } else {
                unsafe { CStr::from_ptr(member.client_id) }
                    .to_string_lossy()
                    .into_owned()
            };
            let assignment = unsafe { slice(member.member_assignment.cast::<u8>(), member.member_assignment_size) };
            all.push(GroupMember {
                client,
                partitions: assignment_of(assignment).unwrap_or_default(),
            });
        }
    }
    all
}

/// What a C array of `count` elements holds; nothing where there is no array.
pub(super) unsafe fn slice<'a, T>(first: *const T, count: i32) -> &'a [T] {
    match usize::try_from(count) {
        Ok(count) if !first.is_null() => unsafe { std::slice::from_raw_parts(first, count) },
        _ => &[],
    }
}

/// The partitions in a `ConsumerProtocolAssignment`: a version, then topics, each with its partitions. `None`: it is none.
fn assignment_of(bytes: &[u8]) -> Option<Vec<TopicPartition>> {
    let mut rest = bytes;
    let mut take = |count: usize| {
        let (taken, left) = rest.split_at_checked(count)?;
        rest = left;
        Some(taken)
    };
    let mut all = Vec::new();
    take(2)?;
    let topics = i32::from_be_bytes(take(4)?.try_into().ok()?);
    for _ in 0..topics {
        let length = u16::from_be_bytes(take(2)?.try_into().ok()?);
        let topic = String::from_utf8_lossy(take(length.into())?).into_owned();
        let partitions = i32::from_be_bytes(take(4)?.try_into().ok()?);
        for _ in 0..partitions {
            let partition = i32::from_be_bytes(take(4)?.try_into().ok()?);
            all.push(TopicPartition {
                topic: topic.clone(),
                partition,
            });
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_read_and_what_is_none_is_not() {
        let bytes = b"\0\x01\0\0\0\x01\0\x02in\0\0\0\x02\0\0\0\x03\0\0\0\x05\xff\xff\xff\xff";
        let partition = |partition| TopicPartition {
            topic: "in".into(),
            partition,
        };
        assert_eq!(assignment_of(bytes), Some(vec![partition(3), partition(5)]));
        for length in 0..bytes.len() - 4 {
            assert_eq!(assignment_of(&bytes[..length]), None, "{length} bytes");
        }
    }
}
