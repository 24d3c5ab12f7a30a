// Apache Kafka's own Java client against the broker named by the first argument: `java Checks 127.0.0.1:9092 [check ...]`.

import java.util.*;
import org.apache.kafka.clients.consumer.*;

public class Checks extends Harness {
    public static void main(String[] args) {
        Map<String, Check> checks = new LinkedHashMap<>();
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) checks.put("round-trip-" + codec, () -> RecordChecks.roundTrip(codec));
        checks.put("record-fields", RecordChecks::recordFields);
        checks.put("idempotent-producer", RecordChecks::idempotentProducer);
        checks.put("group-rebalance-range", () -> ClassicGroupChecks.rebalance("range", RangeAssignor.class));
        checks.put("group-rebalance-cooperative", () -> ClassicGroupChecks.rebalance("cooperative", CooperativeStickyAssignor.class));
        checks.put("static-membership", ClassicGroupChecks::staticMembership);
        checks.put("committed-offsets-resume", ClassicGroupChecks::committedOffsetsResume);
        checks.put("transaction-commit-abort", TransactionChecks::transactionCommitAbort);
        checks.put("consume-transform-produce", TransactionChecks::consumeTransformProduce);
        checks.put("zombie-fencing", TransactionChecks::zombieFencing);
        checks.put("transaction-timeout-too-large", TransactionChecks::transactionTimeoutTooLarge);
        checks.put("admin-topics", AdminChecks::adminTopics);
        checks.put("admin-topic-errors", AdminChecks::adminTopicErrors);
        checks.put("admin-configs", AdminChecks::adminConfigs);
        checks.put("admin-cluster", AdminChecks::adminCluster);
        checks.put("admin-list-offsets", AdminChecks::adminListOffsets);
        checks.put("admin-delete-records", AdminChecks::adminDeleteRecords);
        checks.put("admin-groups", AdminChecks::adminGroups);
        checks.put("admin-transactions", AdminChecks::adminTransactions);
        checks.put("auto-create-topic", RecordChecks::autoCreateTopic);
        runAll(args, checks);
    }
}
