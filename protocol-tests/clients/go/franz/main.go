// franz-go against the broker named by the first argument: `checks 127.0.0.1:9092 [check ...]`.
// Prints one line a check (`ok NAME MILLIS` or `failed NAME: reason`) and exits with 1 when one failed.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	. "forebay/protocol-tests/go/harness"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var admin = kadm.NewClient(client())

func main() {
	Main([]Check{
		{Name: "round-trip-none", Run: func(c context.Context) { roundTrip(c, "none", kgo.NoCompression()) }},
		{Name: "round-trip-gzip", Run: func(c context.Context) { roundTrip(c, "gzip", kgo.GzipCompression()) }},
		{Name: "round-trip-snappy", Run: func(c context.Context) { roundTrip(c, "snappy", kgo.SnappyCompression()) }},
		{"round-trip-lz4", func(c context.Context) { roundTrip(c, "lz4", kgo.Lz4Compression()) }},
		{Name: "round-trip-zstd", Run: func(c context.Context) { roundTrip(c, "zstd", kgo.ZstdCompression()) }},
		{Name: "record-fields", Run: recordFields},
		{Name: "idempotent-producer", Run: idempotentProducer},
		{Name: "group-rebalance-range", Run: func(c context.Context) { rebalance(c, "range", kgo.RangeBalancer()) }},
		{Name: "group-rebalance-cooperative", Run: func(c context.Context) { rebalance(c, "cooperative", kgo.CooperativeStickyBalancer()) }},
		{Name: "static-membership", Run: staticMembership},
		{Name: "committed-offsets-resume", Run: committedOffsetsResume},
		{Name: "transaction-commit-abort", Run: transactionCommitAbort},
		{Name: "consume-transform-produce", Run: consumeTransformProduce},
		{Name: "zombie-fencing", Run: zombieFencing},
		{Name: "admin-topics", Run: adminTopics},
		{Name: "admin-configs", Run: adminConfigs},
		{Name: "admin-cluster", Run: adminCluster},
		{Name: "admin-list-offsets", Run: adminListOffsets},
		{Name: "admin-delete-records", Run: adminDeleteRecords},
		{Name: "admin-groups", Run: adminGroups},
		{Name: "admin-transactions", Run: adminTransactions},
	})
}

// ---- what every check needs

func failsWith(expected *kerr.Error, err error, what string) {
	if !errors.Is(err, expected) {
		Fail("%s: expected %s, got %v", what, expected.Message, err)
	}
}

func client(options ...kgo.Opt) *kgo.Client {
	base := []kgo.Opt{kgo.SeedBrokers(Bootstrap), kgo.FetchMaxWait(200 * time.Millisecond), kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.HeartbeatInterval(300 * time.Millisecond), kgo.SessionTimeout(10 * time.Second)}
	made, err := kgo.NewClient(append(base, options...)...)
	Must(err, "client")
	return made
}

func topic(ctx context.Context, name string, partitions int32) string {
	name = "go-" + name + "-" + Run
	_, err := admin.CreateTopic(ctx, partitions, 1, nil, name)
	Must(err, "create topic")
	return name
}

func records(topic string, from, to int) []*kgo.Record {
	all := make([]*kgo.Record, 0, to-from)
	for i := from; i < to; i++ {
		all = append(all, &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "k%d", i), Value: fmt.Appendf(nil, "v%d", i)})
	}
	return all
}

func produce(ctx context.Context, topic string, from, to int) {
	producer := client()
	defer producer.Close()
	Must(producer.ProduceSync(ctx, records(topic, from, to)...).FirstErr(), "produce")
}

func poll(ctx context.Context, from *kgo.Client, each func(*kgo.Record)) {
	brief, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	fetches := from.PollFetches(brief)
	fetches.EachError(func(topic string, partition int32, err error) {
		if !errors.Is(err, context.DeadlineExceeded) {
			Fail("fetch %s-%d: %v", topic, partition, err)
		}
	})
	fetches.EachRecord(each)
}

