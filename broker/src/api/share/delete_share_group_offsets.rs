//! DeleteShareGroupOffsets (92): a share group without members forgets topics (KIP-932).

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::share::group::DeletedShareOffsets;
use forebay_storage::ids::TopicId;
use kafka_protocol::messages::delete_share_group_offsets_response::DeleteShareGroupOffsetsResponseTopic as Topic;
use kafka_protocol::messages::{DeleteShareGroupOffsetsRequest, DeleteShareGroupOffsetsResponse};

use super::{INVALID_GROUP_ID, NO_SUCH_PARTITION, UNSUPPORTED_VERSION};
use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::groups::Groups;
use crate::share::ShareGroups;

/// Topics whose state is gone come first, as in Kafka's answer.
pub async fn handle(
    _: &Call,
    request: DeleteShareGroupOffsetsRequest,
    groups: &Arc<Groups>,
    share_groups: &Arc<ShareGroups>,
) -> DeleteShareGroupOffsetsResponse {
    if !share_groups.are_on() {
        return refused(ErrorCode::UnsupportedVersion, Some(UNSUPPORTED_VERSION));
    }
    if request.group_id.is_empty() {
        return refused(ErrorCode::InvalidGroupId, Some(INVALID_GROUP_ID));
    }
    let topics = request.topics.iter().map(|topic| topic.topic_name.as_str().into()).collect();
    let close = || share_groups.close(&request.group_id);
    match groups.delete_share_offsets(&request.group_id, topics, close).await {
        Ok(Ok((deleted, errors))) => {
            DeleteShareGroupOffsetsResponse::default().with_responses(answers(deleted, &errors))
        }
        Ok(Err(refusal)) => refused(refusal.error, Some(&refusal.message)),
        Err(error) => refused(error, None),
    }
}

fn answers(deleted: DeletedShareOffsets, errors: &BTreeMap<TopicId, ErrorCode>) -> Vec<Topic> {
    let topic = |name: &str| Topic::default().with_topic_name(convert::topic_name(name));
    let (done, failed): (Vec<_>, Vec<_>) = deleted.delete.iter().partition(|(id, _, _)| !errors.contains_key(id));
    let done = done.into_iter().map(|(id, name, _)| topic(name).with_topic_id(id.0));
    let unknown = deleted.unknown.iter().map(|(name, exists)| {
        let message = if *exists { "There is no offset information to delete." } else { NO_SUCH_PARTITION };
        let error = ErrorCode::UnknownTopicOrPartition.code();
        topic(name).with_error_code(error).with_error_message(Some(convert::text(message)))
    });
    let failed = failed.into_iter().map(|(id, name, _)| {
        let error = errors.get(id).copied().unwrap_or(ErrorCode::UnknownServerError);
        topic(name).with_topic_id(id.0).with_error_code(error.code())
    });
    done.chain(unknown).chain(failed).collect()
}

fn refused(error: ErrorCode, message: Option<&str>) -> DeleteShareGroupOffsetsResponse {
    DeleteShareGroupOffsetsResponse::default()
        .with_error_code(error.code())
        .with_error_message(message.map(convert::text))
}
