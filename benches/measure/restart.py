"""Time until a broker serves again after kill -9, with much log in many partitions."""

import random
import time

from . import loads, readings
from .workspace import say

PARTITIONS = 1000
RECORD_BYTES = 1024
TOPIC = "data"
# Long enough for the regular flush of both brokers, which comes each minute.
SETTLE_S = 70
# From the last write to the kill.
SOON_S = 3
# Written between the restarts, as part of what was written first.
MORE = 0.1

# Key and title of each restart.
WAYS = [
    ("soon", f"kill -9, {SOON_S} s after the last write"),
    ("later", f"kill -9, {SETTLE_S} s after the last write"),
    ("clean", "clean stop"),
]
# Key, title, form.
FIGURES = [
    ("metadata_s", "exec to first Metadata answer, s", ".2f"),
    ("works_s", "exec to first record produced and fetched, s", ".2f"),
    ("open_s", "exec until every log is open, s", ".1f"),
    ("open_cpu_s", "CPU time until then, s", ".1f"),
]


def measure(broker, binary, gb):
    """Figures of each restart, and what other programs took of the machine."""
    found = {"gb": gb}
    others, began_cpu = readings.OtherWork(), 0.0
    with broker.setting.folder() as folder:
        broker.prepare(folder)
        node = broker.start(folder)
        try:
            loads.run(binary, "create", node, TOPIC, "--partitions", PARTITIONS)
            loads.until_usable(binary, node, TOPIC, PARTITIONS)
            fill(broker, binary, node, gb)
            time.sleep(SOON_S)
            began_cpu += readings.fine_cpu_seconds(node.pid)
            node.kill()
            node, found["soon"] = again(broker, binary, folder)
            fill(broker, binary, node, gb * MORE)
            say(f"{broker.title}: waiting {SETTLE_S} s")
            time.sleep(SETTLE_S)
            began_cpu += readings.fine_cpu_seconds(node.pid)
            node.kill()
            node, found["later"] = again(broker, binary, folder)
            stop_began = time.monotonic()
            began_cpu += readings.fine_cpu_seconds(node.pid)
            node.stop()
            found["stop_s"] = time.monotonic() - stop_began
            node, found["clean"] = again(broker, binary, folder)
            began_cpu += readings.fine_cpu_seconds(node.pid)
        finally:
            node.kill()
    found["others"] = others.share(began_cpu)
    return found


def fill(broker, binary, node, gb):
    options = ["--partitions", PARTITIONS, "--record-bytes", RECORD_BYTES, "--gb", gb]
    done = loads.run(binary, "produce", node, TOPIC, *options)
    say(f"{broker.title}: {done['bytes'] / 1e9:.1f} GB written in {done['wall_s']:.0f} s")


def again(broker, binary, folder):
    node = broker.start(folder)
    try:
        works_s = loads.until_it_works(binary, node, TOPIC, random.randrange(PARTITIONS))
        open_s, open_cpu_s = loads.until_all_open(broker, binary, node, [TOPIC], PARTITIONS)
    except BaseException:
        node.kill()
        raise
    found = {"metadata_s": node.start_s, "works_s": works_s, "open_s": open_s, "open_cpu_s": open_cpu_s}
    say(f"{broker.title}: restart {', '.join(f'{key} {value:.3f}' for key, value in found.items())}")
    return node, found


def table(found):
    """Markdown; `found` by the brokers' titles."""
    heads = [f"{title}, {one['gb']:g} GB" for title, one in found.items()]
    lines = [f"| {PARTITIONS:,} partitions | {' | '.join(heads)} |", "| --- " + "| ---: " * len(heads) + "|"]
    for way, way_title in WAYS:
        for key, title, form in FIGURES:
            cells = [format(one[way][key], form) for one in found.values()]
            lines.append(f"| {way_title}: {title} | {' | '.join(cells)} |")
    stops = [format(one["stop_s"], ".1f") for one in found.values()]
    lines.append(f"| the clean stop itself, s | {' | '.join(stops)} |")
    others = max(one["others"] for one in found.values())
    return "\n".join([*lines, "", f"Other programs, the load among them, took {others:.0%} of the machine in the mean."])
