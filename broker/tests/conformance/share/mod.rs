//! Share groups (KIP-932).

mod delivery;
mod groups;
mod sessions;
mod state;

use crate::support::Broker;
use crate::support::requests::{Topic, create_topic};
use crate::support::share::{ShareMember, initialize};

/// Acknowledgement types.
const ACCEPT: i8 = 1;
const RELEASE: i8 = 2;
const REJECT: i8 = 3;
const RENEW: i8 = 4;

/// A topic with one partition that the group `g` reads from its start.
fn topic(broker: &Broker) -> Topic {
    let mut client = broker.client();
    let topic = create_topic(&mut client, "known", 1, &[]);
    assert_eq!(initialize(&mut client, "g", &topic, 0, 0), 0);
    topic
}

/// A member of `g`.
fn member(broker: &Broker, name: &str) -> ShareMember {
    ShareMember::new(broker.client(), "g", name)
}
