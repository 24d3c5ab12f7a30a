"""What a job that cannot keep up with its topic does to those who produce to it: acknowledgements with it and without it, in turns."""

from contextlib import ExitStack
from statistics import median

from . import idle_jobs, loads, readings
from .workspace import BenchError, say

RATE = 1_000
NAME = "slow"
OUTPUT = "slow-out"
# About a kilobyte.
VALUE = '{"v":"%s"}' % ("0123456789abcdef" * 62)
# A regular expression over half a megabyte for each record takes milliseconds.
SQL = """
CREATE TABLE i (v STRING) WITH ('connector' = 'kafka', 'topic' = '{input}', 'format' = 'json');
CREATE TABLE o (n BIGINT) WITH ('connector' = 'kafka', 'topic' = '{output}', 'format' = 'json');
INSERT INTO o SELECT CAST(CHAR_LENGTH(REGEXP_REPLACE(REPEAT(v, 500), '[a-c]+', 'x')) AS BIGINT) FROM i;
"""
ABOUT = f"{RATE:,} records of 1 KiB a second, each sent alone with acks=all; one producer, one consumer, one partition"

# Key, title, form.
FIGURES = [
    ("ack_p50_ms", "acknowledged, p50, ms", ".2f"),
    ("ack_p99_ms", "acknowledged, p99, ms", ".2f"),
    ("ack_p999_ms", "acknowledged, p99.9, ms", ".2f"),
    ("e2e_p99_ms", "delivered to a consumer, p99, ms", ".2f"),
    ("lag", "records that the job has not read at the end", ",.0f"),
    ("read", "records that it has read", ",.0f"),
    ("memory_mib", "memory of the broker at the end without mapped files, MiB", ",.0f"),
]


def table(found):
    """The figures as a table for docs/performance.md."""
    lines = ["| | no job | a slow job on the topic |", "|---|---:|---:|"]
    for key, title, form in FIGURES:
        cells = [format(found[kind][key], form) if key in found[kind] else "" for kind in ("alone", "beside")]
        lines.append(f"| {title} | {cells[0]} | {cells[1]} |")
    return f"{ABOUT[0].upper()}{ABOUT[1:]}.\n\n" + "\n".join(lines)


def measure(broker, binary, repeats, seconds):
    """Medians of the repeats, which take turns in one broker, each on a topic of its own; a first one of each does not count."""
    runs = {"alone": [], "beside": []}
    with ExitStack() as stack:
        folder = stack.enter_context(broker.setting.folder())
        broker.prepare(folder)
        node = stack.enter_context(broker.start(folder))
        for repeat in range(repeats + 1):
            for kind, one in (("alone", alone), ("beside", beside)):
                found = one(binary, node, f"{kind}-{repeat}", seconds)
                say(f"{broker.title}, {kind}{' (warm-up)' if repeat == 0 else ''}: {found}")
                if repeat > 0:
                    runs[kind].append(found)
    return {kind: {key: median(run[key] for run in found) for key in found[0]} for kind, found in runs.items()}


def alone(binary, node, topic, seconds):
    loads.run(binary, "create", node, topic, "--partitions", 1)
    loads.until_usable(binary, node, topic, 1)
    found = loads.run(binary, "latency", node, topic, "--rate", RATE, "--value", VALUE, "--seconds", seconds)
    return found | {"memory_mib": readings.own_mib(node.pid)}


def beside(binary, node, topic, seconds):
    loads.run(binary, "create", node, topic, "--partitions", 1)
    loads.until_usable(binary, node, topic, 1)
    sql = SQL.format(input=topic, output=OUTPUT)
    idle_jobs.ask(node, "POST", "/v1/jobs", {"name": NAME, "sql": sql})
    found = loads.run(binary, "latency", node, topic, "--rate", RATE, "--value", VALUE, "--seconds", seconds)
    job = idle_jobs.ask(node, "GET", f"/v1/jobs/{NAME}")
    # It shows what it has read after each step, of which the first may not be over.
    if job["state"] == "failed" or job["lag_records"] < RATE:
        raise BenchError(f"the job is not slow: {job}")
    found |= {"lag": job["lag_records"], "read": job["records_read"], "memory_mib": readings.own_mib(node.pid)}
    idle_jobs.ask(node, "DELETE", f"/v1/jobs/{NAME}")
    return found
