//! The windowed job over the real clicks: loaded through librdkafka, compared row by row with rows computed elsewhere.

#![allow(clippy::unwrap_used)]

mod support;

use protocol_tests::broker::{Broker, Node};
use protocol_tests::clicks::{self, Clicks};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use support::{INPUT, LIMIT, OUTPUT, PARTITIONS};

#[test]
fn tumbling_windows_over_real_clicks_give_the_expected_rows() {
    job_gives_the_expected_rows("clicks-job", &Clicks::load());
}

#[test]
fn tumbling_windows_over_generated_clicks_give_the_computed_rows() {
    job_gives_the_expected_rows("generated-clicks-job", &Clicks::generate());
}

fn job_gives_the_expected_rows(name: &str, clicks: &Clicks) {
    let node = Broker::Forebay.start(name).unwrap();
    if let Err(error) = run(&node, clicks) {
        panic!("{error}\n{}", node.tail());
    }
}

fn run(node: &Node, clicks: &Clicks) -> Result<(), String> {
    let bootstrap = &node.bootstrap();
    support::create_topics(bootstrap, &[INPUT, OUTPUT], &[])?;
    support::apply_job(node)?;
    let producer: BaseProducer =
        support::client(bootstrap).set("enable.idempotence", "true").create().map_err(support::text)?;
    for click in &clicks.events {
        send(&producer, BaseRecord::to(INPUT).key(&click.user_id).payload(&click.value))?;
    }
    // All real events lie before the events that close their windows.
    producer.flush(LIMIT).map_err(support::text)?;
    for days in [1, 2] {
        for (partition, click) in (0..).zip(clicks.closers(PARTITIONS, days)) {
            send(&producer, BaseRecord::to(INPUT).key(&click.user_id).payload(&click.value).partition(partition))?;
        }
        producer.flush(LIMIT).map_err(support::text)?;
    }
    clicks::compare(&clicks.expected, support::output_rows(bootstrap)?)
}

fn send(producer: &BaseProducer, record: BaseRecord<'_, String, String>) -> Result<(), String> {
    producer.poll(std::time::Duration::ZERO);
    producer.send(record).map_err(|(error, _)| error.to_string())
}
