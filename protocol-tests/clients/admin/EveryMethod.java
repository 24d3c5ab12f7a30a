// Calls every method of Apache Kafka's Admin once or more against the broker named by the first argument and compares what it
// answers with Answers.java, which is what Apache Kafka 4.3.1 answers: `java EveryMethod BOOTSTRAP [print]`.
// Prints one line a call (`ok NAME MILLIS` or `failed NAME: reason`), or with `print` `NAME | ANSWER`.

import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.*;
import org.apache.kafka.common.resource.*;
import org.apache.kafka.common.serialization.*;

@SuppressWarnings("removal")
public class EveryMethod {
    interface Call { Object answer() throws Exception; }

    static final String TOPIC = "every", EMPTY = "empty", GROUP = "readers", SHARERS = "sharers", TRANSACTION = "every-tx";
    static final TopicPartition PARTITION = new TopicPartition(TOPIC, 0), NOWHERE = new TopicPartition("nowhere", 0);
    static String bootstrap;
    static Map<String, Call> calls = new LinkedHashMap<>();

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap, "default.api.timeout.ms", 20000, "request.timeout.ms", 10000))) {
            topics(admin);
            configs(admin);
            cluster(admin);
            records(admin);
            groups(admin);
            streams(admin);
            transactions(admin);
            security(admin);
            itself(admin);
            delete(admin);
            everyMethodIsCalled();
            System.exit(args.length > 1 ? print() : compare());
        }
    }

    static void topics(Admin admin) {
        calls.put("createTopics", () -> {
            var topics = List.of(new NewTopic(TOPIC, 2, (short) 1).configs(Map.of("retention.ms", "-1")), new NewTopic(EMPTY, 1, (short) 1));
            var result = admin.createTopics(topics);
            result.all().get();
            return result.numPartitions(TOPIC).get() + " " + result.replicationFactor(TOPIC).get() + " " + result.config(TOPIC).get().get("retention.ms").value();
        });
        calls.put("createTopics-again", () -> admin.createTopics(List.of(new NewTopic(TOPIC, 1, (short) 1))).all().get());
        calls.put("listTopics", () -> admin.listTopics().names().get());
        calls.put("describeTopics", () -> admin.describeTopics(List.of(TOPIC)).allTopicNames().get().get(TOPIC).partitions());
        calls.put("describeTopics-unknown", () -> admin.describeTopics(List.of("nowhere")).allTopicNames().get());
        calls.put("createPartitions", () -> admin.createPartitions(Map.of(TOPIC, NewPartitions.increaseTo(3))).all().get());
        calls.put("createPartitions-fewer", () -> admin.createPartitions(Map.of(TOPIC, NewPartitions.increaseTo(1))).all().get());
        calls.put("electLeaders", () -> admin.electLeaders(ElectionType.PREFERRED, Set.of(PARTITION)).partitions().get());
        calls.put("electLeaders-unclean", () -> admin.electLeaders(ElectionType.UNCLEAN, Set.of(PARTITION)).partitions().get());
        calls.put("electLeaders-unknown", () -> admin.electLeaders(ElectionType.PREFERRED, Set.of(NOWHERE)).partitions().get());
        calls.put("alterPartitionReassignments", () -> reassign(admin, PARTITION, List.of(1)));
        calls.put("alterPartitionReassignments-broker-that-is-not-there", () -> reassign(admin, PARTITION, List.of(9)));
        calls.put("alterPartitionReassignments-unknown", () -> reassign(admin, NOWHERE, List.of(1)));
        calls.put("alterPartitionReassignments-cancel", () -> admin.alterPartitionReassignments(Map.of(PARTITION, Optional.empty())).all().get());
        calls.put("listPartitionReassignments", () -> admin.listPartitionReassignments().reassignments().get());
    }

    static Object reassign(Admin admin, TopicPartition partition, List<Integer> replicas) throws Exception {
        return admin.alterPartitionReassignments(Map.of(partition, Optional.of(new NewPartitionReassignment(replicas)))).all().get();
    }

    static void configs(Admin admin) {
        var topic = new ConfigResource(ConfigResource.Type.TOPIC, TOPIC);
        var group = new ConfigResource(ConfigResource.Type.GROUP, GROUP);
        calls.put("incrementalAlterConfigs", () -> set(admin, topic, "cleanup.policy", "compact", AlterConfigOp.OpType.APPEND));
        calls.put("incrementalAlterConfigs-bad-value", () -> set(admin, topic, "retention.ms", "soon", AlterConfigOp.OpType.SET));
        calls.put("incrementalAlterConfigs-unknown-key", () -> set(admin, topic, "no.such.key", "1", AlterConfigOp.OpType.SET));
        calls.put("incrementalAlterConfigs-of-group", () -> set(admin, group, "consumer.session.timeout.ms", "50000", AlterConfigOp.OpType.SET));
        calls.put("describeConfigs", () -> values(admin, topic, "cleanup.policy", "retention.ms", "segment.bytes"));
        calls.put("describeConfigs-of-group", () -> values(admin, group, "consumer.session.timeout.ms", "consumer.heartbeat.interval.ms"));
        calls.put("describeConfigs-of-broker", () -> values(admin, new ConfigResource(ConfigResource.Type.BROKER, "1"), "group.initial.rebalance.delay.ms", "num.partitions"));
        calls.put("describeConfigs-unknown", () -> values(admin, new ConfigResource(ConfigResource.Type.TOPIC, "nowhere"), "retention.ms"));
        calls.put("listConfigResources", () -> admin.listConfigResources(Set.of(ConfigResource.Type.GROUP), new ListConfigResourcesOptions()).all().get());
        calls.put("listClientMetricsResources", () -> admin.listClientMetricsResources().all().get());
    }

    static Object set(Admin admin, ConfigResource resource, String key, String value, AlterConfigOp.OpType type) throws Exception {
        return admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry(key, value), type)))).all().get();
    }

    static Object values(Admin admin, ConfigResource resource, String... keys) throws Exception {
        var config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
        return Stream.of(keys).map(config::get).map(e -> e == null ? "absent" : e.name() + "=" + e.value() + " " + e.source() + " " + e.type()).toList();
    }

    static void cluster(Admin admin) {
        var replica = new TopicPartitionReplica(TOPIC, 0, 1);
        calls.put("describeCluster", () -> {
            var cluster = admin.describeCluster();
            return cluster.nodes().get().size() + " " + cluster.controller().get().id() + " " + cluster.clusterId().get().length() + " " + cluster.authorizedOperations().get();
        });
        calls.put("describeLogDirs", () -> admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1).values().stream()
            .map(dir -> dir.error() + " " + dir.replicaInfos().keySet().stream().filter(p -> p.topic().equals(TOPIC)).count()).toList());
        calls.put("describeReplicaLogDirs", () -> admin.describeReplicaLogDirs(List.of(replica)).all().get().get(replica).getCurrentReplicaOffsetLag());
        calls.put("alterReplicaLogDirs", () -> admin.alterReplicaLogDirs(Map.of(replica, "/not/a/log/dir")).all().get());
        calls.put("describeFeatures", () -> {
            var features = admin.describeFeatures().featureMetadata().get();
            return Stream.of("transaction.version", "group.version", "share.version").map(f -> f + " " + features.finalizedFeatures().get(f)).toList();
        });
        calls.put("updateFeatures-unknown", () -> admin.updateFeatures(Map.of("no.such.feature", new FeatureUpdate((short) 1, FeatureUpdate.UpgradeType.UPGRADE)), new UpdateFeaturesOptions()).all().get());
        calls.put("describeMetadataQuorum", () -> admin.describeMetadataQuorum().quorumInfo().get().leaderId());
        calls.put("unregisterBroker-that-is-not-there", () -> admin.unregisterBroker(9).all().get());
        calls.put("addRaftVoter", () -> admin.addRaftVoter(9, Uuid.ONE_UUID, Set.of(new RaftVoterEndpoint("CONTROLLER", "localhost", 9))).all().get());
        calls.put("removeRaftVoter", () -> admin.removeRaftVoter(9, Uuid.ONE_UUID).all().get());
    }

    static void records(Admin admin) {
        calls.put("listOffsets", () -> {
            produce(null, 20, 1000);
            var specs = List.of(OffsetSpec.earliest(), OffsetSpec.latest(), OffsetSpec.maxTimestamp(), OffsetSpec.forTimestamp(1005), OffsetSpec.earliestLocal());
            List<String> found = new ArrayList<>();
            for (var spec : specs) {
                var offset = admin.listOffsets(Map.of(PARTITION, spec)).partitionResult(PARTITION).get();
                found.add(offset.offset() + "@" + offset.timestamp());
            }
            return found;
        });
        calls.put("listOffsets-unknown", () -> admin.listOffsets(Map.of(NOWHERE, OffsetSpec.latest()), new ListOffsetsOptions(IsolationLevel.READ_COMMITTED)).all().get());
        calls.put("deleteRecords-not-there", () -> admin.deleteRecords(Map.of(PARTITION, RecordsToDelete.beforeOffset(50))).all().get());
        calls.put("deleteRecords", () -> admin.deleteRecords(Map.of(PARTITION, RecordsToDelete.beforeOffset(5))).lowWatermarks().get(PARTITION).get().lowWatermark());
    }

    /** One producer that sends records of the given times, in a transaction when it has an id; it stays open then. */
    static KafkaProducer<String, String> produce(String transaction, int count, long from) throws Exception {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", bootstrap));
        if (transaction != null) settings.put("transactional.id", transaction);
        var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
        if (transaction != null) {
            producer.initTransactions();
            producer.beginTransaction();
        }
        for (int i = 0; i < count; i++) producer.send(new ProducerRecord<>(TOPIC, 0, from + i, "k", "v" + i));
        producer.flush();
        if (transaction == null) producer.close();
        return producer;
    }

    static void groups(Admin admin) {
        calls.put("describeConsumerGroups", () -> {
            var settings = Map.<String, Object>of("bootstrap.servers", bootstrap, "group.id", GROUP, "group.protocol", "consumer", "auto.offset.reset", "earliest");
            try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
                consumer.subscribe(List.of(TOPIC));
                for (int seen = 0; seen < 15; ) seen += consumer.poll(java.time.Duration.ofMillis(100)).count();
                consumer.commitSync();
                var group = admin.describeConsumerGroups(List.of(GROUP)).all().get().get(GROUP);
                return group.type() + " " + group.groupState() + " " + group.partitionAssignor() + " " + group.members().stream().map(m -> m.assignment().topicPartitions().size()).toList();
            }
        });
        calls.put("describeConsumerGroups-unknown", () -> admin.describeConsumerGroups(List.of("nobody")).all().get());
        calls.put("describeClassicGroups-of-the-other-type", () -> admin.describeClassicGroups(List.of(GROUP)).all().get());
        calls.put("listConsumerGroups", () -> admin.listConsumerGroups().all().get().stream().map(g -> g.groupId() + " " + g.groupState().get()).toList());
        calls.put("listGroups", () -> admin.listGroups().all().get().stream().map(g -> g.groupId() + " " + g.type().get() + " " + g.protocol()).toList());
        calls.put("listConsumerGroupOffsets", () -> admin.listConsumerGroupOffsets(GROUP).partitionsToOffsetAndMetadata().get().get(PARTITION).offset());
        calls.put("listConsumerGroupOffsets-unknown", () -> admin.listConsumerGroupOffsets("nobody").partitionsToOffsetAndMetadata().get());
        calls.put("alterConsumerGroupOffsets", () -> admin.alterConsumerGroupOffsets(GROUP, Map.of(PARTITION, new OffsetAndMetadata(7))).all().get());
        calls.put("alterConsumerGroupOffsets-unknown-topic", () -> admin.alterConsumerGroupOffsets(GROUP, Map.of(NOWHERE, new OffsetAndMetadata(7))).all().get());
        calls.put("deleteConsumerGroupOffsets", () -> admin.deleteConsumerGroupOffsets(GROUP, Set.of(PARTITION)).all().get());
        calls.put("removeMembersFromConsumerGroup", () -> admin.removeMembersFromConsumerGroup(GROUP, new RemoveMembersFromConsumerGroupOptions(Set.of(new MemberToRemove("nobody")))).all().get());
        calls.put("deleteConsumerGroups", () -> admin.deleteConsumerGroups(List.of(GROUP)).all().get());
        calls.put("deleteConsumerGroups-again", () -> admin.deleteConsumerGroups(List.of(GROUP)).all().get());
        calls.put("alterShareGroupOffsets", () -> admin.alterShareGroupOffsets(SHARERS, Map.of(PARTITION, 6L)).all().get());
        calls.put("listShareGroupOffsets", () -> admin.listShareGroupOffsets(Map.of(SHARERS, new ListShareGroupOffsetsSpec().topicPartitions(List.of(PARTITION)))).partitionsToOffsetInfo(SHARERS).get().get(PARTITION).startOffset());
        calls.put("describeShareGroups", () -> admin.describeShareGroups(List.of(SHARERS)).all().get().get(SHARERS).groupState());
        calls.put("describeShareGroups-unknown", () -> admin.describeShareGroups(List.of("nobody")).all().get());
        calls.put("deleteShareGroupOffsets", () -> admin.deleteShareGroupOffsets(SHARERS, Set.of(TOPIC)).all().get());
        calls.put("deleteShareGroups", () -> admin.deleteShareGroups(List.of(SHARERS)).all().get());
    }

    static void streams(Admin admin) {
        calls.put("describeStreamsGroups-unknown", () -> admin.describeStreamsGroups(List.of("nobody")).all().get());
        calls.put("listStreamsGroupOffsets-unknown", () -> admin.listStreamsGroupOffsets(Map.of("nobody", new ListStreamsGroupOffsetsSpec())).partitionsToOffsetAndMetadata("nobody").get());
        calls.put("alterStreamsGroupOffsets-unknown", () -> admin.alterStreamsGroupOffsets("nobody", Map.of(PARTITION, new OffsetAndMetadata(1))).all().get());
        calls.put("deleteStreamsGroupOffsets-unknown", () -> admin.deleteStreamsGroupOffsets("nobody-else", Set.of(PARTITION)).all().get());
        calls.put("deleteStreamsGroups-unknown", () -> admin.deleteStreamsGroups(List.of("nobody-else")).all().get());
    }

    static void transactions(Admin admin) {
        calls.put("describeTransactions", () -> {
            // Its record stays open until `abortTransaction`, which is told of it by `describeProducers`.
            produce(TRANSACTION, 1, 2000);
            var open = admin.describeTransactions(List.of(TRANSACTION)).all().get().get(TRANSACTION);
            return open.state() + " " + open.topicPartitions() + " " + open.producerEpoch() + " " + open.transactionTimeoutMs();
        });
        calls.put("describeTransactions-unknown", () -> admin.describeTransactions(List.of("nobody")).all().get());
        calls.put("listTransactions", () -> admin.listTransactions().all().get().stream().map(t -> t.transactionalId() + " " + t.state()).toList());
        calls.put("describeProducers", () -> {
            var open = open(admin);
            return open.producerEpoch() + " " + open.lastSequence() + " " + open.lastTimestamp() + " " + open.currentTransactionStartOffset() + " " + open.coordinatorEpoch();
        });
        calls.put("abortTransaction-of-another-epoch", () -> admin.abortTransaction(new AbortTransactionSpec(PARTITION, open(admin).producerId(), (short) (open(admin).producerEpoch() - 1), 0)).all().get());
        calls.put("fenceProducers", () -> {
            var fenced = admin.fenceProducers(List.of(TRANSACTION));
            fenced.all().get();
            return "epoch " + fenced.epochId(TRANSACTION).get();
        });
        calls.put("forceTerminateTransaction", () -> {
            produce(TRANSACTION, 1, 2000);
            return admin.forceTerminateTransaction(TRANSACTION).result().get();
        });
        calls.put("abortTransaction", () -> {
            var open = admin.describeProducers(List.of(PARTITION)).all().get().get(PARTITION).activeProducers().stream()
                .filter(p -> p.currentTransactionStartOffset().isPresent()).findFirst();
            return open.isEmpty() ? "nothing open" : "still open";
        });
    }

    static ProducerState open(Admin admin) throws Exception {
        return admin.describeProducers(List.of(PARTITION)).partitionResult(PARTITION).get().activeProducers().stream()
            .filter(p -> p.currentTransactionStartOffset().isPresent()).findFirst().get();
    }

    static void security(Admin admin) {
        var every = AclBindingFilter.ANY;
        var one = new AclBinding(new ResourcePattern(ResourceType.TOPIC, TOPIC, PatternType.LITERAL), new AccessControlEntry("User:a", "*", AclOperation.READ, AclPermissionType.ALLOW));
        calls.put("describeAcls", () -> admin.describeAcls(every).values().get());
        calls.put("createAcls", () -> admin.createAcls(List.of(one)).all().get());
        calls.put("deleteAcls", () -> admin.deleteAcls(List.of(every)).all().get());
        calls.put("createDelegationToken", () -> admin.createDelegationToken().delegationToken().get());
        calls.put("renewDelegationToken", () -> admin.renewDelegationToken(new byte[] {1}).expiryTimestamp().get());
        calls.put("expireDelegationToken", () -> admin.expireDelegationToken(new byte[] {1}).expiryTimestamp().get());
        calls.put("describeDelegationToken", () -> admin.describeDelegationToken().delegationTokens().get());
        var user = new ClientQuotaEntity(Map.of("user", "a"));
        calls.put("alterClientQuotas", () -> admin.alterClientQuotas(List.of(new ClientQuotaAlteration(user, List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 1024.0))))).all().get());
        calls.put("alterClientQuotas-unknown-key", () -> admin.alterClientQuotas(List.of(new ClientQuotaAlteration(user, List.of(new ClientQuotaAlteration.Op("no_such_rate", 1.0))))).all().get());
        calls.put("describeClientQuotas", () -> admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get());
        var scram = new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096);
        calls.put("alterUserScramCredentials", () -> admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion("a", scram, "secret"))).all().get());
        calls.put("alterUserScramCredentials-not-there", () -> admin.alterUserScramCredentials(List.of(new UserScramCredentialDeletion("b", ScramMechanism.SCRAM_SHA_512))).all().get());
        calls.put("describeUserScramCredentials", () -> admin.describeUserScramCredentials().all().get());
        calls.put("describeUserScramCredentials-unknown", () -> admin.describeUserScramCredentials(List.of("b")).all().get());
    }

    /** What asks no broker, or only for the name that it gives this client. */
    static void itself(Admin admin) {
        calls.put("clientInstanceId", () -> admin.clientInstanceId(java.time.Duration.ofSeconds(10)).equals(Uuid.ZERO_UUID));
        calls.put("metrics", () -> admin.metrics().isEmpty());
        calls.put("registerMetricForSubscription", () -> { admin.registerMetricForSubscription(null); return null; });
        calls.put("unregisterMetricFromSubscription", () -> { admin.unregisterMetricFromSubscription(null); return null; });
    }

    static void delete(Admin admin) {
        calls.put("deleteTopics", () -> admin.deleteTopics(List.of(TOPIC, EMPTY)).all().get());
        calls.put("deleteTopics-again", () -> admin.deleteTopics(List.of(TOPIC)).all().get());
    }

    static void everyMethodIsCalled() {
        var called = calls.keySet().stream().map(name -> name.split("-")[0]).collect(Collectors.toSet());
        for (var method : Admin.class.getMethods()) {
            if (!called.contains(method.getName()) && !Set.of("create", "close").contains(method.getName())) throw new AssertionError("not called: " + method.getName());
        }
    }

    /** What a call answers, or the error it fails with; sets in one order. */
    static String answer(Call call) {
        try {
            Object answer = call.answer();
            if (answer instanceof Collection<?> many && !(answer instanceof List<?>)) answer = many.stream().map(Object::toString).sorted().toList();
            if (answer instanceof List<?> many) answer = many.stream().map(Object::toString).sorted().toList();
            return String.valueOf(answer).replace(bootstrap.split(":")[1], "PORT").replace('\n', ' ').strip();
        } catch (Throwable error) {
            Throwable cause = error instanceof ExecutionException && error.getCause() != null ? error.getCause() : error;
            return (cause.getClass().getSimpleName() + ": " + cause.getMessage()).replace('\n', ' ').strip();
        }
    }

    static int print() {
        calls.forEach((name, call) -> System.out.println(name + " | " + answer(call)));
        return 0;
    }

    static int compare() {
        int failed = 0;
        for (String line : Answers.ALL.split("\n")) {
            boolean leftOut = line.startsWith("!");
            String name = line.substring(leftOut ? 1 : 0, line.indexOf(" | ")), expected = line.substring(line.indexOf(" | ") + 3);
            long start = System.nanoTime();
            String answer = answer(calls.get(name));
            if (answer.equals(expected) || leftOut && answer.startsWith("UnsupportedVersionException: The node does not support")) {
                System.out.println("ok " + name + " " + (System.nanoTime() - start) / 1_000_000);
            } else {
                failed++;
                System.out.println("failed " + name + ": expected " + expected + ", got " + answer);
            }
        }
        return failed == 0 ? 0 : 1;
    }
}
