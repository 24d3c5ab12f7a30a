"""Memory and disk over a long load with retention, while one consumer reads along."""

import json
import os
import subprocess
import time
from statistics import median

from . import loads, readings
from .workspace import BenchError, say

PARTITIONS = 4
RECORD_BYTES = 1024
TOPIC = "soak"
SETTINGS = {
    "log.retention.bytes": str(64 << 20),
    "log.segment.bytes": str(16 << 20),
    "log.retention.check.interval.ms": "1000",
    "log.segment.delete.delay.ms": "1000",
}
# Key, title, form.
FIGURES = [
    ("anonymous", "memory without mapped files (RssAnon), MiB", ".1f"),
    ("own", "proportional memory without mapped files, MiB", ".1f"),
    ("disk", "files of the data folder, MiB", ",.0f"),
    ("descriptors", "open descriptors", ",.0f"),
]


def measure(broker, binary, gb):
    """Samples after each GB."""
    with broker.setting.folder() as folder:
        broker.prepare(folder)
        node = broker.start(folder, SETTINGS)
        try:
            loads.run(binary, "create", node, TOPIC, "--partitions", PARTITIONS)
            loads.until_usable(binary, node, TOPIC, PARTITIONS)
            return follow(broker, binary, node, folder, gb)
        finally:
            node.kill()


def follow(broker, binary, node, folder, gb):
    options = ["--partitions", PARTITIONS, "--record-bytes", RECORD_BYTES, "--gb", gb]
    command = list(map(str, [binary, "follow", "--address", node.bootstrap, "--topic", TOPIC, *options]))
    cpu, samples, said = readings.fine_cpu_seconds(node.pid), [], {}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        for line in process.stdout:
            said = json.loads(line)
            if "read_gb" in said:
                samples.append(sample(node, folder))
                if len(samples) % 5 == 1:
                    say(f"{broker.title}: GB {said['read_gb']}: {samples[-1]}")
    finally:
        process.kill()
        process.wait()
    if "wall_s" not in said:
        raise BenchError(f"{' '.join(command)} failed:\n{node.tail()}")
    cpu_s = readings.fine_cpu_seconds(node.pid) - cpu
    time.sleep(3)
    return {"gb": gb, "samples": samples, "wall_s": said["wall_s"], "cpu_s": cpu_s, "rest": sample(node, folder)}


def sample(node, folder):
    _, anonymous = readings.resident_mib(node.pid)
    return {
        "anonymous": anonymous,
        "own": readings.own_mib(node.pid),
        "disk": disk_mib(f"{folder}/data"),
        "descriptors": readings.descriptors(node.pid),
    }


def disk_mib(folder):
    """What the files take; those that go meanwhile do not count."""
    taken = 0
    for where, _, files in os.walk(folder):
        for name in files:
            try:
                taken += os.stat(os.path.join(where, name)).st_blocks * 512
            except OSError:
                continue
    return taken / 2**20


def table(found):
    """Markdown; `found` by the brokers' titles."""
    lines = ["| after each GB | first | median | last | most | at rest |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for broker, one in found.items():
        for key, title, form in FIGURES:
            values = [sample[key] for sample in one["samples"]]
            cells = [values[0], median(values), values[-1], max(values), one["rest"][key]]
            lines.append(f"| {broker}: {title} | {' | '.join(format(value, form) for value in cells)} |")
    for broker, one in found.items():
        lines += ["", f"{broker}: {one['gb']:g} GB in {one['wall_s']:.0f} s, {one['cpu_s'] / one['gb']:.2f} CPU-s for each GB "
                  "written and read."]
    return "\n".join(lines)
