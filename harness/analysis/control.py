"""The control's history: when it was kept waiting, and which slow answers of the run that explains.

The swap does not touch the control. What kept it waiting was the machine or the engine, and that
kept the run's requests waiting too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis.latency import percentile
from harness.analysis.phases import Window, with_phase, within
from harness.analysis.requests import FAILED, NOT_SENT, OK, requests
from harness.analysis.runfolder import RunFolderError, read_record, read_samples
from harness.model.control import FOLDER, LOST, Blip, ControlFigures
from harness.model.mark import Mark
from harness.model.scenario import Record

__all__ = ["Controlled", "explained", "figures", "read"]

Moments = npt.NDArray[np.int64]

SHARE: Final = 0.5
"""Of what an answer waited beyond its stream's steady median, the control must have waited this
much in the same time."""
BLIP_NS: Final = 50_000_000
"""A shorter wait is none: an answer is slow from 100 ms beyond the steady p99 on."""
MOST_BLIPS: Final = 100
_AT_ONCE: Final = 4_096
_MS: Final = 1e6


@dataclass(frozen=True, kw_only=True, eq=False)
class Controlled:
    """What the control has left."""

    record: Record
    recorded: pd.DataFrame
    """As of History."""
    damaged: int = 0

    @cached_property
    def requests(self) -> pd.DataFrame:
        samples = self.recorded.sort_values(["due_ns", "seq"]).reset_index(drop=True)
        found = requests(with_phase(samples, ()), self.record, None)
        return found[found["state"] != NOT_SENT]

    @cached_property
    def lives(self) -> tuple[Moments, Moments]:
        """When its requests were due and over, by due time; failed ones too, as they waited."""
        rows = self.requests
        rows = rows[rows["finished_ns"] >= rows["due_ns"]]
        return rows["due_ns"].to_numpy(), rows["finished_ns"].to_numpy()


def read(folder: Path, damage: list[str]) -> Controlled | None:
    """The control in its folder; None where there is none that can be read.

    Files that cannot be read are named in `damage`.
    """
    if not (folder / "scenario.json").exists():
        return None
    try:
        record = read_record(folder)
        decoded = read_samples(folder, record)
    except (OSError, RunFolderError):
        damage.append(f"{FOLDER}/")
        return None
    return Controlled(record=record, recorded=decoded.samples, damaged=decoded.damaged)


def explained(
    control: Controlled, due_ns: Moments, finished_ns: Moments, excess_ns: Moments
) -> npt.NDArray[np.bool_]:
    """Which answers the control explains: a request of its own waited meanwhile, and the time that
    both waited is at least half of what the answer waited beyond its stream's steady median.

    Example: of an answer that took 310 ms, due at 2.0 s, where the steady median is 10 ms, a
    control that waited from 2.1 to 2.25 s explains all. One that waited from 1.7 to 2.1 s
    explains nothing of it: it was over before most of the answer's own wait. Nor does any wait
    below 50 ms.

    So are those that queued behind explained ones, up to half of the control's wait after it: what
    a standstill held up is answered after its end, and in its turn. Order does not matter.
    """
    begins, ends = control.lives
    found = np.zeros(len(due_ns), dtype=bool)
    # Those that waited too little for any answer are most, and are left out at once.
    least_ns = max(SHARE * float(excess_ns.min()), BLIP_NS) if len(excess_ns) else BLIP_NS
    waited = ends - begins >= least_ns
    begins, ends = begins[waited], ends[waited]
    if not len(begins):
        return found
    latest = np.maximum.accumulate(ends)
    first = np.searchsorted(latest, due_ns, side="right")
    beyond = np.searchsorted(begins, finished_ns, side="left")
    for place in range(0, len(due_ns), _AT_ONCE):
        part = slice(place, place + _AT_ONCE)
        shared = _most_shared(
            (due_ns[part], finished_ns[part]), (begins, ends), first[part], beyond[part]
        )
        found[part] = (shared > 0) & (shared >= SHARE * excess_ns[part])
    return _with_queue(found, due_ns, finished_ns, _caught_up(control, due_ns))


def _caught_up(control: Controlled, due_ns: Moments) -> npt.NDArray[np.bool_]:
    """Which were due in a wait of the control's, or in the half of its length after it."""
    spans = np.array(blips(control), dtype=np.int64).reshape(-1, 2)
    last = np.searchsorted(spans[:, 0], due_ns, side="right") - 1
    begin, end = spans[last, 0], spans[last, 1]
    is_near: npt.NDArray[np.bool_] = (last >= 0) & (due_ns <= end + SHARE * (end - begin))
    return is_near


