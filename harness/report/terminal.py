"""The printed verdict: one sentence, then its evidence."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.model.finding import Finding, Verdict
from harness.model.result import Result
from harness.report.figures import (
    SIGNS,
    burst_note,
    calibration_line,
    cause_lines,
    control_line,
    latency_cells,
    limits_line,
    not_passed,
    printable,
    replica_line,
    requests_line,
)

__all__ = ["verdict_text"]

_STYLES: Final = {Verdict.passed: "green", Verdict.inconclusive: "yellow", Verdict.failed: "red"}
_OUTAGES: Final = 10
_CAUSES: Final = 5
_EXAMPLES: Final = 3


def verdict_text(result: Result, folder: Path) -> Group:
    """What to print of a run: `rich.print(verdict_text(result, folder))`.

    Everything is literal text: what a server answered is neither markup nor an escape sequence.
    """
    return Group(*_parts(result, folder))


def _parts(result: Result, folder: Path) -> Iterator[RenderableType]:
    style = f"bold {_STYLES[result.verdict]}"
    yield _text(f"{SIGNS[result.verdict]} {result.scenario}: {result.sentence}", style, 2_000)
    yield _text(f"  {requests_line(result)}")
    if limits_line(result):
        yield _text(f"  {limits_line(result)}")
    if burst_note(result):
        yield _text(f"  {burst_note(result)}", "dim")
    for finding in not_passed(result):
        if finding.message in result.sentence:
            yield from _examples(finding)
        else:
            yield from _finding(finding)
    for why, remedy in cause_lines(result, _CAUSES):
        yield _text(f"  cause: {why}")
        if remedy:
            yield _text(f"    remedy: {remedy}", "dim")
    yield _latency(result)
    if result.outages:
        yield _outages(result)
    if len(result.outages) > _OUTAGES:
        yield _text(f"  {len(result.outages) - _OUTAGES:,} more outages are in result.json")
    if result.replica_outage is not None:
        yield _text(f"  {replica_line(result.replica_outage)}", "dim")
    if result.calibration is not None:
        yield _text(f"  {calibration_line(result.calibration)}")
    if result.control is not None:
        yield _text(f"  {control_line(result.control)}")
    if result.environment.get("path") == "published":
        yield _text(
            "  measured through the engine's userland proxy: refused, reset and connect_timeout "
            "are all connection_lost"
        )
    yield _text(f"  run folder: {folder}")


def _text(text: str, style: str = "", most: int = 1_000) -> Text:
    return Text(printable(text, most), style=style)


def _finding(finding: Finding) -> Iterator[Text]:
    sign = SIGNS[finding.verdict]
    yield _text(f"  {sign} {finding.check}: {finding.message}", _STYLES[finding.verdict])
    yield from _examples(finding)


def _examples(finding: Finding) -> Iterator[Text]:
    examples = finding.evidence.get("examples", ())
    for example in examples[:_EXAMPLES] if isinstance(examples, (list, tuple)) else ():
        if isinstance(example, dict):
            told = f": {example['text']}" if example.get("text") else ""
            yield _text(f"      {example.get('request', '')}{told}", "dim", 300)


def _latency(result: Result) -> Table:
    title = "latency in ms, steady and in the swap window"
    table = Table(box=box.SIMPLE, title=title, title_justify="left", padding=(0, 1, 0, 0))
    table.add_column("stream", overflow="fold")
    for name in ("steady n", "p50", "p99", "max", "swap n", "p50", "p99", "max"):
        table.add_column(name, justify="right")
    for stream, cells in latency_cells(result):
        table.add_row(_text(stream, most=40), *cells)
    return table


def _outages(result: Result) -> Table:
    table = Table(box=box.SIMPLE, title="outages", title_justify="left", padding=(0, 1, 0, 0))
    for name in ("from s", "to s"):
        table.add_column(name, justify="right")
    table.add_column("kind", overflow="fold")
    table.add_column("failed", justify="right")
    table.add_column("slow", justify="right")
    table.add_column("streams")
    table.add_column("phase, step")
    for outage in result.outages[:_OUTAGES]:
        table.add_row(
            f"{outage.start_s:+.3f}",
            f"{outage.end_s:+.3f}",
            _text(outage.kind, most=40),
            f"{outage.failed:,}",
            f"{outage.slow:,}",
            _text(", ".join(outage.streams), most=80),
            _text(f"{outage.phase}{', ' + outage.step if outage.step else ''}", most=80),
        )
    return table
