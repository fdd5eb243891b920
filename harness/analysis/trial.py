"""One outage of the calibration, as it was put in, beside what the analysis finds there."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from harness.analysis.absences import Truth, is_elsewhere, truth
from harness.analysis.latency import Limit
from harness.analysis.outages import STALL, outages
from harness.analysis.phases import SECOND_NS, Window
from harness.analysis.resolution import largest_gap_ns
from harness.model.calibration import Injected, OutageKind, ServerPause, Trial, seeing
from harness.model.outcome import Outcome
from harness.model.result import Outage
from harness.model.traffic import Traffic

__all__ = ["FOUND", "MISMEASURED", "MISNAMED", "MISSED", "TOLERANCE", "trial"]

FOUND: Final = "found"
MISSED: Final = "missed"
MISNAMED: Final = "misnamed"
MISMEASURED: Final = "mismeasured"
TOLERANCE: Final = 2
"""Intervals that a start or a length may be off, beside the largest start gap there."""
_MS: Final = 1e6

_NAMES: Final[Mapping[str, frozenset[str]]] = {
    OutageKind.refused: frozenset({Outcome.refused.name}),
    OutageKind.reset: frozenset({Outcome.reset.name}),
    OutageKind.closed: frozenset({Outcome.closed_before_answer.name, Outcome.closed_on_reuse.name}),
    OutageKind.stall: frozenset({STALL}),
    OutageKind.truncated: frozenset({Outcome.truncated.name}),
    OutageKind.unavailable: frozenset({Outcome.wrong_status.name}),
}


def trial(
    requests: pd.DataFrame,
    one: Injected,
    window: Window,
    traffic: Traffic,
    *,
    pauses: Sequence[ServerPause],
    start_ns: int,
) -> Trial:
    """The outage beside what is found of it in its window; `requests` are all, ordered by their due
    time.
    """
    names = [stream.name for stream in seeing(traffic, one.kind)]
    length_ms = (one.ended_ns - one.began_ns) / _MS
    begin, end = requests["due_ns"].searchsorted([window.begin_ns, window.end_ns])
    rows = requests.iloc[int(begin) : int(end)]
    known = truth(rows, pauses, one.began_ns, one.ended_ns)
    limits: dict[str, Limit | None] = {}
    if one.kind is OutageKind.stall:
        # Half of it, so that a machine that hiccups beside a long one is not taken for it.
        slow_ms = length_ms / 2
        limits = {name: _limit(name, slow_ms) for name in names}
        rows = rows[~is_elsewhere(rows, pauses, known, slow_ms)]
    folded = outages(rows, limits=limits, steps=(), start_ns=start_ns)
    start_s = (one.began_ns - start_ns) / SECOND_NS
    seen = _nearest(folded, start_s, start_s + length_ms / 1e3)
    allowed_ms = TOLERANCE * one.interval_ns / _MS + _gap_ms(
        requests, names, _span(one, seen, start_ns)
    )
    errors: tuple[float | None, float | None] = (None, None)
    if seen is not None:
        start_s, length_ms = _as_met(known, seen, start_ns)
        errors = (seen.start_s - start_s) * 1e3, (seen.end_s - seen.start_s) * 1e3 - length_ms
    return Trial(
        kind=one.kind.value,
        intervals=one.intervals,
        interval_ms=round(one.interval_ns / _MS, 3),
        start_s=round(start_s, 6),
        length_ms=round(length_ms, 3),
        seen_kind=seen.kind if seen else "",
        seen_ms=round((seen.end_s - seen.start_s) * 1e3, 3) if seen else None,
        start_error_ms=_rounded(errors[0]),
        length_error_ms=_rounded(errors[1]),
        allowed_ms=round(allowed_ms, 3),
        verdict=_verdict(one, seen, errors, allowed_ms),
    )


def _verdict(
    one: Injected,
    seen: Outage | None,
    errors: tuple[float | None, float | None],
    allowed_ms: float,
) -> str:
    if seen is None:
        return MISSED
    if seen.kind not in _NAMES[one.kind]:
        return MISNAMED
    is_off = any(error is not None and abs(error) > allowed_ms for error in errors)
    return MISMEASURED if is_off else FOUND


def _as_met(known: Truth, seen: Outage, start_ns: int) -> tuple[float, float]:
    """Beginning, in seconds, and length, in ms, that are nearest to what was seen."""
    began_ns = known.begin_at(start_ns + round(seen.start_s * SECOND_NS))
    ended_ns = known.end_at(start_ns + round(seen.end_s * SECOND_NS))
    return (began_ns - start_ns) / SECOND_NS, (ended_ns - began_ns) / _MS


def _nearest(folded: tuple[Outage, ...], begin_s: float, end_s: float) -> Outage | None:
    """The outage with the longest part in the span; None where none touches it."""

    def shared(outage: Outage) -> float:
        return min(outage.end_s, end_s) - max(outage.start_s, begin_s)

    touching = [outage for outage in folded if shared(outage) >= 0]
    return max(touching, key=shared, default=None)


def _limit(name: str, limit_ms: float) -> Limit:
    return Limit(percentile="", of=name, steady_ms=0.0, limit_ms=limit_ms, samples=0)


def _span(one: Injected, seen: Outage | None, start_ns: int) -> Window:
    """From the beginning, as put in or as found, to the end."""
    begins, ends = [one.began_ns], [one.ended_ns]
    if seen is not None:
        begins.append(start_ns + int(seen.start_s * SECOND_NS))
        ends.append(start_ns + int(seen.end_s * SECOND_NS))
    return Window(swap=0, begin_ns=min(begins), end_ns=max(ends))


def _gap_ms(rows: pd.DataFrame, names: list[str], span: Window) -> float:
    """The largest gap between starts, there, of the streams that can see it."""
    sent = rows.loc[(rows["sent_ns"] > 0) & rows["stream"].isin(names), "sent_ns"]
    gap_ns = largest_gap_ns(np.sort(sent.to_numpy()), [span])
    return 0.0 if gap_ns is None else gap_ns / _MS


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
