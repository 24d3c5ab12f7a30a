"""kafka-python against the broker named by the first argument: `python kafka_python.py 127.0.0.1:9092 [check ...]`.

Prints one line a check (`ok NAME MILLIS` or `failed NAME: reason`) and exits with 1 when one failed.
"""

import contextlib

from kafka import (
    ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, OffsetSpec, TopicPartition,
    errors,
)
from kafka.admin import (
    ACL, ACLFilter, ACLOperation, ACLPermissionType, ACLResourcePatternType, ConfigResource, ConfigResourceType, ResourcePattern, ResourcePatternFilter,
    ResourceType,
)
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

import harness
from harness import BOOTSTRAP, LIMIT_S, RUN, check, fails, main, same, until, values, wait

ADMIN = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)


def topic(name, partitions, **configs):
    name = f"kafka-python-{name}-{RUN}"
    options = {"num_partitions": partitions, "replication_factor": 1, "configs": configs}
    ADMIN.create_topics({name: options}, wait_for_metadata=True)
    return name


def producer(**settings):
    return contextlib.closing(KafkaProducer(bootstrap_servers=BOOTSTRAP, linger_ms=5, **settings))


def open_consumer(*topics, **settings):
    defaults = {"auto_offset_reset": "earliest", "enable_auto_commit": False, "heartbeat_interval_ms": 300,
                "session_timeout_ms": 30000, "fetch_max_wait_ms": 50, "metadata_max_age_ms": 1000}
    return KafkaConsumer(*topics, bootstrap_servers=BOOTSTRAP, **(defaults | settings))


def consumer(*topics, **settings):
    return contextlib.closing(open_consumer(*topics, **settings))


def produce(client, name, first, last):
    sent = [client.send(name, key=f"k{i}".encode(), value=f"v{i}".encode()) for i in range(first, last)]
    client.flush(LIMIT_S)
    for future in sent:
        future.get(LIMIT_S)


def records(client, timeout_ms=100):
    return [record for batch in client.poll(timeout_ms=timeout_ms).values() for record in batch]


def read_all(name, isolation="read_uncommitted"):
    """Every value of the topic from its beginning to its end, without a group."""
    found = []
    with consumer(isolation_level=isolation) as client:
        partitions = [TopicPartition(name, p) for p in client.partitions_for_topic(name)]
        client.assign(partitions)
        client.seek_to_beginning(*partitions)
        ends = client.end_offsets(partitions)
        until(f"{name} up to {ends}", lambda: found.extend(r.value.decode() for r in records(client)),
              lambda: all(client.position(p) >= ends[p] for p in partitions))
    return sorted(found)


@check("round-trip-none", None)
@check("round-trip-gzip", "gzip")
@check("round-trip-snappy", "snappy")
@check("round-trip-lz4", "lz4")
@check("round-trip-zstd", "zstd")
def round_trip(codec):
    name = topic(f"round-trip-{codec}", 3)
    sent = [f"{i}" + "repeat me " * 50 for i in range(500)]
    with producer(compression_type=codec, batch_size=65536) as client:
        for i, value in enumerate(sent):
            client.send(name, key=str(i).encode(), value=value.encode())
        client.flush(LIMIT_S)
    same(sorted(sent), read_all(name), codec)


@check("record-fields")
def record_fields():
    name = topic("fields", 1)
    with producer() as client:
        client.send(name, value=b"no key", timestamp_ms=1234567890123, headers=[("a", b"1"), ("a", b"")]).get(LIMIT_S)
        same(1, client.send(name, key=b"no value").get(LIMIT_S).offset, "offset acknowledged")
    with consumer(name) as client:
        found = []
        until("two records", lambda: found.extend(records(client)), lambda: len(found) == 2)
    same(None, found[0].key, "key")
    same(1234567890123, found[0].timestamp, "timestamp")
    same([("a", b"1"), ("a", b"")], [tuple(header) for header in found[0].headers], "headers")
    same(None, found[1].value, "value")


@check("idempotent-producer")
def idempotent_producer():
    name = topic("idempotent", 2)
    with producer(enable_idempotence=True, batch_size=200) as client:
        produce(client, name, 0, 1000)
    same(values(0, 1000), read_all(name), "idempotent")
    described = ADMIN.describe_producers([TopicPartition(name, 0)])
    states = next(iter(described.values()))
    same(1, len(states), "active producers of the partition")


