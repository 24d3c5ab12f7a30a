#!/usr/bin/env python3
"""Runs Apache Flink 2.2.1 over the corpus and docs/examples, and writes what it puts out: `processor/tests/corpus/record.py [case ..]`.

With --check it writes nothing, and fails if Flink puts out anything else than what is written down. Needs Java 17 and a Python that
apache-flink supports (3.9 to 3.12); apache-flink is installed from PyPI into target/flink-venv, once.

A case is the name of one of the corpus, or the path of any folder with the same files: `query.sql` as Forebay runs it, `<topic>-<partition>.jsonl` (or `.csv`, `.raw`; a record a line) for each partition of each topic that is read, and
`expected.jsonl`, the records that come out, sorted. Flink runs the same statements over the same rows; only the options after WITH are
others: each partition is a file of its own, and several make a UNION ALL, so that the watermark is the minimum over them. A
watermark is sent with each row that moves it (an interval of 0), so nothing depends on the clock while there is one partition.

A table of upsert-kafka that is read has one column as its key; a line with `-` in front of a row removes it. Or a line is the key, a tab and the row, and
nothing after the tab removes it, as in the input files of `forebay job test`. One that is written becomes a changelog (format debezium-json), of which `expected.jsonl` has the rows that are left in the end. Where different rows of the query have one key,
Flink's upsert-kafka gets what SinkUpsertMaterializer makes of the changelog; the file gets the changelog itself. Cases that meet this have the
line `-- rows: by key`: of the rows of each PRIMARY KEY that were not taken back the last one is left.

A case whose last statement is a SELECT has `expected.changes`: its changelog, in order, each row behind its kind (`+I`, `-U`, `+U`, `-D`). Flink
handles each row by itself, without mini-batches, so a row that is replaced is taken out of a group in one change and comes back in the next; here
both are one change. Such cases have the line `-- compared: states`.

Where Flink leaves the result to timing all the same, `query.sql` has the line `-- expected: by rule`, with the reason; such a case is
not run here, its rows were worked out from the rule without Forebay.

Flink 2.2.1 loses rows of TUMBLE with an offset when a watermark passes the end of a window but no multiple of the window's size (it
flushes its buffer at such multiples only: TimeWindowUtil.getNextTriggerWatermark knows no offset). Cases that meet this have the line
`-- watermark: at the end`; they get no watermark before, and must have no late rows.
"""

import argparse
import collections
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

CORPUS = pathlib.Path(__file__).resolve().parent
ROOT = CORPUS.parents[2]
EXAMPLES = ROOT / "docs" / "examples"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "protocol-tests" / "clients" / "flink"))
import flink  # noqa: E402

WATERMARK_AT_END = "-- watermark: at the end"
ROWS_BY_KEY = "-- rows: by key"
TABLE = re.compile(r"CREATE TABLE (\w+)(.*?)\bWITH\s*\((.*)\)\s*$", re.S)


def into_venv():
    """Starts again with a Python that has apache-flink."""
    try:
        import pyflink  # noqa: F401
    except ImportError:
        try:
            python = flink.python()
        except flink.NotHere as why:
            sys.exit(str(why))
        sys.exit(subprocess.run([python, *sys.argv]).returncode)


def named(name):
    """The folder of a case."""
    of_corpus = CORPUS / name
    return of_corpus if of_corpus.is_dir() else pathlib.Path(name).resolve()


def has_note(case, note):
    return note in (case / "query.sql").read_text()


def is_recorded(case):
    return not has_note(case, "-- expected: ")


def for_flink(statement, case, output):
    """The statements by which Flink does what `statement` does here."""
    found = TABLE.match(statement)
    if not found:
        return [statement]
    name, columns, options = found.groups()
    if "'upsert-kafka'" in options and not list(case.glob(f"{topic_of(options)}-*.jsonl")):
        # The changelog that a table of upsert-kafka gets, with what was taken back.
        kept = "".join(", " + option.replace("value.json.", "debezium-json.") for option in re.findall(r"'value\.json\.[^']*'\s*=\s*'[^']*'", options))
        table = "CREATE TABLE {} {} WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'debezium-json'{})"
        return [table.format(name, columns, output, kept)]
    topic = topic_of(options)
    kept = "".join(", " + option for option in re.findall(r"'(?:format|(?:json|csv|raw)\.[^']*)'\s*=\s*'(?:[^']|'')*'", options))
    kept += "" if "'format'" in kept else ", 'format' = 'json'"
    files = sorted(case.glob(f"{topic}-*.*"))
    if "'upsert-kafka'" in options:
        changes = output / f"{topic}.changes"
        key = re.search(r"PRIMARY KEY \(`?(\w+)`?\)", columns).group(1)
        changes.write_text(changelog_of(files[0].read_text().splitlines(), key))
        table = "CREATE TABLE {} {} WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'debezium-json')"
        return [table.format(name, columns, changes)]
    table = "CREATE TABLE {} {} WITH ('connector' = 'filesystem', 'path' = '{}'{})"
    if not files:
        return [table.format(name, columns, output, kept)]
    if len(files) == 1:
        return [table.format(name, columns, files[0], kept)]
    parts = [f"{name}_{at}" for at in range(len(files))]
    made = [table.format(part, columns, file, kept) for part, file in zip(parts, files)]
    return made + [f"CREATE VIEW {name} AS " + " UNION ALL ".join(f"SELECT * FROM {part}" for part in parts)]


def topic_of(options):
    return re.search(r"'topic'\s*=\s*'([^']*)'", options).group(1)


