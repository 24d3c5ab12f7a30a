"""What the programs of this folder share: named checks, waiting with a limit, one printed line a check."""

import os
import sys
import time
import traceback

LIMIT_S = 30
RUN = format(time.time_ns(), "x")
BOOTSTRAP = sys.argv[1]
CHECKS = {}


def check(name, *arguments):
    """Registers a function under a name, with the arguments it is called with."""
    def register(function):
        CHECKS[name] = lambda: function(*arguments)
        return function
    return register


def same(expected, actual, what):
    assert expected == actual, f"{what}: expected {expected!r}, got {actual!r}"


def until(what, step, done=None):
    """Runs `step` until it (or `done`) answers true; fails with `what` after the limit."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        answer = step()
        if done() if done else answer:
            return
        assert time.monotonic() < deadline, f"not within {LIMIT_S} s: {what}"


def fails(expected, call):
    """The error that `call` must raise, by its class."""
    try:
        call()
    except expected as error:
        return error
    raise AssertionError(f"expected {expected.__name__}, but it succeeded")


def values(first, last):
    return sorted(f"v{i}" for i in range(first, last))


def main():
    """Runs the checks that the command line names, or all; ends the program with 1 when one failed."""
    wanted, failed = set(sys.argv[2:]), 0
    for name in sorted(CHECKS):
        if wanted and name not in wanted:
            continue
        start = time.monotonic()
        try:
            CHECKS[name]()
            print(f"ok {name} {int((time.monotonic() - start) * 1000)}", flush=True)
        except Exception as error:
            failed += 1
            frames = traceback.extract_tb(error.__traceback__)
            lines = [frame.lineno for frame in frames if os.path.samefile(frame.filename, sys.argv[0])]
            reason = f"{type(error).__name__} {error}".replace("\n", " ")
            print(f"failed {name}: {reason} (lines {lines})", flush=True)
    sys.exit(1 if failed else 0)
