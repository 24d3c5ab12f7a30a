"""The same jobs in Forebay, Kafka Streams and Apache Flink: events for each CPU second, memory, and the time from a record's append to its
committed result. Kafka Streams and Flink read from and write to Apache Kafka, whose CPU time and memory are not counted; Forebay is broker
and engine in one process, and all of it is."""

import os
import signal
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from . import job, loads, readings, tools
from .program import Program
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


class Engine(Program):
    """A process beside the broker that runs a job, with all its children."""

    def __init__(self, title, command, log):
        super().__init__(command, log)
        self.title = title
        try:
            self.until_it_runs()
        except BaseException:
            # Also when the measurement is ended meanwhile: it would go on without its broker, and log without an end.
            self.stop()
            raise
        self.start_cpu_s = self.all_cpu_s()

    def until_it_runs(self):
        deadline = time.monotonic() + START_LIMIT_S
        while not self.said("running"):
            if not self.runs() or time.monotonic() > deadline:
                raise BenchError(f"{self.title} did not start:\n{self.tail()}")
            time.sleep(0.05)

    def pids(self):
        """The process and its descendants that live."""
        found, todo = [], [self.pid]
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
        """At once: nothing of it is used again."""
        for pid in reversed(self.pids()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()


class Forebay:
    """The broker itself."""

    title = "Forebay"

    def __init__(self, setting):
        self.setting = setting

    def start(self, node, _, kind):
        job.apply(self.setting, node, READINGS, kind)
        return nullcontext()


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
        return Engine(self.title, [*command, node.bootstrap, kind, f"{folder}/state", PARALLELISM], f"{folder}/engine.log")


class Flink:
    title = "Apache Flink"
    waits_for_a_record = False

    def __init__(self, _):
        self.python = flink.python()
        self.connector = connector()

    def start(self, node, folder, kind):
        sql = {"metrics": job.SQL, "hot": READINGS}[kind]
        command = [self.python, ROOT / "benches" / "flink" / "job.py", node.bootstrap, sql, self.connector]
        return Engine(self.title, [*command, PARALLELISM, CHECKPOINT_MS, folder], f"{folder}/engine.log")


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
    ours = Forebay(setting)
    found = {ours.title: {**job.measure(forebay, given.repeats, given.events), **delivered(forebay, ours, binary, given)}}
    run(["javac", "-d", setting.classes, "-cp", f"{setting.jars}/*", ROOT / "benches" / "java" / "CountRows.java"])
    for engine in (KafkaStreams(setting), Flink(setting)):
        found[engine.title] = {**drained(setting, kafka, engine, given), **delivered(kafka, engine, binary, given)}
    return found


def delivered(broker, engine, binary, given):
    with broker.setting.folder() as folder:
        broker.prepare(folder)
        with broker.start(folder) as node:
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
    peak, closed = 0.0, time.monotonic()

    def look():
        nonlocal peak, closed
        if engine.waits_for_a_record and time.monotonic() > closed + CLOSERS_S:
            job.close_again(setting, node, events)
            closed = time.monotonic()
        if not process.runs():
            raise BenchError(f"{process.title} ended:\n{process.tail()}")
        peak = max(peak, process.memory_mib())

    done = tools.java(setting, "CountRows", node.bootstrap, "user-metrics", rows, LIMIT_S, meanwhile=look)
    if f"rows {rows}" not in done.text.splitlines():
        raise BenchError(f"{process.title}: {done.text} instead of {rows} rows\n{process.tail()}")
    return peak


def table(found):
    """Markdown, an engine a column."""
    titles = list(found)
    lines = [f"| | {' | '.join(titles)} |", "| --- |" + " ---: |" * len(titles)]
    for title, key, form in ROWS:
        cells = [format(found[engine][key], form) if key in found[engine] else "" for engine in titles]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return f"{ABOUT[0].upper()}{ABOUT[1:]}.\n\n" + "\n".join(lines)
