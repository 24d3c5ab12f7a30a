// Apache Kafka's own Java client against the broker named by the first argument: `java Checks 127.0.0.1:9092 [check ...]`.
// Prints one line a check (`ok NAME MILLIS` or `failed NAME: reason`) and exits with 1 when one failed.

import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.*;

public class Checks {
    interface Check { void run() throws Exception; }

    static final Duration LIMIT = Duration.ofSeconds(30);
    static final Duration POLL = Duration.ofMillis(100);
    static final String RUN = Long.toString(System.nanoTime(), 36);
    static String bootstrap;
    static Admin admin;

    public static void main(String[] args) {
        Map<String, Check> checks = new LinkedHashMap<>();
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) checks.put("round-trip-" + codec, () -> roundTrip(codec));
        checks.put("record-fields", Checks::recordFields);
        checks.put("idempotent-producer", Checks::idempotentProducer);
        checks.put("group-rebalance-range", () -> rebalance("range", RangeAssignor.class));
        checks.put("group-rebalance-cooperative", () -> rebalance("cooperative", CooperativeStickyAssignor.class));
        checks.put("static-membership", Checks::staticMembership);
        checks.put("consumer-protocol-rebalance", Checks::consumerProtocolRebalance);
        checks.put("consumer-protocol-static-membership", Checks::consumerProtocolStaticMembership);
        checks.put("consumer-protocol-resume", Checks::consumerProtocolResume);
        checks.put("consumer-protocol-regex", Checks::consumerProtocolRegex);
        checks.put("consumer-protocol-migration", Checks::consumerProtocolMigration);
        checks.put("committed-offsets-resume", Checks::committedOffsetsResume);
        checks.put("transaction-commit-abort", Checks::transactionCommitAbort);
        checks.put("consume-transform-produce", Checks::consumeTransformProduce);
        checks.put("zombie-fencing", Checks::zombieFencing);
        checks.put("transaction-timeout-too-large", Checks::transactionTimeoutTooLarge);
        checks.put("admin-topics", Checks::adminTopics);
        checks.put("admin-topic-errors", Checks::adminTopicErrors);
        checks.put("admin-configs", Checks::adminConfigs);
        checks.put("admin-cluster", Checks::adminCluster);
        checks.put("admin-list-offsets", Checks::adminListOffsets);
        checks.put("admin-delete-records", Checks::adminDeleteRecords);
        checks.put("admin-groups", Checks::adminGroups);
        checks.put("admin-transactions", Checks::adminTransactions);
        checks.put("auto-create-topic", Checks::autoCreateTopic);
        runAll(args, checks);
    }

    // Runs those checks that the arguments name, or all, and ends the program.
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

    // ---- what every check needs

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
    static void until(String what, Runnable step, BooleanSupplier done) {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!done.getAsBoolean()) {
            expect(System.nanoTime() < deadline, "not within " + LIMIT.toSeconds() + " s: " + what);
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
            "heartbeat.interval.ms", 300, "session.timeout.ms", 10000), settings);
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

    static void sameValues(Set<String> expected, List<String> found, String what) {
        same(expected.size(), found.size(), what + ": number of records");
        same(expected, new TreeSet<>(found), what);
    }

    // ---- produce and consume

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

    // ---- groups

    /** One member in a thread of its own, with what it owns and what it was told. */
    static class Member implements AutoCloseable, ConsumerRebalanceListener {
        final KafkaConsumer<String, String> consumer;
        final Set<TopicPartition> owned = ConcurrentHashMap.newKeySet();
        final List<String> values = Collections.synchronizedList(new ArrayList<>());
        final List<String> events = Collections.synchronizedList(new ArrayList<>());
        volatile boolean stop;
        volatile Throwable failure;
        final Thread thread;

        Member(String topic, Object... settings) {
            consumer = consumer(settings);
            thread = new Thread(() -> {
                try (consumer) {
                    consumer.subscribe(List.of(topic), this);
                    while (!stop) {
                        consumer.poll(POLL).forEach(r -> values.add(r.value()));
                        try {
                            consumer.commitSync();
                        } catch (RebalanceInProgressException nextRound) {
                            // The following poll joins again and the following commit covers the same positions.
                        }
                    }
                } catch (Throwable error) {
                    failure = error;
                }
            });
            thread.start();
        }

        @Override public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            owned.addAll(partitions);
            if (!partitions.isEmpty()) events.add("assigned " + new TreeSet<>(partitions.stream().map(TopicPartition::partition).toList()));
        }

        @Override public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            owned.removeAll(partitions);
            if (!partitions.isEmpty()) events.add("revoked " + new TreeSet<>(partitions.stream().map(TopicPartition::partition).toList()));
        }

        void healthy() { if (failure != null) throw new AssertionError("member failed: " + failure, failure); }

        @Override public void close() throws Exception {
            stop = true;
            thread.join(LIMIT.toMillis());
            expect(!thread.isAlive(), "member does not stop");
        }
    }

    static void await(String what, BooleanSupplier done, Member... members) {
        until(what, () -> {
            for (Member member : members) member.healthy();
            try { Thread.sleep(10); } catch (InterruptedException e) { throw new AssertionError(e); }
        }, done);
    }

    static void rebalance(String name, Class<?> assignor) throws Exception {
        String topic = topic("rebalance-" + name, 4), group = "java-rebalance-" + name + RUN;
        Object[] settings = {"group.id", group, "partition.assignment.strategy", assignor.getName()};
        produce(topic, 0, 100);
        try (var first = new Member(topic, settings)) {
            await("the first member owns all", () -> first.owned.size() == 4 && first.values.size() == 100, first);
            try (var second = new Member(topic, settings)) {
                await("two and two", () -> first.owned.size() == 2 && second.owned.size() == 2, first, second);
                expect(Collections.disjoint(first.owned, second.owned), "a partition has two owners");
                if (name.equals("cooperative")) {
                    String taken = "revoked " + new TreeSet<>(second.owned.stream().map(TopicPartition::partition).toList());
                    same(taken, first.events.get(1), "a cooperative member gives up only what another takes");
                }
                produce(topic, 100, 200);
                await("both read on", () -> first.values.size() + second.values.size() >= 200, first, second);
                var description = admin.describeConsumerGroups(List.of(group)).describedGroups().get(group).get();
                same(2, description.members().size(), "members described");
                same(GroupState.STABLE, description.groupState(), "state described");
                List<String> all = new ArrayList<>(first.values);
                all.addAll(second.values);
                sameValues(values(0, 200), all, "read by the group");
            }
            await("the first member owns all again", () -> first.owned.size() == 4, first);
        }
    }

    static void staticMembership() throws Exception {
        String topic = topic("static", 4), group = "java-static" + RUN;
        java.util.function.Function<String, Member> member = id -> new Member(topic, "group.id", group, "group.instance.id", id,
            "session.timeout.ms", 30000, "partition.assignment.strategy", RangeAssignor.class.getName());
        try (var first = member.apply("one")) {
            Set<TopicPartition> before;
            List<String> events;
            try (var second = member.apply("two")) {
                await("two and two", () -> first.owned.size() == 2 && second.owned.size() == 2, first, second);
                before = Set.copyOf(second.owned);
                events = List.copyOf(first.events);
            }
            produce(topic, 0, 50);
            try (var again = member.apply("two")) {
                await("the restarted member has its partitions back", () -> again.owned.equals(before), first, again);
                await("all is read", () -> first.values.size() + again.values.size() == 50, first, again);
                same(events, List.copyOf(first.events), "a static restart causes no rebalance for the others");
            }
        }
        admin.removeMembersFromConsumerGroup(group, new RemoveMembersFromConsumerGroupOptions(
            List.of(new MemberToRemove("one"), new MemberToRemove("two")))).all().get();
        same(GroupState.EMPTY, admin.describeConsumerGroups(List.of(group)).describedGroups().get(group).get().groupState(), "state");
    }

    // ---- groups of the consumer protocol (KIP-848)

    static ConsumerGroupDescription described(String group) {
        try {
            return admin.describeConsumerGroups(List.of(group)).describedGroups().get(group).get();
        } catch (Exception error) {
            throw new AssertionError(error);
        }
    }

    static void consumerProtocolRebalance() throws Exception {
        for (String assignor : List.of("uniform", "range")) {
            String topic = topic("consumer-" + assignor, 4), group = "java-consumer-" + assignor + RUN;
            Object[] settings = {"group.id", group, "group.protocol", "consumer", "group.remote.assignor", assignor};
            produce(topic, 0, 100);
            try (var first = new Member(topic, settings)) {
                await("the first member owns all", () -> first.owned.size() == 4 && first.values.size() == 100, first);
                try (var second = new Member(topic, settings)) {
                    await("two and two", () -> first.owned.size() == 2 && second.owned.size() == 2, first, second);
                    expect(Collections.disjoint(first.owned, second.owned), "a partition has two owners");
                    String taken = "revoked " + new TreeSet<>(second.owned.stream().map(TopicPartition::partition).toList());
                    same(taken, first.events.get(1), "a member gives up only what another takes");
                    produce(topic, 100, 200);
                    await("both read on", () -> first.values.size() + second.values.size() >= 200, first, second);
                    await("stable", () -> described(group).groupState() == GroupState.STABLE, first, second);
                    var description = described(group);
                    same(2, description.members().size(), "members described");
                    same(GroupType.CONSUMER, description.type(), "type described");
                    same(assignor, description.partitionAssignor(), "assignor described");
                    List<String> all = new ArrayList<>(first.values);
                    all.addAll(second.values);
                    sameValues(values(0, 200), all, "read by the group");
                }
                await("the first member owns all again", () -> first.owned.size() == 4, first);
            }
            same(GroupState.EMPTY, described(group).groupState(), "state at the end");
        }
    }

    static void consumerProtocolStaticMembership() throws Exception {
        String topic = topic("consumer-static", 4), group = "java-consumer-static" + RUN;
        java.util.function.Function<String, Member> member =
            id -> new Member(topic, "group.id", group, "group.protocol", "consumer", "group.instance.id", id);
        try (var first = member.apply("one")) {
            Set<TopicPartition> before;
            List<String> events;
            try (var second = member.apply("two")) {
                await("two and two", () -> first.owned.size() == 2 && second.owned.size() == 2, first, second);
                before = Set.copyOf(second.owned);
                events = List.copyOf(first.events);
            }
            produce(topic, 0, 50);
            try (var again = member.apply("two")) {
                await("the restarted member has its partitions back", () -> again.owned.equals(before), first, again);
                await("all is read", () -> first.values.size() + again.values.size() == 50, first, again);
                same(events, List.copyOf(first.events), "a static restart changes nothing for the others");
            }
        }
        admin.removeMembersFromConsumerGroup(group, new RemoveMembersFromConsumerGroupOptions(
            List.of(new MemberToRemove("one"), new MemberToRemove("two")))).all().get();
        same(GroupState.EMPTY, described(group).groupState(), "state");
    }

    static void consumerProtocolResume() throws Exception {
        String topic = topic("consumer-resume", 2), group = "java-consumer-resume" + RUN;
        produce(topic, 0, 40);
        List<String> found = new ArrayList<>();
        for (int upTo : new int[] {10, 40}) {
            try (var consumer = consumer("group.id", group, "group.protocol", "consumer", "max.poll.records", 10)) {
                consumer.subscribe(List.of(topic));
                until("records " + upTo, () -> {
                    consumer.poll(POLL).forEach(r -> found.add(r.value()));
                    consumer.commitSync();
                }, () -> found.size() >= upTo);
            }
        }
        same(40, found.size(), "each record once");
        sameValues(values(0, 40), found, "read in two parts");
        same(40L, committed(group), "committed");
    }

    static void consumerProtocolRegex() throws Exception {
        String prefix = "java-regex-" + RUN, group = "java-consumer-regex" + RUN;
        String first = topic("regex-" + RUN + "-a", 1), other = topic("noregex-" + RUN, 1);
        produce(first, 0, 10);
        produce(other, 10, 20);
        List<String> found = new ArrayList<>();
        try (var consumer = consumer("group.id", group, "group.protocol", "consumer")) {
            consumer.subscribe(new SubscriptionPattern(prefix + "-.*"));
            until("the first topic's records", () -> consumer.poll(POLL).forEach(r -> found.add(r.value())), () -> found.size() >= 10);
            sameValues(values(0, 10), found, "of the topic that matches");
            consumer.unsubscribe();
            consumer.subscribe(new SubscriptionPattern("["));
            fails(InvalidRegularExpression.class, () -> {
                for (int i = 0; i < 100; i++) consumer.poll(POLL);
                return null;
            });
        }
    }

    static void consumerProtocolMigration() throws Exception {
        String topic = topic("migration", 4), group = "java-migration" + RUN;
        Object[] classic = {"group.id", group, "partition.assignment.strategy", CooperativeStickyAssignor.class.getName()};
        Object[] modern = {"group.id", group, "group.protocol", "consumer"};
        produce(topic, 0, 50);
        try (var old = new Member(topic, classic)) {
            await("a classic group", () -> old.owned.size() == 4 && old.values.size() == 50, old);
            same(GroupType.CLASSIC, described(group).type(), "type before");
            try (var first = new Member(topic, modern)) {
                await("old and new share", () -> old.owned.size() == 2 && first.owned.size() == 2, old, first);
                same(GroupType.CONSUMER, described(group).type(), "type with both");
                produce(topic, 50, 100);
                await("both read on", () -> old.values.size() + first.values.size() >= 100, old, first);
                List<String> all = new ArrayList<>(old.values);
                all.addAll(first.values);
                sameValues(values(0, 100), all, "read during the upgrade");
            }
            // The last member of the new protocol is gone: back to the classic one.
            await("the classic member has all again", () -> old.owned.size() == 4, old);
            same(GroupType.CLASSIC, described(group).type(), "type after");
            produce(topic, 100, 120);
            await("it reads on", () -> old.values.contains("v119"), old);
        }
    }

    static void committedOffsetsResume() throws Exception {
        String topic = topic("resume", 2), group = "java-resume" + RUN;
        produce(topic, 0, 40);
        List<String> found = new ArrayList<>();
        try (var consumer = consumer("group.id", group, "max.poll.records", 10)) {
            consumer.subscribe(List.of(topic));
            until("a first part", () -> consumer.poll(POLL).forEach(r -> found.add(r.value())), () -> found.size() >= 10);
            Map<TopicPartition, OffsetAndMetadata> commit = new HashMap<>();
            for (var p : consumer.assignment()) commit.put(p, new OffsetAndMetadata(consumer.position(p), "so far"));
            consumer.commitSync(commit);
        }
        int before = found.size();
        expect(before < 40, "the first consumer must not have read everything");
        try (var consumer = consumer("group.id", group)) {
            consumer.subscribe(List.of(topic));
            until("the rest", () -> consumer.poll(POLL).forEach(r -> found.add(r.value())), () -> found.size() >= 40);
            var committed = consumer.committed(new HashSet<>(partitionsOf(consumer, topic)));
            same("so far", committed.get(new TopicPartition(topic, 0)).metadata(), "metadata of the commit");
        }
        sameValues(values(0, 40), found, "read before and after");
    }

    // ---- transactions

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
        sameValues(committed, readAll(topic, "read_committed"), "read_committed");
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

    static long committed(String group) {
        try {
            return admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().values().stream().mapToLong(OffsetAndMetadata::offset).sum();
        } catch (Exception error) {
            throw new AssertionError(error);
        }
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
        same(List.of("from the heir"), readAll(topic, "read_committed"), "read_committed");
    }

    static void transactionTimeoutTooLarge() throws Exception {
        try (var producer = producer("transactional.id", "java-timeout" + RUN, "transaction.timeout.ms", 3600000)) {
            var refused = fails(KafkaException.class, () -> { producer.initTransactions(); return null; });
            expect(refused.getMessage().contains("transaction timeout is larger"), "refused with INVALID_TRANSACTION_TIMEOUT, but got " + refused);
        }
    }

    // ---- admin

    static void adminTopics() throws Exception {
        String name = "java-admin-" + RUN;
        var created = admin.createTopics(List.of(new NewTopic(name, 2, (short) 1).configs(Map.of("retention.ms", "123456"))));
        created.all().get();
        same(2, created.numPartitions(name).get(), "partitions in the answer");
        same("123456", created.config(name).get().get("retention.ms").value(), "configuration in the answer");
        var description = admin.describeTopics(List.of(name)).allTopicNames().get().get(name);
        same(2, description.partitions().size(), "partitions");
        same(created.topicId(name).get(), description.topicId(), "topic id");
        same(1, description.partitions().get(0).isr().size(), "in-sync replicas");
        same(name, admin.describeTopics(TopicCollection.ofTopicIds(List.of(description.topicId()))).allTopicIds().get().get(description.topicId()).name(), "by id");
        expect(admin.listTopics().names().get().contains(name), "listed");
        expect(!admin.listTopics().names().get().contains("__consumer_offsets"), "internal topics are not listed unasked");
        admin.createPartitions(Map.of(name, NewPartitions.increaseTo(5))).all().get();
        until("five partitions", () -> {}, () -> partitionCount(name) == 5);
        admin.deleteTopics(List.of(name)).all().get();
        until("topic gone", () -> {}, () -> partitionCount(name) == 0);
    }

    static int partitionCount(String topic) {
        try {
            return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
        } catch (Exception error) {
            if (error.getCause() instanceof UnknownTopicOrPartitionException) return 0;
            throw new AssertionError(error);
        }
    }

    static void adminTopicErrors() throws Exception {
        String name = topic("errors", 2);
        fails(TopicExistsException.class, () -> admin.createTopics(List.of(new NewTopic(name, 1, (short) 1))).all().get());
        fails(InvalidReplicationFactorException.class, () -> admin.createTopics(List.of(new NewTopic(name + "2", 1, (short) 3))).all().get());
        fails(InvalidPartitionsException.class, () -> admin.createTopics(List.of(new NewTopic(name + "2", 0, (short) 1))).all().get());
        fails(InvalidTopicException.class, () -> admin.createTopics(List.of(new NewTopic("not a name", 1, (short) 1))).all().get());
        fails(InvalidConfigurationException.class,
            () -> admin.createTopics(List.of(new NewTopic(name + "2", 1, (short) 1).configs(Map.of("retention.ms", "soon")))).all().get());
        fails(InvalidPartitionsException.class, () -> admin.createPartitions(Map.of(name, NewPartitions.increaseTo(1))).all().get());
        fails(UnknownTopicOrPartitionException.class, () -> admin.deleteTopics(List.of(name + "3")).all().get());
        admin.createTopics(List.of(new NewTopic(name + "4", 1, (short) 1)), new CreateTopicsOptions().validateOnly(true)).all().get();
        same(0, partitionCount(name + "4"), "validateOnly creates nothing");
    }

    static void adminConfigs() throws Exception {
        String name = "java-configs-" + RUN;
        admin.createTopics(List.of(new NewTopic(name, 1, (short) 1).configs(Map.of("cleanup.policy", "compact", "segment.bytes", "1048576")))).all().get();
        var topic = new ConfigResource(ConfigResource.Type.TOPIC, name);
        var config = admin.describeConfigs(List.of(topic)).all().get().get(topic);
        same("compact", config.get("cleanup.policy").value(), "cleanup.policy");
        same(ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG, config.get("segment.bytes").source(), "source of segment.bytes");
        same("1048576", config.get("segment.bytes").value(), "segment.bytes");
        same(ConfigEntry.ConfigSource.DEFAULT_CONFIG, config.get("max.message.bytes").source(), "source of max.message.bytes");
        var broker = new ConfigResource(ConfigResource.Type.BROKER, String.valueOf(admin.describeCluster().nodes().get().iterator().next().id()));
        var settings = admin.describeConfigs(List.of(broker)).all().get().get(broker);
        expect(settings.get("log.dirs") != null, "log.dirs described");
        same("0", settings.get("group.initial.rebalance.delay.ms").value(), "the setting the broker was started with");
    }

    static void adminCluster() throws Exception {
        var cluster = admin.describeCluster();
        same(1, cluster.nodes().get().size(), "nodes");
        var node = cluster.nodes().get().iterator().next();
        same(bootstrap, node.host() + ":" + node.port(), "advertised listener");
        expect(cluster.clusterId().get().length() == 22, "cluster id is a base64 uuid");
        expect(cluster.controller().get() != null, "a controller");
    }

    static void adminListOffsets() throws Exception {
        String name = topic("list-offsets", 1);
        var partition = new TopicPartition(name, 0);
        try (var producer = producer()) {
            for (long at : new long[] {1000, 3000, 2000}) producer.send(new ProducerRecord<>(name, 0, at, "k", "v" + at)).get();
        }
        same(0L, offset(partition, OffsetSpec.earliest()).offset(), "earliest");
        same(3L, offset(partition, OffsetSpec.latest()).offset(), "latest");
        same(1L, offset(partition, OffsetSpec.maxTimestamp()).offset(), "max timestamp");
        same(3000L, offset(partition, OffsetSpec.maxTimestamp()).timestamp(), "timestamp of max timestamp");
        same(1L, offset(partition, OffsetSpec.forTimestamp(1001)).offset(), "for timestamp 1001");
        same(-1L, offset(partition, OffsetSpec.forTimestamp(3001)).offset(), "for a timestamp after the last");
    }

    static ListOffsetsResult.ListOffsetsResultInfo offset(TopicPartition partition, OffsetSpec spec) throws Exception {
        return admin.listOffsets(Map.of(partition, spec)).partitionResult(partition).get();
    }

    static void adminDeleteRecords() throws Exception {
        String name = topic("delete-records", 1);
        var partition = new TopicPartition(name, 0);
        produce(name, 0, 20);
        var result = admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(15))).lowWatermarks().get(partition).get();
        same(15L, result.lowWatermark(), "low watermark");
        same(15L, offset(partition, OffsetSpec.earliest()).offset(), "earliest");
        sameValues(values(15, 20), readAll(name, "read_uncommitted"), "left");
        fails(org.apache.kafka.common.errors.OffsetOutOfRangeException.class, () -> admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(100))).all().get());
        try (var consumer = consumer("auto.offset.reset", "none")) {
            consumer.assign(List.of(partition));
            consumer.seek(partition, 3);
            fails(org.apache.kafka.clients.consumer.OffsetOutOfRangeException.class, () -> {
                until("an answer", () -> consumer.poll(POLL), () -> false);
                return null;
            });
        }
    }

    static void adminGroups() throws Exception {
        String name = topic("groups", 2), group = "java-groups" + RUN;
        produce(name, 0, 10);
        try (var member = new Member(name, "group.id", group)) {
            await("all read", () -> member.values.size() == 10, member);
            fails(GroupNotEmptyException.class, () -> admin.deleteConsumerGroups(List.of(group)).all().get());
            fails(GroupSubscribedToTopicException.class, () -> admin.deleteConsumerGroupOffsets(group, Set.of(new TopicPartition(name, 0))).all().get());
        }
        var listed = admin.listGroups(ListGroupsOptions.forConsumerGroups()).all().get().stream().filter(g -> g.groupId().equals(group)).findFirst();
        expect(listed.isPresent(), "group is listed");
        same(GroupState.EMPTY, listed.get().groupState().orElse(null), "state");
        same(10L, committed(group), "committed");
        admin.alterConsumerGroupOffsets(group, Map.of(new TopicPartition(name, 0), new OffsetAndMetadata(1))).all().get();
        same(1L, admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(new TopicPartition(name, 0)).offset(), "altered");
        admin.deleteConsumerGroupOffsets(group, Set.of(new TopicPartition(name, 0))).all().get();
        same(Set.of(new TopicPartition(name, 1)), admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().keySet(), "left");
        admin.deleteConsumerGroups(List.of(group)).all().get();
        fails(GroupIdNotFoundException.class, () -> admin.deleteConsumerGroups(List.of(group)).all().get());
    }

    static void adminTransactions() throws Exception {
        String name = topic("admin-tx", 1), id = "java-admin-tx" + RUN;
        var partition = new TopicPartition(name, 0);
        try (var producer = producer("transactional.id", id)) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(name, "k", "v")).get();
            var open = admin.describeTransactions(List.of(id)).all().get().get(id);
            same(TransactionState.ONGOING, open.state(), "state");
            same(Set.of(partition), open.topicPartitions(), "partitions");
            var state = admin.describeProducers(List.of(partition)).partitionResult(partition).get().activeProducers().get(0);
            same(open.producerId(), state.producerId(), "producer id");
            same(0L, state.currentTransactionStartOffset().orElse(-1), "start offset of the transaction");
            expect(admin.listTransactions().all().get().stream().anyMatch(t -> t.transactionalId().equals(id)), "listed");
            expect(admin.listTransactions(new ListTransactionsOptions().filterStates(List.of(TransactionState.EMPTY))).all().get().stream()
                .noneMatch(t -> t.transactionalId().equals(id)), "filtered by state");
            producer.commitTransaction();
        }
        until("complete", () -> {}, () -> transactionState(id) == TransactionState.COMPLETE_COMMIT);
        fails(TransactionalIdNotFoundException.class, () -> admin.describeTransactions(List.of(id + "?")).all().get());
    }

    static TransactionState transactionState(String id) {
        try {
            return admin.describeTransactions(List.of(id)).all().get().get(id).state();
        } catch (Exception error) {
            throw new AssertionError(error);
        }
    }

    static void autoCreateTopic() throws Exception {
        String name = "java-auto-" + RUN;
        produce(name, 0, 3);
        sameValues(values(0, 3), readAll(name, "read_uncommitted"), "auto-created");
    }
}
