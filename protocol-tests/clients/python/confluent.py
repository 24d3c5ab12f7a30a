"""confluent-kafka (librdkafka) against the broker named by the first argument: `python confluent.py 127.0.0.1:9092 [check ...]`.

Prints one line a check (`ok NAME MILLIS` or `failed NAME: reason`) and exits with 1 when one failed.
"""

from confluent_kafka import (
    Consumer, ConsumerGroupState, ConsumerGroupTopicPartitions, IsolationLevel, KafkaError, KafkaException,
    OFFSET_BEGINNING, Producer, TIMESTAMP_CREATE_TIME, TopicCollection, TopicPartition,
)
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic, OffsetSpec, ResourceType

import harness
from harness import BOOTSTRAP, LIMIT_S, RUN, check, main, same, until, values, wait


def fails(code, call):
    """The error that `call` must raise, by its code."""
    error = harness.fails(KafkaException, call).args[0]
    same(KafkaError(code).name(), error.name(), "error")
    return error


ADMIN = AdminClient({"bootstrap.servers": BOOTSTRAP})


def topic(name, partitions, **config):
    name = f"python-{name}-{RUN}"
    ADMIN.create_topics([NewTopic(name, partitions, 1, config=config)])[name].result(LIMIT_S)
    return name


def producer(**settings):
    return Producer({"bootstrap.servers": BOOTSTRAP, "linger.ms": 5} | {k.replace("_", "."): v for k, v in settings.items()})


def consumer(**settings):
    return Consumer({
        "bootstrap.servers": BOOTSTRAP, "group.id": "python-none", "auto.offset.reset": "earliest", "enable.auto.commit": False,
        "heartbeat.interval.ms": 300, "session.timeout.ms": 30000, "topic.metadata.refresh.interval.ms": 1000, "fetch.wait.max.ms": 50,
    } | {k.replace("_", "."): v for k, v in settings.items()})


def produce(client, name, first, last):
    errors = []
    for i in range(first, last):
        client.produce(name, key=f"k{i}", value=f"v{i}", on_delivery=lambda e, m: errors.append(e) if e else None)
    same(0, client.flush(LIMIT_S), "records not delivered in time")
    assert not errors, f"not delivered: {errors[0]}"


def poll(client, into):
    for message in client.consume(100, 0.1):
        if message.error():
            raise KafkaException(message.error())
        into.append(message.value().decode())


def read_all(name, isolation="read_uncommitted"):
    """Every value of the topic from its beginning to its end, without a group."""
    client = consumer(isolation_level=isolation)
    found = []
    try:
        for partition in client.list_topics(name, LIMIT_S).topics[name].partitions:
            at = TopicPartition(name, partition)
            _, end = client.get_watermark_offsets(at, LIMIT_S)
            if isolation == "read_committed":
                spec = {at: OffsetSpec.latest()}
                end = ADMIN.list_offsets(spec, isolation_level=IsolationLevel.READ_COMMITTED)[at].result(LIMIT_S).offset
            client.assign([TopicPartition(name, partition, OFFSET_BEGINNING)])
            if end:
                until(f"{name}-{partition} up to {end}", lambda: poll(client, found), lambda: client.position([at])[0].offset >= end
                      or client.get_watermark_offsets(at, cached=True)[0] >= end)
        return sorted(found)
    finally:
        client.close()


@check("round-trip-none", "none")
@check("round-trip-gzip", "gzip")
@check("round-trip-snappy", "snappy")
@check("round-trip-lz4", "lz4")
@check("round-trip-zstd", "zstd")
def round_trip(codec):
    name = topic(f"round-trip-{codec}", 3)
    sent = [f"{i}" + "repeat me " * 50 for i in range(500)]
    client = producer(compression_type=codec)
    for i, value in enumerate(sent):
        client.produce(name, key=str(i), value=value)
    same(0, client.flush(LIMIT_S), "records not delivered in time")
    same(sorted(sent), read_all(name), codec)


