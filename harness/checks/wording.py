"""How findings speak: figures, moments and untrusted text, alike in every check."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from harness.analysis.history import History
from harness.analysis.phases import SECOND_NS, begun_at

__all__ = [
    "EXAMPLES",
    "at",
    "bounded",
    "counted",
    "describe",
    "example",
    "in_phases",
    "percent",
    "seqs",
    "span_ms",
    "step_at",
]

EXAMPLES = 20
"""Most entries of a list in a finding's evidence."""
TEXT = 500
"""Most characters of an untrusted string in a finding."""


def bounded(text: str, most: int = TEXT) -> str:
    """The text without control characters, cut to a bounded length.

    It may be a server's: reports are untrusted input's last stop.
    """
    kept = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return kept if len(kept) <= most else f"{kept[: most - 1]}…"


def counted(number: int, noun: str) -> str:
    """`1 request`, `12,041 requests`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """A share with two significant digits: `95 %`, `9.5 %`, `0.30 %`."""
    value = share * 100
    digits = 0 if value >= 9.95 else 1 if value >= 0.995 else 2
    return f"{value:.{digits}f} %"


def span_ms(lengths_ms: Iterable[float]) -> str:
    """From the shortest to the longest: `222 to 556 ms`; `222 ms` where they are alike."""
    shown = sorted({round(length) for length in lengths_ms})
    return f"{' to '.join(str(one) for one in (shown[:1] + shown[1:][-1:]))} ms"


def at(history: History, moment_ns: int) -> str:
    """Seconds since the schedule began: `+4.212 s`."""
    return f"{(moment_ns - history.start_ns) / SECOND_NS:+.3f} s"


def seqs(examples: Iterable[int]) -> str:
    """`#3, #8, #12`: the first three."""
    return ", ".join(f"#{seq}" for seq in list(examples)[:3])


def step_at(history: History, moment_ns: int) -> str:
    """``during `stop website-1` `` or ``after `stop website-1` ``; empty before the first step."""
    step = begun_at(history.steps, moment_ns)
    if step is None:
        return ""
    return f"{'during' if moment_ns < step.end_ns else 'after'} `{bounded(step.name, 100)}`"


def in_phases(rows: pd.DataFrame) -> str:
    """`swap 1`, or with several `steady (2), swap 1 (3)`, in the order of time."""
    labels = [
        f"{phase} {swap}" if swap else str(phase) or "no phase"
        for phase, swap in zip(rows["phase"], rows["swap"], strict=True)
    ]
    counts = {label: labels.count(label) for label in dict.fromkeys(labels)}
    if len(counts) == 1:
        return labels[0]
    shown = [f"{label} ({count:,})" for label, count in list(counts.items())[:6]]
    return ", ".join(shown) + (", …" if len(counts) > 6 else "")


def describe(history: History, row: pd.Series) -> str:
    """``#8123 GET /items 503 (wrong_status) from website-1 at +4.212 s, during `stop …` ``.

    The moment is the one at which the failure showed (analysis.requests, `failed_ns`). The path is
    the whole URL where the run has streams to several origins.
    """
    streams = {stream.name: stream for stream in history.record.scenario.traffic.streams}
    stream = streams.get(str(row["stream"]))
    is_told = len({stream.origin for stream in streams.values()}) > 1
    origin = stream.origin if stream and is_told else ""
    what = f"{stream.method} {origin}{stream.path}" if stream else str(row["stream"])
    status = f" {row['status']} ({row['outcome']})" if row["status"] else f" {row['outcome']}"
    fate = f" (a write: {row['fate']})" if row["fate"] else ""
    whom = f" from {bounded(str(row['instance']), 60)}" if row["instance"] else ""
    moment = int(row["failed_ns"]) or int(row["finished_ns"]) or int(row["due_ns"])
    step = step_at(history, moment)
    return (
        f"#{row['seq']} {bounded(what, 120)}{status}{fate}{whom} at {at(history, moment)}"
        f"{', ' + step if step else ''}"
    )


def example(history: History, row: pd.Series) -> dict[str, Any]:
    """A request as evidence: JSON values, bounded."""
    moment = int(row["failed_ns"]) or int(row["finished_ns"]) or int(row["due_ns"])
    entry: dict[str, Any] = {
        "seq": int(row["seq"]),
        "request": describe(history, row),
        "stream": str(row["stream"]),
        "outcome": str(row["outcome"]),
        "status": int(row["status"]),
        "release": bounded(str(row["release"]), 60),
        "instance": bounded(str(row["instance"]), 60),
        "phase": f"{row['phase']} {row['swap']}" if row["swap"] else str(row["phase"]),
        "due_s": round((int(row["due_ns"]) - history.start_ns) / SECOND_NS, 6),
        "at_s": round((moment - history.start_ns) / SECOND_NS, 6),
    }
    text = history.details.get(int(row["seq"]))
    if text:
        entry["text"] = bounded(text)
    return entry
