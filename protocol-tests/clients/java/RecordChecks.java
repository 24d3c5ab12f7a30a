// What goes in comes out: codecs, every field of a record, an idempotent producer, a topic made by its first record.

import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.header.internals.RecordHeader;

class RecordChecks extends Harness {
    static void roundTrip(String codec) throws Exception {
        String topic = topic("round-trip-" + codec, 3);
        String filler = "repeat me ".repeat(50);
        List<String> sent = new ArrayList<>();
        try (var producer = producer("compression.type", codec, "batch.size", 65536)) {
            List<Future<RecordMetadata>> acks = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                sent.add(i + filler);
                acks.add(producer.send(new ProducerRecord<>(topic, "k" + i, sent.get(i))));
            }
            producer.flush();
            for (var ack : acks) expect(ack.get().hasOffset(), "acknowledged without an offset");
        }
        sameValues(new TreeSet<>(sent), readAll(topic, "read_uncommitted"), codec);
    }

    static void recordFields() throws Exception {
        String topic = topic("fields", 1);
        try (var producer = producer()) {
            var headers = List.<org.apache.kafka.common.header.Header>of(new RecordHeader("a", "1".getBytes()), new RecordHeader("a", null));
            producer.send(new ProducerRecord<>(topic, 0, 1234567890123L, null, "no key", headers)).get();
            producer.send(new ProducerRecord<>(topic, 0, 1234567890124L, "no value", (String) null)).get();
        }
        try (var consumer = consumer()) {
            var partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            List<ConsumerRecord<String, String>> found = new ArrayList<>();
            until("two records", () -> consumer.poll(POLL).forEach(found::add), () -> found.size() >= 2);
            same(null, found.get(0).key(), "key");
            same(1234567890123L, found.get(0).timestamp(), "timestamp");
            same(0, found.get(0).leaderEpoch().orElse(-1), "leader epoch");
            var headers = found.get(0).headers().toArray();
            same(2, headers.length, "headers");
            same("1", new String(headers[0].value()), "first header");
            same(null, headers[1].value(), "second header");
            same(null, found.get(1).value(), "value");
            same(1L, found.get(1).offset(), "offset");
        }
    }

    static void idempotentProducer() throws Exception {
        String topic = topic("idempotent", 2);
        try (var producer = producer("enable.idempotence", true, "max.in.flight.requests.per.connection", 5, "batch.size", 200, "linger.ms", 0)) {
            produce(producer, topic, 0, 1000);
        }
        sameValues(values(0, 1000), readAll(topic, "read_committed"), "idempotent");
        var partition = new TopicPartition(topic, 0);
        var states = admin.describeProducers(List.of(partition)).partitionResult(partition).get().activeProducers();
        same(1, states.size(), "active producers of the partition");
        expect(states.get(0).lastSequence() > 0, "last sequence " + states.get(0).lastSequence());
    }

    static void autoCreateTopic() throws Exception {
        String name = "java-auto-" + RUN;
        produce(name, 0, 3);
        sameValues(values(0, 3), readAll(name, "read_uncommitted"), "auto-created");
    }
}
