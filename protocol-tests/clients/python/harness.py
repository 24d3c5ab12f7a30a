"""What the programs of this folder share: named checks, waiting with a limit, one printed line a check."""

import os
import sys
import threading
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


class Member:
    """A consumer that works in a thread of its own while its `with` block runs, with what it owns and has read.

    Who derives from it keeps `owned`, and says in `step` what one round of the thread does.
    """

    # A step of any member may be what somebody waits for.
    stepped = threading.Condition()

    def __init__(self, client):
        self.client, self.owned, self.values, self.failure, self.stop = client, set(), [], None, False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            while not self.stop:
                self.step()
                self.tell()
        except Exception as error:  # handed to whoever waits
            self.failure = error
            self.tell()
        finally:
            self.client.close()

    def tell(self):
        with self.stepped:
            self.stepped.notify_all()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop = True
        self.thread.join(LIMIT_S)
        assert not self.thread.is_alive(), "member does not stop"


def wait(what, done, *members):
    """Returns when the members have come so far that `done` holds; fails when one of them failed, or after the limit."""
    def failures():
        return [member.failure for member in members if member.failure is not None]
    with Member.stepped:
        in_time = Member.stepped.wait_for(lambda: failures() or done(), LIMIT_S)
    assert not failures(), f"member failed: {failures()!r}"
    have = [(sorted(member.owned), len(member.values)) for member in members]
    assert in_time, f"not within {LIMIT_S} s: {what}; partitions owned and values read: {have}"


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
