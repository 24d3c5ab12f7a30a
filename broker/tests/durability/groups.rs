//! Groups beside others whose logs a disk keeps waiting.

use kafka_protocol::messages::DeleteGroupsRequest;

use crate::node::Node;
use crate::support::group;
use crate::support::groups::commit;
use crate::support::requests::create_topic;
use crate::support::share_groups::{joining_share, share_member};

#[test]
fn a_group_is_deleted_while_states_of_another_wait_for_the_disk() {
    let settings = [
        "offsets.topic.num.partitions=1",
        "share.coordinator.state.topic.num.partitions=1",
        "log.flush.interval.messages=1",
    ];
    let node = Node::start(1, &settings);
    let mut client = node.client();
    create_topic(&mut client, "known", 1, &[]);
    assert_eq!(commit(&mut client, "plain", (-1, ""), ("known", 0, 3)), 0);
    assert_eq!(commit(&mut client, "plain too", (-1, ""), ("known", 0, 3)), 0);
    let delete = |id: &str| DeleteGroupsRequest::default().with_groups_names(vec![group(id)]);
    assert_eq!(client.call(2, &delete("plain")).results[0].error_code, 0);
    share_member(&mut client, "shared before", "member", &["known"], 1);
    // A share group's first member lets states begin, behind its back.
    node.disk.hold_syncs(&node.dir(0).join("__share_group_state-0"));
    assert_eq!(client.call(1, &joining_share("sharing", "member", &["known"])).error_code, 0);
    node.disk.await_held_syncs(1);
    assert_eq!(client.call(2, &delete("plain too")).results[0].error_code, 0);
    node.disk.let_syncs_go();
}
