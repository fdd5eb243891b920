"""The run's timeline: phases, steps and swap windows, from its marks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.model.mark import Edge, Mark, MarkKind
from harness.model.traffic import PROBE

__all__ = [
    "Phase",
    "Step",
    "Window",
    "begun_at",
    "phases",
    "steps",
    "swap_windows",
    "with_phase",
    "within",
]

SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A phase of the run, [begin, end) in monotonic ns. `swap` is 0 outside of swaps."""

    name: str
    swap: int
    begin_ns: int
    end_ns: int
    ended: bool = True
    """False where its end mark is missing: `end_ns` is then the last known moment."""

    @property
    def label(self) -> str:
        """`swap 1`, `after 1`, `steady`."""
        return f"{self.name} {self.swap}" if self.swap else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a swap; `name` says what was done to whom: `stop website-1`."""

    name: str
    verb: str
    swap: int
    instance: str
    release: str
    begin_ns: int
    end_ns: int
    ended: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A swap with what settles after it, [begin, end) in monotonic ns."""

    swap: int
    begin_ns: int
    end_ns: int


def _pairs(marks: Iterable[Mark], last_ns: int) -> list[tuple[Mark, int, bool]]:
    """(begin mark, end, whether it ended), in the order of beginning.

    An end belongs to the earliest open begin of its name and swap.
    """
    ordered = sorted(marks, key=lambda mark: mark.at_ns)
    open_: dict[tuple[str, object], list[int]] = {}
    pairs: list[tuple[Mark, int, bool]] = []
    for mark in ordered:
        key = (mark.name, mark.detail.get("swap"))
        if mark.edge is Edge.begin:
            open_.setdefault(key, []).append(len(pairs))
            pairs.append((mark, max(last_ns, mark.at_ns), False))
        elif mark.edge is Edge.end and open_.get(key):
            index = open_[key].pop(0)
            pairs[index] = (pairs[index][0], mark.at_ns, True)
    return pairs


def _swap(mark: Mark) -> int:
    try:
        return int(mark.detail.get("swap", 0))
    except ValueError:
        return 0


def phases(marks: Iterable[Mark], last_ns: int) -> tuple[Phase, ...]:
    """Phases by their beginning; one without an end mark ends at `last_ns`."""
    return tuple(
        Phase(name=mark.name, swap=_swap(mark), begin_ns=mark.at_ns, end_ns=end, ended=ended)
        for mark, end, ended in _pairs((m for m in marks if m.kind is MarkKind.phase), last_ns)
    )


def steps(marks: Iterable[Mark], last_ns: int) -> tuple[Step, ...]:
    """Steps by their beginning. The verb is the mark's own, else its name's first word."""
    return tuple(
        Step(
            name=mark.name,
            verb=str(mark.detail.get("verb") or mark.name.split(" ")[0]),
            swap=_swap(mark),
            instance=str(mark.detail.get("instance", "")),
            release=str(mark.detail.get("release", "")),
            begin_ns=mark.at_ns,
            end_ns=end,
            ended=ended,
        )
        for mark, end, ended in _pairs((m for m in marks if m.kind is MarkKind.step), last_ns)
    )


def begun_at(steps: Sequence[Step], at_ns: int) -> Step | None:
    """The step that had begun last at a moment; None before the first."""
    begun = [step for step in steps if step.begin_ns <= at_ns]
    return max(begun, key=lambda step: step.begin_ns) if begun else None


def swap_windows(found: Iterable[Phase], settle_s: float) -> tuple[Window, ...]:
    """Each swap phase with `settle_s` more seconds. Windows of a quick sequence may overlap."""
    return tuple(
        Window(
            swap=phase.swap,
            begin_ns=phase.begin_ns,
            end_ns=phase.end_ns + int(settle_s * SECOND_NS),
        )
        for phase in found
        if phase.name == "swap"
    )


def within(at_ns: pd.Series, windows: Iterable[Window]) -> npt.NDArray[np.bool_]:
    """For each moment, whether a window holds it."""
    moments = at_ns.to_numpy()
    held = np.zeros(len(moments), dtype=bool)
    for window in windows:
        held |= (moments >= window.begin_ns) & (moments < window.end_ns)
    return held


def with_phase(samples: pd.DataFrame, found: Sequence[Phase]) -> pd.DataFrame:
    """The samples with columns `phase` and `swap`: the phase that had begun last when due.

    So a sample that was due in the moment between two marks belongs to the phase before it, and
    none falls out of judgement. Probes are `answering`; before any phase it is the empty name.
    """
    ordered = sorted(found, key=lambda phase: phase.begin_ns)
    begins = np.array([phase.begin_ns for phase in ordered], dtype=np.int64)
    # Position 0 is `before any phase`, 1 the probes', then the phases in their order.
    index = np.searchsorted(begins, samples["due_ns"].to_numpy(), side="right")
    index = np.where(index > 0, index + 1, 0)
    index = np.where((samples["stream"] == PROBE).to_numpy(), 1, index)
    names = ["", "answering", *(phase.name for phase in ordered)]
    swaps = np.array([0, 0, *(phase.swap for phase in ordered)], dtype=np.int64)
    categories = list(dict.fromkeys(names))
    codes = np.array([categories.index(name) for name in names], dtype=np.int32)
    phase = pd.Categorical.from_codes(codes[index], categories=pd.Index(categories, dtype="str"))
    return samples.assign(phase=phase, swap=swaps[index])
