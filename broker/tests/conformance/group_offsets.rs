//! Committed offsets: commit, fetch, delete.

use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::*;

use crate::support::client::Client;
use crate::support::groups::{commit, commit_request, fetch_offset, join_request, lone_member};
use crate::support::requests::create_topic;
use crate::support::{Broker, group, text, topic};

const GROUP: &str = "readers";
const NOBODY: (i32, &str) = (-1, "");

#[test]
fn anyone_commits_for_a_group_without_members() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "known", 2, &[]);
    assert_eq!(commit(&mut client, GROUP, NOBODY, ("known", 0, 7)), 0);
    let found = fetch_offset(&mut client, GROUP, ("known", 0), true);
    assert_eq!((found.error_code, found.committed_offset, found.committed_leader_epoch), (0, 7, 0));
    assert_eq!(found.metadata, Some(text("note")));
    let none = fetch_offset(&mut client, GROUP, ("known", 1), true);
    assert_eq!((none.error_code, none.committed_offset, none.committed_leader_epoch), (0, -1, -1));
    assert_eq!(none.metadata, Some(text("")));
    assert_eq!(commit(&mut client, GROUP, NOBODY, ("nowhere", 0, 7)), 3, "UNKNOWN_TOPIC_OR_PARTITION");
    assert_eq!(commit(&mut client, GROUP, NOBODY, ("known", 2, 7)), 3);
    let mut long = commit_request(9, GROUP, NOBODY, ("known", 0, 8));
    long.topics[0].partitions[0].committed_metadata = Some(text(&"x".repeat(4097)));
    assert_eq!(client.call(9, &long).topics[0].partitions[0].error_code, 12, "OFFSET_METADATA_TOO_LARGE");
    assert_eq!(fetch_offset(&mut client, GROUP, ("known", 0), true).committed_offset, 7);
}

#[test]
fn members_alone_commit_for_a_group_with_members() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "known", 1, &[]);
    let (member, generation) = lone_member(&mut client, GROUP);
    let mut error = |who: (i32, &str)| commit(&mut client, GROUP, who, ("known", 0, 7));
    assert_eq!(error((generation, &member)), 0);
    assert_eq!(error((generation, "nobody")), 25, "UNKNOWN_MEMBER_ID");
    assert_eq!(error((generation + 1, &member)), 22, "ILLEGAL_GENERATION");
    assert_eq!(error(NOBODY), 25, "UNKNOWN_MEMBER_ID");
    let rejoined = client.call(9, &join_request(9, GROUP, &member, None));
    let early = commit(&mut client, GROUP, (rejoined.generation_id, &member), ("known", 0, 8));
    assert_eq!(early, 27, "REBALANCE_IN_PROGRESS: before the assignment is there");
}

#[test]
fn a_generation_of_a_group_that_is_not_there() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "known", 1, &[]);
    // Kafka: OffsetMetadataManager.validateOffsetCommit.
    for (version, error) in [(8, 22), (9, 69)] {
        let request = commit_request(version, "never-seen", (3, "m"), ("known", 0, 1));
        assert_eq!(client.call(version, &request).topics[0].partitions[0].error_code, error, "v{version}");
    }
}

#[test]
fn all_offsets_of_several_groups_at_once() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "one", 2, &[]);
    create_topic(&mut client, "two", 1, &[]);
    for (name, partition, offset) in [("one", 1, 11), ("two", 0, 20)] {
        assert_eq!(commit(&mut client, "a", NOBODY, (name, partition, offset)), 0);
    }
    assert_eq!(commit(&mut client, "b", NOBODY, ("one", 0, 5)), 0);
    let all = |id: &str| OffsetFetchRequestGroup::default().with_group_id(group(id)).with_topics(None);
    let request = OffsetFetchRequest::default().with_groups(vec![all("a"), all("b"), all("unknown")]);
    let response = client.call(8, &request);
    let offsets = |at: usize| {
        let mut found = Vec::new();
        for t in &response.groups[at].topics {
            found.extend(t.partitions.iter().map(|p| (t.name.to_string(), p.partition_index, p.committed_offset)));
        }
        found.sort();
        found
    };
    assert_eq!(offsets(0), [("one".to_owned(), 1, 11), ("two".to_owned(), 0, 20)]);
    assert_eq!(offsets(1), [("one".to_owned(), 0, 5)]);
    assert_eq!((response.groups[2].error_code, offsets(2).len()), (0, 0));
}

fn delete(client: &mut Client, group_id: &str, name: &str) -> (i16, Option<i16>) {
    let partition = OffsetDeleteRequestPartition::default().with_partition_index(0);
    let named = OffsetDeleteRequestTopic::default().with_name(topic(name)).with_partitions(vec![partition]);
    let request = OffsetDeleteRequest::default().with_group_id(group(group_id)).with_topics(vec![named]);
    let response = client.call(0, &request);
    (response.error_code, response.topics.first().map(|t| t.partitions[0].error_code))
}

#[test]
fn offsets_are_deleted_where_the_group_does_not_subscribe() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "t", 1, &[]);
    create_topic(&mut client, "other", 1, &[]);
    assert_eq!(delete(&mut client, "nobody", "t"), (69, None), "GROUP_ID_NOT_FOUND");
    // The members of this group subscribe to `t`.
    let (member, generation) = lone_member(&mut client, GROUP);
    for name in ["t", "other"] {
        assert_eq!(commit(&mut client, GROUP, (generation, &member), (name, 0, 4)), 0);
    }
    assert_eq!(delete(&mut client, GROUP, "t"), (0, Some(86)), "GROUP_SUBSCRIBED_TO_TOPIC");
    assert_eq!(delete(&mut client, GROUP, "nowhere"), (0, Some(3)), "UNKNOWN_TOPIC_OR_PARTITION");
    assert_eq!(delete(&mut client, GROUP, "other"), (0, Some(0)));
    assert_eq!(fetch_offset(&mut client, GROUP, ("t", 0), true).committed_offset, 4);
    assert_eq!(fetch_offset(&mut client, GROUP, ("other", 0), true).committed_offset, -1);
}

#[test]
fn offsets_of_a_deleted_topic_are_gone() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "known", 1, &[]);
    assert_eq!(commit(&mut client, GROUP, NOBODY, ("known", 0, 7)), 0);
    let request = DeleteTopicsRequest::default().with_topic_names(vec![topic("known")]).with_timeout_ms(5000);
    assert_eq!(client.call(5, &request).responses[0].error_code, 0);
    create_topic(&mut client, "known", 1, &[]);
    assert_eq!(fetch_offset(&mut client, GROUP, ("known", 0), true).committed_offset, -1);
}
