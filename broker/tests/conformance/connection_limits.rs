//! How many connections there may be, and how fast they may come: what Kafka's SocketServer (ConnectionQuotas) does.

use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{ApiVersionsRequest, IncrementalAlterConfigsRequest};
use std::time::{Duration, Instant};

use crate::support::client::Client;
use crate::support::{Broker, eventually, text};

const TWO_LISTENERS: [&str; 3] = [
    "listeners=INTERNAL://127.0.0.1:0,EXTERNAL://127.0.0.1:0",
    "listener.security.protocol.map=INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT",
    "inter.broker.listener.name=INTERNAL",
];
const INTERNAL: usize = 0;
const EXTERNAL: usize = 1;

fn two_listeners(limits: &[&'static str]) -> Broker {
    Broker::start_with(&[&TWO_LISTENERS, limits].concat())
}

fn assert_served(client: &mut Client) {
    assert_eq!(client.call(0, &ApiVersionsRequest::default()).error_code, 0);
}

/// The next client that connects to a listener is kept waiting.
fn waiting(broker: &Broker, listener: usize) -> Client {
    let delayed = &broker.metrics().connections_delayed;
    let before = delayed.get();
    let mut client = broker.client_at(listener);
    client.send_body(18, 0, 1, &[]);
    eventually("it waits", || delayed.get() > before);
    client.assert_unanswered();
    client
}

#[test]
fn an_address_with_too_many_connections_is_turned_away() {
    let broker = Broker::start_with(&["max.connections.per.ip=2"]);
    let (mut first, mut second) = (broker.client(), broker.client());
    assert_served(&mut first);
    assert_served(&mut second);
    broker.client().assert_closed();
    assert_eq!(broker.metrics().connections_refused.get(), 1);
    drop(first);
    eventually("one has left", || broker.metrics().connections.get() <= 1);
    assert_served(&mut broker.client());
    assert_served(&mut second);
}

#[test]
fn an_override_counts_for_its_address_alone() {
    let settings = ["max.connections.per.ip=0", "max.connections.per.ip.overrides=127.0.0.1:1,10.1.2.3:0"];
    let broker = Broker::start_with(&settings);
    let mut only = broker.client();
    assert_served(&mut only);
    broker.client().assert_closed();
}

#[test]
fn over_the_broker_s_limit_a_client_waits_for_a_place() {
    let broker = Broker::start_with(&["max.connections=2"]);
    let (mut first, mut second) = (broker.client(), broker.client());
    assert_served(&mut first);
    assert_served(&mut second);
    let mut third = waiting(&broker, 0);
    drop(first);
    assert!(third.receive_frame().is_some(), "it has the place now");
    assert_served(&mut second);
    assert_eq!(broker.metrics().connections_refused.get(), 0, "nobody is turned away");
}

#[test]
fn a_listener_may_have_its_own_limit() {
    let broker = two_listeners(&["listener.name.external.max.connections=1"]);
    let mut first = broker.client_at(EXTERNAL);
    assert_served(&mut first);
    let mut second = waiting(&broker, EXTERNAL);
    assert_served(&mut broker.client_at(INTERNAL));
    drop(first);
    assert!(second.receive_frame().is_some());
}

#[test]
fn the_brokers_listener_takes_the_place_of_the_most_silent_client() {
    let broker = two_listeners(&["max.connections=2"]);
    let (mut first, mut second) = (broker.client_at(EXTERNAL), broker.client_at(EXTERNAL));
    assert_served(&mut first);
    assert_served(&mut second);
    let heard = Instant::now();
    eventually("silence, which is counted in milliseconds", || heard.elapsed() > Duration::from_millis(2));
    assert_served(&mut first);
    assert_served(&mut broker.client_at(INTERNAL));
    second.assert_closed();
    assert_served(&mut first);
    assert_eq!(broker.metrics().connections_evicted.get(), 1);
}

#[test]
fn who_comes_too_fast_waits_and_is_served() {
    // Ten seconds' worth may come at once (quota.window.num), each further one takes a second.
    let broker = Broker::start_with(&["max.connection.creation.rate=1"]);
    let began = Instant::now();
    let mut clients: Vec<Client> = (0..12).map(|_| broker.client()).collect();
    clients.iter_mut().for_each(assert_served);
    // Less what is lost by counting milliseconds.
    assert!(began.elapsed() > Duration::from_millis(1_990), "twelve are in after {:?}", began.elapsed());
    let delayed = broker.metrics().connections_delayed.get();
    assert!((1..=2).contains(&delayed), "{delayed} waited, and not those that may come at once");
}

#[test]
fn the_limit_of_an_address_changes_at_run_time() {
    let broker = Broker::start();
    let mut first = broker.client();
    assert_served(&mut broker.client());
    set(&mut first, "max.connections.per.ip", "1");
    eventually("one has left", || broker.metrics().connections.get() <= 1);
    broker.client().assert_closed();
    assert_served(&mut first);
}

#[test]
fn the_limits_of_single_addresses_change_at_run_time() {
    let broker = Broker::start_with(&["max.connections.per.ip.overrides=127.0.0.1:1"]);
    let mut first = broker.client();
    assert_served(&mut first);
    broker.client().assert_closed();
    let (open, refused) = (&broker.metrics().connections, &broker.metrics().connections_refused);
    let is_let_in = || {
        eventually("there is the first one alone", || open.get() == 1);
        let before = refused.get();
        let _second = broker.client();
        eventually("the second one is let in or turned away", || open.get() == 2 || refused.get() > before);
        refused.get() == before
    };
    set(&mut first, "max.connections.per.ip.overrides", "10.1.2.3:0,127.0.0.1:2");
    eventually("there is room for a second one", is_let_in);
    set(&mut first, "max.connections.per.ip.overrides", "127.0.0.1:1");
    eventually("there is no room for a second one", || !is_let_in());
    assert_served(&mut first);
}

/// Sets a config for all brokers.
fn set(client: &mut Client, name: &str, value: &str) {
    let config =
        AlterableConfig::default().with_name(text(name)).with_config_operation(0).with_value(Some(text(value)));
    let all_brokers =
        AlterConfigsResource::default().with_resource_type(4).with_resource_name(text("")).with_configs(vec![config]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![all_brokers]);
    assert_eq!(client.call(1, &request).responses[0].error_code, 0);
}
