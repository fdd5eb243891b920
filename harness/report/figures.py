"""How figures are put in print, alike in every report."""

import json
from collections.abc import Iterator
from typing import Final

from harness.analysis.latency import SWAP_WINDOW
from harness.checks.wording import counted, span_ms
from harness.model.calibration import Calibration, Trial
from harness.model.control import ControlFigures
from harness.model.finding import Finding, Verdict
from harness.model.result import ReplicaOutage, Result

__all__ = [
    "CALIBRATION_HEAD",
    "SIGNS",
    "burst_note",
    "calibration_cells",
    "calibration_line",
    "cause_lines",
    "control_line",
    "evidence_lines",
    "latency_cells",
    "limits_line",
    "milliseconds",
    "not_passed",
    "printable",
    "replica_line",
    "replica_lines",
    "requests_line",
]

SIGNS: Final = {Verdict.passed: "✓", Verdict.inconclusive: "?", Verdict.failed: "✗"}


def printable(text: str, most: int = 1_000) -> str:
    """One line without control characters (an escape sequence drives a terminal), bounded."""
    kept = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return kept if len(kept) <= most else f"{kept[: most - 1]}…"


def milliseconds(value: float | None) -> str:
    """`5.1`, or a hyphen for what the samples do not resolve."""
    return "-" if value is None else f"{value:,.1f}"


def latency_cells(result: Result) -> Iterator[tuple[str, list[str]]]:
    """(stream, [n, p50, p99, max of the steady state, the same of the swap window]), at most 20
    streams.
    """
    for stream, phases in list(result.latency_ms.items())[:20]:
        both = (phases["steady"], phases[SWAP_WINDOW])
        yield (
            stream,
            [
                cell
                for one in both
                for cell in (f"{one.count:,}", *map(milliseconds, (one.p50, one.p99, one.max)))
            ],
        )


def requests_line(result: Result) -> str:
    """`6,012 of 6,012 planned requests sent: 6,012 ok, 0 failed, 0 unknown`."""
    counts = result.requests
    return (
        f"{counts.sent:,} of {counts.planned:,} planned requests sent: {counts.ok:,} ok, "
        f"{counts.failed:,} failed, {counts.unknown:,} unknown"
        + (f" ({counts.missing:,} without a sample)" if counts.missing else "")
    )


def burst_note(result: Result) -> str:
    """The rule of three, with what it does not hold for; empty where the run was not clean."""
    if result.drop_bound is None or not result.requests.sent:
        return ""
    return (
        f"Were failures to come singly and not in bursts, fewer than "
        f"{300 / result.requests.sent:.2g} % of requests would fail "
        f"(3 / {result.requests.sent:,}); a failed swap is a burst, so the bound by swaps counts."
    )


def limits_line(result: Result) -> str:
    """`limits that were set: failed_share 0.001, p99_ms 250`; empty where all are the defaults."""
    told = (
        f"{name} {str(value).lower() if isinstance(value, bool) else format(value, 'g')}"
        for name, value in result.limits.items()
    )
    return f"limits that were set: {', '.join(told)}" if result.limits else ""


_OF_REPLICA: Final = {
    "refused": "connections that it refuses",
    "unanswered": "connections that nobody answers",
    "broken": "connections that break under a request",
    "held": "answers that come late",
}


def replica_lines(found: ReplicaOutage) -> Iterator[tuple[str, str]]:
    """(what an outage of one replica does, what of it a client sees)."""
    for one in found.seen:
        until = f"at most {one.latency_ms:g} ms more" if one.latency_ms else "latency"
        seen = {"nothing": "nothing, another replica is asked at once", "failure": "failures"}
        fails = (
            f", failures where it lasts for {one.fails_from_ms:g} ms or longer"
            if one.fails_from_ms
            else ""
        )
        yield _OF_REPLICA[one.kind], seen.get(one.seen_as, until) + fails


