//! Groups that change their protocol while they live (KIP-848): classic members in a consumer group, and what becomes of the group
//! when the last one of either kind leaves.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::*;
use protocol_tests::process::until;
use std::time::Duration;

use super::Scenario;
use super::classic_groups;
use super::consumer_groups::{assigned, beat, beat_until, commit, join, join_until_assigned, named, own};
use super::member::{Member, look};
use crate::side::{Side, text};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("migrations::an_empty_classic_group", an_empty_classic_group),
    ("migrations::a_classic_group_with_a_member", a_classic_group_with_a_member),
    ("migrations::a_classic_member_in_a_consumer_group", a_classic_member_in_a_consumer_group),
    ("migrations::back_to_classic", back_to_classic),
    ("migrations::refused", refused),
];

const LIMIT: Duration = Duration::from_secs(20);

/// A subscription of version 3 to one topic, with what is owned.
fn subscription(of: &str, owned: &[i32]) -> Bytes {
    let mut bytes = BytesMut::new();
    let string = |bytes: &mut BytesMut, s: &str| {
        bytes.put_i16(i16::try_from(s.len()).unwrap());
        bytes.put_slice(s.as_bytes());
    };
    bytes.put_i16(3);
    bytes.put_i32(1);
    string(&mut bytes, of);
    bytes.put_i32(-1);
    bytes.put_i32(i32::from(!owned.is_empty()));
    if !owned.is_empty() {
        string(&mut bytes, of);
        bytes.put_i32(i32::try_from(owned.len()).unwrap());
        owned.iter().for_each(|p| bytes.put_i32(*p));
    }
    bytes.put_i32(-1);
    bytes.put_i16(-1);
    bytes.freeze()
}

/// A group with how many partitions its members have: which ones depends on their ids, and those are random.
fn counted(side: &mut Side, version: i16, groups: &[&str]) -> Result<(), String> {
    let request =
        ConsumerGroupDescribeRequest::default().with_group_ids(groups.iter().map(|g| GroupId(text(g))).collect());
    side.ask_sorted(version, &request, |answer| {
        for one in &mut answer.groups {
            one.members.sort_by(|a, b| (&a.instance_id, a.member_type).cmp(&(&b.instance_id, b.member_type)));
            for member in &mut one.members {
                let targets = &mut member.target_assignment.topic_partitions;
                for of in member.assignment.topic_partitions.iter_mut().chain(targets) {
                    of.partitions = vec![i32::try_from(of.partitions.len()).unwrap()];
                }
            }
        }
    })?;
    Ok(())
}

/// A classic consumer's request to join.
fn classic(member: &Member, name: &str, of: &str, owned: &[i32]) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default().with_name(text("range")).with_metadata(subscription(of, owned));
    member.joining(name).with_protocols(vec![protocol])
}

/// A classic group whose one member has been assigned its topic's partitions.
pub fn one_classic(side: &mut Side, name: &str, of: &str, mut member: Member) -> Result<Member, String> {
    member.joins_with(side, classic(&member, name, of, &[]))?;
    member.syncs(side, name, &[(&member, &[0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])])?;
    side.on("");
    Ok(member)
}

fn an_empty_classic_group(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 2, &[])?;
    let id = named(side, "group")?;
    side.about("offsets of nobody");
    side.ask(9, &commit(&id, "", -1, &t))?;
    look(side, &id, "with offsets alone")?;
    let joined = join_until_assigned(side.on(""), join(&id, "m", &[&t.name]))?;
    side.about("a consumer group now");
    side.write_down("joined", &format!("{} {:?}", joined.member_epoch, assigned(&joined)));
    counted(side, 1, &[&id])?;
    look(side, &id, "a consumer group now")?;
    side.on("").about("offsets are kept");
    let one = offset_fetch_request::OffsetFetchRequestGroup::default()
        .with_group_id(GroupId(text(&id)))
        .with_member_id(None)
        .with_topics(None);
    side.ask(9, &OffsetFetchRequest::default().with_groups(vec![one]))?;
    side.quietly(1, &beat(&id, "m", -1))?;
    side.about("a classic member in the empty group");
    let mut member = Member::new("a");
    member.joins_with(side, classic(&member, &id, &t.name, &[]))?;
    look(side, &id, "a classic group again")?;
    counted(side, 1, &[&id])
}

fn a_classic_group_with_a_member(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 2, &[])?;
    let id = named(side, "group")?;
    let a = one_classic(side, &id, &t.name, Member::new("a"))?;
    side.about("a consumer comes");
    let joined = side.ask_sorted(1, &join(&id, "m", &[&t.name]), |a| a.assignment = None)?;
    if joined.error_code != 0 {
        return Err("the group was not taken over".into());
    }
    look(side, &id, "of both kinds")?;
    counted(side.on(""), 1, &[&id])?;
    a.commits(side, &id, &t.name, "in a consumer group")?;
    until("the classic member is told", LIMIT, || {
        let answer = side.quietly(4, &classic_groups::beat(&id, a.generation, &a.id)).ok()??;
        (answer.error_code == 27).then_some(())
    })?;
    side.about("the classic member comes again");
    let mut again = a.clone();
    again.joins_with(side, classic(&again, &id, &t.name, &[0, 1]))?;
    again.send_sync(side, &id, &[])?;
    again.synced_to_some(side)?;
    counted(side.on(""), 1, &[&id])?;
    a.beats(side, &id, "of the generation before")?;
    again.commits(side, &id, &t.name, "in its new generation")?;
    again.beats(side, &id, "in its new generation")?;
    side.on("").about("the classic member leaves");
    side.ask(5, &classic_groups::leave(5, &id, &again.id))?;
    let next = beat(&id, "m", joined.member_epoch);
    let all = beat_until(side, next, |answer| assigned(answer).is_some_and(|p| p.len() == 2))?;
    side.write_down("the consumer has all", &format!("{} {:?}", all.member_epoch, assigned(&all)));
    counted(side, 1, &[&id])
}

