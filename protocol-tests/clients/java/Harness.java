// What every check of this folder needs: named checks, waiting with a limit, clients with settings, topics of this run.

import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.serialization.*;

class Harness {
    interface Check { void run() throws Exception; }

    static final Duration LIMIT = Duration.ofSeconds(30);
    static final Duration POLL = Duration.ofMillis(100);
    static final String RUN = Long.toString(System.nanoTime(), 36);
    static String bootstrap;
    static Admin admin;

    // Runs those checks that the arguments name, or all, and ends the program. Prints one line a check (`ok NAME MILLIS` or
    // `failed NAME: reason`) and exits with 1 when one failed.
    static void runAll(String[] args, Map<String, Check> checks) {
        bootstrap = args[0];
        Set<String> wanted = Set.copyOf(Arrays.asList(args).subList(1, args.length));
        int failed = 0;
        admin = Admin.create(Map.of("bootstrap.servers", bootstrap, "default.api.timeout.ms", 30000));
        for (var entry : checks.entrySet()) {
            if (!wanted.isEmpty() && !wanted.contains(entry.getKey())) continue;
            long start = System.nanoTime();
            try {
                entry.getValue().run();
                System.out.println("ok " + entry.getKey() + " " + (System.nanoTime() - start) / 1_000_000);
            } catch (Throwable error) {
                failed++;
                Throwable cause = error instanceof ExecutionException && error.getCause() != null ? error.getCause() : error;
                String place = Arrays.stream(error.getStackTrace()).filter(f -> f.getClassName().endsWith("Checks"))
                    .findFirst().map(f -> " (" + f.getFileName() + ":" + f.getLineNumber() + ")").orElse("");
                System.out.println("failed " + entry.getKey() + ": " + cause.toString().replace('\n', ' ') + place);
            }
        }
        admin.close(Duration.ofSeconds(5));
        System.exit(failed == 0 ? 0 : 1);
    }

    static void expect(boolean condition, String message) {
        if (!condition) throw new AssertionError(message);
    }

    static void same(Object expected, Object actual, String what) {
        expect(Objects.equals(expected, actual), what + ": expected " + expected + ", got " + actual);
    }

    static <E extends Exception> E fails(Class<E> expected, Callable<?> call) throws Exception {
        try {
            call.call();
        } catch (Exception error) {
            Throwable cause = error instanceof ExecutionException ? error.getCause() : error;
            if (expected.isInstance(cause)) return expected.cast(cause);
            throw new AssertionError("expected " + expected.getSimpleName() + ", got " + cause, cause);
        }
        throw new AssertionError("expected " + expected.getSimpleName() + ", but it succeeded");
    }

    /** Runs `step` until `done` holds; fails with `what` after the limit. */
    static void until(String what, Runnable step, BooleanSupplier done) { until(LIMIT, what, step, done); }

    static void until(Duration limit, String what, Runnable step, BooleanSupplier done) {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!done.getAsBoolean()) {
            expect(System.nanoTime() < deadline, "not within " + limit.toSeconds() + " s: " + what);
            step.run();
        }
    }

    static String topic(String name, int partitions) throws Exception {
        String topic = "java-" + name + "-" + RUN;
        admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1))).all().get();
        return topic;
    }

    static KafkaProducer<String, String> producer(Object... settings) {
        return new KafkaProducer<>(with(Map.of("bootstrap.servers", bootstrap, "linger.ms", 5, "max.block.ms", 30000), settings),
            new StringSerializer(), new StringSerializer());
    }

    static KafkaConsumer<String, String> consumer(Object... settings) {
        var all = with(Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "earliest", "enable.auto.commit", false,
            "heartbeat.interval.ms", 300, "session.timeout.ms", 30000), settings);
        // With the consumer protocol the broker says these.
        if ("consumer".equals(all.get("group.protocol"))) all.keySet().removeAll(Set.of("heartbeat.interval.ms", "session.timeout.ms"));
        return new KafkaConsumer<>(all, new StringDeserializer(), new StringDeserializer());
    }

    static Map<String, Object> with(Map<String, Object> base, Object... settings) {
        Map<String, Object> all = new HashMap<>(base);
        for (int i = 0; i < settings.length; i += 2) all.put((String) settings[i], settings[i + 1]);
        return all;
    }

    static void produce(KafkaProducer<String, String> producer, String topic, int from, int to) throws Exception {
        List<Future<RecordMetadata>> acks = new ArrayList<>();
        for (int i = from; i < to; i++) acks.add(producer.send(new ProducerRecord<>(topic, "k" + i, "v" + i)));
        producer.flush();
        for (var ack : acks) ack.get();
    }

    static void produce(String topic, int from, int to) throws Exception {
        try (var producer = producer()) { produce(producer, topic, from, to); }
    }

    static Set<String> values(int from, int to) {
        Set<String> all = new TreeSet<>();
        for (int i = from; i < to; i++) all.add("v" + i);
        return all;
    }

    static List<TopicPartition> partitionsOf(Consumer<?, ?> consumer, String topic) {
        return consumer.partitionsFor(topic).stream().map(p -> new TopicPartition(topic, p.partition())).toList();
    }

    /** Every value of the topic from its beginning to its end, without a group. */
    static List<String> readAll(String topic, String isolation) {
        try (var consumer = consumer("isolation.level", isolation)) {
            var partitions = partitionsOf(consumer, topic);
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            var ends = consumer.endOffsets(partitions);
            List<String> found = new ArrayList<>();
            until("read " + topic + " up to " + ends, () -> consumer.poll(POLL).forEach(r -> found.add(r.value())),
                () -> partitions.stream().allMatch(p -> consumer.position(p) >= ends.get(p)));
            return found;
        }
    }

    /** Awaits the values that are committed: the end of a transaction may be answered before its markers are written. */
    static void committedValues(Set<String> expected, String topic, String what) {
        until(what, () -> {}, () -> readAll(topic, "read_committed").size() >= expected.size());
        sameValues(expected, readAll(topic, "read_committed"), what);
    }

    static void sameValues(Set<String> expected, List<String> found, String what) {
        same(expected.size(), found.size(), what + ": number of records");
        same(expected, new TreeSet<>(found), what);
    }

    static ConsumerGroupDescription described(String group) {
        try {
            return admin.describeConsumerGroups(List.of(group)).describedGroups().get(group).get();
        } catch (Exception error) {
            throw new AssertionError(error);
        }
    }

    static long committed(String group) {
        try {
            return admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().values().stream().mapToLong(OffsetAndMetadata::offset).sum();
        } catch (Exception error) {
            throw new AssertionError(error);
        }
    }
}
