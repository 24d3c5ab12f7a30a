"""How long it takes until every one of many consumers that join a group at once has its partition, with either protocol."""

from statistics import median

from . import loads
from .workspace import say

MEMBERS = 200
LIMIT_S = 120
ABOUT = (
    f"{MEMBERS} consumers join one group at once, one partition each; a raw client for both brokers, with the clients' own timing "
    "(heartbeats every 3 s in a classic group, as the broker says in a consumer group)"
)

ROWS = [
    ("classic protocol: until all have their partition, s", "groups", "classic_s", ".2f", "", False),
    ("consumer protocol (KIP-848): the same, s", "groups", "consumer_s", ".2f", "", False),
]


def measure(broker, binary, repeats):
    """Medians in seconds. Each run has a group of its own; the first of each kind makes the coordinator's topic and does not count."""
    found = {"classic_s": [], "consumer_s": []}
    with broker.setting.folder() as folder:
        broker.prepare(folder)
        with broker.start(folder) as node:
            for repeat in range(repeats + 1):
                topic = f"joined-{repeat}"
                loads.run(binary, "create", node, topic, "--partitions", MEMBERS)
                loads.until_usable(binary, node, topic, MEMBERS)
                for key, kind in [("classic_s", ["--classic"]), ("consumer_s", [])]:
                    options = ["--connections", MEMBERS, "--partitions", MEMBERS, "--seconds", LIMIT_S, *kind]
                    took = loads.run(binary, "group", node, topic, *options)["wall_s"]
                    say(f"{broker.title}, {key}: {took:.2f}{' (warm-up)' if repeat == 0 else ''}")
                    if repeat > 0:
                        found[key].append(took)
    return {"groups": {key: median(times) for key, times in found.items()}}
