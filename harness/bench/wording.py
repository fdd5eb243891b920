"""What is said of a workload in a sentence, and how figures are put."""

from collections.abc import Mapping, Sequence
from typing import Final

from harness.bench.result import Past, PastFigures
from harness.bench.statistics import Comparison, Interval

__all__ = [
    "BASELINE",
    "TWO",
    "load_text",
    "past_sentences",
    "sentence",
    "share_sentence",
    "times",
]

BASELINE: Final = "roundrobin"
TWO: Final = "random-2"
_ONE: Final = "leastconn"
"""Whose places change as balancers become more."""


def sentence(
    title: str, load: float | None, comparison: Comparison, algorithms: Sequence[str]
) -> str:
    """`one server 5 times slower, at 70 % load: leastconn's p99 is 3.1 ± 0.2 times lower than
    roundrobin's; random-2's 2.4 ± 0.2; no difference is shown for static-rr`.

    Compared with round robin, or where that is not there with the first algorithm.
    """
    about = f"{title}{load_text(load)}"
    known = [
        name
        for name in algorithms
        if name not in comparison.left_out and name not in comparison.unbounded
    ]
    lacking = _lacking(comparison)
    if len(known) < 2:
        return f"{about}: {'; '.join(filter(None, ('nothing to compare', lacking)))}"
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
    parts = [_ranked(found_, way, base) for found_, way in ((lower, "lower"), (higher, "higher"))
             if found_]  # fmt: skip
    if alike:
        of = "" if parts else " of p99"
        parts.append(f"no difference{of} to {base} is shown for {_listed(alike)}")
    if unpaired:
        have = "has" if len(unpaired) == 1 else "have"
        parts.append(f"{_listed(unpaired)} {have} too few rounds in common with {base}")
    return f"{about}: {'; '.join(filter(None, (*parts, lacking)))}"


def _lacking(comparison: Comparison) -> str:
    """Of whom there is no p99, and why."""
    return "; ".join(
        f"{why} {_listed(names)}"
        for why, names in (
            ("failed requests reach p99 of", comparison.unbounded),
            ("too few rounds resolve p99 for", comparison.left_out),
        )
        if names
    )


def share_sentence(title: str, within_ms: float, shares: Mapping[str, Interval | None]) -> str:
    """`one server of 11 at 2 s for half of the time: within 1 s: leastconn 99.8 ± 0.1 %, roundrobin
    95.4 ± 0.3 %`, the best first. Empty where all are the same, or none is known.
    """
    known = {name: found for name, found in shares.items() if found}
    if len({f"{found.middle * 100:.2f}" for found in known.values()}) < 2:
        return ""
    ordered = sorted(known.items(), key=lambda one: -one[1].middle)
    said = ", ".join(f"{name} {_share(found)}" for name, found in ordered)
    unknown = [name for name in shares if name not in known]
    lacking = f"; too few rounds count of {_listed(unknown)}" if unknown else ""
    within = f"{within_ms / 1000:g} s" if within_ms >= 1000 else f"{within_ms:g} ms"
    return f"{title}: within {within}: {said}{lacking}"


def _share(found: Interval) -> str:
    """The margin is that of the longer side: none is above 100 %."""
    margin = max(found.middle - found.low, found.high - found.middle) * 100
    middle = found.middle * 100
    digits = 1 if margin >= 0.15 else 2
    return f"{middle:.{digits}f} ± {margin:.{digits}f} %" if margin else f"{middle:g} %"


def past_sentences(past: Past) -> tuple[str, ...]:
    """Of the most servers: p99 by balancers, who is ahead, and what beginning apart does."""
    most = max(each.servers for each in past.figures)
    last = [each for each in past.figures if each.servers == most]
    together = [each for each in last if each.is_together]
    at = f"{most:,} servers at {past.load * 100:g} % load"
    names = dict.fromkeys(each.algorithm for each in last)
    rows = {name: [each for each in together if each.algorithm == name] for name in names}
    said = []
    if together:
        counts = _listed([f"{each.balancers:,}" for each in next(iter(rows.values()))])
        p99s = "; ".join(
            f"{name} {_listed([_middle(each) for each in own])}" for name, own in rows.items()
        )
        said = [
            f"{at}, behind {counts} balancers that begin together, p99 in service times: {p99s}"
        ]
        said += _turned(rows)
    for count in sorted({each.balancers for each in last if not each.is_together}):
        apart = [each for each in last if not each.is_together and each.balancers == count]
        p99s = ", ".join(f"{each.algorithm} {_middle(each)}" for each in apart)
        said.append(f"{at}, behind {count:,} balancers that each begin elsewhere: {p99s}")
    return tuple(said)


def _turned(rows: Mapping[str, Sequence[PastFigures]]) -> list[str]:
    """Behind how many balancers least connections is ahead of random(2)."""
    if not (_ONE in rows and TWO in rows):
        return []
    found: dict[str, list[str]] = {}
    for each in rows[_ONE]:
        low, high = each.to_two.low, each.to_two.high
        way = "not shown to differ from"
        if low is not None and high is not None and not low <= 1 <= high:
            way = "higher than" if low > 1 else "lower than"
        found.setdefault(way, []).append(f"{each.balancers:,}")
    told = [
        f"{way} {TWO}'s behind {_listed(counts)} {'balancer' if counts == ['1'] else 'balancers'}"
        for way, counts in found.items()
    ]
    return [f"{_ONE}'s p99 there is {', '.join(told)}"]


def _middle(each: PastFigures) -> str:
    middle = each.times["p99"].middle
    return "-" if middle is None else f"{middle:.1f}"


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
    margin = max(ratio.margin, 0.001)
    digits = 0 if margin >= 15 else 1 if margin >= 0.15 else 2 if margin >= 0.015 else 3
    return f"{ratio.middle:.{digits}f} ± {margin:.{digits}f}"


def load_text(load: float | None) -> str:
    """`, at 70 % load`; empty where the workload has a rate of its own."""
    return "" if load is None else f", at {load * 100:g} % load"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
