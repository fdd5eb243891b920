"""From a run's files to what others are held against: `Past`."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis.history import History, load
from harness.analysis.latency import SWAP_WINDOW, percentile
from harness.analysis.outages import outages
from harness.analysis.phases import SECOND_NS, Window, within
from harness.analysis.requests import FAILED, NOT_SENT, OK, UNKNOWN
from harness.analysis.resolution import TOTAL
from harness.analysis.steal import steal_share
from harness.model.errors import NotJudgedError
from harness.model.past import ALL, Block, Cell, Counted, Past
from harness.model.result import Result
from harness.past.conditions import conditions
from harness.past.listing import git_of
from harness.report.result_json import load as load_result

__all__ = ["STEADY", "past_of", "read_past"]

STEADY: Final = "steady"
_P99: Final = 990
_BLOCKS: Final = 10
"""That a span is cut into, where they are then neither shorter nor longer than these."""
_SHORTEST_S, _LONGEST_S = 1.0, 5.0
_MOST_BLOCKS: Final = 120
_DIGITS: Final = 3


def read_past(folder: Path) -> Past:
    """Of a run that was judged. NotJudgedError where the folder is no run's, or damaged, or not
    judged, with the remedy.
    """
    history = load(folder)
    path = folder / "result.json"
    try:
        result = load_result(path.read_bytes())
    except FileNotFoundError as error:
        raise NotJudgedError(
            f"{folder}: the run was not judged; judge it with `harness report {folder}`, or name "
            "another run"
        ) from error
    except (OSError, ValueError) as error:
        raise NotJudgedError(
            f"{path}: expected a run's result, observed: {str(error).splitlines()[0]}; write it "
            f"anew with `harness report {folder}`, or name another run"
        ) from error
    if not len(history.recorded):
        raise NotJudgedError(
            f"{folder}: no request of the run is left, and its {result.requests.sent:,} are needed "
            "to compare anything; name another run"
        )
    return past_of(history, result)


def past_of(history: History, result: Result | None = None) -> Past:
    """`result` is what it was judged to be, where that is known already."""
    record = history.record
    rows = history.requests
    counted = rows[rows["state"] != NOT_SENT]
    bad = counted["state"].isin([FAILED, UNKNOWN])
    moment = counted["due_ns"].mask(bad & (counted["failed_ns"] > 0), counted["failed_ns"])
    in_swaps = within(counted["due_ns"], history.windows) | within(moment, history.windows)
    found = outages(rows, limits=history.limits, steps=history.steps, start_ns=history.start_ns)
    ended = [phase for phase in history.phases if phase.name == "swap" and phase.ended]
    return Past(
        run=record.run,
        scenario=record.scenario.name,
        verdict=result.verdict if result is not None else None,
        git=git_of(record.environment),
        conditions=conditions(record),
        swaps=len(ended),
        swap_s=tuple(round((one.end_ns - one.begin_ns) / SECOND_NS, 3) for one in ended),
        in_swaps=_counted(bad[in_swaps]),
        outside=_counted(bad[~in_swaps]),
        cells=_cells(history),
        outages=len(found),
        outage_s=round(sum(one.end_s - one.start_s for one in found), 6),
        near_misses=result.near_misses.count if result is not None else None,
        certain_ms=history.certain_outage_ms.get(TOTAL),
        steal_share=steal_share(history.machine, history.windows),
    )


def _counted(bad: pd.Series) -> Counted:
    return Counted(failed=int(bad.sum()), sent=len(bad))


def _cells(history: History) -> Mapping[str, Mapping[str, Cell]]:
    rows = history.requests
    rows = rows[rows["state"] != NOT_SENT]
    steady = [
        Window(swap=0, begin_ns=phase.begin_ns, end_ns=phase.end_ns)
        for phase in history.phases
        if phase.name == STEADY
    ]
    streams = [one.name for one in history.record.scenario.traffic.streams if not one.slow]
    # Of one stream `all` says the same.
    chosen = {ALL: rows[~rows["slow_stream"]]} | {
        name: rows[rows["stream"] == name] for name in streams if len(streams) > 1
    }
    return {
        name: {
            STEADY: _cell(own[own["phase"] == STEADY], steady),
            SWAP_WINDOW: _cell(own[within(own["due_ns"], history.windows)], history.windows),
        }
        for name, own in chosen.items()
    }


def _cell(rows: pd.DataFrame, windows: Sequence[Window]) -> Cell:
    good = rows[rows["state"] == OK]
    latency_ms = good["latency_ms"].to_numpy()
    block_s = _block_s(windows)
    due, us = good["due_ns"].to_numpy(), _rounded_us(latency_ms)
    blocks: list[Block] = []
    taken = np.zeros(len(due), dtype=bool)
    for window in windows:
        # Windows of a quick sequence overlap: a request is of the first one that holds it.
        own = ~taken & (due >= window.begin_ns) & (due < window.end_ns)
        taken |= own
        blocks += _blocks(due[own] - window.begin_ns, us[own], window, block_s)
    p99_ms = percentile(latency_ms, _P99)
    return Cell(
        count=len(good),
        failed=int(rows["state"].isin([FAILED, UNKNOWN]).sum()),
        p99_ms=None if p99_ms is None else round(p99_ms, 3),
        block_s=round(block_s, 3),
        blocks=tuple(blocks),
    )


def _block_s(windows: Iterable[Window]) -> float:
    """A tenth of the whole span, but 1 s at least, as what disturbs a request lasts so long, and
    5 s at most, a swap's length, as a swap is one trial; longer only where blocks were too many.
    """
    span_s = sum(window.end_ns - window.begin_ns for window in windows) / SECOND_NS
    return max(min(max(span_s / _BLOCKS, _SHORTEST_S), _LONGEST_S), span_s / _MOST_BLOCKS)


def _blocks(
    at_ns: npt.NDArray[np.int64], us: npt.NDArray[np.int64], window: Window, block_s: float
) -> list[Block]:
    """The window in blocks of about that length, all alike."""
    length_ns = window.end_ns - window.begin_ns
    number = max(1, round(length_ns / SECOND_NS / block_s))
    index = np.minimum(at_ns * number // max(length_ns, 1), number - 1)
    return [_block(us[index == one]) for one in range(number)]


def _block(us: npt.NDArray[np.int64]) -> Block:
    values, counts = np.unique(us, return_counts=True)
    return Block(us=tuple(values.tolist()), n=tuple(counts.tolist()))


def _rounded_us(latency_ms: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Microseconds in three digits: 4,567 is 4,570."""
    us = np.maximum(np.rint(latency_ms * 1e3), 1.0)
    step = 10.0 ** np.maximum(np.floor(np.log10(us)) - (_DIGITS - 1), 0.0)
    return np.asarray((np.rint(us / step) * step).astype(np.int64))
