"""CPU seconds of a broker for each GB that is produced to it and consumed from it."""

import time
from statistics import median

from . import readings, tools
from .workspace import say

PARTITIONS = 4
SIZE = 1024
GB = 1e9


def measure(broker, repeats, records):
    """The first load of a broker's life, and the median of those after it, each on a topic of its own."""
    gb = records * SIZE / GB
    produced, consumed = [], []
    with broker.setting.folder() as folder:
        broker.prepare(folder)
        with broker.start(folder) as node:
            for number in range(1 + repeats):
                topic = f"load-{number}"
                tools.create_topic(broker.setting, node, topic, PARTITIONS)
                produced.append(load(node, gb, lambda: tools.produce(broker.setting, node, topic, records, SIZE)))
                consumed.append(load(node, gb, lambda: tools.consume(broker.setting, node, topic, records)))
                say(f"{broker.title}: produce {produced[-1]}; consume {consumed[-1]}")
            memory = readings.memory_mib(node.pid)
    return {
        "produce_first": produced[0].cpu_s_per_gb,
        "consume_first": consumed[0].cpu_s_per_gb,
        "produce_later": median(one.cpu_s_per_gb for one in produced[1:]),
        "consume_later": median(one.cpu_s_per_gb for one in consumed[1:]),
        "produce_all": [one.cpu_s_per_gb for one in produced],
        "consume_all": [one.cpu_s_per_gb for one in consumed],
        "batch_bytes": median(one.batch_bytes or 0 for one in produced),
        "anonymous_after": memory["anonymous"],
        "others": max(one.others for one in produced + consumed),
    }


class Load:
    """What one load took of the broker."""

    def __init__(self, cpu_s, gb, wall_s, others, batch_bytes):
        self.cpu_s_per_gb = cpu_s / gb
        self.wall_s = wall_s
        self.others = others
        self.batch_bytes = batch_bytes

    def __str__(self):
        batches = f", batches of {self.batch_bytes:.0f} B" if self.batch_bytes else ""
        return f"{self.cpu_s_per_gb:.2f} CPU-s/GB in {self.wall_s:.1f} s{batches} (others {self.others:.0%})"


def load(node, gb, program):
    others, began, before = readings.OtherWork(), time.monotonic(), readings.cpu_seconds(node.pid)
    done = program()
    cpu_s = readings.cpu_seconds(node.pid) - before
    return Load(cpu_s, gb, time.monotonic() - began, others.share(cpu_s + done.cpu_s), tools.batch_bytes(done))
