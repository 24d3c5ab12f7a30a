// What an administrator asks and changes.

import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.*;

class AdminChecks extends Harness {
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
        // Of 1970 as they are, the records would be gone with the first look at retention.
        admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, name),
            List.of(new AlterConfigOp(new ConfigEntry("retention.ms", "-1"), AlterConfigOp.OpType.SET)))).all().get();
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
            Member.await("all read", () -> member.values.size() == 10, member);
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
}
