"""Records that are on disk before they are acknowledged: answers per second and how long they take, with flush.messages=1."""

import json
from statistics import median

from . import tools
from .floor import build
from .workspace import output, say

PRODUCERS = [1, 16, 256]
RECORD_BYTES = 1024
TOPIC = "synced"


def measure(setting, broker, repeats, seconds):
    """By number of producers: records per second and the 99th percentile in milliseconds, medians of the repeats."""
    load = build()
    found = {}
    with setting.folder() as folder:
        broker.prepare(folder)
        with broker.start(folder) as node:
            where = ["--bootstrap-server", node.bootstrap, "--create", "--topic", TOPIC, "--partitions", 1]
            settings = ["--replication-factor", 1, "--config", "flush.messages=1"]
            tools.java(setting, "org.apache.kafka.tools.TopicCommand", *where, *settings)
            for producers in PRODUCERS:
                runs = [one(load, node, producers, seconds) for _ in range(repeats + 1)][1:]
                found[producers] = {
                    "records_per_s": median(r["records_per_s"] for r in runs),
                    "p50_ms": median(r["p50_ms"] for r in runs),
                    "p99_ms": median(r["p99_ms"] for r in runs),
                }
                say(f"{broker.title}, {producers} producers: {found[producers]}")
    return found


def one(load, node, producers, seconds):
    options = ["--address", node.bootstrap, "--topic", TOPIC, "--connections", producers]
    command = [load, "acks", *options, "--record-bytes", RECORD_BYTES, "--seconds", seconds]
    return json.loads(output([str(word) for word in command]))


def table(figures):
    """Rows of Markdown: `figures` by broker and number of producers."""
    lines = ["| flush.messages=1, 1 KiB records | " + " | ".join(figures) + " |", "|---|" + "---:|" * len(figures)]
    for producers in PRODUCERS:
        one_or_more = "producer" if producers == 1 else "producers"
        cells = []
        for found in figures.values():
            at = found[producers]
            cells.append(f"{at['records_per_s']:,.0f} records/s, p99 {at['p99_ms']:.1f} ms")
        lines.append(f"| {producers} {one_or_more} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