class Member(harness.Member, ConsumerRebalanceListener):
    """A group member with what it owns."""

    def __init__(self, name, **settings):
        super().__init__(open_consumer(**settings))
        self.client.subscribe([name], listener=self)

    def on_partitions_assigned(self, assigned):
        self.owned |= {p.partition for p in assigned}

    def on_partitions_revoked(self, revoked):
        self.owned -= {p.partition for p in revoked}

    def step(self):
        # A poll that ends amid a rebalance has the client join anew, and where the machine is slow a short one never gets through it.
        new = records(self.client, timeout_ms=2000)
        self.values.extend(r.value.decode() for r in new)
        if new:
            with contextlib.suppress(errors.RebalanceInProgressError):
                self.client.commit()


@check("group-rebalance-range", "range", RangePartitionAssignor)
@check("group-rebalance-sticky", "sticky", StickyPartitionAssignor)
def rebalance(strategy, assignor):
    name, group = topic(f"rebalance-{strategy}", 4), f"kafka-python-{strategy}-{RUN}"
    settings = {"group_id": group, "partition_assignment_strategy": [assignor]}
    with producer() as client:
        produce(client, name, 0, 100)
        with Member(name, **settings) as first:
            wait("the first member owns and reads all", lambda: len(first.owned) == 4 and len(first.values) == 100, first)
            with Member(name, **settings) as second:
                wait("two and two", lambda: len(first.owned) == len(second.owned) == 2, first, second)
                same({0, 1, 2, 3}, first.owned | second.owned, "owned together")
                produce(client, name, 100, 200)
                wait("both read on", lambda: len(first.values) + len(second.values) >= 200, first, second)
                described = ADMIN.describe_groups([group])[group]
                same(2, len(described["members"]), "members described")
                same(values(0, 200), sorted(first.values + second.values), "read by the group")
            wait("the first member owns all again", lambda: len(first.owned) == 4, first)


@check("static-membership")
def static_membership():
    name, group = topic("static", 4), f"kafka-python-static-{RUN}"

    def member(instance):
        return Member(name, group_id=group, group_instance_id=instance)
    with member("one") as first:
        with member("two") as second:
            wait("two and two", lambda: len(first.owned) == len(second.owned) == 2, first, second)
            before = set(second.owned)
        with member("two") as again:
            wait("the restarted member has its partitions back", lambda: again.owned == before, first, again)
            same(2, len(ADMIN.describe_groups([group])[group]["members"]), "members")


@check("committed-offsets-resume")
def committed_offsets_resume():
    name, group = topic("resume", 1), f"kafka-python-resume-{RUN}"
    with producer() as client:
        produce(client, name, 0, 40)
    with consumer(name, group_id=group, max_poll_records=10) as client:
        found = []
        until("15 records", lambda: found.extend(records(client)), lambda: len(found) >= 15)
        client.commit({TopicPartition(name, 0): OffsetAndMetadata(15, "why", 0)})
        same(15, client.committed(TopicPartition(name, 0)), "committed")
        same("why", client.committed(TopicPartition(name, 0), metadata=True).metadata, "metadata")
    with consumer(name, group_id=group) as client:
        found = []
        until("the rest", lambda: found.extend(records(client)), lambda: len(found) >= 25)
    same([f"v{i}" for i in range(15, 40)], [r.value.decode() for r in found], "read by the second")


@check("seek-and-timestamps")
def seek_and_timestamps():
    name = topic("seek", 1)
    at = TopicPartition(name, 0)
    with producer() as client:
        for i in range(10):
            client.send(name, value=f"v{i}".encode(), timestamp_ms=1000 + i).get(LIMIT_S)
    with consumer() as client:
        client.assign([at])

        def next_value():
            found = []
            until("a record", lambda: found.extend(records(client)), lambda: found)
            return found[0].value.decode()
        client.seek(at, 4)
        same("v4", next_value(), "after seek")
        found = client.offsets_for_times({at: 1007})[at]
        same((7, 1007), (found.offset, found.timestamp), "offset for a time")
        same(None, client.offsets_for_times({at: 2000})[at], "offset for a time after the last")
        client.seek(at, 7)
        same("v7", next_value(), "after seek to a time")
        client.seek_to_end(at)
        same(10, client.position(at), "end")
        client.seek_to_beginning(at)
        same("v0", next_value(), "beginning")
        same(({at: 0}, {at: 10}), (client.beginning_offsets([at]), client.end_offsets([at])), "both ends")


