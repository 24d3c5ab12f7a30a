"""CPU seconds for each GB over the least that the same work costs: benches/floor beside the brokers, under the same load."""

import json
import os
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from . import readings
from .workspace import ROOT, TARGET, BenchError, need, run, say

PARTITIONS = 4
GB = 1e9
# A broker needs a moment to take up a topic after it has answered.
SETTLE_S = 0.3

# Key, title, options of the load.
LOADS = [
    ("1k", "1 KiB records", ["--record-bytes", 1024]),
    ("1k_x4", "1 KiB records, 4 connections", ["--record-bytes", 1024, "--connections", 4]),
    ("100", "100-byte records", ["--record-bytes", 100]),
    ("1k_lz4", "1 KiB records, lz4", ["--record-bytes", 1024, "--compression", "lz4"]),
    ("100_lz4", "100-byte records, lz4", ["--record-bytes", 100, "--compression", "lz4"]),
]
# Way, and the aims: times the floor at most, and this part of Apache Kafka at most.
AIMS = {"produce": (1.3, 8), "fetch": (1.3, 4)}


class Floor:
    """The floor as a server, started and asked like a broker."""

    name = "floor"
    title = "the floor"

    def __init__(self, setting, binary):
        self.setting = setting
        self.binary = binary

    def prepare(self, folder):
        """Nothing to prepare."""

    def start(self, folder):
        return FloorNode(self.binary, folder)


class FloorNode:
    """A running floor; it is killed when its `with` ends."""

    def __init__(self, binary, folder):
        self.data = Path(folder) / "data"
        self.data.mkdir()
        self.process = subprocess.Popen([binary, "serve", self.data], stdout=subprocess.PIPE, text=True)
        self.bootstrap = f"127.0.0.1:{self.process.stdout.readline().strip()}"

    @property
    def pid(self):
        return self.process.pid

    def empty(self):
        for file in self.data.iterdir():
            os.truncate(file, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def build():
    """The program of benches/floor, which is a workspace of its own."""
    need("cargo")
    target = ROOT / os.environ.get("CARGO_TARGET_DIR", TARGET)
    manifest = ROOT / "benches" / "floor" / "Cargo.toml"
    run(["cargo", "build", "--release", "--quiet", "--manifest-path", manifest, "--target-dir", target])
    return target / "release" / "forebay-floor"


def measure(setting, brokers, repeats, gb, loads=None):
    """By server: CPU seconds for each GB of every load, medians and all values. The servers take turns."""
    binary = build()
    servers = [Floor(setting, binary), *brokers]
    found = {server.name: {} for server in servers}
    with ExitStack() as stack:
        nodes = []
        for server in servers:
            folder = stack.enter_context(setting.folder())
            server.prepare(folder)
            nodes.append((server, stack.enter_context(server.start(folder))))
        # The first round is not counted: a JVM compiles in it what it runs.
        for number in range(repeats + 1):
            for key, _, options in LOADS:
                if loads and key not in loads:
                    continue
                for server, node in nodes:
                    taken = one(setting, server, node, binary, f"load-{key}-{number}", gb, options)
                    if number > 0:
                        for way, one_load in taken.items():
                            found[server.name].setdefault(f"{way}_{key}", []).append(one_load)
    return {name: summary(values) for name, values in found.items()}


def summary(values):
    medians = {key: median(load.cpu_s_per_gb for load in loads) for key, loads in values.items()}
    every = {f"{key}_all": [load.cpu_s_per_gb for load in loads] for key, loads in values.items()}
    others = max((load.others for loads in values.values() for load in loads), default=0.0)
    return medians | every | {"others": others}


def one(setting, server, node, binary, topic, gb, options):
    """Produces to a new topic and fetches it again."""
    broker = server.name != "floor"
    if broker:
        topics(node, binary, "create", topic)
    to = ["--address", node.bootstrap, "--topic", topic, "--partitions", PARTITIONS, *options]
    touch_memory(setting, gb)
    produced, sent = load(node, [binary, "produce", "--gb", gb, *to])
    fetched, got = load(node, [binary, "fetch", *to, *([] if broker else ["--floor"])])
    values = sent["value_bytes"] / GB
    if broker and got["bytes"] != sent["bytes"]:
        raise BenchError(f"{server.title}: {got['bytes']} bytes came back of {sent}")
    produced.per(values)
    fetched.per(values)
    say(f"{topic} {server.title}: produce {produced}; fetch {fetched}")
    if broker:
        topics(node, binary, "delete", topic)
    else:
        node.empty()
    return {"produce": produced, "fetch": fetched}


def topics(node, binary, what, topic):
    command = [binary, what, "--address", node.bootstrap, "--topic", topic, "--partitions", str(PARTITIONS)]
    if subprocess.run(command, check=False).returncode != 0:
        raise BenchError(f"{what} {topic} failed")
    time.sleep(SETTLE_S)


def touch_memory(setting, gb):
    """Fills as much of the page cache as the load will and lets it go again: in a virtual machine the host gives memory page by
    page when it is first touched, which can take longer than all the rest and would meet whoever comes first."""
    block = bytes(1 << 20)
    with tempfile.NamedTemporaryFile(dir=setting.area) as file:
        for _ in range(int(gb * GB * 1.1) >> 20):
            file.write(block)


class Load:
    """What a load took of its server."""

    def __init__(self, cpu_s, wall_s, others):
        self.cpu_s = cpu_s
        self.wall_s = wall_s
        self.others = others
        self.cpu_s_per_gb = None

    def per(self, gb):
        self.cpu_s_per_gb = self.cpu_s / gb

    def __str__(self):
        return f"{self.cpu_s_per_gb:.3f} CPU-s/GB in {self.wall_s:.1f} s (others {self.others:.0%})"


def load(node, command):
    others, before = readings.OtherWork(), readings.fine_cpu_seconds(node.pid)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        process = subprocess.Popen([str(part) for part in command], stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    if process.returncode != 0:
        raise BenchError(f"{' '.join(map(str, command))} failed")
    cpu_s = readings.fine_cpu_seconds(node.pid) - before
    said = json.loads(text)
    return Load(cpu_s, said["wall_s"], others.share(cpu_s + usage.ru_utime + usage.ru_stime)), said


def table(found):
    """Markdown: a row for each way and load."""
    head = ["CPU-s for each GB of record values", "the floor", "Forebay", "times the floor", "Apache Kafka", "Kafka / Forebay", "aim"]
    lines = ["| " + " | ".join(head) + " |", "| --- " + "| ---: " * (len(head) - 1) + "|"]
    for way, (times, part) in AIMS.items():
        for key, title, _ in LOADS:
            floor, ours, theirs = (found.get(name, {}).get(f"{way}_{key}") for name in ("floor", "forebay", "kafka"))
            if not floor or not ours:
                continue
            cells = [f"{way}, {title}", f"{floor:.2f}", f"{ours:.2f}", f"{ours / floor:.2f}x"]
            cells += [f"{theirs:.2f}", f"{theirs / ours:.1f}x"] if theirs else ["", ""]
            lines.append("| " + " | ".join([*cells, f"< {times}x, > {part}x"]) + " |")
    return "\n".join(lines + spreads(found))


def spreads(found):
    lines = []
    for name, values in found.items():
        shown = [f"{key.removesuffix('_all').replace('_', ' ')} {', '.join(f'{v:.2f}' for v in every)}"
                 for key, every in values.items() if key.endswith("_all")]
        lines += ["", f"All runs of {name}: {'; '.join(shown)}."]
    others = max(values["others"] for values in found.values())
    return lines + ["", f"Other programs took up to {others:.0%} of the machine during a load."]
