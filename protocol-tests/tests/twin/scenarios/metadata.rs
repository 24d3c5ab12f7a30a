//! Metadata and DescribeCluster: every version, by name and by id, with topics made on the way.

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::*;
use uuid::Uuid;

use super::Scenario;
use crate::side::{Side, text, topic};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("metadata::every_version", every_version),
    ("metadata::by_id", by_id),
    ("metadata::auto_creation", auto_creation),
    ("metadata::describe_cluster", describe_cluster),
];

fn by_name(name: &str) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(Some(topic(name)))
}

/// Asks; of "all topics" only this scenario's are kept, and the broker's own parts are masked.
fn ask(side: &mut Side, version: i16, request: &MetadataRequest) -> Result<MetadataResponse, String> {
    let own = side.name("");
    let all = request.topics.as_ref().is_none_or(|t| t.is_empty() && version == 0);
    side.ask_sorted(version, request, |answer| {
        answer.cluster_id = answer.cluster_id.is_some().then(|| text("cluster"));
        if all {
            answer.topics.retain(|t| t.name.as_ref().is_some_and(|n| n.starts_with(&*own)));
        }
        answer.topics.sort_by(|a, b| (&a.name, a.topic_id).cmp(&(&b.name, b.topic_id)));
        answer.topics.iter_mut().for_each(|t| t.partitions.sort_by_key(|p| p.partition_index));
    })
}

fn every_version(side: &mut Side) -> Result<(), String> {
    let (a, b) = (side.topic("a", 3, &[])?, side.topic("b", 1, &[])?);
    for version in 0..=13 {
        let base = MetadataRequest::default();
        let base = if version >= 4 { base.with_allow_auto_topic_creation(false) } else { base };
        let base = if version >= 8 { base.with_include_topic_authorized_operations(true) } else { base };
        let base =
            if (8..=10).contains(&version) { base.with_include_cluster_authorized_operations(true) } else { base };
        side.about("all topics");
        let all = if version == 0 { Some(vec![]) } else { None };
        ask(side, version, &base.clone().with_topics(all))?;
        if version > 0 {
            side.about("no topics");
            ask(side, version, &base.clone().with_topics(Some(vec![])))?;
        }
        side.about("by name, one of them twice");
        ask(
            side,
            version,
            &base.clone().with_topics(Some(vec![by_name(&b.name), by_name(&a.name), by_name(&a.name)])),
        )?;
        let long = "n".repeat(250);
        for name in ["bad/name", "", ".", &long] {
            side.about(format!("{:.10}", name));
            ask(side, version, &base.clone().with_topics(Some(vec![by_name(name), by_name(&a.name)])))?;
        }
        if version >= 4 {
            side.about("a topic that is not there");
            ask(side, version, &base.clone().with_topics(Some(vec![by_name("nowhere")])))?;
        }
    }
    Ok(())
}

/// Asks for topics whose ids the scenario does not know.
fn ask_by_name(side: &mut Side, version: i16, request: &MetadataRequest) -> Result<(), String> {
    side.ask_sorted(version, request, |answer| {
        answer.cluster_id = None;
        answer.topics.iter_mut().for_each(|t| t.topic_id = Uuid::nil());
        answer.topics.sort_by(|a, b| a.name.cmp(&b.name));
    })?;
    Ok(())
}

fn by_id(side: &mut Side) -> Result<(), String> {
    let made = side.topic("known", 2, &[])?;
    let entry =
        |id: Uuid, name: Option<&str>| MetadataRequestTopic::default().with_topic_id(id).with_name(name.map(topic));
    for version in 10..=13 {
        for (about, list) in [
            ("known", vec![entry(made.id, None)]),
            ("unknown", vec![entry(Uuid::from_u128(77), None)]),
            ("known and unknown", vec![entry(made.id, None), entry(Uuid::from_u128(77), None)]),
            ("neither id nor name", vec![entry(Uuid::nil(), None)]),
            ("both", vec![entry(made.id, Some(&made.name))]),
            ("an id and a name", vec![entry(made.id, None), entry(Uuid::nil(), Some(&made.name))]),
        ] {
            side.about(about);
            let request = MetadataRequest::default().with_topics(Some(list)).with_allow_auto_topic_creation(false);
            side.ask_or_closed_sorted(version, &request, |answer| {
                answer.cluster_id = None;
                answer.topics.sort_by(|a, b| (&a.name, a.topic_id).cmp(&(&b.name, b.topic_id)));
                answer.topics.iter_mut().for_each(|t| t.partitions.sort_by_key(|p| p.partition_index));
            })?;
        }
    }
    Ok(())
}

fn auto_creation(side: &mut Side) -> Result<(), String> {
    for version in [0, 3, 4, 9, 12, 13] {
        let name = side.name(&format!("v{version}"));
        let request = MetadataRequest::default().with_topics(Some(vec![by_name(&name)]));
        side.about("a topic that is being made");
        ask_by_name(side, version, &request)?;
        side.await_leaders(&name, 1)?;
        side.about("a topic that was made");
        ask_by_name(side, version, &request)?;
    }
    side.about("one that cannot be made, among others");
    let (new, good) = (side.name("new"), side.name("v0"));
    let request = MetadataRequest::default()
        .with_topics(Some(["bad/name", &new, &good].map(by_name).into()))
        .with_include_topic_authorized_operations(true);
    ask_by_name(side, 12, &request)?;
    let collides = [side.name("a.b"), side.name("a_b")];
    let [dot, low] = collides.map(|name| MetadataRequest::default().with_topics(Some(vec![by_name(&name)])));
    side.quietly(12, &dot)?;
    side.await_leaders(&side.name("a.b"), 1)?;
    side.about("a name that collides");
    ask(side, 12, &low)?;
    side.about("not made when not allowed");
    let name = side.name("never");
    let request =
        MetadataRequest::default().with_topics(Some(vec![by_name(&name)])).with_allow_auto_topic_creation(false);
    ask(side, 12, &request)?;
    Ok(())
}

fn describe_cluster(side: &mut Side) -> Result<(), String> {
    for version in 0..=2 {
        for kind in if version == 0 { vec![1] } else { vec![1, 2, 0, 9] } {
            for operations in [false, true] {
                side.about(format!("endpoints {kind}, operations {operations}"));
                let request = DescribeClusterRequest::default().with_include_cluster_authorized_operations(operations);
                let request = if version >= 1 { request.with_endpoint_type(kind) } else { request };
                let request = if version >= 2 { request.with_include_fenced_brokers(true) } else { request };
                side.ask_sorted(version, &request, |a| a.cluster_id = text("cluster"))?;
            }
        }
    }
    Ok(())
}
