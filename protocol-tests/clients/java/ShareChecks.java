// Share groups (KIP-932) of Apache Kafka's own Java client: `java ShareChecks 127.0.0.1:9092 [check ...]`, as Checks.java.

import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.*;

public class ShareChecks extends Harness {
    public static void main(String[] args) {
        Map<String, Check> checks = new LinkedHashMap<>();
        checks.put("share-implicit-acknowledgement", ShareChecks::implicitAcknowledgement);
        checks.put("share-explicit-acknowledgement", ShareChecks::explicitAcknowledgement);
        checks.put("share-several-consumers", ShareChecks::severalConsumers);
        checks.put("share-redelivery-after-close", ShareChecks::redeliveryAfterClose);
        checks.put("share-read-committed", ShareChecks::readCommitted);
        checks.put("share-renew", ShareChecks::renew);
        checks.put("share-record-limit", ShareChecks::recordLimit);
        runAll(args, checks);
    }

    // A group that begins at the first record, with more configs.
    static String group(String name, String... configs) throws Exception {
        String group = "java-" + name + RUN;
        var ops = new ArrayList<AlterConfigOp>();
        ops.add(new AlterConfigOp(new ConfigEntry("share.auto.offset.reset", "earliest"), AlterConfigOp.OpType.SET));
        for (int i = 0; i < configs.length; i += 2)
            ops.add(new AlterConfigOp(new ConfigEntry(configs[i], configs[i + 1]), AlterConfigOp.OpType.SET));
        admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.GROUP, group), ops)).all().get();
        return group;
    }

    static KafkaShareConsumer<String, String> consumer(String group, String topic, Object... settings) {
        var consumer = new KafkaShareConsumer<String, String>(with(new HashMap<>(Map.of("bootstrap.servers", bootstrap,
            "group.id", group, "key.deserializer", StringDeserializer.class, "value.deserializer", StringDeserializer.class)), settings));
        consumer.subscribe(List.of(topic));
        return consumer;
    }

    // Polls until records come.
    static List<ConsumerRecord<String, String>> some(KafkaShareConsumer<String, String> consumer) throws Exception {
        List<ConsumerRecord<String, String>> found = new ArrayList<>();
        until("records", () -> consumer.poll(POLL).forEach(found::add), () -> !found.isEmpty());
        return found;
    }

    static List<String> values(List<ConsumerRecord<String, String>> records) {
        return records.stream().map(ConsumerRecord::value).toList();
    }

    static void committed(KafkaShareConsumer<String, String> consumer) {
        consumer.commitSync().forEach((partition, error) -> expect(error.isEmpty(), "commit of " + partition + ": " + error));
    }

    static void implicitAcknowledgement() throws Exception {
        String name = topic("share-implicit", 2), group = group("share-implicit");
        produce(name, 0, 40);
        List<String> found = new ArrayList<>();
        try (var consumer = consumer(group, name)) {
            until("all read", () -> consumer.poll(POLL).forEach(r -> found.add(r.value())), () -> found.size() >= 40);
            // What the last poll has brought; closing alone would give it back.
            committed(consumer);
        }
        sameValues(values(0, 40), found, "first");
        produce(name, 40, 50);
        found.clear();
        try (var consumer = consumer(group, name)) {
            until("the rest read", () -> consumer.poll(POLL).forEach(r -> found.add(r.value())), () -> found.size() >= 10);
            consumer.poll(Duration.ofMillis(500)).forEach(r -> found.add(r.value()));
        }
        sameValues(values(40, 50), found, "what was acknowledged does not come again");
        var described = admin.describeShareGroups(List.of(group)).all().get().get(group);
        same(GroupState.EMPTY, described.groupState(), "state");
    }

    static void explicitAcknowledgement() throws Exception {
        String name = topic("share-explicit", 1), group = group("share-explicit");
        produce(name, 0, 3);
        try (var consumer = consumer(group, name, "share.acknowledgement.mode", "explicit")) {
            Map<Long, ConsumerRecord<String, String>> first = new TreeMap<>();
            until("three records", () -> consumer.poll(POLL).forEach(r -> {
                first.put(r.offset(), r);
                // Another poll wants each record of the last one spoken of.
                if (r.offset() == 0) consumer.acknowledge(r, AcknowledgeType.ACCEPT);
                else if (r.offset() == 1) consumer.acknowledge(r, AcknowledgeType.REJECT);
                else consumer.acknowledge(r, r.deliveryCount().get() == 1 ? AcknowledgeType.RELEASE : AcknowledgeType.ACCEPT);
            }), () -> first.size() == 3 && first.get(2L).deliveryCount().get() == 2);
            committed(consumer);
            same((short) 1, first.get(0L).deliveryCount().get(), "deliveries of the accepted record");
            same((short) 1, first.get(1L).deliveryCount().get(), "deliveries of the rejected record");
            produce(name, 3, 4);
            var last = some(consumer);
            same(List.of(3L), last.stream().map(ConsumerRecord::offset).toList(), "what comes then");
            fails(IllegalStateException.class, () -> consumer.poll(POLL));
            consumer.acknowledge(last.get(0));
            committed(consumer);
        }
    }

    static void severalConsumers() throws Exception {
        String name = topic("share-several", 1), group = group("share-several");
        List<KafkaShareConsumer<String, String>> consumers = new ArrayList<>();
        List<Integer> counts = new ArrayList<>(List.of(0, 0, 0));
        List<String> found = new ArrayList<>();
        try (var producer = producer("batch.size", 0)) {
            for (int i = 0; i < 3; i++) consumers.add(consumer(group, name, "max.poll.records", 10));
            int[] next = {0};
            until("each has read from the only partition", () -> {
                for (int i = 0; i < 20; i++) producer.send(new ProducerRecord<>(name, "k", "v" + next[0]++));
                producer.flush();
                for (int i = 0; i < 3; i++) {
                    int index = i;
                    consumers.get(i).poll(POLL).forEach(r -> {
                        found.add(r.value());
                        counts.set(index, counts.get(index) + 1);
                    });
                }
            }, () -> counts.stream().allMatch(count -> count > 0));
            until("all read", () -> consumers.forEach(c -> c.poll(POLL).forEach(r -> found.add(r.value()))), () -> found.size() >= next[0]);
            same(next[0], new HashSet<>(found).size(), "different values");
            same(next[0], found.size(), "values");
        } finally {
            consumers.forEach(KafkaShareConsumer::close);
        }
    }

    static void redeliveryAfterClose() throws Exception {
        String name = topic("share-close", 1), group = group("share-close");
        produce(name, 0, 5);
        try (var consumer = consumer(group, name, "share.acknowledgement.mode", "explicit")) {
            var records = some(consumer);
            same((short) 1, records.get(0).deliveryCount().get(), "first delivery");
            consumer.acknowledge(records.get(0), AcknowledgeType.ACCEPT);
            committed(consumer);
        }
        Map<Long, Short> again = new TreeMap<>();
        try (var consumer = consumer(group, name)) {
            until("the others", () -> consumer.poll(POLL).forEach(r -> again.put(r.offset(), r.deliveryCount().get())), () -> again.size() >= 4);
        }
        same(Set.of(1L, 2L, 3L, 4L), again.keySet(), "offsets that come again");
        same((short) 2, again.get(1L), "second delivery");
    }

    static void readCommitted() throws Exception {
        String name = topic("share-committed", 1), group = group("share-committed", "share.isolation.level", "read_committed");
        String all = group("share-uncommitted");
        List<String> found = new ArrayList<>();
        try (var producer = producer("transactional.id", "java-share" + RUN); var consumer = consumer(group, name)) {
            producer.initTransactions();
            for (String value : List.of("aborted", "committed")) {
                producer.beginTransaction();
                for (int i = 0; i < 3; i++) producer.send(new ProducerRecord<>(name, "k", value + i)).get();
                if (value.equals("aborted")) producer.abortTransaction(); else producer.commitTransaction();
            }
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(name, "k", "open")).get();
            until("the committed ones", () -> consumer.poll(POLL).forEach(r -> found.add(r.value())), () -> found.size() >= 3);
            consumer.poll(Duration.ofMillis(500)).forEach(r -> found.add(r.value()));
            same(List.of("committed0", "committed1", "committed2"), found, "committed");
            producer.commitTransaction();
            same(List.of("open"), values(some(consumer)), "what was open");
        }
        List<String> uncommitted = new ArrayList<>();
        try (var consumer = consumer(all, name)) {
            until("everything", () -> consumer.poll(POLL).forEach(r -> uncommitted.add(r.value())), () -> uncommitted.size() >= 7);
        }
        expect(uncommitted.contains("aborted0"), "read_uncommitted delivers what was aborted");
    }

    static void renew() throws Exception {
        String name = topic("share-renew", 1), group = group("share-renew");
        produce(name, 0, 1);
        try (var consumer = consumer(group, name, "share.acknowledgement.mode", "explicit")) {
            var record = some(consumer).get(0);
            same(30_000, consumer.acquisitionLockTimeoutMs().get(), "lock");
            for (int i = 0; i < 2; i++) {
                consumer.acknowledge(record, AcknowledgeType.RENEW);
                committed(consumer);
                // A renewed record comes once more from the client itself, not from the broker.
                var again = some(consumer);
                same(List.of(0L), again.stream().map(ConsumerRecord::offset).toList(), "renewed");
                same((short) 1, again.get(0).deliveryCount().get(), "deliveries");
                record = again.get(0);
            }
            consumer.acknowledge(record, AcknowledgeType.ACCEPT);
            committed(consumer);
        }
        produce(name, 1, 2);
        try (var consumer = consumer(group, name)) {
            same(List.of(1L), some(consumer).stream().map(ConsumerRecord::offset).toList(), "what is left");
        }
    }

    static void recordLimit() throws Exception {
        String name = topic("share-limit", 1), group = group("share-limit");
        produce(name, 0, 20);
        List<String> found = new ArrayList<>();
        try (var consumer = consumer(group, name, "share.acquire.mode", "record_limit", "max.poll.records", 3)) {
            until("all read", () -> {
                var records = consumer.poll(POLL);
                expect(records.count() <= 3, "a poll brought " + records.count());
                records.forEach(r -> found.add(r.value()));
            }, () -> found.size() >= 20);
        }
        sameValues(values(0, 20), found, "all");
    }
}
