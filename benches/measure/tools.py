"""Apache Kafka's own tools as loads: the same programs with the same settings for both brokers."""

import os
import re
import subprocess
import tempfile
import time

from .workspace import BenchError

LOOK_EVERY_S = 0.2
PRODUCER = {"acks": "all", "linger.ms": "5", "batch.size": "65536", "compression.type": "none"}


class Done:
    """What a program printed and the CPU seconds it took."""

    def __init__(self, text, cpu_s):
        self.text = text
        self.cpu_s = cpu_s


def java(setting, *arguments, meanwhile=None):
    """Runs a class to its end, and calls `meanwhile` again and again until then."""
    command = ["java", "-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", setting.class_path()]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as out:
        process = subprocess.Popen([*command, *map(str, arguments)], stdout=out, stderr=subprocess.STDOUT)
        try:
            status, usage = waited(process, meanwhile)
        except BaseException:
            process.kill()
            process.wait()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    if process.returncode != 0:
        raise BenchError(f"{arguments[0]} failed:\n{text[-2000:]}")
    return Done(text, usage.ru_utime + usage.ru_stime)


def waited(process, meanwhile):
    """How a process has ended, and what it used."""
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG if meanwhile else 0)
        if pid:
            return status, usage
        meanwhile()
        time.sleep(LOOK_EVERY_S)


def create_topic(setting, node, topic, partitions):
    where = ["--bootstrap-server", node.bootstrap, "--create", "--topic", topic, "--partitions", partitions]
    java(setting, "org.apache.kafka.tools.TopicCommand", *where, "--replication-factor", 1)


def produce(setting, node, topic, records, size):
    """kafka-producer-perf-test; the answer's text has the producer's metrics."""
    properties = [f"{key}={value}" for key, value in PRODUCER.items()]
    load = ["--topic", topic, "--num-records", records, "--record-size", size, "--throughput", -1, "--print-metrics"]
    to = ["--bootstrap-server", node.bootstrap, "--command-property", *properties]
    return java(setting, "org.apache.kafka.tools.ProducerPerformance", *load, *to)


def consume(setting, node, topic, records):
    """kafka-consumer-perf-test; fails when not all records came."""
    load = ["--topic", topic, "--num-records", records, "--timeout", 60_000, "--hide-header"]
    done = java(setting, "org.apache.kafka.tools.ConsumerPerformance", *load, "--bootstrap-server", node.bootstrap)
    # start, end, MB, MB/s, records, ...
    rows = [line.split(",") for line in done.text.splitlines() if line.count(",") >= 5]
    if not rows or int(rows[-1][4]) < records:
        raise BenchError(f"the consumer did not get {records} records:\n{done.text[-2000:]}")
    return done


def batch_bytes(done):
    """The mean size of the batches that a producer sent, from its own metrics."""
    found = re.search(r"producer-metrics:batch-size-avg:\S*\s*:\s*([0-9.]+)", done.text)
    return float(found.group(1)) if found else None
