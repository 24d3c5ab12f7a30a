//! DeleteTopics. Sources: ControllerApisTest.testDeleteTopics*, ReplicationControlManagerTest.testDeleteTopics.

use super::*;

fn delete(w: &mut World, topics: Vec<TopicRef>) -> Vec<DeleteTopicResult> {
    match w.run(Command::DeleteTopics(DeleteTopics { reply_to: ASKER, topics })) {
        Some(Reply::DeleteTopics(results)) => results,
        other => panic!("{other:?}"),
    }
}

fn name(name: &str) -> TopicRef {
    TopicRef::Name(name.into())
}

#[test]
fn a_topic_goes_with_its_configs_and_its_name_is_free_again() {
    let mut w = World::new();
    let topic = with_configs(w.topic("t", 2, 1), &[("retention.ms", Some("5"))]);
    let id = w.create(topic).topic_id;
    let result = delete(&mut w, vec![name("t")]).remove(0);
    assert_eq!((result.error, result.topic_id, result.name.as_deref()), (ErrorCode::None, id, Some("t")));
    assert_eq!(
        w.effects.last(),
        Some(&Effect::DeletePartitions { topic: "t".into(), topic_id: id, partitions: vec![0, 1] })
    );
    assert!(w.machine.topic("t").is_none() && w.machine.topic_by_id(id).is_none());
    let again = w.made("t", 1);
    assert_ne!(again, id);
    assert_eq!(w.machine.topic_overrides("t"), Some([].into()));
    assert_eq!(w.replayed(), w.machine);
}

#[test]
fn by_id_works_as_well() {
    let mut w = World::new();
    let id = w.made("t", 1);
    let result = delete(&mut w, vec![TopicRef::Id(id)]).remove(0);
    assert_eq!((result.error, result.name.as_deref()), (ErrorCode::None, Some("t")));
}

#[test]
fn unknown_topics_get_the_error_of_how_they_were_named() {
    let mut w = World::new();
    let id = TopicId(Uuid::from_u128(99));
    let results = delete(&mut w, vec![name("t"), TopicRef::Id(id)]);
    assert_eq!(results[0].error, ErrorCode::UnknownTopicOrPartition);
    assert_eq!(results[0].message.as_deref(), Some("This server does not host this topic-partition."));
    assert_eq!((results[1].error, results[1].topic_id), (ErrorCode::UnknownTopicId, id));
    assert_eq!(results[1].message.as_deref(), Some("This server does not host this topic ID."));
}

#[test]
fn what_is_named_twice_is_kept() {
    let mut w = World::new();
    let (id, _) = (w.made("a", 1), w.made("b", 1));
    let results = delete(&mut w, vec![name("b"), name("a"), name("b"), TopicRef::Id(id)]);
    let short: Vec<_> = results.iter().map(|r| (r.error, r.message.as_deref())).collect();
    let mapped = "The provided topic name maps to an ID that was already supplied.";
    assert_eq!(
        short,
        [(ErrorCode::InvalidRequest, Some("Duplicate topic name.")), (ErrorCode::InvalidRequest, Some(mapped)),]
    );
    assert_eq!(w.machine.topics().count(), 2);
}

#[test]
fn deletion_can_be_switched_off() {
    let mut w = World::with(MetadataConfig { delete_topic_enable: false, ..MetadataConfig::default() }, &[1]);
    w.made("t", 1);
    assert_eq!(delete(&mut w, vec![name("t")])[0].error, ErrorCode::TopicDeletionDisabled);
    assert!(w.machine.topic("t").is_some());
}