@check("transaction-commit-abort")
def transaction_commit_abort():
    name = topic("transactions", 2)
    with producer(transactional_id=f"kafka-python-tx-{RUN}") as client:
        client.init_transactions()
        client.begin_transaction()
        produce(client, name, 0, 50)
        client.commit_transaction()
        client.begin_transaction()
        produce(client, name, 50, 100)
        same(50, len(read_all(name, "read_committed")), "read_committed stops at the open transaction")
        client.abort_transaction()
        client.begin_transaction()
        produce(client, name, 100, 150)
        client.commit_transaction()
    same(sorted(values(0, 50) + values(100, 150)), read_all(name, "read_committed"), "read_committed")
    same(values(0, 150), read_all(name), "read_uncommitted")


@check("consume-transform-produce")
def consume_transform_produce():
    source, sink, group = topic("ctp-in", 1), topic("ctp-out", 1), f"kafka-python-ctp-{RUN}"
    with producer() as client:
        produce(client, source, 0, 60)
    # The second round is aborted; the third reads from where the first ended.
    for commit, enough in [(True, lambda offset: offset >= 39), (False, lambda offset: True), (True, lambda offset: offset == 59)]:
        with producer(transactional_id=group) as out, consumer(source, group_id=group, max_poll_records=20) as reader:
            out.init_transactions()
            batch = []
            until("a batch", lambda: batch.extend(records(reader)), lambda: batch and enough(batch[-1].offset))
            out.begin_transaction()
            for record in batch:
                out.send(sink, value=b"out " + record.value)
            offsets = {TopicPartition(source, 0): OffsetAndMetadata(batch[-1].offset + 1, "", -1)}
            out.send_offsets_to_transaction(offsets, reader.group_metadata())
            out.commit_transaction() if commit else out.abort_transaction()
    same(sorted(f"out {v}" for v in values(0, 60)), read_all(sink, "read_committed"), "transformed exactly once")


@check("zombie-fencing")
def zombie_fencing():
    name, transactional_id = topic("zombie", 1), f"kafka-python-zombie-{RUN}"
    with producer(transactional_id=transactional_id) as zombie, producer(transactional_id=transactional_id) as heir:
        zombie.init_transactions()
        zombie.begin_transaction()
        produce(zombie, name, 0, 1)
        heir.init_transactions()
        heir.begin_transaction()
        produce(heir, name, 1, 2)
        heir.commit_transaction()

        def too_late():
            zombie.send(name, value=b"too late").get(LIMIT_S)
            zombie.commit_transaction()
        fails(errors.KafkaError, too_late)
    same(values(1, 2), read_all(name, "read_committed"), "read_committed")


@check("admin-topics")
def admin_topics():
    name = topic("admin", 2, **{"retention.ms": "123456"})
    same(2, len(ADMIN.describe_topics([name])[0]["partitions"]), "partitions")
    fails(errors.TopicAlreadyExistsError, lambda: ADMIN.create_topics([name]))
    ADMIN.create_partitions({name: 5})
    until("five partitions", lambda: len(ADMIN.describe_topics([name])[0]["partitions"]) == 5)
    fails(errors.InvalidPartitionsError, lambda: ADMIN.create_partitions({name: 3}))
    ADMIN.delete_topics([name])
    until("topic gone", lambda: name not in ADMIN.list_topics())
    fails(errors.UnknownTopicOrPartitionError, lambda: ADMIN.delete_topics([name]))


@check("admin-configs")
def admin_configs():
    name = topic("configs", 1, **{"cleanup.policy": "compact"})

    def config(key):
        described = ADMIN.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)], config_filter="all")
        return described["topic"][name][key]["value"]
    same(("compact", "1048588"), (config("cleanup.policy"), config("max.message.bytes")), "described")
    ADMIN.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": "5000"})])
    same(("5000", "compact"), (config("retention.ms"), config("cleanup.policy")), "altered, the other stays")
    ADMIN.reset_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": None})])
    same("604800000", config("retention.ms"), "reset")
    broker = ADMIN.describe_configs([ConfigResource(ConfigResourceType.BROKER, "1")], config_filter="all")["broker"]["1"]
    same("0", broker["group.initial.rebalance.delay.ms"]["value"], "of the broker")
    assert name in ADMIN.list_config_resources(["topic"])["topic"], "listed among those with configurations"


