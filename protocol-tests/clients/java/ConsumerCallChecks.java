// What a consumer of the consumer protocol (KIP-848) can call, and what calls it back: commits and seeks in the listener,
// asynchronous commits, wakeup, close, seek, pause, patterns.

import java.time.Duration;
import java.util.*;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.errors.*;

class ConsumerCallChecks extends Harness {
    static KafkaConsumer<String, String> member(String group, Object... settings) {
        return consumer(with(Map.of("group.id", group, "group.protocol", "consumer"), settings).entrySet().stream()
            .flatMap(entry -> List.of(entry.getKey(), entry.getValue()).stream()).toArray());
    }

    // Records of both partitions, alternating.
    static void produceToBoth(String topic, int from, int to) throws Exception {
        try (var producer = producer()) {
            List<Future<RecordMetadata>> acks = new ArrayList<>();
            for (int i = from; i < to; i++) acks.add(producer.send(new ProducerRecord<>(topic, i % 2, "k" + i, "v" + i)));
            for (var ack : acks) ack.get();
        }
    }

    // Who gives partitions up commits in the listener where it is; the next one goes on from there: each record is read once.
    static void commitInListener() throws Exception {
        String topic = topic("listener-commit", 2), group = "java-listener-commit" + RUN;
        produceToBoth(topic, 0, 40);
        List<String> found = new ArrayList<>();
        List<String> told = new ArrayList<>();
        try (var first = member(group, "max.poll.records", 5); var second = member(group, "max.poll.records", 5)) {
            first.subscribe(List.of(topic), new ConsumerRebalanceListener() {
                @Override public void onPartitionsAssigned(Collection<TopicPartition> assigned) {
                    // Nothing new is told as well.
                    if (!assigned.isEmpty()) told.add("assigned " + Member.numbers(assigned));
                }
                @Override public void onPartitionsRevoked(Collection<TopicPartition> revoked) {
                    told.add("revoked " + Member.numbers(revoked));
                    first.commitSync();
                }
            });
            until("a part", () -> first.poll(POLL).forEach(r -> found.add(r.value())), () -> found.size() >= 10);
            same("assigned [0, 1]", told.get(0), "first call");
            second.subscribe(List.of(topic));
            until("the rest", () -> {
                first.poll(POLL).forEach(r -> found.add(r.value()));
                second.poll(POLL).forEach(r -> found.add(r.value()));
            }, () -> found.size() >= 40 && second.assignment().size() == 1);
            same("revoked " + Member.numbers(second.assignment()), told.get(1), "second call");
            second.commitSync();
        }
        sameValues(values(0, 40), found, "read by both");
        same("revoked", told.get(told.size() - 1).split(" ")[0], "closing gives up what is left");
        same(40L, committed(group), "committed");
    }

