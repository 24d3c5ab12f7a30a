"""Time from exec to the first Metadata answer, on an empty folder and again on a folder with data."""

from contextlib import ExitStack
from statistics import median

from . import tools
from .workspace import say

# What lies in the folder of a restart.
TOPICS = 4
PARTITIONS = 4
RECORDS = 50_000
SIZE = 1024


def measure(brokers, starts):
    """By broker: medians in milliseconds, and all values. The brokers take turns, so that a busy minute meets all of them."""
    fresh = {broker.name: [] for broker in brokers}
    for _ in range(starts):
        for broker in brokers:
            fresh[broker.name].append(fresh_start(broker))
    again = restarts(brokers, starts)
    return {broker.name: summary(broker, fresh[broker.name], again[broker.name]) for broker in brokers}


def summary(broker, fresh, again):
    fresh_ms, again_ms = ([wall for wall, _ in runs] for runs in (fresh, again))
    say(f"{broker.title}: start ms, fresh {shown(fresh_ms)}; restart {shown(again_ms)}")
    return {
        "fresh_ms": median(fresh_ms),
        "fresh_least_ms": min(fresh_ms),
        "fresh_cpu_ms": median(cpu for _, cpu in fresh),
        "restart_ms": median(again_ms),
        "restart_least_ms": min(again_ms),
        "restart_cpu_ms": median(cpu for _, cpu in again),
        "fresh_all": fresh_ms,
        "restart_all": again_ms,
    }


def shown(values):
    return " ".join(f"{value:.0f}" for value in values)


def milliseconds(node):
    """On the clock, and of CPU time."""
    return node.start_s * 1000, node.start_cpu_s * 1000


def fresh_start(broker):
    with broker.setting.folder() as folder:
        broker.prepare(folder)
        with broker.start(folder) as node:
            return milliseconds(node)


def restarts(brokers, starts):
    times = {broker.name: [] for broker in brokers}
    with ExitStack() as stack:
        folders = [(broker, stack.enter_context(broker.setting.folder())) for broker in brokers]
        for broker, folder in folders:
            fill(broker, folder)
        for _ in range(starts):
            for broker, folder in folders:
                with broker.start(folder) as node:
                    times[broker.name].append(milliseconds(node))
    return times


def fill(broker, folder):
    broker.prepare(folder)
    with broker.start(folder) as node:
        for number in range(TOPICS):
            tools.create_topic(broker.setting, node, f"data-{number}", PARTITIONS)
            tools.produce(broker.setting, node, f"data-{number}", RECORDS, SIZE)