@check("admin-cluster")
def admin_cluster():
    cluster = ADMIN.describe_cluster()
    same([BOOTSTRAP], [f"{b['host']}:{b['port']}" for b in cluster["brokers"]], "advertised listeners")
    same(22, len(cluster["cluster_id"]), "length of the cluster id, a base64 uuid")
    same(2, ADMIN.describe_features()["transaction.version"]["finalized"][1], "transaction.version")
    assert ADMIN.describe_log_dirs(), "log dirs"


@check("admin-offsets-and-records")
def admin_offsets_and_records():
    # Of 1970 as they are, the records would be gone with the first look at retention.
    name = topic("offsets", 1, **{"retention.ms": "-1"})
    at = TopicPartition(name, 0)
    with producer() as client:
        for timestamp in (1000, 3000, 2000):
            client.send(name, value=b"v", timestamp_ms=timestamp).get(LIMIT_S)

    def offset(spec):
        return ADMIN.list_partition_offsets({at: spec})[at].offset
    same((0, 3, 1), (offset(OffsetSpec.EARLIEST), offset(OffsetSpec.LATEST), offset(OffsetSpec.MAX_TIMESTAMP)), "offsets")
    same(1, offset(1001), "for timestamp 1001")
    same(2, ADMIN.delete_records({at: 2})[at]["low_watermark"], "low watermark")
    same(2, offset(OffsetSpec.EARLIEST), "earliest")


@check("admin-groups")
def admin_groups():
    name, group = topic("groups", 1), f"kafka-python-groups-{RUN}"
    at = TopicPartition(name, 0)
    with producer() as client:
        produce(client, name, 0, 10)
    with Member(name, group_id=group) as member:
        wait("all read", lambda: len(member.values) == 10, member)
        same({group: "NonEmptyGroupError"}, ADMIN.delete_groups([group]), "deleting a group with members")

    def committed():
        return ADMIN.list_group_offsets([group])[group][at].offset
    assert any(g["group_id"] == group for g in ADMIN.list_groups()), "listed"
    same(10, committed(), "committed")
    ADMIN.alter_group_offsets(group, {at: OffsetAndMetadata(3, "", -1)})
    same(3, committed(), "altered")
    ADMIN.reset_group_offsets(group, {at: OffsetSpec.EARLIEST})
    same(0, committed(), "reset")
    ADMIN.delete_group_offsets(group, [at])
    assert at not in ADMIN.list_group_offsets([group]).get(group, {}), "offset deleted"
    ADMIN.delete_groups([group])
    assert not any(g["group_id"] == group for g in ADMIN.list_groups()), "deleted"


@check("admin-transactions")
def admin_transactions():
    name, transactional_id = topic("admin-tx", 1), f"kafka-python-admin-tx-{RUN}"
    with producer(transactional_id=transactional_id) as client:
        client.init_transactions()
        client.begin_transaction()
        produce(client, name, 0, 1)
        described = ADMIN.describe_transactions([transactional_id])[transactional_id]
        same(("Ongoing", {TopicPartition(name, 0)}), (described.state.value, described.topic_partitions), "described")
        listed = [t.transactional_id for all_of_one in ADMIN.list_transactions().values() for t in all_of_one]
        assert transactional_id in listed, "listed"
        same([], ADMIN.find_hanging_transactions(), "hanging")
        client.abort_transaction()


@check("admin-acls-refused")
def admin_acls_refused():
    """Without an authorizer the broker says that security is disabled."""
    every = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    anything = ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, every)
    fails(errors.SecurityDisabledError, lambda: ADMIN.describe_acls(anything))
    one = ACL("User:a", "*", ACLOperation.READ, ACLPermissionType.ALLOW, ResourcePattern(ResourceType.TOPIC, "t"))
    fails(errors.SecurityDisabledError, lambda: raise_first(ADMIN.create_acls([one])["failed"]))


def raise_first(failed):
    for error in failed:
        raise error


main()
