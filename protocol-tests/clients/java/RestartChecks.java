// Transactions and groups while the broker is killed and started again: `java RestartChecks 127.0.0.1:9092 [check ...]`, as Checks.java.
// Prints `restart N` where the broker shall be killed; whoever does that writes N into the topic `told` when it is there again.

import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.errors.*;

public class RestartChecks extends Harness {
    public static void main(String[] args) {
        Map<String, Check> checks = new LinkedHashMap<>();
        checks.put("open-transaction", RestartChecks::openTransaction);
        for (String protocol : List.of("classic", "consumer")) {
            checks.put("read-process-write-" + protocol, () -> readProcessWrite(protocol));
            checks.put("group-goes-on-" + protocol, () -> groupGoesOn(protocol));
        }
        checks.put("zombie", RestartChecks::zombie);
        checks.put("transaction-timeout", RestartChecks::transactionTimeout);
        runAll(args, checks);
    }

    static final String TOLD = "told";
    // Apache Kafka takes long to start where the machine is busy.
    static final Duration RESTART_LIMIT = Duration.ofSeconds(120);
    static int restarts;
    static Duration longestRestart = Duration.ZERO;

    // Returns when the broker was killed and is there again.
    static void restart() throws Exception {
        if (restarts == 0) admin.createTopics(List.of(new NewTopic(TOLD, 1, (short) 1))).all().get();
        String number = Integer.toString(++restarts);
        System.out.println("restart " + number);
        Set<String> told = new HashSet<>();
        long began = System.nanoTime();
        try (var consumer = consumer()) {
            consumer.assign(List.of(new TopicPartition(TOLD, 0)));
            until(RESTART_LIMIT, "restart " + number, () -> consumer.poll(POLL).forEach(r -> told.add(r.value())), () -> told.contains(number));
        }
        Duration took = Duration.ofNanos(System.nanoTime() - began);
        if (took.compareTo(longestRestart) > 0) longestRestart = took;
    }

    static void openTransaction() throws Exception {
        String topic = topic("restart-transaction", 2);
        try (var producer = producer("transactional.id", "java-restart" + RUN)) {
            producer.initTransactions();
            producer.beginTransaction();
            produce(producer, topic, 0, 50);
            restart();
            sameValues(values(0, 0), readAll(topic, "read_committed"), "committed while it is open");
            produce(producer, topic, 50, 100);
            producer.commitTransaction();
            committedValues(values(0, 100), topic, "committed");
            producer.beginTransaction();
            produce(producer, topic, 100, 150);
            restart();
            producer.abortTransaction();
            producer.beginTransaction();
            produce(producer, topic, 150, 160);
            producer.commitTransaction();
        }
        Set<String> expected = values(0, 100);
        expected.addAll(values(150, 160));
        committedValues(expected, topic, "committed after all");
        sameValues(values(0, 160), readAll(topic, "read_uncommitted"), "written");
    }

    // Offsets in a transaction that is open when the broker is killed are committed with it, or not at all.
    static void readProcessWrite(String protocol) throws Exception {
        String name = "restart-process-" + protocol, group = "java-" + name + RUN;
        String source = topic(name, 1), sink = topic(name + "-out", 1);
        produce(source, 0, 20);
        try (var consumer = consumer(ReadProcessWriteChecks.settings(protocol, group)); var producer = producer("transactional.id", group)) {
            producer.initTransactions();
            consumer.subscribe(List.of(source));
            List<String> found = new ArrayList<>();
            until("all", () -> consumer.poll(POLL).forEach(r -> found.add(r.value())), () -> found.size() >= 20);
            Map<TopicPartition, OffsetAndMetadata> all = Map.of(new TopicPartition(source, 0), new OffsetAndMetadata(20));
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(sink, "aborted")).get();
            producer.sendOffsetsToTransaction(all, consumer.groupMetadata());
            restart();
            producer.abortTransaction();
            same(0L, committed(group), "committed after an abort");
            producer.beginTransaction();
            for (String value : found) producer.send(new ProducerRecord<>(sink, "out " + value)).get();
            producer.sendOffsetsToTransaction(all, consumer.groupMetadata());
            restart();
            producer.commitTransaction();
        }
        same(20L, committed(group), "committed");
        Set<String> expected = new TreeSet<>();
        for (int i = 0; i < 20; i++) expected.add("out v" + i);
        committedValues(expected, sink, "processed exactly once");
    }

    // A member stays in its group, and reads each record once.
    static void groupGoesOn(String protocol) throws Exception {
        String name = "restart-group-" + protocol, topic = topic(name, 2);
        produce(topic, 0, 20);
        // The member waits for the broker for as long as this program does, and is not thrown out of its group when it comes late.
        int patienceMs = (int) RESTART_LIMIT.toMillis();
        try (var member = new Member(topic, "group.id", "java-" + name + RUN, "group.protocol", protocol, "default.api.timeout.ms", patienceMs,
                "session.timeout.ms", patienceMs)) {
            Member.await("a first part", () -> member.values.size() >= 20, member);
            restart();
            produce(topic, 20, 40);
            Member.await(RESTART_LIMIT, "the rest", () -> member.values.size() >= 40, member);
            sameValues(values(0, 40), member.values, "read");
            same(List.of("assigned [0, 1]"), List.copyOf(member.events), "what the member was told");
        }
        same(40L, committed("java-" + name + RUN), "committed");
    }

    // The next one of its name ends what was open when the broker was killed.
    static void zombie() throws Exception {
        String topic = topic("restart-zombie", 1);
        try (var zombie = producer("transactional.id", "java-restart-zombie" + RUN); var heir = producer("transactional.id", "java-restart-zombie" + RUN)) {
            zombie.initTransactions();
            zombie.beginTransaction();
            zombie.send(new ProducerRecord<>(topic, "from the zombie")).get();
            restart();
            heir.initTransactions();
            heir.beginTransaction();
            heir.send(new ProducerRecord<>(topic, "from the heir")).get();
            Exception fenced = fails(KafkaException.class, () -> { zombie.commitTransaction(); return null; });
            Throwable cause = fenced instanceof ProducerFencedException || fenced.getCause() == null ? fenced : fenced.getCause();
            expect(cause instanceof ProducerFencedException || cause instanceof InvalidProducerEpochException, "the zombie got " + fenced);
            heir.commitTransaction();
        }
        committedValues(Set.of("from the heir"), topic, "committed");
    }

    // A transaction whose time is over is ended by the coordinator, also by one that has found it in its log.
    static void transactionTimeout() throws Exception {
        String topic = topic("restart-timeout", 1), id = "java-restart-timeout" + RUN;
        // The restart must be over by then.
        int timeoutMs = (int) Math.max(10_000, 5 * longestRestart.toMillis());
        try (var producer = producer("transactional.id", id, "transaction.timeout.ms", timeoutMs); var other = producer()) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, "too late")).get();
            restart();
            same(TransactionState.ONGOING, admin.describeTransactions(List.of(id)).description(id).get().state(), "after the restart");
            other.send(new ProducerRecord<>(topic, "in time")).get();
            until(RESTART_LIMIT, "the coordinator's abort", () -> {}, () -> readAll(topic, "read_committed").contains("in time"));
            fails(KafkaException.class, () -> { producer.commitTransaction(); return null; });
        }
        same(List.of("in time"), readAll(topic, "read_committed"), "committed");
    }
}
