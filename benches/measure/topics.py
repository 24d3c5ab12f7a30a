"""How long it takes to make many topics: in one request, and in a request for each."""

import time
from statistics import median

from . import loads, readings
from .workspace import say

ABOUT = (
    "topics made and the answer awaited; usable is when the last partition can be fetched from (Apache Kafka answers before it has made "
    "the logs, Forebay after)"
)
# Key, topics, partitions of each, in one request.
CASES = [("once", 1_000, 1, True), ("wide", 100, 100, False)]
TITLES = {"once": "1,000 topics in one request", "wide": "100 topics of 100 partitions, a request for each"}

ROWS = [
    (f"{TITLES[case[0]]}: {what}, s", "topics", f"{case[0]}_{key}", ".2f", "", False)
    for case in CASES
    for what, key in [("answered", "answered_s"), ("usable", "usable_s"), ("CPU of the broker", "cpu_s")]
]


def measure(broker, binary, repeats):
    """Medians; each run is on a new folder."""
    runs = []
    for _ in range(repeats):
        with broker.setting.folder() as folder:
            broker.prepare(folder)
            with broker.start(folder) as node:
                # The first topic of all pays for what is done once.
                loads.run(binary, "create", node, "first", "--partitions", 1)
                loads.until_usable(binary, node, "first", 1)
                run = {}
                for key, topics, partitions, at_once in CASES:
                    run |= made(binary, node, key, topics, partitions, at_once)
                runs.append(run)
                say(f"{broker.title}: {run}")
    return {"topics": {key: median(run[key] for run in runs) for key in runs[0]}}


def made(binary, node, key, topics, partitions, at_once):
    cpu, began = readings.fine_cpu_seconds(node.pid), time.monotonic()
    options = ["--topics", topics, "--partitions", partitions] + (["--at-once"] if at_once else [])
    answered_s = loads.run(binary, "create", node, key, *options)["wall_s"]
    usable_s = max(answered_s, loads.until_usable(binary, node, f"{key}-{topics - 1}", partitions) - began)
    cpu_s = readings.fine_cpu_seconds(node.pid) - cpu
    return {f"{key}_answered_s": answered_s, f"{key}_usable_s": usable_s, f"{key}_cpu_s": cpu_s}
