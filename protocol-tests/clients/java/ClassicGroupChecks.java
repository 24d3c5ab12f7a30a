// Groups of the classic protocol, and what they commit.

import java.util.*;
import java.util.function.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.*;

class ClassicGroupChecks extends Harness {
    static void rebalance(String name, Class<?> assignor) throws Exception {
        String topic = topic("rebalance-" + name, 4), group = "java-rebalance-" + name + RUN;
        Object[] settings = {"group.id", group, "partition.assignment.strategy", assignor.getName()};
        produce(topic, 0, 100);
        try (var first = new Member(topic, settings)) {
            Member.await("the first member owns all", () -> first.owned.size() == 4 && first.values.size() == 100, first);
            try (var second = new Member(topic, settings)) {
                Member.await("two and two", () -> first.owned.size() == 2 && second.owned.size() == 2, first, second);
                expect(Collections.disjoint(first.owned, second.owned), "a partition has two owners");
                if (name.equals("cooperative")) {
                    String taken = "revoked " + Member.numbers(second.owned);
                    same(taken, first.events.get(1), "a cooperative member gives up only what another takes");
                }
                produce(topic, 100, 200);
                Member.await("both read on", () -> first.values.size() + second.values.size() >= 200, first, second);
                var description = described(group);
                same(2, description.members().size(), "members described");
                same(GroupState.STABLE, description.groupState(), "state described");
                List<String> all = new ArrayList<>(first.values);
                all.addAll(second.values);
                sameValues(values(0, 200), all, "read by the group");
            }
            Member.await("the first member owns all again", () -> first.owned.size() == 4, first);
        }
    }

    static void staticMembership() throws Exception {
        String topic = topic("static", 4), group = "java-static" + RUN;
        staticMembership(topic, group, id -> new Member(topic, "group.id", group, "group.instance.id", id,
            "partition.assignment.strategy", RangeAssignor.class.getName()));
    }

    /** A member that starts again under its name has its partitions back without the others' noticing; of either protocol. */
    static void staticMembership(String topic, String group, Function<String, Member> member) throws Exception {
        try (var first = member.apply("one")) {
            Set<TopicPartition> before;
            List<String> events;
            try (var second = member.apply("two")) {
                Member.await("two and two", () -> first.owned.size() == 2 && second.owned.size() == 2, first, second);
                before = Set.copyOf(second.owned);
                events = List.copyOf(first.events);
            }
            produce(topic, 0, 50);
            try (var again = member.apply("two")) {
                Member.await("the restarted member has its partitions back", () -> again.owned.equals(before), first, again);
                Member.await("all is read", () -> first.values.size() + again.values.size() == 50, first, again);
                same(events, List.copyOf(first.events), "a static restart causes no rebalance for the others");
            }
        }
        admin.removeMembersFromConsumerGroup(group, new RemoveMembersFromConsumerGroupOptions(
            List.of(new MemberToRemove("one"), new MemberToRemove("two")))).all().get();
        same(GroupState.EMPTY, described(group).groupState(), "state");
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
}
