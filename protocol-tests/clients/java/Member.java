// One member of a group in a thread of its own, with what it owns and what it was told.

import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;

class Member implements AutoCloseable, ConsumerRebalanceListener {
    final KafkaConsumer<String, String> consumer;
    final Set<TopicPartition> owned = ConcurrentHashMap.newKeySet();
    final List<String> values = Collections.synchronizedList(new ArrayList<>());
    final List<String> events = Collections.synchronizedList(new ArrayList<>());
    volatile boolean stop;
    volatile Throwable failure;
    final Thread thread;
    // The rounds of all members together: each may be what somebody awaits.
    static long rounds;

    Member(String topic, Object... settings) {
        consumer = Harness.consumer(settings);
        thread = new Thread(() -> {
            try (consumer) {
                consumer.subscribe(List.of(topic), this);
                while (!stop) round();
            } catch (Throwable error) {
                failure = error;
                tell();
            }
        });
        thread.start();
    }

    private void round() {
        consumer.poll(Harness.POLL).forEach(r -> values.add(r.value()));
        try {
            consumer.commitSync();
        } catch (RebalanceInProgressException nextRound) {
            // The following poll joins again and the following commit covers the same positions.
        }
        tell();
    }

    // The event comes first: who sees what is owned finds why.
    @Override public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        if (!partitions.isEmpty()) events.add("assigned " + numbers(partitions));
        owned.addAll(partitions);
    }

    @Override public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        if (!partitions.isEmpty()) events.add("revoked " + numbers(partitions));
        owned.removeAll(partitions);
    }

    static SortedSet<Integer> numbers(Collection<TopicPartition> partitions) {
        return new TreeSet<>(partitions.stream().map(TopicPartition::partition).toList());
    }

    @Override public void close() throws Exception {
        stop = true;
        thread.join(Harness.LIMIT.toMillis());
        Harness.expect(!thread.isAlive(), "member does not stop");
    }

    /** Returns when the members have come so far that `done` holds; fails when one of them failed, or after the limit. */
    static void await(String what, BooleanSupplier done, Member... members) throws InterruptedException {
        await(Harness.LIMIT, what, done, members);
    }

    static void await(Duration limit, String what, BooleanSupplier done, Member... members) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        for (long seen = rounds(); !done.getAsBoolean(); seen = nextRound(seen, deadline)) {
            for (Member member : members)
                if (member.failure != null) throw new AssertionError("member failed: " + member.failure, member.failure);
            Harness.expect(System.nanoTime() < deadline, "not within " + limit.toSeconds() + " s: " + what);
        }
    }

    private static synchronized void tell() {
        rounds++;
        Member.class.notifyAll();
    }

    private static synchronized long rounds() { return rounds; }

    /** Waits until some member has made a round more than the caller has seen, or until the deadline. */
    private static synchronized long nextRound(long seen, long deadline) throws InterruptedException {
        for (long left = deadline - System.nanoTime(); rounds == seen && left > 0; left = deadline - System.nanoTime())
            TimeUnit.NANOSECONDS.timedWait(Member.class, left);
        return rounds;
    }
}
