"""aiokafka against the broker named by the first argument: `python aio_kafka.py 127.0.0.1:9092 [check ...]`.

Prints one line a check (`ok NAME MILLIS` or `failed NAME: reason`) and exits with 1 when one failed.
"""

import asyncio
import contextlib
import functools
import logging
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition, errors
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

import harness
from harness import BOOTSTRAP, LIMIT_S, RUN, main, same, values

logging.disable(logging.CRITICAL)


def check(name, *arguments):
    """Registers an asynchronous function, each call of which has an event loop of its own."""
    def register(function):
        @functools.wraps(function)
        def run(*given):
            asyncio.run(asyncio.wait_for(function(*given), 2 * LIMIT_S))
        harness.check(name, *arguments)(run)
        return function
    return register


async def until(what, step, done):
    deadline = time.monotonic() + LIMIT_S
    while not done():
        await step()
        assert time.monotonic() < deadline, f"not within {LIMIT_S} s: {what}"


async def fails(expected, coroutine):
    try:
        await coroutine
    except expected as error:
        return error
    raise AssertionError(f"expected {expected.__name__}, but it succeeded")


@contextlib.asynccontextmanager
async def admin():
    client = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def started(client):
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


def producer(**settings):
    return started(AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, linger_ms=5, **settings))


def consumer(*topics, **settings):
    defaults = {"auto_offset_reset": "earliest", "enable_auto_commit": False, "heartbeat_interval_ms": 300,
                "session_timeout_ms": 30000, "fetch_max_wait_ms": 50, "metadata_max_age_ms": 1000}
    return started(AIOKafkaConsumer(*topics, bootstrap_servers=BOOTSTRAP, **(defaults | settings)))


async def topic(name, partitions, **configs):
    name = f"aiokafka-{name}-{RUN}"
    async with admin() as client:
        answer = await client.create_topics([NewTopic(name, partitions, 1, topic_configs=configs)])
        same(0, answer.topic_errors[0][1], "creating a topic")
    return name


async def produce(client, name, first, last):
    sent = [await client.send(name, key=f"k{i}".encode(), value=f"v{i}".encode()) for i in range(first, last)]
    await asyncio.gather(*sent)


async def take(client, into):
    for batch in (await client.getmany(timeout_ms=100)).values():
        into.extend(batch)


async def read_all(name, partitions, isolation="read_uncommitted"):
    """Every value of the topic from its beginning to its end, without a group."""
    found = []
    all_of_them = [TopicPartition(name, p) for p in range(partitions)]
    async with consumer(isolation_level=isolation) as client:
        client.assign(all_of_them)
        await client.seek_to_beginning(*all_of_them)
        ends = await client.end_offsets(all_of_them)
        reached = set()

        async def step():
            await take(client, found)
            for at in all_of_them:
                if await client.position(at) >= ends[at]:
                    reached.add(at)
        await until(f"{name} up to {ends}", step, lambda: len(reached) == partitions)
    return sorted(record.value.decode() for record in found)


@check("round-trip-none", None)
@check("round-trip-gzip", "gzip")
@check("round-trip-snappy", "snappy")
@check("round-trip-lz4", "lz4")
@check("round-trip-zstd", "zstd")
async def round_trip(codec):
    name = await topic(f"round-trip-{codec}", 3)
    sent = [f"{i}" + "repeat me " * 50 for i in range(500)]
    async with producer(compression_type=codec, max_batch_size=65536) as client:
        await asyncio.gather(*[await client.send(name, key=str(i).encode(), value=v.encode()) for i, v in enumerate(sent)])
    same(sorted(sent), await read_all(name, 3), codec)


@check("record-fields")
async def record_fields():
    name = await topic("fields", 1)
    async with producer() as client:
        await client.send_and_wait(name, value=b"no key", timestamp_ms=1234567890123, headers=[("a", b"1"), ("a", b"")])
        same(1, (await client.send_and_wait(name, key=b"no value")).offset, "offset acknowledged")
    found = []
    async with consumer(name) as client:
        await until("two records", lambda: take(client, found), lambda: len(found) == 2)
    same((None, 1234567890123), (found[0].key, found[0].timestamp), "key and timestamp")
    same((("a", b"1"), ("a", b"")), tuple(found[0].headers), "headers")
    same(None, found[1].value, "value")


