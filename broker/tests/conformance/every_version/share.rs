//! APIs of share groups.

use kafka_protocol::messages::*;

use super::World;
use crate::support::client::Client;
use crate::support::share;

const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const INVALID_REQUEST: i16 = 42;

pub fn initialize_state(client: &mut Client, world: &World, version: i16) {
    client.call(version, &InitializeShareGroupStateRequest::default());
    assert_eq!(share::initialize(client, "initialized", &world.known, 0, 0), 0);
    assert_eq!(share::initialize(client, "initialized", &world.unknown, 0, 0), UNKNOWN_TOPIC_OR_PARTITION);
}

pub fn read_state(client: &mut Client, world: &World, version: i16) {
    client.call(version, &ReadShareGroupStateRequest::default());
    assert_eq!(share::initialize(client, "read", &world.known, 0, 0), 0);
    assert_eq!(share::read_state(client, "read", &world.known, 0).error_code, 0);
    assert_eq!(share::read_state(client, "read", &world.unknown, 0).error_code, INVALID_REQUEST);
}

pub fn write_state(client: &mut Client, world: &World, version: i16) {
    assert_eq!(share::initialize(client, "written", &world.known, 0, 0), 0);
    let request = |topic| share::write_request("written", topic, (0, 0), 0, (0, 5, 0, 1));
    assert_eq!(share::write_state(client, version, &request(&world.known), 0), 0);
    assert_eq!(share::write_state(client, version, &request(&world.unknown), 0), INVALID_REQUEST);
}

pub fn delete_state(client: &mut Client, _: &World, version: i16) {
    client.call(version, &DeleteShareGroupStateRequest::default());
}

pub fn read_state_summary(client: &mut Client, world: &World, version: i16) {
    let (unknown, _) = share::summary(client, version, "summed", &world.unknown);
    assert_eq!(unknown.error_code, UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(share::summary(client, version, "summed", &world.known).0.error_code, 0);
}
