// Transactions: committed, aborted, with the offsets of what was read, fenced.

import java.util.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.errors.*;

class TransactionChecks extends Harness {
    static void transactionCommitAbort() throws Exception {
        String topic = topic("transactions", 2);
        try (var producer = producer("transactional.id", "java-tx" + RUN)) {
            producer.initTransactions();
            producer.beginTransaction();
            produce(producer, topic, 0, 50);
            producer.commitTransaction();
            producer.beginTransaction();
            produce(producer, topic, 50, 100);
            same(50, readAll(topic, "read_committed").size(), "read_committed stops at the open transaction");
            producer.abortTransaction();
            producer.beginTransaction();
            produce(producer, topic, 100, 150);
            producer.commitTransaction();
        }
        Set<String> committed = values(0, 50);
        committed.addAll(values(100, 150));
        committedValues(committed, topic, "read_committed");
        sameValues(values(0, 150), readAll(topic, "read_uncommitted"), "read_uncommitted");
    }

    static void consumeTransformProduce() throws Exception {
        String source = topic("ctp-in", 2), sink = topic("ctp-out", 2), group = "java-ctp" + RUN;
        produce(source, 0, 100);
        for (int attempt = 0; attempt < 3; attempt++) {
            try (var consumer = consumer("group.id", group, "isolation.level", "read_committed", "max.poll.records", 30);
                 var producer = producer("transactional.id", "java-ctp" + RUN)) {
                producer.initTransactions();
                consumer.subscribe(List.of(source));
                boolean abort = attempt == 1;
                int[] left = {attempt == 0 ? 60 : attempt == 1 ? 20 : 1000};
                until("attempt " + attempt, () -> {
                    var records = consumer.poll(POLL);
                    if (records.isEmpty()) return;
                    producer.beginTransaction();
                    records.forEach(r -> producer.send(new ProducerRecord<>(sink, r.key(), "out " + r.value())));
                    producer.sendOffsetsToTransaction(records.nextOffsets(), consumer.groupMetadata());
                    if (abort) producer.abortTransaction(); else producer.commitTransaction();
                    left[0] -= records.count();
                }, () -> left[0] <= 0 || (left[0] > 500 && committed(group) == 100));
            }
        }
        List<String> out = readAll(sink, "read_committed");
        Set<String> expected = new TreeSet<>();
        for (int i = 0; i < 100; i++) expected.add("out v" + i);
        sameValues(expected, out, "transformed exactly once");
    }

    static void zombieFencing() throws Exception {
        String topic = topic("zombie", 1);
        try (var zombie = producer("transactional.id", "java-zombie" + RUN)) {
            zombie.initTransactions();
            zombie.beginTransaction();
            zombie.send(new ProducerRecord<>(topic, "k", "from the zombie")).get();
            try (var heir = producer("transactional.id", "java-zombie" + RUN)) {
                heir.initTransactions();
                heir.beginTransaction();
                heir.send(new ProducerRecord<>(topic, "k", "from the heir")).get();
                Exception fenced = fails(Exception.class, () -> {
                    zombie.send(new ProducerRecord<>(topic, "k", "too late")).get();
                    zombie.commitTransaction();
                    return null;
                });
                Throwable cause = fenced instanceof KafkaException && fenced.getCause() != null ? fenced.getCause() : fenced;
                expect(cause instanceof ProducerFencedException || cause instanceof InvalidProducerEpochException, "the zombie got " + fenced);
                heir.commitTransaction();
            }
        }
        committedValues(Set.of("from the heir"), topic, "read_committed");
    }

    static void transactionTimeoutTooLarge() throws Exception {
        try (var producer = producer("transactional.id", "java-timeout" + RUN, "transaction.timeout.ms", 3600000)) {
            var refused = fails(KafkaException.class, () -> { producer.initTransactions(); return null; });
            expect(refused.getMessage().contains("transaction timeout is larger"), "refused with INVALID_TRANSACTION_TIMEOUT, but got " + refused);
        }
    }
}