@check("idempotent-producer")
async def idempotent_producer():
    name = await topic("idempotent", 2)
    async with producer(enable_idempotence=True, max_batch_size=200) as client:
        await produce(client, name, 0, 1000)
    same(values(0, 1000), await read_all(name, 2), "idempotent")


class Owned(ConsumerRebalanceListener):
    """What a member owns."""

    def __init__(self):
        self.partitions = set()

    async def on_partitions_assigned(self, assigned):
        self.partitions |= {at.partition for at in assigned}

    async def on_partitions_revoked(self, revoked):
        self.partitions -= {at.partition for at in revoked}


async def poll_commit(client, into):
    before = len(into)
    await take(client, into)
    if len(into) > before:
        with contextlib.suppress(errors.CommitFailedError, errors.IllegalStateError):
            await client.commit()


@check("group-rebalance-range", "range", RangePartitionAssignor)
@check("group-rebalance-roundrobin", "roundrobin", RoundRobinPartitionAssignor)
@check("group-rebalance-sticky", "sticky", StickyPartitionAssignor)
async def rebalance(strategy, assignor):
    name = await topic(f"rebalance-{strategy}", 4)
    settings = {"group_id": f"aiokafka-{strategy}-{RUN}", "partition_assignment_strategy": [assignor]}
    found, first_owns, second_owns = [], Owned(), Owned()
    async with producer() as out, consumer(**settings) as first:
        await produce(out, name, 0, 100)
        first.subscribe([name], listener=first_owns)
        await until("the first reads all", lambda: poll_commit(first, found), lambda: len(found) == 100)
        same({0, 1, 2, 3}, first_owns.partitions, "owned by the first")
        async with consumer(**settings) as second:
            second.subscribe([name], listener=second_owns)

            async def both():
                await asyncio.gather(poll_commit(first, found), poll_commit(second, found))
            await until("two and two", both, lambda: len(first_owns.partitions) == len(second_owns.partitions) == 2)
            same({0, 1, 2, 3}, first_owns.partitions | second_owns.partitions, "owned together")
            await produce(out, name, 100, 200)
            await until("both read on", both, lambda: len(found) >= 200)
            async with admin() as client:
                described = (await client.describe_consumer_groups([settings["group_id"]]))[0].groups[0]
                same(("Stable", 2), (described[2], len(described[5])), "state and members described")
        await until("the first owns all again", lambda: take(first, found), lambda: len(first_owns.partitions) == 4)
    same(values(0, 200), sorted(r.value.decode() for r in found), "read by the group")


@check("static-membership")
async def static_membership():
    name, group = await topic("static", 4), f"aiokafka-static-{RUN}"
    settings = {"group_id": group}
    found = []
    async with consumer(name, group_instance_id="one", **settings) as first:
        async with consumer(name, group_instance_id="two", **settings) as second:
            async def both():
                await asyncio.gather(take(first, found), take(second, found))
            await until("two and two", both, lambda: len(first.assignment()) == len(second.assignment()) == 2)
            before = second.assignment()
        async with consumer(name, group_instance_id="two", **settings) as again:
            await until("its partitions are back", lambda: take(again, found), lambda: again.assignment() == before)


@check("committed-offsets-resume")
async def committed_offsets_resume():
    name, group = await topic("resume", 1), f"aiokafka-resume-{RUN}"
    at, found = TopicPartition(name, 0), []
    async with producer() as client:
        await produce(client, name, 0, 40)
    async with consumer(name, group_id=group, max_poll_records=10) as client:
        await until("15 records", lambda: take(client, found), lambda: len(found) >= 15)
        await client.commit({at: (15, "why")})
        same(15, await client.committed(at), "committed")
    found.clear()
    async with consumer(name, group_id=group) as client:
        await until("the rest", lambda: take(client, found), lambda: len(found) >= 25)
    same([f"v{i}" for i in range(15, 40)], [r.value.decode() for r in found], "read by the second")
    async with admin() as client:
        assert (group, "consumer") in [tuple(g[:2]) for g in await client.list_consumer_groups()], "listed"
        same((15, "why"), tuple((await client.list_consumer_group_offsets(group))[at]), "offsets of the group")


