"""The calibration, judged: the outages that were put in, beside those that the analysis finds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from harness.analysis.absences import late
from harness.analysis.phases import Window, with_phase
from harness.analysis.plan import compare, planned
from harness.analysis.requests import requests
from harness.analysis.resolution import TOTAL, certain_outage_ms
from harness.analysis.runfolder import RunFolderError, read_record, read_samples
from harness.analysis.trial import trial
from harness.model.calibration import (
    Calibration,
    Injected,
    Injections,
    OutageKind,
    ServerPause,
)
from harness.model.scenario import Record

__all__ = ["FOLDER", "Calibrating", "measured", "read"]

FOLDER: Final = "calibration"
_CATCH_UP_NS: Final = 150_000_000
_MS: Final = 1e6


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
    traffic = found.record.scenario.traffic
    start_ns, stop_ns = (sent.start_ns, sent.stop_ns) if sent is not None else (0, 0)
    began = rows.loc[rows["sent_ns"] > 0, "sent_ns"]
    whole = Window(swap=0, begin_ns=int(began.min()) if len(began) else 0, end_ns=stop_ns)
    certain = certain_outage_ms(rows, traffic, [whole], stop_ns)
    return Calibration(
        trials=tuple(
            trial(
                rows, injected, window, traffic, pauses=found.injections.pauses, start_ns=start_ns
            )
            for injected, window in _windows(found.injections.injected, start_ns, stop_ns)
        ),
        left_out=found.injections.left_out,
        requests=int((rows["sent_ns"] > 0).sum()),
        certain_outage_ms=certain.get(TOTAL),
        calm_gap_ms=_calm_gap_ms(rows, found.injections.injected),
        server_paused_ms=_sum_ms(found.injections.pauses),
        sender_late=int(late(rows).sum()),
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


def _calm_gap_ms(rows: pd.DataFrame, injected: Iterable[Injected]) -> float | None:
    starts = np.sort(rows.loc[rows["sent_ns"] > 0, "sent_ns"].to_numpy())
    is_calm = np.ones(max(len(starts) - 1, 0), dtype=bool)
    for one in injected:
        if one.kind is OutageKind.stall:
            is_calm &= (starts[1:] < one.began_ns) | (starts[:-1] > one.ended_ns + _CATCH_UP_NS)
    gaps = np.diff(starts)[is_calm]
    return round(float(gaps.max()) / _MS, 3) if len(gaps) else None


def _sum_ms(pauses: Iterable[ServerPause]) -> float:
    return round(sum(pause.ended_ns - pause.began_ns for pause in pauses) / _MS, 3)
