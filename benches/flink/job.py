"""A job of the part `engines` in Apache Flink, in this process: `job.py BOOTSTRAP FILE.sql CONNECTOR.jar PARALLELISM CHECKPOINT_MS FOLDER`.

The statements are Forebay's; the tables get the broker's address, and the sink is exactly-once. Goes on until it is killed."""

import os
import pathlib
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
tables = 0
for statement in flink.statements(sql):
    if statement.startswith("CREATE TABLE"):
        options = f"'properties.bootstrap.servers' = '{bootstrap}', " + (SINK if tables else "")
        statement = statement.replace("WITH (", f"WITH ({options}", 1)
        tables += 1
    result = environment.execute_sql(statement)
print("running", flush=True)
result.wait()
