"""The two brokers as processes, each started on a folder with the same few settings."""

import socket
import subprocess
from pathlib import Path

from . import readings, wire
from .program import Program
from .workspace import BenchError

# One node cannot hold three copies; the rest is Kafka's defaults for both.
ONE_NODE = {
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
}
# What bin/kafka-server-start.sh and kafka-run-class.sh of Apache Kafka give the JVM.
JVM = [
    "-Xmx1G", "-Xms1G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent", "-Djava.awt.headless=true", "-Dcom.sun.management.jmxremote=true",
    "-Dcom.sun.management.jmxremote.authenticate=false", "-Dcom.sun.management.jmxremote.ssl=false",
]
# Apache Kafka reads a crashed log again before it answers.
START_LIMIT_S = 900


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Node(Program):
    """A running broker."""

    def __init__(self, command, port, admin, log):
        super().__init__(command, log)
        self.port = port
        self.admin = admin
        try:
            answered = wire.until_answered(port, self.runs, START_LIMIT_S)
        except BaseException:
            self.kill()
            raise
        if answered is None:
            self.kill()
            raise BenchError(f"{Path(command[0]).name} did not start:\n{self.tail()}")
        self.start_s = answered - self.began
        self.start_cpu_s = readings.fine_cpu_seconds(self.pid)

    @property
    def bootstrap(self):
        return f"127.0.0.1:{self.port}"


class Forebay:
    """The binary of this workspace."""

    name = "forebay"
    title = "Forebay"
    runs_jobs = True

    def __init__(self, setting):
        self.setting = setting

    def prepare(self, folder):
        """Forebay needs no formatted folder."""

    def start(self, folder, more=None):
        """`more` are settings beside the usual ones."""
        port, http = free_port(), free_port()
        settings = ONE_NODE | (more or {}) | {
            "listeners": f"PLAINTEXT://127.0.0.1:{port}",
            "http.listeners": f"http://127.0.0.1:{http}",
            "log.dirs": f"{folder}/data",
        }
        command = [self.setting.binary, "serve"]
        for key, value in settings.items():
            command += ["--override", f"{key}={value}"]
        return Node(command, port, f"http://127.0.0.1:{http}", f"{folder}/log")


class ApacheKafka:
    """Apache Kafka from Maven Central: one node that is broker and controller, with the JVM options of its start script."""

    name = "kafka"
    title = "Apache Kafka"
    runs_jobs = False

    def __init__(self, setting):
        self.setting = setting

    def java(self, *arguments):
        level = "-Dorg.slf4j.simpleLogger.defaultLogLevel=info"
        return ["java", *JVM, level, "-cp", self.setting.class_path(), *arguments]

    def properties(self, folder, more=None):
        port, controller = free_port(), free_port()
        settings = ONE_NODE | (more or {}) | {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
            "log.dirs": f"{folder}/data",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
        }
        path = Path(folder) / "server.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()), encoding="utf-8")
        return path, port

    def prepare(self, folder):
        """Formats the folder, as has to be done once before Apache Kafka starts."""
        path, _ = self.properties(folder)
        arguments = ["kafka.tools.StorageTool", "format", "--cluster-id", "Zm9yZWJheS1iZW5jaGVzIQ", "--config", path]
        done = subprocess.run(self.java(*arguments), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"kafka-storage format failed:\n{done.stdout}{done.stderr}")

    def start(self, folder, more=None):
        """`more` are settings beside the usual ones."""
        path, port = self.properties(folder, more)
        return Node(self.java("kafka.Kafka", path), port, None, f"{folder}/log")