@check("record-fields")
def record_fields():
    name = topic("fields", 1)
    client = producer()
    client.produce(name, value=b"no key", timestamp=1234567890123, headers=[("a", b"1"), ("a", None)])
    client.produce(name, key=b"no value")
    client.flush(LIMIT_S)
    reader, found = consumer(), []
    reader.assign([TopicPartition(name, 0, OFFSET_BEGINNING)])
    until("two records", lambda: found.extend(reader.consume(2, 0.1)), lambda: len(found) == 2)
    reader.close()
    same(None, found[0].key(), "key")
    same((TIMESTAMP_CREATE_TIME, 1234567890123), found[0].timestamp(), "timestamp")
    same([("a", b"1"), ("a", None)], found[0].headers(), "headers")
    same(None, found[1].value(), "value")
    same(1, found[1].offset(), "offset")


@check("idempotent-producer")
def idempotent_producer():
    name = topic("idempotent", 2)
    produce(producer(enable_idempotence=True, linger_ms=0, batch_num_messages=10), name, 0, 1000)
    same(values(0, 1000), read_all(name), "idempotent")


class Member(harness.Member):
    """A group member with what it owns and what it was told."""

    def __init__(self, name, **settings):
        super().__init__(consumer(**settings))
        self.cooperative = settings.get("partition_assignment_strategy") == "cooperative-sticky"
        self.events = []
        self.client.subscribe([name], on_assign=self.on_assign, on_revoke=self.on_revoke)

    # The event comes first: who sees what is owned finds why.
    def on_assign(self, client, partitions):
        if partitions:
            self.events.append(("assigned", sorted(p.partition for p in partitions)))
        self.owned |= {p.partition for p in partitions}

    def on_revoke(self, client, partitions):
        if partitions:
            self.events.append(("revoked", sorted(p.partition for p in partitions)))
        self.owned -= {p.partition for p in partitions}

    def step(self):
        before = len(self.values)
        poll(self.client, self.values)
        if len(self.values) > before:
            self.client.commit(asynchronous=False)


@check("group-rebalance-range", "range")
@check("group-rebalance-cooperative", "cooperative-sticky")
def rebalance(strategy):
    name, group = topic(f"rebalance-{strategy}", 4), f"python-{strategy}-{RUN}"
    settings = {"group_id": group, "partition_assignment_strategy": strategy}
    produce(producer(), name, 0, 100)
    with Member(name, **settings) as first:
        wait("the first member owns and reads all", lambda: len(first.owned) == 4 and len(first.values) == 100, first)
        with Member(name, **settings) as second:
            wait("two and two", lambda: len(first.owned) == len(second.owned) == 2, first, second)
            same({0, 1, 2, 3}, first.owned | second.owned, "owned together")
            if first.cooperative:
                same(("revoked", sorted(second.owned)), first.events[1], "a cooperative member gives up only what another takes")
            produce(producer(), name, 100, 200)
            wait("both read on", lambda: len(first.values) + len(second.values) >= 200, first, second)
            described = ADMIN.describe_consumer_groups([group])[group].result(LIMIT_S)
            same(2, len(described.members), "members described")
            same(ConsumerGroupState.STABLE, described.state, "state described")
            same(values(0, 200), sorted(first.values + second.values), "read by the group")
        wait("the first member owns all again", lambda: len(first.owned) == 4, first)


@check("static-membership")
def static_membership():
    name, group = topic("static", 4), f"python-static-{RUN}"

    def member(instance):
        return Member(name, group_id=group, group_instance_id=instance)
    with member("one") as first:
        with member("two") as second:
            wait("two and two", lambda: len(first.owned) == len(second.owned) == 2, first, second)
            before, events = set(second.owned), list(first.events)
        produce(producer(), name, 0, 50)
        with member("two") as again:
            wait("the restarted member has its partitions back", lambda: again.owned == before, first, again)
            wait("all is read", lambda: len(first.values) + len(again.values) == 50, first, again)
            same(events, first.events, "a static restart causes no rebalance for the others")