def replica_line(found: ReplicaOutage) -> str:
    """The same as one sentence, after how short an outage of one replica met a request."""
    met = (
        "no length is certain to have met a request"
        if found.certain_ms is None
        else f"one of {found.certain_ms:.1f} ms was sure to meet a request"
    )
    whose = "the only replica" if found.replicas == 1 else f"one of {found.replicas} replicas"
    told = "; ".join(f"{what}: {seen}" for what, seen in replica_lines(found))
    return f"of an outage of {whose} ({met}) the retries let through, of {told}"


CALIBRATION_HEAD: Final = (
    "at s", "put in", "intervals", "ms", "found as", "ms", "start off", "length off", "allowed",
    "judged",
)  # fmt: skip


def calibration_line(found: Calibration) -> str:
    """`calibration: 6 of 6 outages of 222 ms found and rightly named, lengths at most 9 ms off`."""
    good = [trial for trial in found.trials if trial.verdict == "found"]
    if not found.trials:
        return "calibration: no outage was put in"
    errors = [abs(trial.length_error_ms) for trial in good if trial.length_error_ms is not None]
    lengths = span_ms(trial.length_ms for trial in found.trials)
    return (
        f"calibration: {len(good)} of {len(found.trials)} outages of {lengths} found and rightly "
        "named" + (f", lengths at most {max(errors):.0f} ms off" if errors else "")
    )


def control_line(found: ControlFigures) -> str:
    """`control: 950 requests beside the run, 0 failed; in the swap window p99 0.6 ms, max 2.1 ms;
    never kept waiting for 50 ms`.
    """
    told = f"control: {found.requests:,} requests beside the run, {found.failed:,} failed"
    if found.in_window:
        p99 = f"p99 {milliseconds(found.p99_ms)} ms, " if found.p99_ms is not None else ""
        told += f"; in the swap window {p99}max {milliseconds(found.max_ms)} ms"
    elif found.requests:
        told += "; no answer in the swap window"
    longest = max(found.blips, key=lambda blip: blip.length_ms, default=None)
    if longest is not None:
        told += (
            f"; kept waiting {counted(len(found.blips), 'time')}, longest for "
            f"{longest.length_ms:,.0f} ms at {longest.start_s:+.3f} s"
        )
    elif found.requests:
        told += "; never kept waiting for 50 ms"
    return told + (f"; {found.errors[0]}" if found.errors else "")


def calibration_cells(trial: Trial) -> list[str]:
    """A row under CALIBRATION_HEAD."""
    return [
        f"{trial.start_s:+.3f}", trial.kind, str(trial.intervals), milliseconds(trial.length_ms),
        trial.seen_kind or "-", milliseconds(trial.seen_ms), milliseconds(trial.start_error_ms),
        milliseconds(trial.length_error_ms), milliseconds(trial.allowed_ms), trial.verdict,
    ]  # fmt: skip


def not_passed(result: Result) -> tuple[Finding, ...]:
    """Findings that did not pass, failures first."""
    bad = [finding for finding in result.findings if finding.verdict is not Verdict.passed]
    return tuple(sorted(bad, key=lambda finding: finding.verdict is not Verdict.failed))


def cause_lines(result: Result, most: int) -> Iterator[tuple[str, str]]:
    """(what happened and why, what to change) of the first causes."""
    for one in result.attributions[:most]:
        yield one.sentence, one.remedy
    left = len(result.attributions) - most
    if left > 0:
        yield f"{left:,} more causes are in result.json", ""


def evidence_lines(finding: Finding, most: int) -> Iterator[tuple[str, str]]:
    """(key, text) of a finding's evidence, at most so many of a list. The text is untrusted."""
    for key, value in list(finding.evidence.items())[:30]:
        entries = value if isinstance(value, (list, tuple)) else [value]
        for entry in entries[:most]:
            yield key, _shown(entry)
        if len(entries) > most:
            yield key, f"{len(entries) - most} more are in result.json"


def _shown(entry: object) -> str:
    if isinstance(entry, dict) and "request" in entry:
        return f"{entry['request']}{': ' + entry['text'] if entry.get('text') else ''}"
    return entry if isinstance(entry, str) else json.dumps(entry, ensure_ascii=False)
