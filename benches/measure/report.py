"""The table of docs/performance.md: the run's figures side by side, with their ratio and the aims."""

from .workspace import ROOT, BenchError

PAGE = ROOT / "docs" / "performance.md"
MARKS = ("<!-- benches/run writes from here -->", "<!-- to here -->")
FLOOR_MARKS = ("<!-- benches/run --only floor writes from here -->", "<!-- to here, beside the floor -->")


def marks(part):
    """The marks of a part with a table of its own."""
    return f"<!-- benches/run --only {part} writes from here -->", f"<!-- to here, {part} -->"


# Title, part, key, format, aim for Forebay, whether more is better.
ROWS = [
    ("exec to first Metadata answer, empty folder, ms", "start", "fresh_ms", ",.0f", "< 50", False),
    ("the quickest of them, ms", "start", "fresh_least_ms", ",.0f", "", False),
    ("CPU time until then, ms", "start", "fresh_cpu_ms", ",.0f", "", False),
    ("exec to first Metadata answer, 16 partitions with data, ms", "start", "restart_ms", ",.0f", "", False),
    ("the quickest of them, ms", "start", "restart_least_ms", ",.0f", "", False),
    ("CPU time until then, ms", "start", "restart_cpu_ms", ",.0f", "", False),
    ("idle memory, resident (VmRSS), MiB", "memory", "rss", ".1f", "< 30", False),
    ("idle memory, proportional (PSS), MiB", "memory", "pss", ".1f", "", False),
    ("idle CPU, ms each second", "memory", "cpu_ms_per_s", ".1f", "", None),
    ("broker CPU-s per GB produced, first GB", "throughput", "produce_first", ".2f", "", False),
    ("broker CPU-s per GB produced, later", "throughput", "produce_later", ".2f", "", False),
    ("broker CPU-s per GB consumed, first GB", "throughput", "consume_first", ".2f", "", False),
    ("broker CPU-s per GB consumed, later", "throughput", "consume_later", ".2f", "", False),
    ("mean batch that the producer sent, bytes", "throughput", "batch_bytes", ",.0f", "", None),
    ("memory after these loads, without mapped files, MiB", "throughput", "anonymous_after", ".1f", "", False),
    ("job: events per CPU-s", "job", "events_per_cpu_s", ",.0f", "> 500,000", True),
    ("job: events", "job", "events", ",.0f", "", None),
    ("job: bytes of an event's value", "job", "value_bytes", ",.0f", "", None),
    ("job: result rows", "job", "rows", ",.0f", "", None),
    ("job: peak memory without mapped files, MiB", "job", "peak_anonymous", ".0f", "", False),
    ("job: peak memory with mapped files, MiB", "job", "peak_rss", ".0f", "", False),
]


def table(figures, rows=None):
    """Markdown; rows of parts that were not measured are left out."""
    rows = ROWS if rows is None else rows
    lines = ["| | Forebay | Apache Kafka | better by | aim |", "| --- | ---: | ---: | ---: | ---: |"]
    for title, part, key, form, aim, more_is_better in rows:
        ours, theirs = (figures.get(name, {}).get(part, {}).get(key) for name in ("forebay", "kafka"))
        if ours is None and theirs is None:
            continue
        cells = [title, cell(ours, form), cell(theirs, form), ratio(ours, theirs, more_is_better), aim]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines + spreads(figures))


def cell(value, form):
    return "" if value is None else format(value, form)


def ratio(ours, theirs, more_is_better):
    if more_is_better is None or not ours or not theirs:
        return ""
    times = ours / theirs if more_is_better else theirs / ours
    return f"{times:,.0f}x" if times >= 100 else f"{times:.1f}x"


def spreads(figures):
    """All values behind the medians, and the most that the machine did beside the load."""
    named = [("start", "fresh_all", "start on an empty folder, ms", ".0f"), ("start", "restart_all", "restart, ms", ".0f"),
             ("throughput", "produce_all", "CPU-s per GB produced", ".2f"),
             ("throughput", "consume_all", "CPU-s per GB consumed", ".2f"), ("job", "all", "events per CPU-s", ",.0f")]
    lines = []
    for broker, title in (("forebay", "Forebay"), ("kafka", "Apache Kafka")):
        parts = figures.get(broker, {})
        shown = [f"{text} {', '.join(format(v, form) for v in parts[part][key])}"
                 for part, key, text, form in named if key in parts.get(part, {})]
        if shown:
            lines += ["", f"All runs of {title}: {'; '.join(shown)}."]
    others = [part["others"] for parts in figures.values() for part in parts.values() if "others" in part]
    if others:
        lines += ["", f"Other programs took up to {max(others):.0%} of the machine during a load."]
    return lines


def has_place(part):
    """Whether the page has a place for the table of that part."""
    begin, end = marks(part)
    page = PAGE.read_text(encoding="utf-8")
    return begin in page and end in page


def write(setting, text, marks=MARKS):
    """Puts the figures into the page, between its two marks."""
    begin_mark, end_mark = marks
    page = PAGE.read_text(encoding="utf-8")
    head, begin, rest = page.partition(begin_mark)
    _, end, tail = rest.partition(end_mark)
    if not begin or not end:
        raise BenchError(f"docs/performance.md lacks the marks {begin_mark} and {end_mark}")
    PAGE.write_text(f"{head}{begin}\n{setting.describe()}\n\n{text}\n{end}{tail}", encoding="utf-8")