// readAll reads every value of the topic from its beginning to its end, without a group.
func readAll(ctx context.Context, topic string, isolation kgo.IsolationLevel) []string {
	list := admin.ListEndOffsets
	if isolation == kgo.ReadCommitted() {
		list = admin.ListCommittedOffsets
	}
	ends, err := list(ctx, topic)
	Must(err, "end offsets")
	Must(ends.Error(), "end offsets")
	reader := client(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(isolation), kgo.KeepControlRecords())
	defer reader.Close()
	starts, err := admin.ListStartOffsets(ctx, topic)
	Must(err, "start offsets")
	at, found := map[int32]int64{}, []string{}
	starts.Each(func(o kadm.ListedOffset) { at[o.Partition] = o.Offset })
	Until("read "+topic, func() bool {
		done := true
		ends.Each(func(end kadm.ListedOffset) { done = done && at[end.Partition] >= end.Offset })
		if !done {
			poll(ctx, reader, func(r *kgo.Record) {
				at[r.Partition] = r.Offset + 1
				if !r.Attrs.IsControl() {
					found = append(found, string(r.Value))
				}
			})
		}
		return done
	})
	return Sorted(found)
}

// ---- produce and consume

func roundTrip(ctx context.Context, name string, codec kgo.CompressionCodec) {
	topic := topic(ctx, "round-trip-"+name, 3)
	producer := client(kgo.ProducerBatchCompression(codec))
	defer producer.Close()
	sent := []string{}
	for i := range 500 {
		sent = append(sent, strconv.Itoa(i)+strings.Repeat("repeat me ", 50))
		producer.Produce(ctx, &kgo.Record{Topic: topic, Key: fmt.Append(nil, i), Value: []byte(sent[i])}, func(_ *kgo.Record, err error) {
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		})
	}
	Must(producer.Flush(ctx), "flush")
	Same(Sorted(sent), readAll(ctx, topic, kgo.ReadUncommitted()), name)
}

func recordFields(ctx context.Context) {
	topic := topic(ctx, "fields", 1)
	producer := client()
	defer producer.Close()
	first := &kgo.Record{Topic: topic, Value: []byte("no key"), Timestamp: time.UnixMilli(1234567890123), Headers: []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "a"}}}
	Must(producer.ProduceSync(ctx, first, &kgo.Record{Topic: topic, Key: []byte("no value")}).FirstErr(), "produce")
	reader := client(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer reader.Close()
	found := []*kgo.Record{}
	Until("two records", func() bool {
		poll(ctx, reader, func(r *kgo.Record) { found = append(found, r) })
		return len(found) >= 2
	})
	Same(true, found[0].Key == nil, "key is null")
	Same(1234567890123, found[0].Timestamp.UnixMilli(), "timestamp")
	Same(0, found[0].LeaderEpoch, "leader epoch")
	Same(first.Headers, found[0].Headers, "headers")
	Same(true, found[1].Value == nil, "value is null")
	Same(1, found[1].Offset, "offset")
}

func idempotentProducer(ctx context.Context) {
	topic := topic(ctx, "idempotent", 2)
	producer := client(kgo.ProducerBatchMaxBytes(512), kgo.ProducerLinger(0))
	defer producer.Close()
	Must(producer.ProduceSync(ctx, records(topic, 0, 1000)...).FirstErr(), "produce")
	Same(Values(0, 1000), readAll(ctx, topic, kgo.ReadUncommitted()), "idempotent")
	described, err := admin.DescribeProducers(ctx, kadm.TopicsSet{topic: {0: {}}})
	Must(err, "describe producers")
	Same(1, len(described.SortedProducers()), "active producers of the partition")
}

// ---- groups

// member is a group member in a goroutine of its own, with what it owns and what it was told.
type member struct {
	client *kgo.Client
	stop   context.CancelFunc
	done   chan struct{}
	mutex  sync.Mutex
	owned  map[int32]bool
	values []string
	events []string
	err    error
}

