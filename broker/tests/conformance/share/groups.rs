//! Members of share groups, and what administrators do with groups and their offsets (Kafka: GroupMetadataManager,
//! GroupCoordinatorService).

use kafka_protocol::messages::*;

use crate::support::records::batch;
use crate::support::requests::{append, create_topic, delete_topic};
use crate::support::share::{read_state, summary};
use crate::support::share_groups::{
    alter_share_offset, assigned_share, beating_share, delete_share_offsets, described_share, joining_share,
    share_member, share_offset,
};
use crate::support::{Broker, eventually, group, text};

const GROUP: &str = "sharers";

const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const NON_EMPTY_GROUP: i16 = 68;
const GROUP_ID_NOT_FOUND: i16 = 69;

#[test]
fn members_share_what_has_got_a_state() {
    let broker = Broker::start_with(&["group.share.assignment.interval.ms=0"]);
    let mut client = broker.client();
    let t = create_topic(&mut client, "t", 2, &[]);
    let joined = client.call(1, &joining_share(GROUP, "a", &["t"]));
    assert_eq!((joined.error_code, joined.member_epoch, joined.heartbeat_interval_ms), (0, 2, 5000));
    assert_eq!(assigned_share(&joined), Some(vec![]), "no partition has a state yet");
    let (epoch, partitions) = share_member(&mut client, GROUP, "a", &["t"], 2);
    assert_eq!((epoch, partitions), (3, vec![0, 1]));
    let state = summary(&mut client, 1, GROUP, &t).0;
    assert_eq!(
        (state.error_code, state.state_epoch, state.start_offset),
        (0, 2, -1),
        "its leader will find the offset"
    );
    // Three members, two partitions: everybody gets one.
    for member in ["b", "c"] {
        share_member(&mut client, GROUP, member, &["t"], 1);
    }
    let group = described_share(&mut client, GROUP);
    assert_eq!((group.group_state, group.assignor_name, group.members.len()), (text("Stable"), text("simple"), 3));
    assert_eq!(client.call(1, &beating_share(GROUP, "b", -1)).member_epoch, -1);
    assert_eq!(client.call(1, &beating_share(GROUP, "b", 4)).error_code, 25, "UNKNOWN_MEMBER_ID");
    assert_eq!(client.call(1, &beating_share(GROUP, "a", 99)).error_code, 110, "FENCED_MEMBER_EPOCH");
}

#[test]
fn a_share_group_survives_a_restart() {
    let mut broker = Broker::start_with(&["group.share.assignment.interval.ms=0"]);
    let mut client = broker.client();
    create_topic(&mut client, "t", 2, &[]);
    let (epoch, _) = share_member(&mut client, GROUP, "a", &["t"], 2);
    let before = described_share(&mut client, GROUP);
    broker.restart();
    let mut client = broker.client();
    assert_eq!(described_share(&mut client, GROUP), before);
    let beat = client.call(1, &beating_share(GROUP, "a", epoch));
    assert_eq!(
        (beat.error_code, beat.member_epoch, assigned_share(&beat)),
        (0, epoch, None),
        "nothing has changed for it"
    );
}

#[test]
fn a_silent_member_of_a_share_group_is_removed() {
    let broker = Broker::start_with(&[
        "group.share.min.heartbeat.interval.ms=1",
        "group.share.heartbeat.interval.ms=5",
        "group.share.min.session.timeout.ms=1",
        "group.share.session.timeout.ms=50",
    ]);
    let mut client = broker.client();
    create_topic(&mut client, "t", 1, &[]);
    assert_eq!(client.call(1, &joining_share(GROUP, "a", &["t"])).heartbeat_interval_ms, 5);
    eventually("its session ends", || described_share(&mut client, GROUP).group_state == text("Empty"));
}

#[test]
fn a_share_group_takes_only_so_many_members() {
    let broker = Broker::start_with(&["group.share.max.size=1"]);
    let mut client = broker.client();
    create_topic(&mut client, "t", 1, &[]);
    assert_eq!(client.call(1, &joining_share(GROUP, "a", &["t"])).error_code, 0);
    assert_eq!(client.call(1, &joining_share(GROUP, "b", &["t"])).error_code, 81, "GROUP_MAX_SIZE_REACHED");
    client.call(1, &beating_share(GROUP, "a", -1));
    assert_eq!(client.call(1, &joining_share(GROUP, "b", &["t"])).error_code, 0);
}

