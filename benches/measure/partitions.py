"""What many partitions cost a broker: making them, memory, rest, and starting again."""

import random
import time

from . import loads, readings, wire
from .workspace import say

REST_S = 30
# Partitions are made while one producer waits for its answers on another topic.
OTHER = "other"
STOP_LIMIT_S = 300
# A request may lead to 10,000 records, one of which is the topic's (Kafka: QuorumController.MAX_RECORDS_PER_USER_OP).
MOST_AT_ONCE = 9_999

# Key, title, form.
FIGURES = [
    ("create_s", "made and answered, s", ".1f"),
    ("usable_s", "until the last can be fetched from, s", ".1f"),
    ("create_cpu_s", "CPU time for it, s", ".1f"),
    ("max_ms", "longest answer to another producer meanwhile, ms", ",.0f"),
    ("memory_kib", "memory for each partition, without mapped files, KiB", ".1f"),
    ("idle_cpu_ms", f"idle CPU over {REST_S} s, ms each second", ".1f"),
    ("descriptors", "open descriptors", ",.0f"),
    ("killed_metadata_s", "after kill -9: exec to first Metadata answer, s", ".2f"),
    ("killed_works_s", "after kill -9: exec to first record produced and fetched, s", ".2f"),
    ("killed_open_s", "after kill -9: exec until every log is open, s", ".1f"),
    ("killed_cpu_s", "after kill -9: CPU time until then, s", ".1f"),
    ("stop_s", "clean stop, s", ".1f"),
    ("clean_metadata_s", "after a clean stop: exec to first Metadata answer, s", ".2f"),
    ("clean_works_s", "after a clean stop: exec to first record produced and fetched, s", ".2f"),
    ("clean_open_s", "after a clean stop: exec until every log is open, s", ".1f"),
    ("clean_cpu_s", "after a clean stop: CPU time until then, s", ".1f"),
]


def measure(broker, binary, topics, partitions):
    """Figures for so many topics with so many partitions each."""
    found = {"topics": topics, "partitions": partitions}
    with broker.setting.folder() as folder:
        broker.prepare(folder)
        node = broker.start(folder)
        try:
            make(binary, node, found)
            say(f"{broker.title}: {found}")
            node.kill()
            node, killed = again(broker, binary, folder, topics, partitions)
            found |= {f"killed_{key}": value for key, value in killed.items()}
            began = time.monotonic()
            stop(node)
            found["stop_s"] = time.monotonic() - began
            node, clean = again(broker, binary, folder, topics, partitions)
            found |= {f"clean_{key}": value for key, value in clean.items()}
        finally:
            node.kill()
    say(f"{broker.title}: {found}")
    return found


def make(binary, node, found):
    topics, partitions = found["topics"], found["partitions"]
    loads.run(binary, "create", node, OTHER, "--partitions", 1)
    loads.until_usable(binary, node, OTHER, 1)
    loads.run(binary, "acks", node, OTHER, "--seconds", 1)
    memory, cpu = readings.own_mib(node.pid), readings.fine_cpu_seconds(node.pid)
    # A load that ends by itself, some seconds after the partitions are made.
    with loads.beside(binary, "acks", node, OTHER, "--seconds", 10) as acks:
        began = time.monotonic()
        made = loads.run(binary, "create", node, "many", "--topics", topics, "--partitions", partitions)
        # Topics are made one after the other.
        usable = loads.until_usable(binary, node, "many" if topics == 1 else f"many-{topics - 1}", partitions)
        found["create_cpu_s"] = readings.fine_cpu_seconds(node.pid) - cpu
    found["create_s"] = made["wall_s"]
    found["usable_s"] = max(made["wall_s"], usable - began)
    found["max_ms"] = acks[0]["max_ms"]
    # The last log may be made after the answer; a Metadata answer shows that the broker has time again.
    wire.until_answered(node.port, lambda: True)
    before, began = readings.cpu_seconds(node.pid), time.monotonic()
    time.sleep(REST_S)
    idle = readings.cpu_seconds(node.pid) - before
    found["idle_cpu_ms"] = max(0.0, idle) * 1000 / (time.monotonic() - began)
    found["memory_kib"] = (readings.own_mib(node.pid) - memory) * 1024 / (topics * partitions)
    found["descriptors"] = readings.descriptors(node.pid)


def stop(node):
    """An orderly stop, for as long as it takes."""
    node.process.terminate()
    node.process.wait(STOP_LIMIT_S)


def again(broker, binary, folder, topics, partitions):
    node = broker.start(folder)
    try:
        names = ["many"] if topics == 1 else [f"many-{number}" for number in range(topics)]
        works_s = loads.until_it_works(binary, node, random.choice(names), random.randrange(partitions))
        open_s, cpu_s = loads.until_all_open(broker, binary, node, names, partitions)
    except BaseException:
        node.kill()
        raise
    return node, {"metadata_s": node.start_s, "works_s": works_s, "open_s": open_s, "cpu_s": cpu_s}


def table(found):
    """Markdown; `found` is a list of the brokers' titles with their figures."""
    heads = [f"{title}, {one['topics']:,} x {one['partitions']:,}" for title, one in found]
    lines = [f"| topics x partitions | {' | '.join(heads)} |", "| --- " + "| ---: " * len(heads) + "|"]
    for key, title, form in FIGURES:
        lines.append(f"| {title} | {' | '.join(format(one[key], form) for _, one in found)} |")
    return "\n".join(lines)
