"""The calibration, judged: the outages that were put in, beside those that the analysis finds."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from harness.analysis.latency import Limit
from harness.analysis.outages import STALL, outages
from harness.analysis.phases import SECOND_NS, Window, with_phase
from harness.analysis.plan import compare, planned
from harness.analysis.requests import requests
from harness.analysis.resolution import TOTAL, certain_outage_ms, largest_gap_ns
from harness.analysis.runfolder import RunFolderError, read_record, read_samples
from harness.model.calibration import (
    Calibration,
    Injected,
    Injections,
    OutageKind,
    Trial,
    seeing,
)
from harness.model.outcome import Outcome
from harness.model.result import Outage
from harness.model.scenario import Record

__all__ = ["FOLDER", "FOUND", "Calibrating", "measured", "read"]

FOLDER: Final = "calibration"
FOUND: Final = "found"
MISSED: Final = "missed"
MISNAMED: Final = "misnamed"
MISMEASURED: Final = "mismeasured"
TOLERANCE: Final = 2
"""Intervals that a start or a length may be off, beside the largest start gap there."""
_CATCH_UP_NS: Final = 150_000_000
_MS: Final = 1e6

_NAMES: Final[Mapping[str, frozenset[str]]] = {
    OutageKind.refused: frozenset({Outcome.refused.name}),
    OutageKind.reset: frozenset({Outcome.reset.name}),
    OutageKind.closed: frozenset({Outcome.closed_before_answer.name, Outcome.closed_on_reuse.name}),
    OutageKind.stall: frozenset({STALL}),
    OutageKind.truncated: frozenset({Outcome.truncated.name}),
    OutageKind.unavailable: frozenset({Outcome.wrong_status.name}),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibrating:
    """What a calibration has left."""

    record: Record
    recorded: pd.DataFrame
    """As of History."""
    injections: Injections
    damaged: int = 0

    @cached_property
    def requests(self) -> pd.DataFrame:
        samples = self.recorded.sort_values(["due_ns", "seq"]).reset_index(drop=True)
        return requests(with_phase(samples, ()), self.record, None)


def read(folder: Path, damage: list[str]) -> Calibrating | None:
    """The calibration in its folder; None where there is none, or none that is whole.

    Files that cannot be read are named in `damage`.
    """
    path = folder / "calibration.json"
    if not path.exists():
        return None
    try:
        injections = TypeAdapter(Injections).validate_json(path.read_bytes())
        record = read_record(folder)
        decoded = read_samples(folder, record)
    except (OSError, ValidationError, RunFolderError):
        damage.append(f"{FOLDER}/")
        return None
    return Calibrating(
        record=record,
        recorded=decoded.samples,
        injections=injections,
        damaged=decoded.damaged,
    )


def measured(found: Calibrating) -> Calibration:
    """Each outage that was put in, in its order, beside what was found where it was."""
    sent = found.record.sent
    rows = found.requests
    start_ns, stop_ns = (sent.start_ns, sent.stop_ns) if sent is not None else (0, 0)
    began = rows.loc[rows["sent_ns"] > 0, "sent_ns"]
    whole = Window(swap=0, begin_ns=int(began.min()) if len(began) else 0, end_ns=stop_ns)
    certain = certain_outage_ms(rows, found.record.scenario.traffic, [whole], stop_ns)
    return Calibration(
        trials=tuple(
            _trial(found, injected, window, start_ns)
            for injected, window in _windows(found.injections.injected, start_ns, stop_ns)
        ),
        left_out=found.injections.left_out,
        requests=int((rows["sent_ns"] > 0).sum()),
        certain_outage_ms=certain.get(TOTAL),
        calm_gap_ms=_calm_gap_ms(rows, found.injections.injected),
        errors=tuple(_errors(found)),
    )


def _errors(found: Calibrating) -> Iterator[str]:
    sent = found.record.sent
    if sent is None or sent.ended != "finished":
        yield f"its sender {sent.ended if sent else 'left no account'}"
        return
    yield from sent.errors
    if found.damaged:
        yield f"{found.damaged} damaged rows in its request log"
    differs = compare(found.recorded, planned(found.record))
    for count, what in (
        (differs.missing, "planned requests without a sample"),
        (differs.duplicated, "requests with more than one sample"),
        (differs.unexpected, "samples of no planned request"),
        (differs.mismatched, "samples with another stream or due time than planned"),
    ):
        if count:
            yield f"{count} {what}"


def _windows(
    injected: tuple[Injected, ...], start_ns: int, stop_ns: int
) -> Iterator[tuple[Injected, Window]]:
    """Each outage with the span that is nearer to it than to any other one."""
    for index, one in enumerate(injected):
        begin_ns, end_ns = start_ns, stop_ns
        if index:
            begin_ns = (injected[index - 1].ended_ns + one.began_ns) // 2
        if index + 1 < len(injected):
            end_ns = (one.ended_ns + injected[index + 1].began_ns) // 2
        yield one, Window(swap=0, begin_ns=begin_ns, end_ns=end_ns)


def _trial(found: Calibrating, one: Injected, window: Window, start_ns: int) -> Trial:
    rows = found.requests
    traffic = found.record.scenario.traffic
    names = [stream.name for stream in seeing(traffic, one.kind)]
    length_ms = (one.ended_ns - one.began_ns) / _MS
    begin, end = rows["due_ns"].searchsorted([window.begin_ns, window.end_ns])
    # Half of the stall, so that a machine that hiccups beside a long one is not taken for it.
    slow_ms = length_ms / 2 if one.kind is OutageKind.stall else None
    limits = {name: _limit(name, slow_ms) for name in names} if slow_ms is not None else {}
    folded = outages(rows.iloc[int(begin) : int(end)], limits=limits, steps=(), start_ns=start_ns)
    start_s = (one.began_ns - start_ns) / SECOND_NS
    seen = _nearest(folded, start_s, start_s + length_ms / 1e3)
    span = _span(one, seen, start_ns)
    allowed_ms = TOLERANCE * one.interval_ns / _MS + _gap_ms(rows, names, span)
    errors = (
        (None, None)
        if seen is None
        else (
            (seen.start_s - start_s) * 1e3,
            (seen.end_s - seen.start_s) * 1e3 - length_ms,
        )
    )
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


def _calm_gap_ms(rows: pd.DataFrame, injected: Iterable[Injected]) -> float | None:
    starts = np.sort(rows.loc[rows["sent_ns"] > 0, "sent_ns"].to_numpy())
    is_calm = np.ones(max(len(starts) - 1, 0), dtype=bool)
    for one in injected:
        if one.kind is OutageKind.stall:
            is_calm &= (starts[1:] < one.began_ns) | (starts[:-1] > one.ended_ns + _CATCH_UP_NS)
    gaps = np.diff(starts)[is_calm]
    return round(float(gaps.max()) / _MS, 3) if len(gaps) else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