def changelog_of(lines, key):
    """What happens to a table of upsert-kafka, in the words of debezium-json. A line is a row, or `-` and a row that goes; or a key, a tab and a
    row, if that does not go."""
    rows, changes = {}, []
    for line in lines:
        if "\t" in line:
            of, row = line.split("\t")
            line = row or "-" + of
        row = json.loads(line.lstrip("-"))
        before = rows.pop(row[key], None)
        if not line.startswith("-"):
            rows[row[key]] = row
            if before == row:
                continue  # Flink: ChangelogNormalize passes over it.
            changes.append({"before": before, "after": row, "op": "u" if before else "c"})
        elif before:
            changes.append({"before": before, "after": None, "op": "d"})
    return "".join(json.dumps(change) + "\n" for change in changes)


def table_of(lines):
    """What is left of a changelog: rows that were put and not taken back."""
    rows = collections.Counter()
    for line in lines:
        change = re.fullmatch(r'\{"before":(.*),"after":(.*),"op":"([cd])"\}', line)
        before, after, op = change.groups()
        rows[before if op == "d" else after] += -1 if op == "d" else 1
    return sorted(rows.elements())


def is_query(case):
    return flink.statements(case / "query.sql")[-1].upper().startswith("SELECT")


def expected_of(case):
    return case / ("expected.changes" if is_query(case) else "expected.jsonl")


def changes_of(environment, case, output):
    """The changelog of the query that comes last."""
    *others, query = flink.statements(case / "query.sql")
    for statement in others:
        for one in for_flink(statement, case, output):
            environment.execute_sql(one)
    result = environment.execute_sql(query)
    names = result.get_table_schema().get_field_names()
    kinds = ["+I", "-U", "+U", "-D"]
    with result.collect() as rows:
        changes = [(kinds[row.get_row_kind().value], dict(zip(names, row))) for row in rows]
    return [f"{kind} {json.dumps(row, ensure_ascii=False, separators=(',', ':'))}" for kind, row in changes]
def table_by_key(lines, columns):
    """The last row of each key that was not taken back, by the rule of SinkUpsertMaterializer."""
    rows = collections.defaultdict(list)
    for line in lines:
        before, after, op = re.fullmatch(r'\{"before":(.*),"after":(.*),"op":"([cd])"\}', line).groups()
        row = before if op == "d" else after
        of_key = rows[tuple(json.dumps(json.loads(row)[column]) for column in columns)]
        of_key.append(row) if op == "c" else of_key.remove(row)
    return sorted(of_key[-1] for of_key in rows.values() if of_key)


def run(case):
    from pyflink.table import EnvironmentSettings, TableEnvironment

    environment = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    for key, value in {
        "parallelism.default": "1",
        "table.local-time-zone": "UTC",
        "pipeline.auto-watermark-interval": "1 d" if has_note(case, WATERMARK_AT_END) else "0 ms",
        # A file of the output is complete at a checkpoint.
        "execution.checkpointing.interval": "300 ms",
        "table.exec.sink.not-null-enforcer": "ERROR",
        # What fails, fails: with checkpoints Flink would try it again and again.
        "restart-strategy.type": "none",
    }.items():
        environment.get_config().set(key, value)
    output = pathlib.Path(tempfile.mkdtemp())
    try:
        inserts = environment.create_statement_set()
        if is_query(case):
            return changes_of(environment, case, output)
        for statement in flink.statements(case / "query.sql"):
            for one in for_flink(statement, case, output):
                if one.upper().startswith("INSERT"):
                    inserts.add_insert_sql(one)
                else:
                    environment.execute_sql(one)
        inserts.execute().wait()
        files = [file for file in output.rglob("part-*") if file.is_file()]
        if re.search(r"'upsert-kafka'[^;]*'topic' = 'o'", (case / "query.sql").read_text()):
            # One writer: its files are numbered.
            files.sort(key=lambda file: int(file.name.rsplit("-", 1)[1]))
            lines = [line for file in files for line in file.read_text().splitlines()]
            if has_note(case, ROWS_BY_KEY):
                table = re.search(r"CREATE TABLE o .*?PRIMARY KEY \((.*?)\)", (case / "query.sql").read_text(), re.S)
                return table_by_key(lines, [column.strip() for column in table.group(1).split(",")])
            return table_of(lines)
        return sorted(line for file in files for line in file.read_text().splitlines())
    finally:
        shutil.rmtree(output)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if something has changed")
    parser.add_argument("cases", nargs="*", help="names or folders of cases; all of the corpus and of docs/examples if there is none")
    arguments = parser.parse_args()
    into_venv()
    everywhere = [query.parent for folder in (CORPUS, EXAMPLES) for query in sorted(folder.glob("*/query.sql"))]
    cases = [named(name) for name in arguments.cases] or everywhere
    failed = []
    for case in filter(is_recorded, cases):
        name = case.name
        try:
            rows = run(case)
        except Exception as error:  # noqa: BLE001
            failed.append(name)
            causes = re.findall(r"(?:Caused by: |ValidationException: |TableException: )(.*)", str(error))
            print(f"{name}: FAILED: {causes[-1] if causes else error}", flush=True)
            continue
        text = "".join(row + "\n" for row in rows)
        expected = expected_of(case)
        changed = not expected.exists() or expected.read_text() != text
        if arguments.check and changed:
            failed.append(name)
        elif changed:
            expected.write_text(text)
        print(f"{name}: {len(rows)} rows{', other than written down' if changed else ''}", flush=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
