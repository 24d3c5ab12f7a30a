"""Memory of a broker that rests, after it has done a little of everything."""

import time
from statistics import median

from . import readings, tools
from .workspace import say

REST_S = 5
RECORDS = 1_000
SIZE = 1024


def measure(broker, repeats):
    """Medians in MiB, and the CPU milliseconds that a second of rest takes."""
    runs = [one(broker) for _ in range(repeats)]
    result = {name: median(run[name] for run in runs) for name in runs[0]}
    say(f"{broker.title}: idle MiB, resident {result['rss']:.1f}, proportional {result['pss']:.1f}, "
        f"anonymous {result['anonymous']:.1f}; {result['cpu_ms_per_s']:.1f} ms of CPU a second")
    return result


def one(broker):
    with broker.setting.folder() as folder:
        broker.prepare(folder)
        with broker.start(folder) as node:
            tools.create_topic(broker.setting, node, "idle", 1)
            tools.produce(broker.setting, node, "idle", RECORDS, SIZE)
            tools.consume(broker.setting, node, "idle", RECORDS)
            before, began = readings.fine_cpu_seconds(node.pid), time.monotonic()
            time.sleep(REST_S)
            cpu_s = readings.fine_cpu_seconds(node.pid) - before
            cpu_ms_per_s = max(0.0, cpu_s) * 1000 / (time.monotonic() - began)
            return readings.memory_mib(node.pid) | {"cpu_ms_per_s": cpu_ms_per_s}
