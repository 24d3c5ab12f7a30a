"""What idle connections cost a broker: memory, and CPU while they rest."""

import json
import resource
import subprocess
import time

from . import readings
from .workspace import BenchError, say

CONNECTIONS = 5_000
# A client's memory is given back after ten seconds of silence (broker/src/connection/quiet.rs).
REST_S = 15
ABOUT = f"{CONNECTIONS:,} connections, each used for one request and then idle; memory is what they add to the broker's"

ROWS = [
    ("resident memory (VmRSS) when all are open, MiB more", "connections", "open_rss", ".1f", "< 100 MB", False),
    (f"the same after {REST_S} s of silence, MiB more", "connections", "idle_rss", ".1f", "< 100 MB", False),
    ("of it not of files, KiB for each connection", "connections", "each_kib", ".1f", "", False),
    (f"CPU during that silence, ms each second", "connections", "cpu_ms_per_s", ".1f", "", False),
    ("opened and answered, s", "connections", "open_s", ".2f", "", False),
]


def measure(broker, binary):
    """One run. Broker and load may each have more descriptors than there are connections."""
    raise_descriptors()
    with broker.setting.folder() as folder:
        broker.prepare(folder)
        with broker.start(folder) as node:
            few = held(binary, node, 10, 0)
            found = held(binary, node, CONNECTIONS, REST_S)
            say(f"{broker.title}: with ten connections {few}, with {CONNECTIONS:,} {found}")
            return {"connections": found}


def raise_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3 * CONNECTIONS:
        raise BenchError(f"this machine allows {hard} descriptors; {3 * CONNECTIONS} are needed (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 3 * CONNECTIONS), hard))


def held(binary, node, connections, rest_s):
    rss, anonymous = readings.resident_mib(node.pid)
    command = [binary, "idle", "--address", node.bootstrap, "--connections", connections]
    with subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
        try:
            said = load.stdout.readline()
            if not said:
                raise BenchError(f"the connections were not opened:\n{node.tail()}")
            open_rss, _ = readings.resident_mib(node.pid)
            spent, began = readings.fine_cpu_seconds(node.pid), time.monotonic()
            time.sleep(rest_s)
            spent = readings.fine_cpu_seconds(node.pid) - spent
            idle_rss, idle_anonymous = readings.resident_mib(node.pid)
            return {
                "open_rss": open_rss - rss,
                "idle_rss": idle_rss - rss,
                "each_kib": (idle_anonymous - anonymous) * 1024 / connections,
                "cpu_ms_per_s": max(0.0, spent) * 1000 / max(time.monotonic() - began, 1e-3),
                "open_s": json.loads(said)["wall_s"],
            }
        finally:
            load.stdin.close()
            load.wait()
