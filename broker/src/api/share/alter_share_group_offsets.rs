//! AlterShareGroupOffsets (91): a share group without members goes on elsewhere (KIP-932).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::share::group::{AlteredShareOffsets, AlteredShareTopic};
use forebay_storage::ids::Offset;
use kafka_protocol::messages::alter_share_group_offsets_request::AlterShareGroupOffsetsRequestTopic as AskedTopic;
use kafka_protocol::messages::alter_share_group_offsets_response::{
    AlterShareGroupOffsetsResponsePartition as Partition, AlterShareGroupOffsetsResponseTopic as Topic,
};
use kafka_protocol::messages::{AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsResponse};
use uuid::Uuid;

use super::{INVALID_GROUP_ID, NO_SUCH_PARTITION, UNSUPPORTED_VERSION};
use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::groups::Groups;
use crate::coordinator::metadata::Metadata;
use crate::coordinator::share_groups::ShareStateErrors;
use crate::share::ShareGroups;

/// Topics that are not there are answered before the others, as Kafka does.
pub async fn handle(
    _: &Call,
    request: AlterShareGroupOffsetsRequest,
    groups: &Arc<Groups>,
    share_groups: &Arc<ShareGroups>,
    metadata: &Arc<Metadata>,
) -> AlterShareGroupOffsetsResponse {
    if !share_groups.are_on() {
        return refused(ErrorCode::UnsupportedVersion, Some(UNSUPPORTED_VERSION));
    }
    if request.group_id.is_empty() {
        return refused(ErrorCode::InvalidGroupId, Some(INVALID_GROUP_ID));
    }
    let image = metadata.group_view().topics;
    let (known, unknown): (Vec<AskedTopic>, Vec<AskedTopic>) =
        request.topics.into_iter().partition(|topic| image.by_name(&topic.topic_name).is_some());
    let offsets = |topic: &AskedTopic| -> (Arc<str>, Vec<(i32, Offset)>) {
        let partitions = topic.partitions.iter().map(|p| (p.partition_index, Offset(p.start_offset))).collect();
        (topic.topic_name.as_str().into(), partitions)
    };
    let close = || share_groups.close(&request.group_id);
    match groups.alter_share_offsets(&request.group_id, known.iter().map(offsets).collect(), close).await {
        Ok(Ok((altered, errors))) => {
            let mut responses: Vec<Topic> = unknown.iter().map(not_there).collect();
            responses.extend(answers(altered, &errors));
            AlterShareGroupOffsetsResponse::default().with_responses(responses)
        }
        Ok(Err(refusal)) => refused(refusal.error, Some(&refusal.message)),
        Err(error) => refused(error, None),
    }
}

fn not_there(topic: &AskedTopic) -> Topic {
    let partitions = topic.partitions.iter().map(|p| partition(p.partition_index, ErrorCode::UnknownTopicOrPartition));
    Topic::default().with_topic_name(topic.topic_name.clone()).with_partitions(partitions.collect())
}

fn partition(index: i32, error: ErrorCode) -> Partition {
    let message = (!error.is_ok()).then(|| convert::text(NO_SUCH_PARTITION));
    Partition::default().with_partition_index(index).with_error_code(error.code()).with_error_message(message)
}

fn answers(altered: AlteredShareOffsets, errors: &ShareStateErrors) -> Vec<Topic> {
    let topic = |topic: AlteredShareTopic| {
        let one = |(index, error): (i32, ErrorCode)| {
            let refused = topic.id.and_then(|id| errors.get(&(id, index)));
            match refused {
                Some(refused) if error.is_ok() => Partition::default()
                    .with_partition_index(index)
                    .with_error_code(refused.error.code())
                    .with_error_message(Some(convert::text(refused.message))),
                _ => partition(index, error),
            }
        };
        Topic::default()
            .with_topic_name(convert::topic_name(&topic.name))
            .with_topic_id(topic.id.map_or(Uuid::nil(), |id| id.0))
            .with_partitions(topic.partitions.iter().copied().map(one).collect())
    };
    altered.topics.into_iter().map(topic).collect()
}

fn refused(error: ErrorCode, message: Option<&str>) -> AlterShareGroupOffsetsResponse {
    AlterShareGroupOffsetsResponse::default()
        .with_error_code(error.code())
        .with_error_message(message.map(convert::text))
}
