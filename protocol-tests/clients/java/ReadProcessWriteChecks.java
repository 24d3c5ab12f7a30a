// Reading, processing and writing in one transaction (KIP-447): the group's metadata, which goes with the offsets, shuts out
// whoever is no longer in the group, whatever its transactional id is.

import java.util.*;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.errors.*;

class ReadProcessWriteChecks extends Harness {
    // The settings of a group's consumers, of either protocol.
    static Object[] settings(String protocol, String group) {
        return new Object[] {"group.id", group, "group.protocol", protocol, "isolation.level", "read_committed", "max.poll.records", 10};
    }

    // One worker: what it reads it writes in a transaction with its offsets.
    static class Worker implements AutoCloseable {
        final KafkaConsumer<String, String> consumer;
        final KafkaProducer<String, String> producer;
        final String sink;
        int committed;

        Worker(String source, String sink, String transactionalId, Object... settings) {
            consumer = consumer(settings);
            producer = producer("transactional.id", transactionalId);
            this.sink = sink;
            producer.initTransactions();
            consumer.subscribe(List.of(source));
        }

        void round() {
            var records = consumer.poll(POLL);
            if (records.isEmpty()) return;
            producer.beginTransaction();
            records.forEach(r -> producer.send(new ProducerRecord<>(sink, r.key(), "out " + r.value())));
            try {
                producer.sendOffsetsToTransaction(records.nextOffsets(), consumer.groupMetadata());
                producer.commitTransaction();
                committed += records.count();
            } catch (CommitFailedException othersReadThem) {
                abort();
            }
        }

        // Gives up what was written and reads it again, as far as it is still its own.
        void abort() {
            producer.abortTransaction();
            var committed = consumer.committed(consumer.assignment());
            committed.forEach((partition, offset) -> consumer.seek(partition, offset == null ? 0 : offset.offset()));
        }

        @Override public void close() {
            consumer.close();
            producer.close();
        }
    }

    // Workers come and go amid transactions; each record comes out once.
    static void workersComeAndGo(String protocol) throws Exception {
        String name = "kip-447-" + protocol, group = "java-" + name + RUN;
        String source = topic(name + "-in", 4), sink = topic(name + "-out", 2);
        Object[] settings = settings(protocol, group);
        int[] sent = {0};
        Supplier<Worker> worker = () -> new Worker(source, sink, group + UUID.randomUUID(), settings);
        try (var feeder = producer(); var first = worker.get()) {
            Runnable feed = () -> {
                for (int i = 0; i < 8; i++, sent[0]++) feeder.send(new ProducerRecord<>(source, "k" + sent[0], "v" + sent[0]));
            };
            until("a first part", () -> { feed.run(); first.round(); }, () -> first.committed >= 40);
            try (var second = worker.get()) {
                until("both at work", () -> { feed.run(); first.round(); second.round(); }, () -> second.committed >= 40);
                // It ends amid a transaction.
                second.producer.beginTransaction();
                second.producer.send(new ProducerRecord<>(sink, "k", "out of a transaction that is not ended")).get();
            }
            try (var third = worker.get()) {
                feeder.flush();
                until("all", () -> { first.round(); third.round(); }, () -> committed(group) == sent[0]);
            }
        }
        Set<String> expected = new TreeSet<>();
        for (int i = 0; i < sent[0]; i++) expected.add("out v" + i);
        committedValues(expected, sink, "processed exactly once");
    }