func join(topic, group string, options ...kgo.Opt) *member {
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{stop: cancel, done: make(chan struct{}), owned: map[int32]bool{}}
	note := func(what string, keep bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			m.mutex.Lock()
			defer m.mutex.Unlock()
			for _, p := range partitions[topic] {
				m.owned[p] = true
				if !keep {
					delete(m.owned, p)
				}
			}
			if len(partitions[topic]) > 0 {
				slices.Sort(partitions[topic])
				m.events = append(m.events, fmt.Sprint(what, " ", partitions[topic]))
			}
		}
	}
	m.client = client(append([]kgo.Opt{kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.OnPartitionsAssigned(note("assigned", true)),
		kgo.OnPartitionsRevoked(note("revoked", false)), kgo.OnPartitionsLost(note("lost", false))}, options...)...)
	go func() {
		defer close(m.done)
		for ctx.Err() == nil {
			fetches := m.client.PollFetches(ctx)
			m.mutex.Lock()
			fetches.EachError(func(_ string, _ int32, err error) {
				if !errors.Is(err, context.Canceled) {
					m.err = err
				}
			})
			fetches.EachRecord(func(r *kgo.Record) { m.values = append(m.values, string(r.Value)) })
			m.mutex.Unlock()
			if !fetches.Empty() {
				if err := m.client.CommitUncommittedOffsets(ctx); err != nil && ctx.Err() == nil {
					fmt.Fprintln(os.Stderr, "commit:", err)
				}
			}
		}
	}()
	return m
}

func (m *member) leave() {
	m.stop()
	<-m.done
	m.client.Close()
}

func (m *member) owns() (all []int32) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for p := range m.owned {
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}

func (m *member) told() []string {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return slices.Clone(m.events)
}

func (m *member) read() []string {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return slices.Clone(m.values)
}

func await(what string, members []*member, done func() bool) {
	Until(what, func() bool {
		for _, m := range members {
			m.mutex.Lock()
			err := m.err
			m.mutex.Unlock()
			Must(err, "member")
		}
		time.Sleep(10 * time.Millisecond)
		return done()
	})
}

func rebalance(ctx context.Context, name string, balancer kgo.GroupBalancer) {
	topic, group := topic(ctx, "rebalance-"+name, 4), "go-rebalance-"+name+Run
	produce(ctx, topic, 0, 100)
	first := join(topic, group, kgo.Balancers(balancer))
	defer first.leave()
	await("the first member owns and reads all", []*member{first}, func() bool { return len(first.owns()) == 4 && len(first.read()) == 100 })
	second := join(topic, group, kgo.Balancers(balancer))
	gone := false
	defer func() {
		if !gone {
			second.leave()
		}
	}()
	both := []*member{first, second}
	await("two and two", both, func() bool { return len(first.owns()) == 2 && len(second.owns()) == 2 })
	all := append(first.owns(), second.owns()...)
	slices.Sort(all)
	Same([]int32{0, 1, 2, 3}, all, "owned together")
	if name == "cooperative" {
		Same(fmt.Sprint("revoked ", second.owns()), first.told()[1], "a cooperative member gives up only what another takes")
	}
	produce(ctx, topic, 100, 200)
	await("both read on", both, func() bool { return len(first.read())+len(second.read()) >= 200 })
	described, err := admin.DescribeGroups(ctx, group)
	Must(err, "describe group")
	Same("Stable 2", fmt.Sprint(described[group].State, " ", len(described[group].Members)), "state and members described")
	Same(Values(0, 200), Sorted(append(first.read(), second.read()...)), "read by the group")
	second.leave()
	gone = true
	await("the first member owns all again", both[:1], func() bool { return len(first.owns()) == 4 })
}

