"""The programs of benches/floor as loads on a broker that runs."""

import json
import subprocess
import time
from contextlib import contextmanager

from . import readings
from .workspace import BenchError

OPEN_LIMIT_S = 600
# Forebay serves before it has opened all logs, and says when it has.
ALL_OPEN = "every log is open"


def run(binary, what, node, topic, *options):
    """Runs a load to its end; what it printed last."""
    command = list(map(str, [binary, what, "--address", node.bootstrap, "--topic", topic, *options]))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"{' '.join(command)} failed: {done.stderr}\n{node.tail()}")
    return json.loads(done.stdout.splitlines()[-1])


def until_usable(binary, node, topic, partitions):
    """The moment when every partition can be fetched from. Apache Kafka makes logs after it has answered that it did."""
    command = [binary, "fetch", "--address", node.bootstrap, "--topic", topic, "--partitions", partitions]
    deadline = time.monotonic() + OPEN_LIMIT_S
    while True:
        asked = time.monotonic()
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return asked
        if asked > deadline:
            raise BenchError(f"{topic} is not usable: {done.stderr}\n{node.tail()}")
        time.sleep(0.05)


@contextmanager
def beside(binary, what, node, topic, *options):
    """Runs a load while the `with` does its work; then the list has what it printed."""
    command = list(map(str, [binary, what, "--address", node.bootstrap, "--topic", topic, *options]))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    printed = []
    try:
        yield printed
        text, _ = process.communicate()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode != 0:
        raise BenchError(f"{' '.join(command)} failed")
    printed.append(json.loads(text.splitlines()[-1]))


def until_it_works(binary, node, topic, partition):
    """Seconds from exec to the first record produced to that partition and fetched again."""
    run(binary, "probe", node, topic, "--partition", partition, "--seconds", OPEN_LIMIT_S)
    return time.monotonic() - node.began


def until_all_open(broker, binary, node, topics, partitions):
    """Seconds from exec until every log is open, and CPU seconds until then. Apache Kafka opens all before it answers, and takes them
    into service after that: there it is when each of them works."""
    if broker.name == "kafka":
        limits = ["--partition", -1, "--partitions", partitions, "--seconds", OPEN_LIMIT_S]
        for topic in topics:
            run(binary, "probe", node, topic, *limits)
        return time.monotonic() - node.began, readings.fine_cpu_seconds(node.pid)
    deadline = time.monotonic() + OPEN_LIMIT_S
    while not node.said(ALL_OPEN):
        if time.monotonic() > deadline:
            raise BenchError(f"the logs were not open after {OPEN_LIMIT_S} s:\n{node.tail()}")
        time.sleep(0.005)
    return time.monotonic() - node.began, readings.fine_cpu_seconds(node.pid)
