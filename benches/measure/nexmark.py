"""Nexmark's queries in Forebay and Apache Flink, over the same topics: events for each CPU second, and whether their results are equal."""

import re
import subprocess
import time
from pathlib import Path

from . import engines, job, readings, tools
from .workspace import ROOT, BenchError, run, say

FOLDER = ROOT / "benches" / "nexmark"
PARTITIONS = 4
LIMIT_S = 1_800
# In the order in which the generator says how many they got.
TOPICS = ["nexmark-person", "nexmark-auction", "nexmark-bid", "nexmark-side"]
ABOUT = (
    "benches/nexmark: each query alone, from topics that are loaded already to the last committed row, exactly once; Flink "
    f"{engines.flink.VERSION} with parallelism {engines.PARALLELISM} and a checkpoint each {engines.CHECKPOINT_MS:,} ms reads from and writes to Apache "
    "Kafka, whose CPU time is not counted; Forebay is broker and engine in one. The events are those of the topics that a query reads. "
    "Rows are compared as bytes: all of them, or the last of each key where the result is a table; those of q12 depend on the clock"
)
# Their results are another at every run.
BY_THE_CLOCK = {"q12"}


def queries(only):
    """The names of the queries, in the order of their numbers."""
    found = sorted((path.stem for path in FOLDER.glob("q*.sql")), key=lambda name: int(name[1:]))
    unknown = set(only or []) - set(found)
    if unknown:
        raise BenchError(f"benches/nexmark has no {', '.join(sorted(unknown))}; it has {', '.join(found)}")
    return [name for name in found if not only or name in only]


class Query:
    """A query as one file of statements, with what it reads and writes."""

    def __init__(self, name, folder):
        self.name = name
        text = (FOLDER / "tables.sql").read_text(encoding="utf-8") + "\n" + (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
        body = text.split("INSERT INTO", 1)[1]
        tables = re.findall(r"CREATE TABLE (\w+) \(.*?'topic' = '([\w-]+)'", text, re.DOTALL)
        self.sources = {topic for table, topic in tables if topic in TOPICS and re.search(rf"\b{table}\b", body)}
        self.sink = f"nexmark-{name}"
        self.kind = "table" if re.search(rf"upsert-kafka', 'topic' = '{self.sink}'", text) else "rows"
        self.file = Path(folder) / f"{name}.sql"
        self.file.write_text(text, encoding="utf-8")

    def events(self, loaded):
        return sum(loaded[topic] for topic in self.sources)


def measure(setting, forebay, kafka, given):
    """By query: the figures of both."""
    for program in ("LoadNexmark", "DigestRows"):
        run(["javac", "-d", setting.classes, "-cp", f"{setting.jars}/*", ROOT / "benches" / "java" / f"{program}.java"])
    names = queries(given.query)
    ours = each(setting, forebay, names, given.events, in_forebay)
    flink = engines.Flink(setting)
    theirs = each(setting, kafka, names, given.events, lambda *of: in_flink(flink, *of))
    return {name: (ours[name], theirs[name]) for name in names}


def each(setting, broker, names, events, measured):
    found = {}
    with broker.setting.folder() as folder:
        broker.prepare(folder)
        with broker.start(folder) as node:
            loaded = load(setting, node, events)
        # Started again, so that the loading is neither in its memory nor in its time.
        with broker.start(folder) as node:
            for name in names:
                query = Query(name, folder)
                tools.create_topic(setting, node, query.sink, PARTITIONS)
                found[name] = measured(setting, node, query, folder)
                if "error" not in found[name]:
                    found[name] |= digested(setting, node, query)
                    found[name]["events_per_cpu_s"] = query.events(loaded) / found[name]["cpu_s"]
                say(f"{broker.title}, {name}: {found[name]}")
    return found


def load(setting, node, events):
    """The events by topic."""
    for topic in TOPICS:
        tools.create_topic(setting, node, topic, PARTITIONS)
    done = tools.java(setting, "LoadNexmark", node.bootstrap, events)
    numbers = re.search(r"loaded (\d+) persons, (\d+) auctions, (\d+) bids, (\d+) side rows", done.text)
    if not numbers:
        raise BenchError(f"the events were not loaded:\n{done.text[-2000:]}")
    return dict(zip(TOPICS, map(int, numbers.groups())))


def in_forebay(setting, node, query, _):
    idle = job.idle_rate(node.pid)
    cpu, began = readings.cpu_seconds(node.pid), time.monotonic()
    try:
        job.apply(setting, node, query.file, query.name)
        _, (_, peak) = job.watch(node, query.name, LIMIT_S, lambda status: status["state"] == "finished")
    except BenchError as error:
        return {"error": str(error)}
    wall_s = time.monotonic() - began
    cpu_s = readings.cpu_seconds(node.pid) - cpu - idle * wall_s
    subprocess.run([setting.binary, "job", "--admin", node.admin, "drop", query.name, "--yes"], check=True, capture_output=True)
    return {"cpu_s": cpu_s, "wall_s": wall_s, "peak_mib": peak}


def in_flink(flink, _, node, query, folder):
    command = [flink.python, ROOT / "benches" / "flink" / "job.py", node.bootstrap, query.file, flink.connector]
    log, peak, began = f"{folder}/{query.name}.log", 0.0, time.monotonic()
    with engines.Engine(flink.title, [*command, engines.PARALLELISM, engines.CHECKPOINT_MS, folder], log) as engine:
        while not engine.said("\nended"):
            if not engine.runs() or time.monotonic() > began + LIMIT_S:
                return {"error": engine.tail()}
            peak = max(peak, engine.memory_mib())
            time.sleep(0.2)
        return {"cpu_s": engine.cpu_s(), "wall_s": time.monotonic() - began, "peak_mib": peak}


def digested(setting, node, query):
    done = tools.java(setting, "DigestRows", node.bootstrap, query.sink, query.kind)
    rows, digest = re.search(r"rows (\d+) digest (\w+)", done.text).groups()
    return {"rows": int(rows), "digest": digest}


def table(found):
    """Markdown, a query a line."""
    lines = [
        "| Nexmark | Forebay, events for each CPU-s | Flink | better by | Forebay, peak MiB | Flink | rows | equal |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, (ours, theirs) in found.items():
        wrong = [f"{who}: {figures['error'].strip().splitlines()[0]}" for who, figures in (("Forebay", ours), ("Flink", theirs))
                 if "error" in figures]
        if wrong:
            lines.append(f"| {name} | {'; '.join(wrong)} | | | | | | |")
            continue
        equal = (ours["rows"], ours["digest"]) == (theirs["rows"], theirs["digest"])
        verdict = "by the clock" if name in BY_THE_CLOCK else "yes" if equal else f"**no** ({theirs['rows']:,})"
        cells = [f"{ours['events_per_cpu_s']:,.0f}", f"{theirs['events_per_cpu_s']:,.0f}",
                 f"{ours['events_per_cpu_s'] / theirs['events_per_cpu_s']:.1f}x", f"{ours['peak_mib']:,.0f}", f"{theirs['peak_mib']:,.0f}",
                 f"{ours['rows']:,}", verdict]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return f"{ABOUT}.\n\n" + "\n".join(lines)
