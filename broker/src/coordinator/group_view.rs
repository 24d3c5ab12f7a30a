//! What the groups know of the cluster: its topics, and what is set on single groups. One view for each change, shared by all shards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use forebay_control::group::{AllOverrides, GroupOverrides, TopicInfo, TopicsImage};
use forebay_control::metadata::command::ConfigResource;
use forebay_control::metadata::{MetadataMachine, TopicInfo as Topic};
use forebay_control::share::group::ShareGroupOverrides;
use parking_lot::Mutex;

use super::metadata::Metadata;
use crate::config::dynamic::Dynamic;

/// The cluster as it is after some change.
#[derive(Clone, Debug, Default)]
pub struct GroupView {
    /// The number of the change; 0 is before the first one.
    pub change: u64,
    /// All topics.
    pub topics: Arc<TopicsImage>,
    /// What is set on groups.
    pub overrides: Arc<AllOverrides>,
}

/// The view, made when it is first asked for after a change.
#[derive(Debug)]
pub struct GroupViews {
    change: AtomicU64,
    made: Mutex<GroupView>,
}

impl Default for GroupViews {
    fn default() -> Self {
        GroupViews { change: AtomicU64::new(1), made: Mutex::default() }
    }
}

impl GroupViews {
    /// Topics, their partitions or what is set on groups have changed.
    pub fn changed(&self) {
        self.change.fetch_add(1, Ordering::AcqRel);
    }

    /// The dynamic configs of brokers have changed, and are these now. Only few of them are for groups.
    pub fn broker_config_changed(&self, dynamic: &Dynamic) {
        let made = self.made.lock();
        let known = (made.overrides.assignment_interval_ms, made.overrides.share_assignment_interval_ms);
        // Where a change is not looked at yet, this one is when that is.
        if made.change == self.change() && known != intervals(dynamic) {
            self.changed();
        }
    }

    /// The number of the last change.
    pub fn change(&self) -> u64 {
        self.change.load(Ordering::Acquire)
    }

    /// The view of now. `make` is called when the old one is out of date.
    pub fn now(&self, make: impl FnOnce(&GroupView) -> (TopicsImage, AllOverrides)) -> GroupView {
        let mut made = self.made.lock();
        // Before the look: what changes during it is looked at again.
        let change = self.change();
        if made.change != change {
            let (topics, overrides) = make(&made);
            *made = GroupView { change, topics: Arc::new(topics), overrides: Arc::new(overrides) };
        }
        made.clone()
    }
}

/// Which change of the cluster a shard has been told of.
#[derive(Debug)]
pub struct Told {
    change: AtomicU64,
    /// Held while it is told, so that an older view never comes after a newer one.
    telling: Mutex<()>,
}

impl Told {
    /// Told of that change; 0 is nothing yet.
    pub fn of(change: u64) -> Told {
        Told { change: AtomicU64::new(change), telling: Mutex::new(()) }
    }

    /// Lets the shard be told of the cluster as it is now, if it is not. `tell` writes nothing that must be written: it fails only where
    /// the shard's log is offline, and then whatever is asked next does, too.
    pub fn bring_up_to_date<E>(&self, metadata: &Metadata, tell: impl FnOnce(GroupView) -> Result<(), E>) {
        if self.change.load(Ordering::Acquire) == metadata.group_view_change() {
            return;
        }
        let _guard = self.telling.lock();
        let view = metadata.group_view();
        let change = view.change;
        if self.change.load(Ordering::Acquire) != change && tell(view).is_ok() {
            self.change.store(change, Ordering::Release);
        }
    }
}

/// The topics of the controller's state, whose log ends at `version`. Topics that have not changed keep what is known of them: its
/// hash costs more than all the rest.
pub fn topics(old: &TopicsImage, machine: &MetadataMachine, version: i64) -> TopicsImage {
    let topic = |topic: &Topic| match old.by_id(topic.topic_id) {
        Some(known) if known.partitions() == topic.partition_count() => known.clone(),
        _ => Arc::new(info(machine, topic)),
    };
    old.next(version, machine.topics().map(topic))
}