    // Who keeps its offsets elsewhere seeks in the listener.
    static void seekInListener() throws Exception {
        String topic = topic("listener-seek", 1), group = "java-listener-seek" + RUN;
        produce(topic, 0, 10);
        List<String> found = new ArrayList<>();
        try (var consumer = member(group)) {
            consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
                @Override public void onPartitionsAssigned(Collection<TopicPartition> assigned) { assigned.forEach(p -> consumer.seek(p, 7)); }
                @Override public void onPartitionsRevoked(Collection<TopicPartition> revoked) {}
            });
            until("the last three", () -> consumer.poll(POLL).forEach(r -> found.add(r.value())), () -> found.size() >= 3);
        }
        same(List.of("v7", "v8", "v9"), found, "from the place that the listener said");
    }

    // Who does not poll for too long has lost what it had, is told so, and joins again when it polls.
    static void lostInListener() throws Exception {
        String topic = topic("listener-lost", 1), group = "java-listener-lost" + RUN;
        List<String> told = new ArrayList<>();
        try (var consumer = member(group, "max.poll.interval.ms", 2000)) {
            consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
                @Override public void onPartitionsAssigned(Collection<TopicPartition> assigned) { told.add("assigned"); }
                @Override public void onPartitionsRevoked(Collection<TopicPartition> revoked) { told.add("revoked"); }
                @Override public void onPartitionsLost(Collection<TopicPartition> lost) { told.add("lost " + Member.numbers(lost)); }
            });
            until("an assignment", () -> consumer.poll(POLL), () -> !consumer.assignment().isEmpty());
            until("the group without it", () -> {}, () -> described(group).members().isEmpty());
            until("it is told and has joined again", () -> consumer.poll(POLL),
                () -> told.contains("lost [0]") && told.lastIndexOf("assigned") > told.indexOf("lost [0]"));
            same(Set.of(new TopicPartition(topic, 0)), consumer.assignment(), "assigned again");
        }
    }

    static void asynchronousCommits() throws Exception {
        String topic = topic("async", 1), group = "java-async" + RUN;
        var partition = new TopicPartition(topic, 0);
        produce(topic, 0, 10);
        List<Long> done = new ArrayList<>();
        List<Exception> failed = new ArrayList<>();
        OffsetCommitCallback callback = (offsets, error) -> {
            if (error == null) done.add(offsets.get(partition).offset()); else failed.add(error);
        };
        try (var consumer = member(group)) {
            consumer.subscribe(List.of(topic));
            until("an assignment", () -> consumer.poll(POLL), () -> !consumer.assignment().isEmpty());
            for (long offset = 1; offset <= 5; offset++) consumer.commitAsync(Map.of(partition, new OffsetAndMetadata(offset, "m" + offset)), callback);
            until("five answers", () -> consumer.poll(POLL), () -> done.size() + failed.size() >= 5);
            same(List.of(), failed, "failed");
            same(List.of(1L, 2L, 3L, 4L, 5L), done, "answered in order");
            same("m5", consumer.committed(Set.of(partition)).get(partition).metadata(), "metadata");
            // Nobody polls any more: a commit that waits comes through before a later one that is synchronous, and closing waits for it.
            consumer.commitAsync(Map.of(partition, new OffsetAndMetadata(6)), callback);
            consumer.commitSync(Map.of(partition, new OffsetAndMetadata(7)));
            same(List.of(1L, 2L, 3L, 4L, 5L, 6L), done, "answered before the synchronous commit");
            consumer.commitAsync(Map.of(partition, new OffsetAndMetadata(8)), callback);
        }
        same(List.of(1L, 2L, 3L, 4L, 5L, 6L, 8L), done, "answered before the end");
        same(8L, committed(group), "committed");
    }

    static void wakeup() throws Exception {
        String topic = topic("wakeup", 1), group = "java-wakeup" + RUN;
        try (var consumer = member(group)) {
            consumer.subscribe(List.of(topic));
            until("an assignment", () -> consumer.poll(POLL), () -> !consumer.assignment().isEmpty());
            consumer.wakeup();
            fails(WakeupException.class, () -> consumer.poll(LIMIT));
            var waker = new Thread(consumer::wakeup);
            fails(WakeupException.class, () -> {
                waker.start();
                return consumer.poll(LIMIT);
            });
            waker.join();
            produce(topic, 0, 3);
            List<String> found = new ArrayList<>();
            until("records after it was woken", () -> consumer.poll(POLL).forEach(r -> found.add(r.value())), () -> found.size() >= 3);
            consumer.commitSync();
        }
        same(3L, committed(group), "committed after it was woken");
    }

    // Closing commits where that is automatic, and leaves the group at once.
    static void close() throws Exception {
        String topic = topic("close", 1), group = "java-close" + RUN;
        produce(topic, 0, 10);
        List<String> found = new ArrayList<>();
        var consumer = member(group, "enable.auto.commit", true, "auto.commit.interval.ms", 3_600_000);
        try (consumer) {
            consumer.subscribe(List.of(topic));
            until("all", () -> consumer.poll(POLL).forEach(r -> found.add(r.value())), () -> found.size() >= 10);
            // What the last poll brought is done with when the next one is called, or at the end.
            same(1, described(group).members().size(), "members");
        }
        same(10L, committed(group), "committed at the end");
        same(GroupState.EMPTY, described(group).groupState(), "state");
        fails(IllegalStateException.class, () -> consumer.poll(POLL));
    }

    static void seek() throws Exception {
        String topic = topic("consumer-seek", 1), group = "java-seek" + RUN;
        var partition = new TopicPartition(topic, 0);
        try (var producer = producer()) {
            for (int i = 0; i < 10; i++) producer.send(new ProducerRecord<>(topic, 0, 1000L + i, "k", "v" + i)).get();
        }
        try (var consumer = member(group)) {
            consumer.subscribe(List.of(topic));
            until("an assignment", () -> consumer.poll(POLL), () -> !consumer.assignment().isEmpty());
            consumer.seek(partition, 4);
            same("v4", next(consumer), "after a seek");
            consumer.seek(partition, new OffsetAndMetadata(6, Optional.of(0), ""));
            same("v6", next(consumer), "after a seek with an epoch");
            consumer.seekToBeginning(List.of(partition));
            same(0L, consumer.position(partition), "beginning");
            same("v0", next(consumer), "first record");
            consumer.seekToEnd(List.of(partition));
            same(10L, consumer.position(partition), "end");
            var found = consumer.offsetsForTimes(Map.of(partition, 1007L)).get(partition);
            same(7L, found.offset(), "offset for a time");
            same(1007L, found.timestamp(), "its time");
            same(null, consumer.offsetsForTimes(Map.of(partition, 2000L)).get(partition), "offset for a time after the last");
            same(Map.of(partition, 0L), consumer.beginningOffsets(List.of(partition)), "beginning");
            same(Map.of(partition, 10L), consumer.endOffsets(List.of(partition)), "end");
            same(0L, consumer.currentLag(partition).orElse(-1), "lag at the end");
        }
    }

    // The first record that comes.
    static String next(KafkaConsumer<String, String> consumer) {
        List<String> found = new ArrayList<>();
        until("a record", () -> consumer.poll(POLL).forEach(r -> found.add(r.value())), () -> !found.isEmpty());
        return found.get(0);
    }

    static void pause() throws Exception {
        String topic = topic("pause", 2), group = "java-pause" + RUN;
        var paused = new TopicPartition(topic, 0);
        List<ConsumerRecord<String, String>> found = new ArrayList<>();
        try (var consumer = member(group)) {
            consumer.subscribe(List.of(topic));
            until("an assignment", () -> consumer.poll(POLL), () -> consumer.assignment().size() == 2);
            consumer.pause(List.of(paused));
            produceToBoth(topic, 0, 20);
            until("all of the other", () -> consumer.poll(POLL).forEach(found::add), () -> found.size() >= 10);
            consumer.poll(Duration.ofMillis(500)).forEach(found::add);
            expect(found.stream().allMatch(r -> r.partition() == 1), "a record of a paused partition");
            same(Set.of(paused), consumer.paused(), "paused");
            same(0L, consumer.position(paused), "position of the paused one");
            consumer.resume(List.of(paused));
            until("all", () -> consumer.poll(POLL).forEach(found::add), () -> found.size() >= 20);
            same(Set.of(), consumer.paused(), "paused after all");
        }
        sameValues(values(0, 20), found.stream().map(ConsumerRecord::value).toList(), "all");
    }

    // Patterns are RE2J's and are resolved in the broker: whole names, flags, topics that come later; and what RE2J cannot do.
    static void patterns() throws Exception {
        String group = "java-patterns" + RUN;
        String one = topic("pattern-one-" + RUN, 1), two = topic("pattern-two-" + RUN, 1), longer = topic("pattern-one-" + RUN + "-longer", 1);
        var pattern = new SubscriptionPattern("(?i)JAVA-PATTERN-(ONE|TWO|LATER)-" + RUN + "-" + RUN);
        try (var consumer = member(group)) {
            consumer.subscribe(pattern);
            until("two topics", () -> consumer.poll(POLL), () -> consumer.assignment().size() == 2);
            same(Set.of(new TopicPartition(one, 0), new TopicPartition(two, 0)), consumer.assignment(), "assigned; and not " + longer);
            String later = topic("pattern-later-" + RUN, 1);
            until("the topic that came later", () -> consumer.poll(POLL), () -> consumer.assignment().contains(new TopicPartition(later, 0)));
            same(3, consumer.assignment().size(), "assigned");
            fails(IllegalStateException.class, () -> { consumer.subscribe(List.of(one)); return null; });
            consumer.unsubscribe();
            // A look ahead is of Java's expressions and not of RE2J's.
            String lookAhead = "java-pattern-(?=one).*";
            Pattern.compile(lookAhead);
            consumer.subscribe(new SubscriptionPattern(lookAhead));
            fails(InvalidRegularExpression.class, () -> {
                until("a refusal", () -> consumer.poll(POLL), () -> false);
                return null;
            });
        }
    }
}
