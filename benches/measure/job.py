"""Events for each CPU second of the job docs/examples/user-metrics.sql, over topics that are loaded already."""

import json
import re
import subprocess
import time
import urllib.request
from statistics import median

from . import readings, tools
from .workspace import ROOT, BenchError, say

SQL = ROOT / "docs" / "examples" / "user-metrics.sql"
NAME = "user-metrics"
TOPIC = "website-clicks"
PARTITIONS = 4
USERS = 100_000
# Of event time: with as many users, a user clicks once in a window on average.
EVENTS_PER_SECOND = 20_000
IDLE_S = 3
LIMIT_S = 600


def measure(broker, repeats, events):
    """Medians over the repeats, each on a new folder."""
    runs = [one(broker, events) for _ in range(repeats)]
    result = {name: median(run[name] for run in runs) for name in runs[0]}
    return result | {"all": [run["events_per_cpu_s"] for run in runs]}


def one(broker, events):
    with broker.setting.folder() as folder:
        broker.prepare(folder)
        with broker.start(folder) as node:
            loaded = load(broker.setting, node, events)
        # Started again, so that what the loading took is neither in the memory nor in the time.
        with broker.start(folder) as node:
            return drain(broker.setting, node, loaded) | {"value_bytes": loaded["bytes"] / loaded["events"]}


def load(setting, node, events):
    """Fills the topic; answers how many events there are and how many rows must come out."""
    tools.create_topic(setting, node, TOPIC, PARTITIONS)
    return loaded(tools.java(setting, "LoadClicks", node.bootstrap, TOPIC, events, USERS, EVENTS_PER_SECOND))


def loaded(done):
    """What the generator says of what it has sent."""
    found = re.search(r"loaded (\d+) events, (\d+) bytes, (\d+) rows", done.text)
    if not found:
        raise BenchError(f"the clicks were not loaded:\n{done.text[-2000:]}")
    return dict(zip(("events", "bytes", "rows"), map(int, found.groups())))


def close_again(setting, node, events):
    """Sends the clicks that close all windows once more; their own window stays open."""
    tools.java(setting, "LoadClicks", node.bootstrap, TOPIC, events, USERS, EVENTS_PER_SECOND, "closers")


def drain(setting, node, loaded):
    """Registers the job, waits until it has put out every row, and reads what that took."""
    idle = idle_rate(node.pid)
    others, before, began = readings.OtherWork(), readings.cpu_seconds(node.pid), time.monotonic()
    apply(setting, node, SQL, NAME)
    _, peak = watch(node, NAME, LIMIT_S, lambda status: all_out(status, loaded["rows"]))
    wall_s = time.monotonic() - began
    busy_s = readings.cpu_seconds(node.pid) - before
    cpu_s = busy_s - idle * wall_s
    result = {
        "events_per_cpu_s": loaded["events"] / cpu_s,
        "cpu_s": cpu_s,
        "wall_s": wall_s,
        "events": loaded["events"],
        "rows": loaded["rows"],
        "peak_rss": peak[0],
        "peak_anonymous": peak[1],
        "others": others.share(busy_s),
    }
    say(f"job: {loaded['events']} events, {loaded['rows']} rows, {cpu_s:.2f} CPU-s in {wall_s:.1f} s = "
        f"{result['events_per_cpu_s']:.0f} events/CPU-s; peak {peak[0]:.0f} MiB, anonymous {peak[1]:.0f} MiB "
        f"(others {result['others']:.0%})")
    return result


def idle_rate(pid):
    """CPU seconds a second at rest."""
    time.sleep(1)
    before, began = readings.cpu_seconds(pid), time.monotonic()
    time.sleep(IDLE_S)
    return (readings.cpu_seconds(pid) - before) / (time.monotonic() - began)


def apply(setting, node, sql, name):
    command = [setting.binary, "job", "--admin", node.admin, "apply", sql, "--name", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"forebay job apply failed:\n{done.stdout}{done.stderr}")


def all_out(status, rows):
    """Whether the job has read everything and put out so many rows."""
    if status["late_records"] or status["undecodable_records"] or status["records_written"] > rows:
        raise BenchError(f"the job went wrong, {rows} rows must come out: {status}")
    return status["lag_records"] == 0 and status["records_written"] == rows


def watch(node, name, limit_s, done, every_s=0.1):
    """Waits until `done` of what the job says of itself; that, and the largest resident memory seen, in all and without mapped files."""
    deadline, peak, status = time.monotonic() + limit_s, (0.0, 0.0), None
    while time.monotonic() < deadline:
        peak = tuple(map(max, peak, readings.resident_mib(node.pid)))
        status = describe(node, name)
        if status["state"] == "failed":
            raise BenchError(f"the job failed: {status}")
        if done(status):
            return status, peak
        time.sleep(every_s)
    raise BenchError(f"the job is not done after {limit_s} s: {status}")


def describe(node, name):
    with urllib.request.urlopen(f"{node.admin}/v1/jobs/{name}", timeout=30) as answer:
        return json.load(answer)