func staticMembership(ctx context.Context) {
	topic, group := topic(ctx, "static", 4), "go-static"+Run
	static := func(id string) *member {
		return join(topic, group, kgo.InstanceID(id), kgo.SessionTimeout(30*time.Second), kgo.Balancers(kgo.RangeBalancer()))
	}
	first := static("one")
	defer first.leave()
	second := static("two")
	await("two and two", []*member{first, second}, func() bool { return len(first.owns()) == 2 && len(second.owns()) == 2 })
	before, events := second.owns(), first.told()
	second.leave() // a static member does not send LeaveGroup
	produce(ctx, topic, 0, 50)
	again := static("two")
	defer again.leave()
	both := []*member{first, again}
	await("the restarted member has its partitions back", both, func() bool { return slices.Equal(again.owns(), before) })
	await("all is read", both, func() bool { return len(first.read())+len(again.read()) == 50 })
	Same(events, first.told(), "a static restart causes no rebalance for the others")
}

func committedOffsetsResume(ctx context.Context) {
	topic, group := topic(ctx, "resume", 2), "go-resume"+Run
	produce(ctx, topic, 0, 40)
	found := []string{}
	read := func(count int) {
		reader := client(kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		defer reader.Close()
		Until(fmt.Sprint(count, " records"), func() bool {
			brief, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			defer cancel()
			polled := reader.PollRecords(brief, min(5, count-len(found)))
			polled.EachRecord(func(r *kgo.Record) {
				found = append(found, string(r.Value))
				Must(reader.CommitRecords(ctx, r), "commit")
			})
			return len(found) >= count
		})
	}
	read(15)
	Same(15, committed(ctx, group), "committed by the first")
	read(40)
	Same(Values(0, 40), Sorted(found), "read before and after")
}

func committed(ctx context.Context, group string) (sum int64) {
	offsets, err := admin.FetchOffsets(ctx, group)
	Must(err, "fetch offsets")
	offsets.Each(func(o kadm.OffsetResponse) { sum += o.At })
	return sum
}

// ---- transactions

func transactionCommitAbort(ctx context.Context) {
	topic := topic(ctx, "transactions", 2)
	producer := client(kgo.TransactionalID("go-tx" + Run))
	defer producer.Close()
	transact := func(from, to int, end kgo.TransactionEndTry) {
		Must(producer.BeginTransaction(), "begin")
		Must(producer.ProduceSync(ctx, records(topic, from, to)...).FirstErr(), "produce")
		if !end {
			Same(50, len(readAll(ctx, topic, kgo.ReadCommitted())), "read_committed stops at the open transaction")
		}
		Must(producer.EndTransaction(ctx, end), "end")
	}
	transact(0, 50, kgo.TryCommit)
	transact(50, 100, kgo.TryAbort)
	transact(100, 150, kgo.TryCommit)
	Same(Sorted(append(Values(0, 50), Values(100, 150)...)), readAll(ctx, topic, kgo.ReadCommitted()), "read_committed")
	Same(Values(0, 150), readAll(ctx, topic, kgo.ReadUncommitted()), "read_uncommitted")
}

func consumeTransformProduce(ctx context.Context) {
	source, sink, group := topic(ctx, "ctp-in", 2), topic(ctx, "ctp-out", 2), "go-ctp"+Run
	produce(ctx, source, 0, 100)
	for round, commit := range []bool{true, false, true} {
		session, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(Bootstrap), kgo.TransactionalID("go-ctp"+Run), kgo.ConsumerGroup(group),
			kgo.ConsumeTopics(source), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
			kgo.RequireStableFetchOffsets(), kgo.FetchMaxWait(200*time.Millisecond))
		Must(err, "session")
		Until(fmt.Sprint("round ", round), func() bool {
			brief, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
			fetches := session.PollRecords(brief, 30)
			cancel()
			if !fetches.Empty() {
				Must(session.Begin(), "begin")
				fetches.EachRecord(func(r *kgo.Record) {
					session.Produce(ctx, &kgo.Record{Topic: sink, Key: r.Key, Value: append([]byte("out "), r.Value...)}, nil)
				})
				ended, err := session.End(ctx, kgo.TransactionEndTry(commit))
				Must(err, "end")
				Same(commit, ended, "committed")
			}
			switch round {
			case 0:
				return committed(ctx, group) >= 60
			case 1:
				return !fetches.Empty()
			default:
				return committed(ctx, group) >= 100
			}
		})
		session.Close()
	}
	expected := []string{}
	for _, value := range Values(0, 100) {
		expected = append(expected, "out "+value)
	}
	Same(Sorted(expected), readAll(ctx, sink, kgo.ReadCommitted()), "transformed exactly once")
}