@check("seek-and-timestamps")
async def seek_and_timestamps():
    name = await topic("seek", 1)
    at = TopicPartition(name, 0)
    async with producer() as client:
        for i in range(10):
            await client.send_and_wait(name, value=f"v{i}".encode(), timestamp_ms=1000 + i)
    async with consumer() as client:
        client.assign([at])
        client.seek(at, 4)
        same(b"v4", (await client.getone()).value, "after seek")
        found = (await client.offsets_for_times({at: 1007}))[at]
        same((7, 1007), (found.offset, found.timestamp), "offset for a time")
        same(None, (await client.offsets_for_times({at: 2000}))[at], "offset for a time after the last")
        await client.seek_to_end(at)
        same(10, await client.position(at), "end")
        await client.seek_to_beginning(at)
        same(b"v0", (await client.getone()).value, "beginning")
        same(({at: 0}, {at: 10}), (await client.beginning_offsets([at]), await client.end_offsets([at])), "both ends")


@check("transaction-commit-abort")
async def transaction_commit_abort():
    name = await topic("transactions", 2)
    async with producer(transactional_id=f"aiokafka-tx-{RUN}") as client:
        async with client.transaction():
            await produce(client, name, 0, 50)
        await client.begin_transaction()
        await produce(client, name, 50, 100)
        same(50, len(await read_all(name, 2, "read_committed")), "read_committed stops at the open transaction")
        await client.abort_transaction()
        async with client.transaction():
            await produce(client, name, 100, 150)
    same(sorted(values(0, 50) + values(100, 150)), await read_all(name, 2, "read_committed"), "read_committed")
    same(values(0, 150), await read_all(name, 2), "read_uncommitted")


@check("consume-transform-produce")
async def consume_transform_produce():
    source, sink, group = await topic("ctp-in", 1), await topic("ctp-out", 1), f"aiokafka-ctp-{RUN}"
    at = TopicPartition(source, 0)
    async with producer() as client:
        await produce(client, source, 0, 60)
    # The second round is aborted; the third reads from where the first ended.
    for commit, enough in [(True, lambda offset: offset >= 39), (False, lambda offset: True), (True, lambda offset: offset == 59)]:
        async with producer(transactional_id=group) as out, consumer(source, group_id=group, max_poll_records=20) as reader:
            batch = []
            await until("a batch", lambda: take(reader, batch), lambda: batch and enough(batch[-1].offset))
            await out.begin_transaction()
            for record in batch:
                await out.send(sink, value=b"out " + record.value)
            await out.send_offsets_to_transaction({at: batch[-1].offset + 1}, group)
            await (out.commit_transaction() if commit else out.abort_transaction())
    same(sorted(f"out {v}" for v in values(0, 60)), await read_all(sink, 1, "read_committed"), "transformed exactly once")


@check("zombie-fencing")
async def zombie_fencing():
    name, transactional_id = await topic("zombie", 1), f"aiokafka-zombie-{RUN}"
    zombie = AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, transactional_id=transactional_id)
    await zombie.start()
    await zombie.begin_transaction()
    await produce(zombie, name, 0, 1)
    async with producer(transactional_id=transactional_id) as heir:
        async with heir.transaction():
            await produce(heir, name, 1, 2)
        await fails(errors.KafkaError, zombie.send_and_wait(name, value=b"too late"))
        with contextlib.suppress(errors.KafkaError):
            await zombie.stop()
    same(values(1, 2), await read_all(name, 1, "read_committed"), "read_committed")


@check("admin")
async def admin_calls():
    name = await topic("admin", 2, **{"retention.ms": "123456"})
    resource = ConfigResource(ConfigResourceType.TOPIC, name)

    def retention(answers):
        return [entry[1] for entry in answers[0].resources[0][4] if entry[0] == "retention.ms"]
    async with admin() as client:
        same(2, len((await client.describe_topics([name]))[0]["partitions"]), "partitions")
        same(36, (await client.create_topics([NewTopic(name, 1, 1)])).topic_errors[0][1], "TOPIC_ALREADY_EXISTS")
        same(["123456"], retention(await client.describe_configs([resource])), "retention.ms")
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": "5000"})])
        same(["5000"], retention(await client.describe_configs([resource])), "retention.ms after a change")
        await client.create_partitions({name: NewPartitions(3)})
        async with producer() as out:
            for i in range(5):
                await out.send_and_wait(name, value=b"v", partition=0)
        answer = await client.delete_records({TopicPartition(name, 0): RecordsToDelete(before_offset=3)})
        same(3, list(answer.values())[0], "low watermark")
        assert len((await client.describe_cluster())["brokers"]) == 1, "brokers"
        await client.delete_topics([name])
        assert name not in await client.list_topics(), "deleted"


main()