fn info(machine: &MetadataMachine, topic: &Topic) -> TopicInfo {
    let rack_of = |id| machine.brokers().find(|(broker, _)| *broker == id)?.1.rack.as_deref().map(Arc::from);
    let racks: Vec<Vec<Arc<str>>> =
        topic.partitions.iter().map(|p| p.replicas.iter().filter_map(|id| rack_of(*id)).collect()).collect();
    TopicInfo::new(topic.name.as_str().into(), topic.topic_id, topic.partition_count(), &racks)
}

/// What is set on groups in the controller's state, on all of them by a broker's dynamic configs. Values were checked when they were set.
pub fn overrides(machine: &MetadataMachine, dynamic: &Dynamic) -> AllOverrides {
    let (assignment_interval_ms, share_assignment_interval_ms) = intervals(dynamic);
    AllOverrides { assignment_interval_ms, share_assignment_interval_ms, of_one: of_one(machine) }
}

/// The assignment intervals of consumer groups and of share groups that are set for all groups, in milliseconds.
fn intervals(dynamic: &Dynamic) -> (Option<i32>, Option<i32>) {
    let number = |name| dynamic.get(name).and_then(|value| value.parse().ok());
    (number("group.consumer.assignment.interval.ms"), number("group.share.assignment.interval.ms"))
}

fn of_one(machine: &MetadataMachine) -> BTreeMap<Arc<str>, GroupOverrides> {
    let of = |configs: &BTreeMap<String, String>| {
        let number = |name: &str| configs.get(name).and_then(|value| value.trim().parse().ok());
        GroupOverrides {
            session_timeout_ms: number("consumer.session.timeout.ms"),
            heartbeat_interval_ms: number("consumer.heartbeat.interval.ms"),
            assignment_interval_ms: number("consumer.assignment.interval.ms"),
            share: ShareGroupOverrides {
                session_timeout_ms: number("share.session.timeout.ms"),
                heartbeat_interval_ms: number("share.heartbeat.interval.ms"),
                assignment_interval_ms: number("share.assignment.interval.ms"),
            },
        }
    };
    let group = |(resource, configs): (&ConfigResource, _)| match resource {
        ConfigResource::Group(name) => Some((Arc::from(name.as_str()), of(configs))),
        _ => None,
    };
    machine.all_dynamic_configs().filter_map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_made_once_for_each_change() {
        let views = GroupViews::default();
        let made = std::cell::Cell::new(0);
        let look = || {
            views.now(|old| {
                made.set(made.get() + 1);
                (old.topics.next(i64::from(made.get()), []), AllOverrides::default())
            })
        };
        assert_eq!((look().change, look().topics.version(), made.get()), (1, 1, 1));
        views.changed();
        assert_eq!((look().change, look().topics.version(), made.get()), (2, 2, 2));
    }

    #[test]
    fn of_the_brokers_configs_groups_are_told_their_own() {
        let views = GroupViews::default();
        let dynamic = |entries: &[(&str, &str)]| Dynamic {
            cluster: entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            ..Dynamic::default()
        };
        let look = |dynamic: &Dynamic| {
            let (assignment_interval_ms, share_assignment_interval_ms) = intervals(dynamic);
            let overrides =
                AllOverrides { assignment_interval_ms, share_assignment_interval_ms, ..AllOverrides::default() };
            views.now(|old| (old.topics.next(1, []), overrides))
        };
        look(&dynamic(&[]));
        views.broker_config_changed(&dynamic(&[("log.retention.ms", "1")]));
        assert_eq!(views.change(), 1);
        for (at, key) in
            ["group.consumer.assignment.interval.ms", "group.share.assignment.interval.ms"].iter().enumerate()
        {
            let set = dynamic(&[(key, "7")]);
            views.broker_config_changed(&set);
            assert_eq!(views.change(), 2 + at as u64, "{key}");
            let now = look(&set).overrides;
            assert!([now.assignment_interval_ms, now.share_assignment_interval_ms].contains(&Some(7)));
            views.broker_config_changed(&set);
            assert_eq!(views.change(), 2 + at as u64, "{key} is as it was");
        }
    }
}