func zombieFencing(ctx context.Context) {
	topic := topic(ctx, "zombie", 1)
	zombie, heir := client(kgo.TransactionalID("go-zombie"+Run)), client(kgo.TransactionalID("go-zombie"+Run))
	defer zombie.Close()
	defer heir.Close()
	Must(zombie.BeginTransaction(), "begin")
	Must(zombie.ProduceSync(ctx, records(topic, 0, 1)...).FirstErr(), "the zombie's first record")
	Must(heir.BeginTransaction(), "begin")
	Must(heir.ProduceSync(ctx, records(topic, 1, 2)...).FirstErr(), "the heir's record")
	err := zombie.ProduceSync(ctx, records(topic, 2, 3)...).FirstErr()
	if !errors.Is(err, kerr.InvalidProducerEpoch) && !errors.Is(err, kerr.ProducerFenced) {
		Fail("the zombie got %v", err)
	}
	Must(heir.EndTransaction(ctx, kgo.TryCommit), "the heir's commit")
	Same(Values(1, 2), readAll(ctx, topic, kgo.ReadCommitted()), "read_committed")
}

// ---- admin

func adminTopics(ctx context.Context) {
	name := "go-admin-" + Run
	retention := "123456"
	_, err := admin.CreateTopic(ctx, 2, 1, map[string]*string{"retention.ms": &retention}, name)
	Must(err, "create")
	_, err = admin.CreateTopic(ctx, 2, 1, nil, name)
	failsWith(kerr.TopicAlreadyExists, err, "create again")
	listed, err := admin.ListTopics(ctx, name)
	Must(err, "list")
	Same(2, len(listed[name].Partitions), "partitions")
	increased, err := admin.UpdatePartitions(ctx, 5, name)
	Must(err, "create partitions")
	Must(increased[name].Err, "create partitions")
	Until("five partitions", func() bool {
		listed, err := admin.ListTopics(ctx, name)
		Must(err, "list")
		return len(listed[name].Partitions) == 5
	})
	_, err = admin.DeleteTopic(ctx, name)
	Must(err, "delete")
	_, err = admin.DeleteTopic(ctx, name)
	failsWith(kerr.UnknownTopicOrPartition, err, "delete again")
}

func adminConfigs(ctx context.Context) {
	name, policy := "go-configs-"+Run, "compact"
	_, err := admin.CreateTopic(ctx, 1, 1, map[string]*string{"cleanup.policy": &policy}, name)
	Must(err, "create")
	found := map[string]string{}
	// Kafka's broker may learn of a topic a moment after its controller has answered.
	Until("the topic's configuration", func() bool {
		described, err := admin.DescribeTopicConfigs(ctx, name)
		Must(err, "describe")
		for _, config := range described[0].Configs {
			found[config.Key] = config.MaybeValue()
		}
		return described[0].Err == nil
	})
	Same("compact 1048588", found["cleanup.policy"]+" "+found["max.message.bytes"], "configuration")
}

func adminCluster(ctx context.Context) {
	metadata, err := admin.BrokerMetadata(ctx)
	Must(err, "metadata")
	Same(1, len(metadata.Brokers), "brokers")
	Same(Bootstrap, fmt.Sprintf("%s:%d", metadata.Brokers[0].Host, metadata.Brokers[0].Port), "advertised listener")
	Same(22, len(metadata.Cluster), "length of the cluster id, a base64 uuid")
}

