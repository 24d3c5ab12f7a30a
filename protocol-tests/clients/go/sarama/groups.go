package main

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	. "forebay/protocol-tests/go/harness"

	"github.com/IBM/sarama"
)

// member is a member of a group with goroutines of its own.
type member struct {
	group  sarama.ConsumerGroup
	each   func(sarama.ConsumerGroupSession, *sarama.ConsumerMessage)
	stop   context.CancelFunc
	ended  chan struct{}
	mutex  sync.Mutex
	owned  []int32
	values []string
	failed error
}

func join(topic, group string, each func(sarama.ConsumerGroupSession, *sarama.ConsumerMessage), change ...func(*sarama.Config)) *member {
	consumers, err := sarama.NewConsumerGroup([]string{Bootstrap}, group, config(change...))
	Must(err, "group")
	ctx, stop := context.WithCancel(context.Background())
	joined := &member{group: consumers, each: each, stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(joined.ended)
		for ctx.Err() == nil {
			if err := consumers.Consume(ctx, []string{topic}, joined); err != nil && ctx.Err() == nil {
				joined.mutex.Lock()
				joined.failed = err
				joined.mutex.Unlock()
				return
			}
		}
	}()
	return joined
}

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.owned = nil
	for _, partitions := range session.Claims() {
		m.owned = append(m.owned, partitions...)
	}
	slices.Sort(m.owned)
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.owned = nil
	return nil
}

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, more := <-claim.Messages():
			if !more {
				return nil
			}
			m.mutex.Lock()
			m.values = append(m.values, string(message.Value))
			m.mutex.Unlock()
			m.each(session, message)
		case <-session.Context().Done():
			return nil
		}
	}
}

func (m *member) owns() []int32 {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	Must(m.failed, "member")
	return slices.Clone(m.owned)
}

func (m *member) read() []string {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return slices.Clone(m.values)
}

func (m *member) leave() {
	m.stop()
	<-m.ended
	Must(m.group.Close(), "leave")
}

func mark(session sarama.ConsumerGroupSession, message *sarama.ConsumerMessage) {
	session.MarkMessage(message, "")
}

func wait(what string, done func() bool) {
	Until(what, func() bool {
		time.Sleep(10 * time.Millisecond)
		return done()
	})
}

func rebalance(name string, strategy sarama.BalanceStrategy) func(context.Context) {
	return func(context.Context) {
		topic, group := topic("rebalance-"+name, 4), "sarama-"+name+"-"+Run
		strategies := func(c *sarama.Config) {
			c.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategy}
		}
		produce(topic, 0, 100)
		first := join(topic, group, mark, strategies)
		wait("the first owns and reads all", func() bool { return len(first.owns()) == 4 && len(first.read()) == 100 })
		second := join(topic, group, mark, strategies)
		wait("two and two", func() bool { return len(first.owns()) == 2 && len(second.owns()) == 2 })
		Same([]int32{0, 1, 2, 3}, slices.Sorted(slices.Values(append(first.owns(), second.owns()...))), "owned together")
		produce(topic, 100, 200)
		both := func() []string { return Sorted(append(first.read(), second.read()...)) }
		wait("both read on", func() bool { return len(both()) >= 200 })
		Same(Values(0, 200), both(), "read by the group")
		withAdmin(func(admin sarama.ClusterAdmin) {
			described, err := admin.DescribeConsumerGroups([]string{group})
			Must(err, "describe")
			Same("Stable", described[0].State, "state described")
			Same(2, len(described[0].Members), "members described")
		})
		second.leave()
		wait("the first owns all again", func() bool { return len(first.owns()) == 4 })
		first.leave()
	}
}

func staticMembership(context.Context) {
	topic, group := topic("static", 4), "sarama-static-"+Run
	instance := func(name string) func(*sarama.Config) {
		return func(c *sarama.Config) {
			c.Consumer.Group.InstanceId, c.Consumer.Group.Session.Timeout = name, 30*time.Second
		}
	}
	first := join(topic, group, mark, instance("one"))
	defer first.leave()
	second := join(topic, group, mark, instance("two"))
	wait("two and two", func() bool { return len(first.owns()) == 2 && len(second.owns()) == 2 })
	before := second.owns()
	second.leave()
	again := join(topic, group, mark, instance("two"))
	defer again.leave()
	wait("the restarted member has its partitions back", func() bool { return slices.Equal(again.owns(), before) })
}

// consumeTransformProduce moves records in transactions that hold their offsets (KIP-447), of which one is aborted.
func consumeTransformProduce(context.Context) {
	source, sink, group := topic("ctp-in", 1), topic("ctp-out", 1), "sarama-ctp-"+Run
	produce(source, 0, 60)
	out := producer(transactional(group))
	defer out.Close()
	var failed error
	moved := func(commit bool) func(sarama.ConsumerGroupSession, *sarama.ConsumerMessage) {
		return func(session sarama.ConsumerGroupSession, message *sarama.ConsumerMessage) {
			steps := []func() error{out.BeginTxn, func() error {
				_, _, err := out.SendMessage(&sarama.ProducerMessage{Topic: sink, Value: sarama.StringEncoder("out " + string(message.Value))})
				return err
			}, func() error { return out.AddMessageToTxn(message, group, nil) }, out.CommitTxn}
			if !commit {
				steps[3] = out.AbortTxn
			}
			for _, step := range steps {
				if err := step(); err != nil && failed == nil {
					failed = err
				}
			}
		}
	}
	noAutoCommit := func(c *sarama.Config) { c.Consumer.Offsets.AutoCommit.Enable = false }
	aborted := join(source, group, moved(false), noAutoCommit)
	wait("some are aborted", func() bool { return len(aborted.read()) >= 10 })
	aborted.leave()
	committed := join(source, group, moved(true), noAutoCommit)
	wait("all are read again", func() bool { return len(committed.read()) >= 60 })
	committed.leave()
	Must(failed, "transaction")
	expected := []string{}
	for _, value := range Values(0, 60) {
		expected = append(expected, "out "+value)
	}
	Same(Sorted(expected), readAll(sink, sarama.ReadCommitted, 60), "transformed exactly once")
	Same(map[int32]int64{0: 60}, offsets(group, source), "offsets of the group")
}

func offsets(group, topic string) map[int32]int64 {
	found := map[int32]int64{}
	withAdmin(func(admin sarama.ClusterAdmin) {
		answer, err := admin.ListConsumerGroupOffsets(group, nil)
		Must(err, "offsets")
		for partition := range maps.Keys(answer.Blocks[topic]) {
			found[partition] = answer.Blocks[topic][partition].Offset
		}
	})
	return found
}
