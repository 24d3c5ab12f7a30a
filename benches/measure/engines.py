"""The same jobs in Forebay, Kafka Streams and Apache Flink: events for each CPU second, memory, and the time from a record's append to its
committed result. Kafka Streams and Flink read from and write to Apache Kafka, whose CPU time and memory are not counted; Forebay is broker
and engine in one process, and all of it is."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from . import job, loads, readings, tools
from .workspace import ROOT, TARGET, BenchError, run, say

sys.path.insert(0, str(ROOT / "protocol-tests" / "clients" / "flink"))
import flink  # noqa: E402

CONNECTOR = "5.0.0-2.2"
# As many as cores.
PARALLELISM = 2
CHECKPOINT_MS = 1_000
START_LIMIT_S = 180
LIMIT_S = 1_800
# How often an engine that waits for a record gets one in each partition, without which nothing would close.
CLOSERS_S = 10
READINGS = ROOT / "benches" / "readings.sql"
READING = '{"sensor":"boiler-7","celsius":81.25}'
RATE = 1_000
ABOUT = (
    f"one job at a time: docs/examples/user-metrics.sql over clicks that are loaded already, then benches/readings.sql (without state) at {RATE:,} "
    f"records a second, from append to the committed row at a read_committed consumer; all exactly once, Kafka Streams {PARALLELISM} threads "
    f"(commit.interval.ms 100, its default), Flink {flink.VERSION} parallelism {PARALLELISM} with a checkpoint each {CHECKPOINT_MS:,} ms"
)
# Title, key, form.
ROWS = [
    ("events", "events", ",.0f"),
    ("result rows", "rows", ",.0f"),
    ("events for each CPU-s of the engine", "events_per_cpu_s", ",.0f"),
    ("CPU-s", "cpu_s", ",.1f"),
    ("wall-clock s", "wall_s", ",.1f"),
    ("peak memory without mapped files, MiB", "peak_anonymous", ",.0f"),
    ("append to committed result: p50, ms", "e2e_p50_ms", ",.2f"),
    ("p99, ms", "e2e_p99_ms", ",.2f"),
    ("p99.9, ms", "e2e_p999_ms", ",.2f"),
    ("longest, ms", "e2e_max_ms", ",.2f"),
]


class Engine:
    """A process beside the broker that runs a job, with all its children."""

    def __init__(self, title, command, log, environment=None):
        self.title = title
        self.log = Path(log)
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                list(map(str, command)), stdout=out, stderr=out, start_new_session=True, env=environment
            )
        deadline = time.monotonic() + START_LIMIT_S
        while "running" not in self.text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise BenchError(f"{title} did not start:\n{self.text()[-3000:]}")
            time.sleep(0.05)
        self.start_cpu_s = self.all_cpu_s()

    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def pids(self):
        """The process and its descendants that live."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            try:
                for task in Path(f"/proc/{pid}/task").iterdir():
                    todo += map(int, (task / "children").read_text(encoding="utf-8").split())
            except OSError:
                continue
        return found

    def cpu_s(self):
        """Since it runs: starting a JVM and planning are not counted."""
        return self.all_cpu_s() - self.start_cpu_s

    def all_cpu_s(self):
        return sum(readings.cpu_seconds(pid) for pid in self.pids())

    def memory_mib(self):
        return sum(readings.resident_mib(pid)[1] for pid in self.pids())

    def stop(self):
        for pid in reversed(self.pids()):
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
        self.process.wait()


@contextmanager
def running(*arguments):
    engine = Engine(*arguments)
    try:
        yield engine
    finally:
        engine.stop()


class KafkaStreams:
    title = "Kafka Streams"
    # It puts out what has closed once a second, and only when a record comes: the last windows need one more.
    waits_for_a_record = True

    def __init__(self, setting):
        self.setting = setting
        run(["javac", "-d", setting.classes, "-cp", f"{setting.jars}/*", ROOT / "benches" / "java" / "StreamsJob.java"])

    def start(self, node, folder, kind):
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"
        command = ["java", quiet, "-cp", self.setting.class_path(), "StreamsJob"]
        return running(self.title, [*command, node.bootstrap, kind, f"{folder}/state", PARALLELISM], f"{folder}/engine.log")


class Flink:
    title = "Apache Flink"
    waits_for_a_record = False

    def __init__(self, _):
        self.python = flink.python()
        self.connector = connector()

    def start(self, node, folder, kind):
        sql = {"metrics": job.SQL, "hot": READINGS}[kind]
        command = [self.python, ROOT / "benches" / "flink" / "job.py", node.bootstrap, sql, self.connector]
        return running(self.title, [*command, PARALLELISM, CHECKPOINT_MS], f"{folder}/engine.log")


