"""A job with more state than memory: throughput, memory, disk, and how soon it goes on after SIGKILL."""

import time

from . import job, readings, tools
from .workspace import ROOT, say

SQL = ROOT / "benches" / "large-state.sql"
NAME = "large-state"
LIMIT_S = 1_800
# Of a click's user agent, which nearly is what a key takes.
AGENT_BYTES = 1_000
# The broker is killed when the job has read so much of its input.
KILLED_AT = 0.8
# Key, title, form.
FIGURES = [
    ("events", "clicks", ",.0f"),
    ("keys", "keys kept when it is killed", ",.0f"),
    ("memory_mib", "state in memory, MiB", ",.0f"),
    ("disk_mib", "state on disk beside the changelog, MiB", ",.0f"),
    ("peak_anonymous", "peak memory of the broker without mapped files, MiB", ",.0f"),
    ("events_per_s", "clicks a second", ",.0f"),
    ("events_per_cpu_s", "clicks for each CPU-s", ",.0f"),
    ("commit_p99_ms", "commits, p99, ms", ",.0f"),
    ("again_s", "after SIGKILL: exec to processing again, s", ".2f"),
]


def measure(broker, gb):
    """One run. Ten times as many users as clicks: nearly every click is a key of its own."""
    events = int(gb * 1e9 / KILLED_AT / AGENT_BYTES)
    with broker.setting.folder() as folder:
        broker.prepare(folder)
        with broker.start(folder) as node:
            tools.create_topic(broker.setting, node, job.TOPIC, job.PARTITIONS)
            # All within a day of event time; what closes windows would close this one, so it is left out.
            clicks = [events, 10 * events, events // 3_600, "open", AGENT_BYTES]
            loaded = job.loaded(tools.java(broker.setting, "LoadClicks", node.bootstrap, job.TOPIC, *clicks))
        with broker.start(folder) as node:
            found = fill(broker.setting, node, int(loaded["events"] * KILLED_AT))
            node.kill()
        with broker.start(folder) as node:
            until_read(node, 1)
            found["again_s"] = time.monotonic() - node.began
        say(f"{broker.title}: {found}")
        return {"events": loaded["events"], **found}


def fill(setting, node, events):
    cpu, began = readings.cpu_seconds(node.pid), time.monotonic()
    job.apply(setting, node, SQL, NAME)
    status, (_, peak) = until_read(node, events)
    wall_s, cpu_s = time.monotonic() - began, readings.cpu_seconds(node.pid) - cpu
    return {
        "keys": status["state_keys"], "memory_mib": status["state_bytes"] / 2**20,
        "disk_mib": status["state_disk_bytes"] / 2**20, "peak_anonymous": peak, "commit_p99_ms": status["commit_p99_ms"] or 0,
        "events_per_s": status["records_read"] / wall_s, "events_per_cpu_s": status["records_read"] / cpu_s,
    }


def until_read(node, events):
    return job.watch(node, NAME, LIMIT_S, lambda status: status["records_read"] >= events, every_s=0.02)


def table(found):
    """The figures as a table for docs/performance.md."""
    lines = ["| Every user of a day with a user agent of 1,000 bytes, `forebay.state.memory` 512 MiB | Forebay |", "|---|---:|"]
    return "\n".join(lines + [f"| {title} | {found[key]:{form}} |" for key, title, form in FIGURES])