#[test]
fn offsets_are_altered_shown_and_deleted() {
    let broker = Broker::start();
    let mut client = broker.client();
    let t = create_topic(&mut client, "t", 2, &[]);
    append(&mut client, &t, &batch(&["a", "b", "c", "d", "e"]));
    assert_eq!(share_offset(&mut client, 1, GROUP, &t, 0).0.start_offset, -1, "nothing is known");
    assert_eq!(delete_share_offsets(&mut client, GROUP, &t), GROUP_ID_NOT_FOUND);
    assert_eq!(alter_share_offset(&mut client, GROUP, &t, 0, 2), 0);
    assert_eq!(alter_share_offset(&mut client, GROUP, &t, 9, 2), UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(described_share(&mut client, GROUP).group_state, text("Empty"));
    assert_eq!(summary(&mut client, 1, GROUP, &t).0.start_offset, 2);
    for version in 0..=1 {
        let (shown, lag) = share_offset(&mut client, version, GROUP, &t, 0);
        assert_eq!((shown.start_offset, shown.error_code), (2, 0));
        // Kafka counts from a begin by an administrator as all records undone: the state says 0 of them are done with.
        assert_eq!(lag, (version == 1).then_some(3));
    }
    assert_eq!(share_offset(&mut client, 1, GROUP, &t, 1).1, Some(-1));
    client.call(1, &joining_share(GROUP, "a", &["t"]));
    assert_eq!(alter_share_offset(&mut client, GROUP, &t, 0, 0), NON_EMPTY_GROUP);
    assert_eq!(delete_share_offsets(&mut client, GROUP, &t), NON_EMPTY_GROUP);
    client.call(1, &beating_share(GROUP, "a", -1));
    assert_eq!(delete_share_offsets(&mut client, GROUP, &t), 0);
    assert_eq!(delete_share_offsets(&mut client, GROUP, &t), UNKNOWN_TOPIC_OR_PARTITION, "there is nothing left");
    assert_eq!(share_offset(&mut client, 1, GROUP, &t, 0).0.start_offset, -1);
}

#[test]
fn a_deleted_share_group_takes_its_states_with_it() {
    let broker = Broker::start_with(&["group.share.assignment.interval.ms=0"]);
    let mut client = broker.client();
    let t = create_topic(&mut client, "t", 1, &[]);
    share_member(&mut client, GROUP, "a", &["t"], 1);
    assert_eq!(read_state(&mut client, GROUP, &t, 0).error_code, 0);
    let delete = DeleteGroupsRequest::default().with_groups_names(vec![group(GROUP)]);
    assert_eq!(client.call(2, &delete).results[0].error_code, NON_EMPTY_GROUP);
    client.call(1, &beating_share(GROUP, "a", -1));
    assert_eq!(client.call(2, &delete).results[0].error_code, 0);
    assert_eq!(client.call(2, &delete).results[0].error_code, GROUP_ID_NOT_FOUND);
    assert_eq!(read_state(&mut client, GROUP, &t, 0).error_code, 42, "INVALID_REQUEST: it was never begun");
    assert_eq!(described_share(&mut client, GROUP).error_code, GROUP_ID_NOT_FOUND);
}

#[test]
fn a_deleted_topic_is_taken_from_its_readers() {
    let broker = Broker::start_with(&["group.share.assignment.interval.ms=0"]);
    let mut client = broker.client();
    let (t, _) = (create_topic(&mut client, "t", 1, &[]), create_topic(&mut client, "u", 2, &[]));
    let (epoch, _) = share_member(&mut client, GROUP, "a", &["t", "u"], 3);
    delete_topic(&mut client, &t);
    let beat = client.call(1, &beating_share(GROUP, "a", epoch));
    assert_eq!((beat.error_code, beat.member_epoch, assigned_share(&beat)), (0, epoch + 1, Some(vec![0, 1])));
}
