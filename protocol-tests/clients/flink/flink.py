#!/usr/bin/env python3
"""What the programs that run Apache Flink share: a Python that has it, and the statements of a file of SQL.

`flink.py` installs what requirements.txt names into target/flink-venv, once, and prints where that Python is. Ends with NOT_HERE where
this machine has no Python for it or no package registry."""

import fcntl
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
VENV = FOLDER.parents[2] / "target" / "flink-venv"
REQUIREMENTS = FOLDER / "requirements.txt"
VERSION = REQUIREMENTS.read_text(encoding="utf-8").strip().removeprefix("apache-flink==")
# What apache-flink 2.2 says of itself on PyPI.
PYTHONS = ((3, 9), (3, 12))
NOT_HERE = 77


class NotHere(Exception):
    """This machine cannot have apache-flink."""


def python():
    """A Python with apache-flink; the first call installs it."""
    VENV.parent.mkdir(exist_ok=True)
    with open(VENV.with_suffix(".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        marker, wanted = VENV / ".installed", REQUIREMENTS.read_text(encoding="utf-8")
        if not marker.is_file() or marker.read_text(encoding="utf-8") != wanted:
            install()
            marker.write_text(wanted, encoding="utf-8")
    return VENV / "bin" / "python"


def install():
    first, last = PYTHONS
    if not first <= sys.version_info[:2] <= last:
        raise NotHere(f"apache-flink {VERSION} needs Python {first[0]}.{first[1]} to {last[0]}.{last[1]}, this is {sys.version}")
    print(f"installing apache-flink {VERSION}", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    pip = [VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS]
    done = subprocess.run(pip, stderr=subprocess.PIPE, text=True, check=False)
    # So pip ends when the registry has not answered at all; one that does not have this version names those that it has.
    if "(from versions: none)" in done.stderr:
        raise NotHere(f"no package registry answers:\n{done.stderr}")
    if done.returncode != 0:
        raise RuntimeError(f"pip failed:\n{done.stderr}")


def statements(file):
    """The statements of a file, without the lines that are comments."""
    lines = pathlib.Path(file).read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("--"))
    return [statement.strip() for statement in text.split(";") if statement.strip()]


if __name__ == "__main__":
    try:
        print(python())
    except NotHere as why:
        print(why, file=sys.stderr)
        sys.exit(NOT_HERE)
