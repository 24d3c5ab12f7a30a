package main

import (
	"context"
	"errors"

	. "forebay/protocol-tests/go/harness"

	"github.com/IBM/sarama"
)

func failsWith(expected sarama.KError, err error, what string) {
	if !errors.Is(err, expected) {
		Fail("%s: expected %v, got %v", what, expected, err)
	}
}

func adminTopics(context.Context) {
	name := topic("admin", 2)
	withAdmin(func(admin sarama.ClusterAdmin) {
		partitions := func() int {
			described, err := admin.DescribeTopics([]string{name})
			Must(err, "describe")
			return len(described[0].Partitions)
		}
		Same(2, partitions(), "partitions")
		failsWith(sarama.ErrTopicAlreadyExists, admin.CreateTopic(name, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false), "create again")
		Must(admin.CreatePartitions(name, 5, nil, false), "create partitions")
		Until("five partitions", func() bool { return partitions() == 5 })
		failsWith(sarama.ErrInvalidPartitions, admin.CreatePartitions(name, 3, nil, false), "fewer partitions")
		Must(admin.DeleteTopic(name), "delete")
		Until("topic gone", func() bool {
			topics, err := admin.ListTopics()
			Must(err, "list")
			_, there := topics[name]
			return !there
		})
		failsWith(sarama.ErrUnknownTopicOrPartition, admin.DeleteTopic(name), "delete again")
	})
}

func adminConfigs(context.Context) {
	name := topic("configs", 1)
	withAdmin(func(admin sarama.ClusterAdmin) {
		value := func(kind sarama.ConfigResourceType, name, key string) string {
			entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: kind, Name: name, ConfigNames: []string{key}})
			Must(err, "describe")
			Same(1, len(entries), key)
			return entries[0].Value
		}
		retention := "5000"
		Same("604800000", value(sarama.TopicResource, name, "retention.ms"), "default")
		set := map[string]sarama.IncrementalAlterConfigsEntry{"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &retention}}
		Must(admin.IncrementalAlterConfig(sarama.TopicResource, name, set, false), "incremental")
		Same("5000", value(sarama.TopicResource, name, "retention.ms"), "set")
		policy := "compact"
		Must(admin.AlterConfig(sarama.TopicResource, name, map[string]*string{"cleanup.policy": &policy}, false), "all at once")
		Same("604800000", value(sarama.TopicResource, name, "retention.ms"), "what was not named is the default again")
		Same("compact", value(sarama.TopicResource, name, "cleanup.policy"), "named")
		Same("0", value(sarama.BrokerResource, "1", "group.initial.rebalance.delay.ms"), "of the broker")
	})
}

func adminCluster(context.Context) {
	withAdmin(func(admin sarama.ClusterAdmin) {
		brokers, _, err := admin.DescribeCluster()
		Must(err, "describe")
		Same(1, len(brokers), "brokers")
		Same(Bootstrap, brokers[0].Addr(), "advertised listener")
		dirs, err := admin.DescribeLogDirs([]int32{brokers[0].ID()})
		Must(err, "log dirs")
		Same(1, len(dirs[brokers[0].ID()]), "log dirs")
	})
}

func adminOffsetsAndRecords(context.Context) {
	name := topic("offsets", 1)
	produce(name, 0, 20)
	withAdmin(func(admin sarama.ClusterAdmin) {
		offset := func(of int64) int64 {
			answer, err := admin.ListOffsets(map[string]map[int32]int64{name: {0: of}}, nil)
			Must(err, "list offsets")
			Same(error(sarama.ErrNoError), answer[name][0].Err, "list offsets")
			return answer[name][0].Offset
		}
		Same(20, offset(sarama.OffsetNewest), "latest")
		Must(admin.DeleteRecords(name, map[int32]int64{0: 15}), "delete records")
		Same(15, offset(sarama.OffsetOldest), "earliest")
	})
	Same(Values(15, 20), readAll(name, sarama.ReadUncommitted, 5), "left")
}

func adminGroups(context.Context) {
	name, group := topic("groups", 1), "sarama-groups-"+Run
	produce(name, 0, 10)
	withAdmin(func(admin sarama.ClusterAdmin) {
		member := join(name, group, mark)
		wait("all read", func() bool { return len(member.read()) == 10 })
		failsWith(sarama.ErrNonEmptyGroup, admin.DeleteConsumerGroup(group), "deleting a group with members")
		member.leave()
		groups, err := admin.ListConsumerGroups()
		Must(err, "list")
		Same("consumer", groups[group], "listed")
		Same(map[int32]int64{0: 10}, offsets(group, name), "committed")
		_, err = admin.AlterConsumerGroupOffsets(group, map[string]map[int32]sarama.OffsetAndMetadata{name: {0: {Offset: 3}}}, nil)
		Must(err, "alter")
		Same(map[int32]int64{0: 3}, offsets(group, name), "altered")
		Must(admin.DeleteConsumerGroupOffset(group, name, 0), "delete an offset")
		Must(admin.DeleteConsumerGroup(group), "delete")
		failsWith(sarama.ErrGroupIDNotFound, admin.DeleteConsumerGroup(group), "delete again")
	})
}

// adminACLsRefused: without an authorizer the broker says that security is disabled.
func adminACLsRefused(context.Context) {
	withAdmin(func(admin sarama.ClusterAdmin) {
		any := sarama.AclFilter{ResourceType: sarama.AclResourceAny, ResourcePatternTypeFilter: sarama.AclPatternAny, Operation: sarama.AclOperationAny, PermissionType: sarama.AclPermissionAny}
		_, err := admin.ListAcls(any)
		failsWith(sarama.ErrSecurityDisabled, err, "list")
	})
}