def _with_queue(
    explained: npt.NDArray[np.bool_],
    due_ns: Moments,
    finished_ns: Moments,
    near: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """With those `near` that were due while an explained one, due before, was not over yet."""
    found = explained.copy()
    until_ns = 0
    for place in np.argsort(due_ns, kind="stable").tolist():
        if found[place] or (near[place] and due_ns[place] < until_ns):
            found[place] = True
            until_ns = max(until_ns, int(finished_ns[place]))
    return found


def _most_shared(
    answers: tuple[Moments, Moments],
    lives: tuple[Moments, Moments],
    first: Moments,
    beyond: Moments,
) -> Moments:
    """Of each answer, the longest time that it shares with one life of [first, beyond), in ns."""
    counts = np.maximum(beyond - first, 0)
    most = np.zeros(len(counts), dtype=np.int64)
    some = np.flatnonzero(counts)
    if not len(some):
        return most
    counts = counts[some]
    starts = np.cumsum(counts) - counts
    which = np.arange(counts.sum()) + np.repeat(first[some] - starts, counts)
    begin = np.maximum(np.repeat(answers[0][some], counts), lives[0][which])
    end = np.minimum(np.repeat(answers[1][some], counts), lives[1][which])
    most[some] = np.maximum.reduceat(end - begin, starts)
    return most


def blips(control: Controlled) -> tuple[tuple[int, int], ...]:
    """Spans, [begin, end) in monotonic ns, of requests that waited 50 ms or more, those that
    overlap as one; in the order of time.
    """
    begins, ends = control.lives
    long = ends - begins >= BLIP_NS
    begins, ends = begins[long], ends[long]
    if not len(begins):
        return ()
    latest = np.maximum.accumulate(ends)
    heads = np.flatnonzero(np.r_[True, begins[1:] > latest[:-1]])
    tails = np.r_[heads[1:], len(begins)] - 1
    return tuple(zip(begins[heads].tolist(), latest[tails].tolist(), strict=True))


def figures(
    control: Controlled | None, marks: Sequence[Mark], windows: Sequence[Window], start_ns: int
) -> ControlFigures:
    """The figures of a control that was asked for; without a history all are zero."""
    errors = tuple(_errors(control, marks))
    if control is None:
        return ControlFigures(errors=errors)
    rows = control.requests
    good = rows[rows["state"] == OK]
    window = good.loc[within(good["due_ns"], windows), "latency_ms"].to_numpy()
    longest = sorted(blips(control), key=lambda blip: blip[0] - blip[1])[:MOST_BLIPS]
    return ControlFigures(
        requests=len(rows),
        failed=int((rows["state"] == FAILED).sum()),
        in_window=len(window),
        p99_ms=_rounded(percentile(window, 990)),
        max_ms=_rounded(float(window.max())) if len(window) else None,
        blips=tuple(
            Blip(
                start_s=round((begin_ns - start_ns) / 1e9, 6),
                length_ms=round((end_ns - begin_ns) / _MS, 3),
            )
            for begin_ns, end_ns in sorted(longest)
        ),
        errors=errors,
    )


def _errors(control: Controlled | None, marks: Sequence[Mark]) -> Iterator[str]:
    lost = [str(mark.detail.get("why", "")) for mark in marks if mark.name == LOST]
    yield from lost
    if control is None:
        if not lost:
            yield "none is in the run's folder"
        return
    sent = control.record.sent
    if sent is None:
        if not lost:
            yield "its sender left no account"
    else:
        if sent.ended != "finished" and not lost:
            yield f"its sender {sent.ended}"
        yield from sent.errors
    if control.damaged:
        yield f"{control.damaged} damaged rows in its request log"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
