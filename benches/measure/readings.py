"""What Linux says of a process: CPU time and memory; and how busy the machine was with other things."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of a process with all its threads, those that ended included."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    # The name in parentheses may hold spaces; the fields behind it are counted from the third.
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def fine_cpu_seconds(pid):
    """The same where the steps of `cpu_seconds` are too coarse: a process's living threads, which count nanoseconds."""
    spent = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            spent += int((task / "schedstat").read_text(encoding="utf-8").split()[0])
        except OSError:
            continue  # It has just ended.
    return max(spent / 1e9, cpu_seconds(pid))


def memory_mib(pid):
    """Resident and proportional memory, and the part that is not of files, in MiB."""
    names = {"Rss": "rss", "Pss": "pss", "Anonymous": "anonymous"}
    found = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name in names:
            found[names[name]] = int(value.split()[0]) / 1024
    return found


def resident_mib(pid):
    """Resident memory in all and without mapped files, in MiB; cheap enough to ask often."""
    values = {}
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "RssAnon"):
            values[name] = int(value.split()[0]) / 1024
    return values.get("VmRSS", 0.0), values.get("RssAnon", 0.0)


def own_mib(pid):
    """Proportional memory without mapped files, in MiB."""
    names, found = ("Pss_Anon:", "Pss_Shmem:"), 0.0
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
        if line.startswith(names):
            found += int(line.split()[1]) / 1024
    return found


def descriptors(pid):
    """Open files and sockets."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def machine_seconds():
    """CPU seconds that the whole machine has worked, and those it could have."""
    fields = [int(part) for part in Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / TICKS, sum(fields) / TICKS


class OtherWork:
    """The share of the machine that went to neither the broker nor our load between two moments."""

    def __init__(self):
        self.busy, self.all = machine_seconds()

    def share(self, ours):
        busy, everything = machine_seconds()
        return max(0.0, busy - self.busy - ours) / max(everything - self.all, 1e-9)