func adminListOffsets(ctx context.Context) {
	name, forever := "go-list-offsets-"+Run, "-1"
	// Of 1970 as they are, the records would be gone with the first look at retention.
	_, err := admin.CreateTopic(ctx, 1, 1, map[string]*string{"retention.ms": &forever}, name)
	Must(err, "create topic")
	producer := client()
	defer producer.Close()
	for _, at := range []int64{1000, 3000, 2000} {
		Must(producer.ProduceSync(ctx, &kgo.Record{Topic: name, Value: []byte("v"), Timestamp: time.UnixMilli(at)}).FirstErr(), "produce")
	}
	offset := func(listed kadm.ListedOffsets, err error) int64 {
		Must(err, "list offsets")
		return listed[name][0].Offset
	}
	Same(0, offset(admin.ListStartOffsets(ctx, name)), "earliest")
	Same(3, offset(admin.ListEndOffsets(ctx, name)), "latest")
	Same(1, offset(admin.ListMaxTimestampOffsets(ctx, name)), "max timestamp")
	Same(1, offset(admin.ListOffsetsAfterMilli(ctx, 1001, name)), "after 1001")
}

func adminDeleteRecords(ctx context.Context) {
	name := topic(ctx, "delete-records", 1)
	produce(ctx, name, 0, 20)
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: name, Partition: 0, At: 15, LeaderEpoch: -1})
	deleted, err := admin.DeleteRecords(ctx, offsets)
	Must(err, "delete records")
	Same(15, deleted[name][0].LowWatermark, "low watermark")
	Same(Values(15, 20), readAll(ctx, name, kgo.ReadUncommitted()), "left")
}

func adminGroups(ctx context.Context) {
	name, group := topic(ctx, "groups", 2), "go-groups"+Run
	produce(ctx, name, 0, 10)
	reader := join(name, group)
	await("all read and committed", []*member{reader}, func() bool { return len(reader.read()) == 10 && committed(ctx, group) == 10 })
	_, err := admin.DeleteGroup(ctx, group)
	failsWith(kerr.NonEmptyGroup, err, "delete a group with a member")
	lags, err := admin.Lag(ctx, group)
	Must(err, "lag")
	Same(0, lags[group].Lag.Total(), "lag")
	reader.leave()
	listed, err := admin.ListGroups(ctx)
	Must(err, "list groups")
	Same("Empty", listed[group].State, "state listed")
	deleted, err := admin.DeleteOffsets(ctx, group, kadm.TopicsSet{name: {0: {}}})
	Must(err, "delete offsets")
	Must(deleted.Error(), "delete offsets")
	offsets, err := admin.FetchOffsets(ctx, group)
	Must(err, "fetch offsets")
	Same(1, len(offsets[name]), "partitions with an offset")
	_, err = admin.DeleteGroup(ctx, group)
	Must(err, "delete")
	_, err = admin.DeleteGroup(ctx, group)
	failsWith(kerr.GroupIDNotFound, err, "delete again")
}

func adminTransactions(ctx context.Context) {
	name, id := topic(ctx, "admin-tx", 1), "go-admin-tx"+Run
	producer := client(kgo.TransactionalID(id))
	defer producer.Close()
	Must(producer.BeginTransaction(), "begin")
	Must(producer.ProduceSync(ctx, records(name, 0, 1)...).FirstErr(), "produce")
	described, err := admin.DescribeTransactions(ctx, id)
	Must(err, "describe")
	Same("Ongoing", described[id].State, "state")
	listed, err := admin.ListTransactions(ctx, nil, []string{"Ongoing"})
	Must(err, "list")
	Same(true, slices.Contains(listed.TransactionalIDs(), id), "listed as ongoing")
	Must(producer.EndTransaction(ctx, kgo.TryCommit), "commit")
	Until("complete", func() bool {
		described, err := admin.DescribeTransactions(ctx, id)
		Must(err, "describe")
		return described[id].State == "CompleteCommit"
	})
}