@check("committed-offsets-resume")
def committed_offsets_resume():
    name, group = topic("resume", 2), f"python-resume-{RUN}"
    produce(producer(), name, 0, 40)
    found = []

    def read(count):
        client = consumer(group_id=group)
        client.subscribe([name])

        def step():
            message = client.poll(0.1)
            if message:
                assert not message.error(), message.error()
                found.append(message.value().decode())
                client.commit(message, asynchronous=False)
        until(f"{count} records", step, lambda: len(found) >= count)
        committed = client.committed([TopicPartition(name, p) for p in (0, 1)], LIMIT_S)
        client.close()
        return sum(max(p.offset, 0) for p in committed)
    same(15, read(15), "committed by the first")
    same(40, read(40), "committed by both")
    same(values(0, 40), sorted(found), "read before and after")


@check("transaction-commit-abort")
def transaction_commit_abort():
    name = topic("transactions", 2)
    client = producer(transactional_id=f"python-tx-{RUN}")
    client.init_transactions(LIMIT_S)
    client.begin_transaction()
    produce(client, name, 0, 50)
    client.commit_transaction(LIMIT_S)
    client.begin_transaction()
    produce(client, name, 50, 100)
    same(50, len(read_all(name, "read_committed")), "read_committed stops at the open transaction")
    client.abort_transaction(LIMIT_S)
    client.begin_transaction()
    produce(client, name, 100, 150)
    client.commit_transaction(LIMIT_S)
    same(sorted(values(0, 50) + values(100, 150)), read_all(name, "read_committed"), "read_committed")
    same(values(0, 150), read_all(name), "read_uncommitted")


@check("consume-transform-produce")
def consume_transform_produce():
    source, sink, group = topic("ctp-in", 2), topic("ctp-out", 2), f"python-ctp-{RUN}"
    produce(producer(), source, 0, 100)
    for attempt, (goal, commit) in enumerate([(60, True), (20, False), (100, True)]):
        client = producer(transactional_id=f"python-ctp-{RUN}")
        client.init_transactions(LIMIT_S)
        reader = consumer(group_id=group, isolation_level="read_committed")
        reader.subscribe([source])
        moved = [0]

        def step():
            messages = reader.consume(30, 0.2)
            if not messages:
                return
            client.begin_transaction()
            for message in messages:
                assert not message.error(), message.error()
                client.produce(sink, key=message.key(), value=b"out " + message.value())
            client.send_offsets_to_transaction(reader.position(reader.assignment()), reader.consumer_group_metadata(), LIMIT_S)
            client.commit_transaction(LIMIT_S) if commit else client.abort_transaction(LIMIT_S)
            moved[0] += len(messages)
        until(f"attempt {attempt}", step, lambda: committed(group) == 100 if goal == 100 else moved[0] >= goal)
        reader.close()
    same(sorted(f"out {v}" for v in values(0, 100)), read_all(sink, "read_committed"), "transformed exactly once")


def committed(group):
    offsets = ADMIN.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(LIMIT_S)
    return sum(p.offset for p in offsets.topic_partitions)


@check("zombie-fencing")
def zombie_fencing():
    name = topic("zombie", 1)
    zombie, heir = (producer(transactional_id=f"python-zombie-{RUN}") for _ in range(2))
    zombie.init_transactions(LIMIT_S)
    zombie.begin_transaction()
    produce(zombie, name, 0, 1)
    heir.init_transactions(LIMIT_S)
    heir.begin_transaction()
    produce(heir, name, 1, 2)
    try:
        zombie.produce(name, value="too late")
        zombie.commit_transaction(LIMIT_S)
        raise AssertionError("the zombie committed")
    except KafkaException as error:
        assert error.args[0].name() in ("_FENCED", "INVALID_PRODUCER_EPOCH", "PRODUCER_FENCED"), f"the zombie got {error}"
    heir.commit_transaction(LIMIT_S)
    same(values(1, 2), read_all(name, "read_committed"), "read_committed")


