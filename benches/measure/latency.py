"""How long a record takes at a steady rate: until it is acknowledged (acks=all), and until a consumer that waits for it has it."""

from contextlib import ExitStack
from statistics import median

from . import loads
from .workspace import say

RATE = 1_000
RECORD_BYTES = 1024
ABOUT = f"{RATE:,} records of 1 KiB a second, each sent alone with acks=all; one producer, one consumer, one partition"

# Title, part, key, form, aim, whether more is better.
ROWS = [
    (f"{what}, {name}, ms", "latency", f"{key}_{short}_ms", ".2f", aims.get(short, ""), False)
    for what, key, aims in [
        ("acknowledged", "ack", {}),
        ("delivered", "e2e", {"p50": "no worse", "p99": "no worse", "p999": "4x"}),
    ]
    for name, short in [("p50", "p50"), ("p99", "p99"), ("p99.9", "p999"), ("longest", "max")]
]


def measure(brokers, binary, repeats, seconds):
    """By broker: medians of the repeats. All run at once and take turns under load, so that a busy minute meets all of them. The load
    warms up the broker before each measurement, and a first one does not count."""
    runs = {broker.name: [] for broker in brokers}
    with ExitStack() as stack:
        nodes = []
        for broker in brokers:
            folder = stack.enter_context(broker.setting.folder())
            broker.prepare(folder)
            nodes.append((broker, stack.enter_context(broker.start(folder))))
        for repeat in range(repeats + 1):
            for broker, node in nodes:
                found = one(binary, node, f"steady-{repeat}", seconds)
                say(f"{broker.title}{' (warm-up)' if repeat == 0 else ''}: {found}")
                if repeat > 0:
                    runs[broker.name].append(found)
    return {name: {"latency": {key: median(run[key] for run in found) for key in found[0]}} for name, found in runs.items()}


def one(binary, node, topic, seconds):
    loads.run(binary, "create", node, topic, "--partitions", 1)
    loads.until_usable(binary, node, topic, 1)
    options = ["--rate", RATE, "--record-bytes", RECORD_BYTES, "--seconds", seconds]
    return loads.run(binary, "latency", node, topic, *options)