fn a_classic_member_in_a_consumer_group(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 2, &[])?;
    let id = named(side, "group")?;
    let joined = join_until_assigned(side, join(&id, "m", &[&t.name]))?;
    side.quietly(1, &beat(&id, "m", joined.member_epoch).with_topic_partitions(own(&t, &[0, 1])))?;
    side.about("before an id was given");
    let request = classic(&Member::new("a"), &id, &t.name, &[]);
    let given = side.quietly(9, &request)?.ok_or("closed")?;
    side.mask(given.member_id.as_str(), "classic member");
    side.record::<JoinGroupRequest>(9, Some(&given));
    let mut member = Member { id: given.member_id.to_string(), ..Member::new("a") };
    member.joins_with(side, classic(&member, &id, &t.name, &[]))?;
    member.syncs(side, &id, &[])?;
    counted(side.on(""), 1, &[&id])?;
    for version in [0, 6] {
        side.about("as a classic group");
        side.ask(version, &DescribeGroupsRequest::default().with_groups(vec![GroupId(text(&id))]))?;
    }
    for (about, generation, who) in [
        ("a stranger", member.generation, "stranger"),
        ("of another generation", member.generation + 5, &member.id),
        ("the consumer", joined.member_epoch, "m"),
    ] {
        side.about(format!("{about} beats in the classic way"));
        side.ask(4, &classic_groups::beat(&id, generation, who))?;
        side.about(format!("{about} syncs in the classic way"));
        side.ask(5, &classic_groups::sync(5, &id, generation, who, false))?;
    }
    side.about("the classic member beats in the new way");
    side.ask(1, &beat(&id, &member.id, member.generation))?;
    side.about("a stranger leaves, and the classic member");
    side.ask(5, &classic_groups::leave(5, &id, "stranger"))?;
    side.ask(5, &classic_groups::leave(5, &id, &member.id))?;
    counted(side, 1, &[&id])
}

fn back_to_classic(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 2, &[])?;
    let id = named(side, "group")?;
    let joined = join_until_assigned(side, join(&id, "m", &[&t.name]))?;
    side.quietly(1, &beat(&id, "m", joined.member_epoch).with_topic_partitions(own(&t, &[0, 1])))?;
    let mut a = Member::of_instance("a", "one");
    a.joins_with(side, classic(&a, &id, &t.name, &[]))?;
    a.syncs(side, &id, &[])?;
    counted(side.on(""), 1, &[&id])?;
    side.about("the last consumer leaves");
    side.ask(1, &beat(&id, "m", -1))?;
    counted(side, 1, &[&id])?;
    look(side, &id, "a classic group again")?;
    a.commits(side, &id, &t.name, "in a classic group again")?;
    a.beats(side, &id, "in a classic group again")?;
    a.joins_with(side, classic(&a, &id, &t.name, &[]))?;
    a.syncs(side, &id, &[(&a, b"all")])?;
    look(side, &id, "with an assignment of its own")
}

fn refused(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 1, &[])?;
    let id = named(side, "connect")?;
    let mut worker = Member::new("a");
    worker.joins_with(side, worker.joining(&id).with_protocol_type(text("connect")))?;
    side.on("").about("a consumer in a group of workers");
    side.ask(1, &join(&id, "m", &[&t.name]))?;
    let id = named(side, "unreadable")?;
    let mut member = Member::new("b");
    let protocol = JoinGroupRequestProtocol::default().with_name(text("own")).with_metadata(Bytes::from_static(&[1]));
    member.joins_with(side, member.joining(&id).with_protocols(vec![protocol.clone()]))?;
    side.on("").about("a consumer in a group whose subscriptions cannot be read");
    side.ask(1, &join(&id, "m", &[&t.name]))?;
    let id = named(side, "new")?;
    join_until_assigned(side, join(&id, "m", &[&t.name]))?;
    side.about("a classic member without a subscription that can be read");
    let request = Member::of_instance("c", "c").joining(&id).with_protocols(vec![protocol]);
    side.ask(9, &request)?;
    side.about("a worker");
    let request = Member::of_instance("d", "d").joining(&id).with_protocol_type(text("connect"));
    side.ask(9, &request)?;
    side.about("without protocols");
    side.ask(9, &Member::of_instance("e", "e").joining(&id).with_protocols(vec![]))?;
    Ok(())
}
