"""A job of the part `engines` in Apache Flink, in this process: `job.py BOOTSTRAP FILE.sql CONNECTOR.jar PARALLELISM CHECKPOINT_MS FOLDER`.

The statements are Forebay's; the tables get the broker's address, and those that are written are exactly-once. Says `running` when the job has
been handed over, and `ended` if its input has an end. Goes on until it is killed."""

import os
import pathlib
import re
import signal
import sys

from pyflink.table import EnvironmentSettings, TableEnvironment

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "protocol-tests" / "clients" / "flink"))
import flink  # noqa: E402

bootstrap, sql, jar, parallelism, checkpoint_ms, folder = sys.argv[1:]
# Its own is in the installation, where nobody would find or remove it.
os.environ["FLINK_LOG_DIR"] = folder
SINK = (
    "'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'flink-job',"
    " 'properties.transaction.timeout.ms' = '600000',"
)

environment = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
for key, value in {
    "pipeline.jars": pathlib.Path(jar).as_uri(),
    "parallelism.default": parallelism,
    "table.local-time-zone": "UTC",
    "execution.checkpointing.interval": f"{checkpoint_ms} ms",
    # The default keeps checkpoints in memory, and refuses those of more than 5 MB.
    "execution.checkpointing.storage": "filesystem",
    "execution.checkpointing.dir": pathlib.Path(folder, "checkpoints").as_uri(),
}.items():
    environment.get_config().set(key, value)
statements = flink.statements(sql)
sinks = {found.group(1) for statement in statements if (found := re.match(r"INSERT INTO (\w+)", statement))}
for statement in statements:
    if created := re.match(r"CREATE TABLE (\w+)", statement):
        options = f"'properties.bootstrap.servers' = '{bootstrap}', " + (SINK if created.group(1) in sinks else "")
        statement = statement.replace("WITH (", f"WITH ({options}", 1)
    result = environment.execute_sql(statement)
print("running", flush=True)
result.wait()
print("ended", flush=True)
# What it took is asked of the living process.
signal.pause()