    // Who had a partition in an earlier generation commits nothing of it any more.
    static void earlierGeneration(String protocol) throws Exception {
        String name = "kip-447-generation-" + protocol, group = "java-" + name + RUN;
        String source = topic(name, 2), sink = topic(name + "-out", 1);
        Object[] settings = settings(protocol, group);
        produce(source, 0, 20);
        try (var first = consumer(settings); var second = consumer(settings); var producer = producer("transactional.id", group)) {
            first.subscribe(List.of(source));
            until("both partitions", () -> first.poll(POLL), () -> first.assignment().size() == 2);
            var earlier = first.groupMetadata();
            second.subscribe(List.of(source));
            until("one each", () -> { first.poll(POLL); second.poll(POLL); }, () -> first.assignment().size() == 1 && second.assignment().size() == 1);
            var moved = second.assignment().iterator().next();
            var offsets = Map.of(moved, new OffsetAndMetadata(5));
            producer.initTransactions();
            refused(producer, sink, offsets, earlier);
            same(earlier.memberId(), first.groupMetadata().memberId(), "the same member");
            expect(earlier.generationId() < first.groupMetadata().generationId(), "in a later generation");
            same(0L, committed(group), "committed by who was refused");
            accepted(producer, sink, offsets, second.groupMetadata());
            same(5L, committed(group), "committed by who has it now");
        }
        committedValues(Set.of("accepted"), sink, "what came out");
    }

    // Who has left the group commits nothing.
    static void whoHasLeft(String protocol) throws Exception {
        String name = "kip-447-left-" + protocol, group = "java-" + name + RUN;
        String source = topic(name, 1), sink = topic(name + "-out", 1);
        var offsets = Map.of(new TopicPartition(source, 0), new OffsetAndMetadata(5));
        ConsumerGroupMetadata gone;
        try (var first = consumer(settings(protocol, group))) {
            first.subscribe(List.of(source));
            until("an assignment", () -> first.poll(POLL), () -> !first.assignment().isEmpty());
            gone = first.groupMetadata();
        }
        try (var second = consumer(settings(protocol, group)); var producer = producer("transactional.id", group)) {
            second.subscribe(List.of(source));
            until("an assignment of the next", () -> second.poll(POLL), () -> !second.assignment().isEmpty());
            producer.initTransactions();
            refused(producer, sink, offsets, gone);
            accepted(producer, sink, offsets, second.groupMetadata());
        }
        same(5L, committed(group), "committed");
        committedValues(Set.of("accepted"), sink, "what came out");
    }

    // An instance that was replaced commits nothing.
    static void replacedInstance() throws Exception {
        String name = "kip-447-instance", group = "java-" + name + RUN;
        String source = topic(name, 1), sink = topic(name + "-out", 1);
        Object[] settings = {"group.id", group, "group.instance.id", "one"};
        var offsets = Map.of(new TopicPartition(source, 0), new OffsetAndMetadata(5));
        try (var first = consumer(settings); var second = consumer(settings); var producer = producer("transactional.id", group)) {
            first.subscribe(List.of(source));
            until("an assignment", () -> first.poll(POLL), () -> !first.assignment().isEmpty());
            var replaced = first.groupMetadata();
            second.subscribe(List.of(source));
            until("an assignment of the next", () -> second.poll(POLL), () -> !second.assignment().isEmpty());
            producer.initTransactions();
            producer.beginTransaction();
            fails(FencedInstanceIdException.class, () -> { producer.sendOffsetsToTransaction(offsets, replaced); return null; });
            producer.abortTransaction();
            accepted(producer, sink, offsets, second.groupMetadata());
            fails(FencedInstanceIdException.class, () -> {
                until("the first is told", () -> first.poll(POLL), () -> false);
                return null;
            });
        }
        same(5L, committed(group), "committed");
    }

    static void refused(KafkaProducer<String, String> producer, String sink, Map<TopicPartition, OffsetAndMetadata> offsets,
            ConsumerGroupMetadata as) throws Exception {
        producer.beginTransaction();
        producer.send(new ProducerRecord<>(sink, "k", "refused")).get();
        fails(CommitFailedException.class, () -> { producer.sendOffsetsToTransaction(offsets, as); return null; });
        fails(KafkaException.class, () -> { producer.commitTransaction(); return null; });
        producer.abortTransaction();
    }

    static void accepted(KafkaProducer<String, String> producer, String sink, Map<TopicPartition, OffsetAndMetadata> offsets,
            ConsumerGroupMetadata as) throws Exception {
        producer.beginTransaction();
        producer.send(new ProducerRecord<>(sink, "k", "accepted")).get();
        producer.sendOffsetsToTransaction(offsets, as);
        producer.commitTransaction();
    }
}
