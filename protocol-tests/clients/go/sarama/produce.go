package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	. "forebay/protocol-tests/go/harness"

	"github.com/IBM/sarama"
)

func producer(change ...func(*sarama.Config)) sarama.SyncProducer {
	producer, err := sarama.NewSyncProducer([]string{Bootstrap}, config(change...))
	Must(err, "producer")
	return producer
}

func messages(topic string, from, to int) (all []*sarama.ProducerMessage) {
	for i := from; i < to; i++ {
		key, value := sarama.StringEncoder(fmt.Sprintf("k%d", i)), sarama.StringEncoder(fmt.Sprintf("v%d", i))
		all = append(all, &sarama.ProducerMessage{Topic: topic, Key: key, Value: value})
	}
	return all
}

func produce(topic string, from, to int) {
	producer := producer()
	defer producer.Close()
	Must(producer.SendMessages(messages(topic, from, to)), "produce")
}

// readAll reads the values of the topic from its beginning, without a group: as many as are expected, and any that should not be there.
func readAll(topic string, isolation sarama.IsolationLevel, expected int) (found []string) {
	consumer, err := sarama.NewConsumer([]string{Bootstrap}, config(func(c *sarama.Config) { c.Consumer.IsolationLevel = isolation }))
	Must(err, "consumer")
	defer consumer.Close()
	partitions, err := consumer.Partitions(topic)
	Must(err, "partitions")
	values := make(chan string)
	for _, partition := range partitions {
		messages, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
		Must(err, "consume")
		defer messages.AsyncClose()
		go func() {
			for message := range messages.Messages() {
				values <- string(message.Value)
			}
		}()
	}
	patience := Limit
	for {
		if len(found) >= expected {
			patience = 300 * time.Millisecond
		}
		select {
		case value := <-values:
			found = append(found, value)
		case <-time.After(patience):
			return Sorted(found)
		}
	}
}

func roundTrip(name string, codec sarama.CompressionCodec) func(context.Context) {
	return func(context.Context) {
		topic := topic("round-trip-"+name, 3)
		producer, err := sarama.NewAsyncProducer([]string{Bootstrap}, config(func(c *sarama.Config) { c.Producer.Compression = codec }))
		Must(err, "producer")
		sent := []string{}
		for i := range 500 {
			sent = append(sent, strconv.Itoa(i)+strings.Repeat("repeat me ", 50))
		}
		go func() {
			for i, value := range sent {
				producer.Input() <- &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(strconv.Itoa(i)), Value: sarama.StringEncoder(value)}
			}
		}()
		for range sent {
			select {
			case <-producer.Successes():
			case err := <-producer.Errors():
				Fail("not delivered: %v", err)
			}
		}
		Must(producer.Close(), "close")
		Same(Sorted(sent), readAll(topic, sarama.ReadUncommitted, 500), name)
	}
}

func recordFields(context.Context) {
	topic := topic("fields", 1)
	producer := producer()
	defer producer.Close()
	at := time.UnixMilli(1234567890123)
	headers := []sarama.RecordHeader{{Key: []byte("a"), Value: []byte("1")}, {Key: []byte("a")}}
	_, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("no key"), Timestamp: at, Headers: headers})
	Must(err, "no key")
	_, offset, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder("no value")})
	Must(err, "no value")
	Same(1, offset, "offset acknowledged")
	consumer, err := sarama.NewConsumer([]string{Bootstrap}, config())
	Must(err, "consumer")
	defer consumer.Close()
	messages, err := consumer.ConsumePartition(topic, 0, sarama.OffsetOldest)
	Must(err, "consume")
	defer messages.Close()
	first, second := <-messages.Messages(), <-messages.Messages()
	Same(0, len(first.Key), "length of the key")
	Same(at.UnixMilli(), first.Timestamp.UnixMilli(), "timestamp")
	Same(2, len(first.Headers), "headers")
	Same("1", string(first.Headers[0].Value), "first header")
	Same(true, second.Value == nil, "no value")
}

func idempotentProducer(context.Context) {
	topic := topic("idempotent", 2)
	producer := producer(func(c *sarama.Config) {
		c.Producer.Idempotent, c.Net.MaxOpenRequests, c.Producer.Flush.MaxMessages = true, 1, 10
	})
	Must(producer.SendMessages(messages(topic, 0, 1000)), "produce")
	Must(producer.Close(), "close")
	Same(Values(0, 1000), readAll(topic, sarama.ReadUncommitted, 1000), "idempotent")
}

func transactionCommitAbort(context.Context) {
	topic := topic("transactions", 2)
	producer := producer(transactional("sarama-tx-" + Run))
	defer producer.Close()
	for round, commit := range []bool{true, false, true} {
		Must(producer.BeginTxn(), "begin")
		Must(producer.SendMessages(messages(topic, 50*round, 50*round+50)), "produce")
		if commit {
			Must(producer.CommitTxn(), "commit")
		} else {
			Same(Values(0, 50), readAll(topic, sarama.ReadCommitted, 50), "read_committed stops at the open transaction")
			Must(producer.AbortTxn(), "abort")
		}
	}
	Same(Sorted(append(Values(0, 50), Values(100, 150)...)), readAll(topic, sarama.ReadCommitted, 100), "read_committed")
	Same(Values(0, 150), readAll(topic, sarama.ReadUncommitted, 150), "read_uncommitted")
}

func zombieFencing(context.Context) {
	topic, id := topic("zombie", 1), "sarama-zombie-"+Run
	zombie := producer(transactional(id))
	Must(zombie.BeginTxn(), "begin")
	Must(zombie.SendMessages(messages(topic, 0, 1)), "the zombie's record")
	heir := producer(transactional(id))
	defer heir.Close()
	Must(heir.BeginTxn(), "begin")
	Must(heir.SendMessages(messages(topic, 1, 2)), "the heir's record")
	Must(heir.CommitTxn(), "commit")
	if _, _, err := zombie.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("too late")}); err == nil {
		Fail("the zombie's record was taken")
	}
	_ = zombie.Close()
	Same(Values(1, 2), readAll(topic, sarama.ReadCommitted, 1), "read_committed")
}
