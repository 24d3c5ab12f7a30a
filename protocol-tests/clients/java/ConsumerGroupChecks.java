// Groups of the consumer protocol (KIP-848), and the way between it and the classic one.

import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.errors.*;

class ConsumerGroupChecks extends Harness {
    static void rebalance() throws Exception {
        for (String assignor : List.of("uniform", "range")) {
            String topic = topic("consumer-" + assignor, 4), group = "java-consumer-" + assignor + RUN;
            Object[] settings = {"group.id", group, "group.protocol", "consumer", "group.remote.assignor", assignor};
            produce(topic, 0, 100);
            try (var first = new Member(topic, settings)) {
                Member.await("the first member owns all", () -> first.owned.size() == 4 && first.values.size() == 100, first);
                try (var second = new Member(topic, settings)) {
                    Member.await("two and two", () -> first.owned.size() == 2 && second.owned.size() == 2, first, second);
                    expect(Collections.disjoint(first.owned, second.owned), "a partition has two owners");
                    String taken = "revoked " + Member.numbers(second.owned);
                    same(taken, first.events.get(1), "a member gives up only what another takes");
                    produce(topic, 100, 200);
                    Member.await("both read on", () -> first.values.size() + second.values.size() >= 200, first, second);
                    Member.await("stable", () -> described(group).groupState() == GroupState.STABLE, first, second);
                    var description = described(group);
                    same(2, description.members().size(), "members described");
                    same(GroupType.CONSUMER, description.type(), "type described");
                    same(assignor, description.partitionAssignor(), "assignor described");
                    List<String> all = new ArrayList<>(first.values);
                    all.addAll(second.values);
                    sameValues(values(0, 200), all, "read by the group");
                }
                Member.await("the first member owns all again", () -> first.owned.size() == 4, first);
            }
            same(GroupState.EMPTY, described(group).groupState(), "state at the end");
        }
    }

    static void staticMembership() throws Exception {
        String topic = topic("consumer-static", 4), group = "java-consumer-static" + RUN;
        ClassicGroupChecks.staticMembership(topic, group,
            id -> new Member(topic, "group.id", group, "group.protocol", "consumer", "group.instance.id", id));
    }

    static void resume() throws Exception {
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

    static void regex() throws Exception {
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

    static void migration() throws Exception {
        String topic = topic("migration", 4), group = "java-migration" + RUN;
        Object[] classic = {"group.id", group, "partition.assignment.strategy", CooperativeStickyAssignor.class.getName()};
        Object[] modern = {"group.id", group, "group.protocol", "consumer"};
        produce(topic, 0, 50);
        try (var old = new Member(topic, classic)) {
            Member.await("a classic group", () -> old.owned.size() == 4 && old.values.size() == 50, old);
            same(GroupType.CLASSIC, described(group).type(), "type before");
            try (var first = new Member(topic, modern)) {
                Member.await("old and new share", () -> old.owned.size() == 2 && first.owned.size() == 2, old, first);
                same(GroupType.CONSUMER, described(group).type(), "type with both");
                produce(topic, 50, 100);
                Member.await("both read on", () -> old.values.size() + first.values.size() >= 100, old, first);
                List<String> all = new ArrayList<>(old.values);
                all.addAll(first.values);
                sameValues(values(0, 100), all, "read during the upgrade");
            }
            // The last member of the new protocol is gone: back to the classic one.
            Member.await("the classic member has all again", () -> old.owned.size() == 4, old);
            same(GroupType.CLASSIC, described(group).type(), "type after");
            produce(topic, 100, 120);
            Member.await("it reads on", () -> old.values.contains("v119"), old);
        }
    }
}
