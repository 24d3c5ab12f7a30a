// sarama against the broker named by the first argument: `sarama 127.0.0.1:9092 [check ...]`.
// Prints one line a check (`ok NAME MILLIS` or `failed NAME: reason`) and exits with 1 when one failed.
package main

import (
	"time"

	. "forebay/protocol-tests/go/harness"

	"github.com/IBM/sarama"
)

func main() {
	Main([]Check{
		{Name: "round-trip-none", Run: roundTrip("none", sarama.CompressionNone)},
		{Name: "round-trip-gzip", Run: roundTrip("gzip", sarama.CompressionGZIP)},
		{Name: "round-trip-snappy", Run: roundTrip("snappy", sarama.CompressionSnappy)},
		{Name: "round-trip-lz4", Run: roundTrip("lz4", sarama.CompressionLZ4)},
		{Name: "round-trip-zstd", Run: roundTrip("zstd", sarama.CompressionZSTD)},
		{Name: "record-fields", Run: recordFields},
		{Name: "idempotent-producer", Run: idempotentProducer},
		{Name: "group-rebalance-range", Run: rebalance("range", sarama.NewBalanceStrategyRange())},
		{Name: "group-rebalance-sticky", Run: rebalance("sticky", sarama.NewBalanceStrategySticky())},
		{Name: "group-rebalance-roundrobin", Run: rebalance("roundrobin", sarama.NewBalanceStrategyRoundRobin())},
		{Name: "static-membership", Run: staticMembership},
		{Name: "transaction-commit-abort", Run: transactionCommitAbort},
		{Name: "consume-transform-produce", Run: consumeTransformProduce},
		{Name: "zombie-fencing", Run: zombieFencing},
		{Name: "admin-topics", Run: adminTopics},
		{Name: "admin-configs", Run: adminConfigs},
		{Name: "admin-cluster", Run: adminCluster},
		{Name: "admin-offsets-and-records", Run: adminOffsetsAndRecords},
		{Name: "admin-groups", Run: adminGroups},
		{Name: "admin-acls-refused", Run: adminACLsRefused},
	})
}

// config is sarama's own with what makes tests quick; change may alter it.
func config(change ...func(*sarama.Config)) *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Flush.Frequency = 5 * time.Millisecond
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Interval = 100 * time.Millisecond
	config.Consumer.Group.Heartbeat.Interval = 300 * time.Millisecond
	config.Consumer.Group.Rebalance.Retry.Backoff = 200 * time.Millisecond
	config.Consumer.MaxWaitTime = 50 * time.Millisecond
	config.Metadata.Retry.Backoff = 50 * time.Millisecond
	for _, each := range change {
		each(config)
	}
	return config
}

// transactional makes a configuration that of a transactional producer.
func transactional(id string) func(*sarama.Config) {
	return func(config *sarama.Config) {
		config.Producer.Idempotent = true
		config.Producer.Transaction.ID = id
		config.Net.MaxOpenRequests = 1
	}
}

func withAdmin(use func(sarama.ClusterAdmin)) {
	admin, err := sarama.NewClusterAdmin([]string{Bootstrap}, config())
	Must(err, "admin")
	defer admin.Close()
	use(admin)
}

func topic(name string, partitions int32) string {
	name = "sarama-" + name + "-" + Run
	withAdmin(func(admin sarama.ClusterAdmin) {
		Must(admin.CreateTopic(name, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false), "create topic")
	})
	return name
}
