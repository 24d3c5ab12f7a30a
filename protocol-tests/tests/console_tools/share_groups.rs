//! `kafka-share-groups.sh` and `kafka-groups.sh`: share groups listed, described, moved and deleted.

use protocol_tests::broker::Node;

use crate::cluster::refused;
use crate::{expect, outputs, tool};

const SHARE_GROUPS: &str = "org.apache.kafka.tools.consumer.group.ShareGroupCommand";
const GROUP: &str = "of-sharers";

fn share_groups(node: &Node, words: &str) -> Result<String, String> {
    tool(node, SHARE_GROUPS, words, "")
}

/// A group without members, which begins with the reset of its offsets in `tools`, a topic of partitions with 3 and 0 records.
pub fn step(node: &Node) -> Result<(), String> {
    let reset = |to: &str| share_groups(node, &format!("--group {GROUP} --reset-offsets {to} --topic tools --execute"));
    expect(&reset("--to-latest")?, &["of-sharers tools 0 3", "of-sharers tools 1 0"])?;
    expect(&share_groups(node, "--list --state")?, &["of-sharers Empty"])?;
    let groups = tool(node, "GroupsCommand", "--list --group-type share", "")?;
    expect(&groups, &["of-sharers Share share"])?;
    let offsets = || share_groups(node, &format!("--describe --group {GROUP}"));
    expect(
        &offsets()?,
        &["GROUP TOPIC PARTITION START-OFFSET LAG", "of-sharers tools 0 3 0", "of-sharers tools 1 0 0"],
    )?;
    reset("--to-earliest")?;
    expect(&offsets()?, &["of-sharers tools 0 0 3", "of-sharers tools 1 0 0"])?;
    let verbose = share_groups(node, &format!("--describe --group {GROUP} --offsets --verbose"))?;
    expect(&verbose, &["GROUP TOPIC PARTITION LEADER-EPOCH START-OFFSET LAG"])?;
    let state = share_groups(node, &format!("--describe --group {GROUP} --state --verbose"))?;
    expect(&state, &["of-sharers", "Empty"])?;
    // That there are none goes to standard error.
    let (_, none) = outputs(node, SHARE_GROUPS, &format!("--describe --group {GROUP} --members"), "")?;
    expect(&none, &["Share group 'of-sharers' has no active members."])?;
    let deleted = share_groups(node, &format!("--delete-offsets --group {GROUP} --topic tools"))?;
    expect(&deleted, &["TOPIC STATUS", "tools Successful"])?;
    refused(share_groups(node, "--describe --group of-nobody"), "Group of-nobody not found.")?;
    let gone = share_groups(node, &format!("--delete --group {GROUP}"))?;
    expect(&gone, &["Deletion of requested share groups ('of-sharers') was successful."])?;
    let left = share_groups(node, "--list")?;
    if left.contains(GROUP) { Err(format!("still there: {left}")) } else { Ok(()) }
}
