"""Where things lie, how they get there, and what machine this is."""

import datetime
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "target"
POM = ROOT / "protocol-tests" / "clients" / "java"
KAFKA = "4.3.1"
COPY_JARS = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


class BenchError(Exception):
    """Something that has to be there is not, or a broker or tool did not do what it was to do."""


def say(text):
    """Progress, apart from the result."""
    print(text, file=sys.stderr, flush=True)


class Setting:
    """The binary, the jars, the generator's classes, and a folder for data, all below target/."""

    def __init__(self, binary, jars, classes):
        self.binary = binary
        self.jars = jars
        self.classes = classes
        self.area = TARGET / "benches"

    @classmethod
    def prepare(cls):
        """Builds and installs what is not there yet."""
        need("java", "javac", "mvn")
        jars = apache_kafka_jars()
        return cls(forebay(), jars, generator(jars))

    def folder(self):
        """A new folder for a broker's data; removed when its `with` ends."""
        return tempfile.TemporaryDirectory(dir=self.area, prefix="data-")

    def class_path(self):
        return f"{self.classes}:{self.jars}/*"

    def describe(self):
        """One paragraph: when, where, what was measured."""
        memory_kb = int(field("/proc/meminfo", "MemTotal").split()[0])
        java = output(["java", "--version"]).splitlines()[0]
        return (
            f"{datetime.date.today().isoformat()}; {os.cpu_count()} cores of {field('/proc/cpuinfo', 'model name')}, "
            f"{memory_kb / 2**20:.0f} GiB of memory, {platform.system()} {platform.release()}; {java}; "
            f"{output([self.binary, '--version']).strip()} ({self.source()}), Apache Kafka {KAFKA}."
        )

    def source(self):
        """What the binary was built from, as far as that is known."""
        if "FOREBAY_BIN" not in os.environ:
            return commit()
        built = datetime.datetime.fromtimestamp(self.binary.stat().st_mtime, datetime.timezone.utc)
        return f"a binary of {built:%Y-%m-%d %H:%M} UTC"


def need(*programs):
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise BenchError(f"this machine lacks {', '.join(missing)}")


def forebay():
    """The binary that FOREBAY_BIN names, or the workspace's own, built with optimisations."""
    named = os.environ.get("FOREBAY_BIN")
    if named:
        return Path(named).resolve()
    need("cargo")
    say("building forebay")
    run(["cargo", "build", "--release", "--quiet", "-p", "forebay"])
    target = ROOT / os.environ.get("CARGO_TARGET_DIR", TARGET)
    return target / "release" / "forebay"


def apache_kafka_jars():
    """The jars that the protocol tests have installed, or else our own copy of the same."""
    tests = TARGET / "clients" / "java"
    if (tests / ".installed").is_file() and (tests / "lib" / f"kafka-tools-{KAFKA}.jar").is_file():
        return tests / "lib"
    jars = TARGET / "benches" / "lib"
    if not (jars / f"kafka-tools-{KAFKA}.jar").is_file():
        say(f"installing Apache Kafka {KAFKA}")
        into = f"-DoutputDirectory={jars}"
        run(["mvn", "--batch-mode", "--quiet", COPY_JARS, into, "-DincludeScope=runtime"], cwd=POM)
    return jars


def generator(jars):
    """Compiles the program that loads clicks."""
    classes = TARGET / "benches" / "classes"
    classes.mkdir(parents=True, exist_ok=True)
    run(["javac", "-d", classes, "-cp", f"{jars}/*", ROOT / "benches" / "java" / "LoadClicks.java"])
    return classes


def run(command, cwd=ROOT):
    if subprocess.run(command, cwd=cwd, check=False).returncode != 0:
        raise BenchError(f"{Path(command[0]).name} failed")


def output(command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def commit():
    """The commit that was measured, with a word if files differ from it."""
    try:
        changed = output(["git", "status", "--porcelain", "--untracked-files=no"]).strip()
        return output(["git", "rev-parse", "--short", "HEAD"]).strip() + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "no commit known"


def field(path, name):
    """The value of the first line `name : value`."""
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"