@check("admin-topics")
def admin_topics():
    name = topic("admin", 2, **{"retention.ms": "123456"})
    described = ADMIN.describe_topics(TopicCollection([name]))[name].result(LIMIT_S)
    same(2, len(described.partitions), "partitions")
    fails(KafkaError.TOPIC_ALREADY_EXISTS, lambda: ADMIN.create_topics([NewTopic(name, 1, 1)])[name].result(LIMIT_S))
    ADMIN.create_partitions([NewPartitions(name, 5)])[name].result(LIMIT_S)
    until("five partitions", lambda: len(ADMIN.list_topics(name, LIMIT_S).topics[name].partitions) == 5)
    fails(KafkaError.INVALID_PARTITIONS, lambda: ADMIN.create_partitions([NewPartitions(name, 3)])[name].result(LIMIT_S))
    ADMIN.delete_topics([name])[name].result(LIMIT_S)
    until("topic gone", lambda: name not in ADMIN.list_topics(timeout=LIMIT_S).topics)
    fails(KafkaError.UNKNOWN_TOPIC_OR_PART, lambda: ADMIN.delete_topics([name])[name].result(LIMIT_S))


@check("admin-configs")
def admin_configs():
    name = topic("configs", 1, **{"cleanup.policy": "compact"})
    resource = ConfigResource(ResourceType.TOPIC, name)
    config = ADMIN.describe_configs([resource])[resource].result(LIMIT_S)
    same("compact", config["cleanup.policy"].value, "cleanup.policy")
    same("1048588", config["max.message.bytes"].value, "max.message.bytes")
    assert config["max.message.bytes"].is_default, "max.message.bytes is a default"


@check("admin-cluster")
def admin_cluster():
    cluster = ADMIN.describe_cluster().result(LIMIT_S)
    same([BOOTSTRAP], [f"{node.host}:{node.port}" for node in cluster.nodes], "advertised listeners")
    same(22, len(cluster.cluster_id), "length of the cluster id, a base64 uuid")


@check("admin-list-offsets")
def admin_list_offsets():
    # Of 1970 as they are, the records would be gone with the first look at retention.
    name = topic("list-offsets", 1, **{"retention.ms": "-1"})
    client, at = producer(), TopicPartition(name, 0)
    for timestamp in (1000, 3000, 2000):
        client.produce(name, value="v", timestamp=timestamp)
        client.flush(LIMIT_S)

    def offset(spec):
        return ADMIN.list_offsets({at: spec})[at].result(LIMIT_S).offset
    same(0, offset(OffsetSpec.earliest()), "earliest")
    same(3, offset(OffsetSpec.latest()), "latest")
    same(1, offset(OffsetSpec.max_timestamp()), "max timestamp")
    same(1, offset(OffsetSpec.for_timestamp(1001)), "for timestamp 1001")


@check("admin-delete-records")
def admin_delete_records():
    name = topic("delete-records", 1)
    produce(producer(), name, 0, 20)
    at = TopicPartition(name, 0, 15)
    same(15, ADMIN.delete_records([at])[at].result(LIMIT_S).low_watermark, "low watermark")
    same(values(15, 20), read_all(name), "left")


@check("admin-groups")
def admin_groups():
    name, group = topic("groups", 2), f"python-groups-{RUN}"
    produce(producer(), name, 0, 10)
    with Member(name, group_id=group) as member:
        wait("all read", lambda: len(member.values) == 10, member)
        fails(KafkaError.NON_EMPTY_GROUP, lambda: ADMIN.delete_consumer_groups([group])[group].result(LIMIT_S))
    listed = {g.group_id: g.state for g in ADMIN.list_consumer_groups().result(LIMIT_S).valid}
    same(ConsumerGroupState.EMPTY, listed.get(group), "state listed")
    same(10, committed(group), "committed")
    altered = ConsumerGroupTopicPartitions(group, [TopicPartition(name, 0, 0), TopicPartition(name, 1, 0)])
    ADMIN.alter_consumer_group_offsets([altered])[group].result(LIMIT_S)
    same(0, committed(group), "altered")
    ADMIN.delete_consumer_groups([group])[group].result(LIMIT_S)
    fails(KafkaError.GROUP_ID_NOT_FOUND, lambda: ADMIN.delete_consumer_groups([group])[group].result(LIMIT_S))


main()