def connector():
    jar = TARGET / "benches" / "flink" / f"flink-sql-connector-kafka-{CONNECTOR}.jar"
    if not jar.is_file():
        say(f"installing flink-sql-connector-kafka {CONNECTOR}")
        artifact = f"org.apache.flink:flink-sql-connector-kafka:{CONNECTOR}"
        get = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get"
        copy = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
        run(["mvn", "--batch-mode", "--quiet", get, f"-Dartifact={artifact}", "-Dtransitive=false"])
        run(["mvn", "--batch-mode", "--quiet", copy, f"-Dartifact={artifact}", f"-DoutputDirectory={jar.parent}"])
    return jar


def measure(setting, forebay, kafka, binary, given):
    """By title: the figures of each engine."""
    found = {"Forebay": {**job.measure(forebay, given.repeats, given.events), **forebay_latency(setting, forebay, binary, given)}}
    run(["javac", "-d", setting.classes, "-cp", f"{setting.jars}/*", ROOT / "benches" / "java" / "CountRows.java"])
    for engine in (KafkaStreams(setting), Flink(setting)):
        found[engine.title] = {**drained(setting, kafka, engine, given), **delivered(kafka, engine, binary, given)}
    return found


def forebay_latency(setting, broker, binary, given):
    with broker.setting.folder() as folder:
        broker.prepare(folder)
        with broker.start(folder) as node:
            make_topics(binary, node)
            job.apply(setting, node, READINGS, "hot")
            return latency(binary, node, "Forebay", given)


def delivered(kafka, engine, binary, given):
    with kafka.setting.folder() as folder:
        kafka.prepare(folder)
        with kafka.start(folder) as node:
            make_topics(binary, node)
            with engine.start(node, folder, "hot"):
                return latency(binary, node, engine.title, given)


def make_topics(binary, node):
    for topic in ("readings", "hot"):
        loads.run(binary, "create", node, topic, "--partitions", 1)
        loads.until_usable(binary, node, topic, 1)


def latency(binary, node, title, given):
    """The first seconds of the load warm up broker and engine and do not count."""
    options = ["--to", "hot", "--rate", RATE, "--seconds", given.seconds, "--value", READING]
    found = loads.run(binary, "latency", node, "readings", *options)
    say(f"{title}: {found}")
    return found


def drained(setting, kafka, engine, given):
    """The job over loaded clicks, until every row is committed."""
    with kafka.setting.folder() as folder:
        kafka.prepare(folder)
        with kafka.start(folder) as node:
            loaded = job.load(setting, node, given.events)
            tools.create_topic(setting, node, "user-metrics", job.PARTITIONS)
            began = time.monotonic()
            with engine.start(node, folder, "metrics") as process:
                peak = counted(setting, node, engine, process, loaded["rows"], given.events)
                wall_s, cpu_s = time.monotonic() - began, process.cpu_s()
    figures = {
        "events": loaded["events"], "rows": loaded["rows"], "cpu_s": cpu_s, "wall_s": wall_s,
        "events_per_cpu_s": loaded["events"] / cpu_s, "peak_anonymous": peak,
    }
    say(f"{engine.title}: {figures}")
    return figures


def counted(setting, node, engine, process, rows, events):
    """Waits until all rows can be read; the largest memory that the engine had meanwhile."""
    command = ["java", "-Xmx256m", "-cp", setting.class_path(), "CountRows", node.bootstrap, "user-metrics", str(rows), str(LIMIT_S)]
    counter = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    peak, closed = 0.0, time.monotonic()
    while counter.poll() is None:
        if engine.waits_for_a_record and time.monotonic() > closed + CLOSERS_S:
            job.close_again(setting, node, events)
            closed = time.monotonic()
        if process.process.poll() is not None:
            counter.kill()
            raise BenchError(f"{process.title} ended:\n{process.text()[-3000:]}")
        peak = max(peak, process.memory_mib())
        time.sleep(0.2)
    said = counter.stdout.read().split()
    if said != ["rows", str(rows)]:
        raise BenchError(f"{process.title}: {said} instead of {rows} rows\n{process.text()[-2000:]}")
    return peak


def table(found):
    """Markdown, an engine a column."""
    titles = list(found)
    lines = [f"| | {' | '.join(titles)} |", "| --- |" + " ---: |" * len(titles)]
    for title, key, form in ROWS:
        cells = [format(found[engine][key], form) if key in found[engine] else "" for engine in titles]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return f"{ABOUT[0].upper()}{ABOUT[1:]}.\n\n" + "\n".join(lines)
