"""What is said of a workload in a sentence, and how figures are put."""

from collections.abc import Sequence
from typing import Final

from harness.bench.statistics import Comparison, Interval

__all__ = ["BASELINE", "load_text", "sentence", "times"]

BASELINE: Final = "roundrobin"


def sentence(
    title: str, load: float | None, comparison: Comparison, algorithms: Sequence[str]
) -> str:
    """`one server 5 times slower, at 70 % load: leastconn's p99 is 3.1 ± 0.2 times lower than
    roundrobin's; random-2's 2.4 ± 0.2; no difference is shown for static-rr`.

    Compared with round robin, or where that is not there with the first algorithm.
    """
    about = f"{title}{load_text(load)}"
    known = [name for name in algorithms if name not in comparison.left_out]
    lacking = (
        f"; too few rounds resolve p99 for {_listed(comparison.left_out)}"
        if comparison.left_out
        else ""
    )
    if len(known) < 2:
        return f"{about}: nothing to compare{lacking}"
    base = BASELINE if BASELINE in known else known[0]
    lower, higher, alike, unpaired = [], [], [], []
    for name in known:
        if name == base:
            continue
        found = comparison.between(base, name)
        if found is None:
            unpaired.append(name)
        elif not found.is_shown:
            alike.append(name)
        elif found.ratio.middle >= 1:
            lower.append((found.ratio.middle, name, found.ratio))
        else:
            turned = comparison.between(name, base)
            ratio = turned.ratio if turned else found.ratio
            higher.append((ratio.middle, name, ratio))
    parts = [
        part
        for found_, way in ((lower, "lower"), (higher, "higher"))
        if (part := _ranked(found_, way, base))
    ]
    if alike:
        parts.append(f"no difference to {base} is shown for {_listed(alike)}")
    if unpaired:
        parts.append(f"too few rounds in common with {base} has {_listed(unpaired)}")
    return f"{about}: {'; '.join(parts)}{lacking}"


def _ranked(found: Sequence[tuple[float, str, Interval]], way: str, base: str) -> str:
    ordered = sorted(found, key=lambda one: -one[0])
    said = [
        f"{name}'s p99 is {times(ratio)} times {way} than {base}'s"
        if not place
        else f"{name}'s {times(ratio)}"
        for place, (_, name, ratio) in enumerate(ordered)
    ]
    return "; ".join(said)


def times(ratio: Interval) -> str:
    """`3.1 ± 0.2`, the margin that of the longer side."""
    digits = 1 if ratio.margin >= 0.05 else 2 if ratio.margin >= 0.005 else 3
    return f"{ratio.middle:.{digits}f} ± {ratio.margin:.{digits}f}"


def load_text(load: float | None) -> str:
    """`, at 70 % load`; empty where the workload has a rate of its own."""
    return "" if load is None else f", at {load * 100:g} % load"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
