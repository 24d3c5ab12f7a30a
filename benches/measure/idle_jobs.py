"""What jobs cost that have nothing to do: memory and CPU of a broker with many of them, windowed, each on its own topic."""

import json
import time
import urllib.request

from . import readings, tools
from .workspace import say

REST_S = 30
# A job that is dropped comes to the end of its step first.
LIMIT_S = 120
SQL = """
CREATE TABLE i (u STRING, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'kafka', 'topic' = '{input}', 'format' = 'json');
CREATE TABLE o (u STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = '{output}', 'format' = 'json');
INSERT INTO o SELECT u, COUNT(*) FROM TABLE(TUMBLE(TABLE i, DESCRIPTOR(ts), INTERVAL '5' SECOND))
  GROUP BY u, window_start, window_end;
"""

# Key, title, form.
FIGURES = [
    ("jobs", "jobs", ",.0f"),
    ("made_s", "registered and running, s", ".1f"),
    ("made_cpu_s", "CPU time for it, s", ".1f"),
    ("memory_kib", "memory for each job, KiB", ".1f"),
    ("rest_mib", "memory of the broker without jobs, MiB", ".1f"),
    ("idle_cpu_ms", f"CPU of all jobs at rest over {REST_S} s, ms each second", ".1f"),
]


def ask(node, method, path, body=None):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{node.admin}{path}", data=data, method=method)
    with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def table(found):
    """The figures as a table for docs/performance.md."""
    lines = ["| Idle jobs, windowed, each with a changelog | Forebay |", "|---|---|"]
    return "\n".join(lines + [f"| {title} | {found[key]:{form}} |" for key, title, form in FIGURES])


def measure(broker, count):
    """Figures for so many jobs, all of which read one empty topic and write one other."""
    with broker.setting.folder() as folder:
        broker.prepare(folder)
        with broker.start(folder) as node:
            tools.create_topic(broker.setting, node, "idle-in", 1)
            found = {"jobs": count, "rest_mib": readings.own_mib(node.pid)}
            cpu, began = readings.fine_cpu_seconds(node.pid), time.monotonic()
            for number in range(count):
                sql = SQL.format(input="idle-in", output=f"idle-out-{number % 10}")
                ask(node, "POST", "/v1/jobs", {"name": f"idle-{number}", "sql": sql})
            while any(job["state"] == "starting" for job in ask(node, "GET", "/v1/jobs")["jobs"]):
                time.sleep(0.2)
            found["made_s"] = time.monotonic() - began
            found["made_cpu_s"] = readings.fine_cpu_seconds(node.pid) - cpu
            # Until every partition counts as idle.
            time.sleep(20)
            before, began = readings.fine_cpu_seconds(node.pid), time.monotonic()
            time.sleep(REST_S)
            found["idle_cpu_ms"] = (readings.fine_cpu_seconds(node.pid) - before) * 1000 / (time.monotonic() - began)
            found["memory_kib"] = (readings.own_mib(node.pid) - found["rest_mib"]) * 1024 / count
            say(f"{broker.title}: {found}")
            return found
