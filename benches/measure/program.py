"""A program that runs beside the measurement and logs to a file."""

import os
import signal
import subprocess
import time
from pathlib import Path

STOP_LIMIT_S = 60


class Program:
    """A running process with its descendants; gone when its `with` ends."""

    def __init__(self, command, log):
        self.log = Path(log)
        self.log_from = self.log.stat().st_size if self.log.exists() else 0
        quiet = {name: value for name, value in os.environ.items() if not name.startswith("KAFKA_")}
        with self.log.open("ab") as out:
            self.began = time.monotonic()
            self.process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=quiet, start_new_session=True
            )

    @property
    def pid(self):
        return self.process.pid

    def runs(self):
        return self.process.poll() is None

    def said(self, text):
        """Whether it has logged this since it was started."""
        with self.log.open("rb") as log:
            log.seek(self.log_from)
            return text.encode() in log.read()

    def tail(self):
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])

    def stop(self):
        """SIGTERM, so that the next start finds a clean folder; SIGKILL if that takes too long."""
        if self.runs():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
