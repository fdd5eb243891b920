"""`summary.md`: the result for a CI job's summary page. Bounded; untrusted text is escaped."""

from collections.abc import Iterator
from typing import Final

from harness.model.finding import Finding
from harness.model.result import Result
from harness.report.figures import (
    CALIBRATION_HEAD,
    SIGNS,
    burst_note,
    calibration_cells,
    calibration_line,
    cause_lines,
    control_line,
    evidence_lines,
    latency_cells,
    limits_line,
    not_passed,
    printable,
    replica_line,
    requests_line,
)

__all__ = ["MOST_BYTES", "escaped", "summary"]

MOST_BYTES: Final = 64 * 1024
_OUTAGES: Final = 20
_CAUSES: Final = 10
_TRIALS: Final = 20
_EXAMPLES: Final = 5
_ENVIRONMENT: Final = 60
_CUT: Final = "\n…the rest is in result.json\n"
_ESCAPES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;"} | {char: f"\\{char}" for char in "\\`*[]|~#!$"}
)


def escaped(text: str, most: int = 1_000) -> str:
    """The text as one line of Markdown that means itself, in a table's cell too."""
    return printable(text, most).translate(_ESCAPES)


def summary(result: Result) -> str:
    """The result as GitHub-flavoured Markdown, less than 64 KiB of UTF-8."""
    text = "\n".join(_lines(result)) + "\n"
    raw = text.encode()
    if len(raw) < MOST_BYTES:
        return text
    kept = raw[: MOST_BYTES - len(_CUT.encode()) - 1].decode("utf-8", "ignore")
    return kept[: kept.rfind("\n") + 1] + _CUT


def _lines(result: Result) -> Iterator[str]:
    yield f"## {SIGNS[result.verdict]} {escaped(result.scenario, 200)}"
    yield ""
    yield f"**{escaped(result.sentence, 2_000)}**"
    yield ""
    yield f"{escaped(requests_line(result))}."
    if limits_line(result):
        yield ""
        yield f"{escaped(limits_line(result))}."
        yield ""
    if burst_note(result):
        yield f"{escaped(burst_note(result))}"
    yield ""
    yield "| check | verdict | finding |"
    yield "|---|---|---|"
    for finding in result.findings[:50]:
        yield (
            f"| {escaped(finding.check, 60)} | {SIGNS[finding.verdict]} {finding.verdict} "
            f"| {escaped(finding.message)} |"
        )
    yield ""
    yield from _causes(result)
    yield from _latency(result)
    yield from _outages(result)
    if result.replica_outage is not None:
        yield f"Resolving power: {escaped(replica_line(result.replica_outage))}."
        yield ""
    yield from _calibration(result)
    for finding in not_passed(result)[:20]:
        yield from _evidence(finding)
    yield from _environment(result)


def _causes(result: Result) -> Iterator[str]:
    if not result.attributions:
        return
    yield "### Causes"
    yield ""
    for why, remedy in cause_lines(result, _CAUSES):
        yield f"- {escaped(why)}{'. Remedy: ' + escaped(remedy) if remedy else ''}"
    yield ""


def _latency(result: Result) -> Iterator[str]:
    yield "### Latency in ms, from due to the last byte"
    yield ""
    yield "| stream | steady n | p50 | p99 | max | swap n | p50 | p99 | max |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    for stream, cells in latency_cells(result):
        yield f"| {escaped(stream, 60)} | {' | '.join(cells)} |"
    yield ""
    yield "“swap” is each swap with what settles after it; a hyphen stands for a percentile"
    yield "with fewer than 10 samples beyond it."
    yield ""
    if result.control is not None:
        yield f"{escaped(control_line(result.control))}."
        yield ""


def _outages(result: Result) -> Iterator[str]:
    if not result.outages:
        return
    yield "### Outages"
    yield ""
    yield "| from s | to s | kind | failed | slow | streams | phase | step |"
    yield "|--:|--:|---|--:|--:|---|---|---|"
    for outage in result.outages[:_OUTAGES]:
        yield (
            f"| {outage.start_s:+.3f} | {outage.end_s:+.3f} | {escaped(outage.kind, 60)} "
            f"| {outage.failed:,} | {outage.slow:,} | {escaped(', '.join(outage.streams), 200)} "
            f"| {escaped(outage.phase, 60)} | {escaped(outage.step, 100)} |"
        )
    if len(result.outages) > _OUTAGES:
        yield ""
        yield f"{len(result.outages) - _OUTAGES:,} more are in result.json."
    yield ""


def _calibration(result: Result) -> Iterator[str]:
    found = result.calibration
    if found is None:
        return
    yield "### Calibration"
    yield ""
    yield f"{escaped(calibration_line(found))}."
    yield ""
    yield f"| {' | '.join(CALIBRATION_HEAD)} |"
    yield "|--:|---|--:|--:|---|--:|--:|--:|--:|---|"
    for trial in found.trials[:_TRIALS]:
        cells = (escaped(cell, 60) for cell in calibration_cells(trial))
        yield f"| {' | '.join(cells)} |"
    if len(found.trials) > _TRIALS:
        yield ""
        yield f"{len(found.trials) - _TRIALS:,} more are in result.json."
    yield ""
    for text in found.left_out[:_EXAMPLES]:
        yield f"- left out: {escaped(text, 200)}"
    if found.left_out:
        yield ""


def _evidence(finding: Finding) -> Iterator[str]:
    yield f"<details><summary>{escaped(finding.check, 60)}: evidence</summary>"
    yield ""
    for key, text in evidence_lines(finding, _EXAMPLES):
        yield f"- {escaped(key, 60)}: {escaped(text, 400)}"
    yield ""
    yield "</details>"
    yield ""


def _environment(result: Result) -> Iterator[str]:
    yield "<details><summary>Environment</summary>"
    yield ""
    yield f"- run: {escaped(result.run, 200)}"
    yield f"- judged by: harness {escaped(result.harness, 60)}"
    for key, value in list(result.environment.items())[:_ENVIRONMENT]:
        yield f"- {escaped(str(key), 100)}: {escaped(str(value), 300)}"
    if result.environment.get("path") == "published":
        yield ""
        yield "Measured through the engine's userland proxy: refused, reset and connect_timeout"
        yield "cannot be told apart there, and are all connection_lost."
    yield ""
    yield "</details>"
