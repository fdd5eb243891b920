"""`compare.json`: strategies side by side. Its JSON Schema is generated from these types."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.compare.model import Plan

__all__ = ["FIGURES", "CompareResult", "Mean", "Row", "RunLine", "Versus"]

FIGURES = (
    "failed_share", "failed", "outage_ms", "added_p99_ms", "added_max_ms", "near_misses", "swap_s",
)  # fmt: skip
"""What is compared, in the order of the table. `failed_share` is of all requests of a run; all
others but the added latencies are a swap's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """An arithmetic mean over the rounds that have the figure, with its 95 % interval."""

    middle: float | None = None
    """Null: no round has it."""
    low: float | None = None
    """Null, as `high`, with fewer than 3 rounds that have it, or where they do not differ: what is
    alike by chance bounds nothing."""
    high: float | None = None
    """Of a share that was 0 in every round: the exact bound, were failures to come singly."""
    rounds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Versus:
    """A figure beside the best strategy's, paired by round: the difference to it."""

    figure: str
    difference: Mean
    p: float | None
    """By Holm's correction for all pairs of strategies in that figure; null where there is no
    interval."""
    is_shown: bool
    """Whether they differ, as far as these rounds can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A strategy. Runs that are no evidence count nowhere but in `runs`."""

    strategy: str
    runs: int
    """That were made."""
    counted: int
    """Of them."""
    verdicts: Mapping[str, int]
    """Runs by verdict; those without one are under `not judged`."""
    swaps: int
    """That were completed."""
    failed_swaps: int
    """That began and were not completed."""
    requests: int
    dropped: int
    """Requests that failed, and unanswered writes of which the store tells nothing."""
    dropping: int
    """Runs that dropped, lost or doubled something."""
    drop_bound: float | None
    """Upper 95 % bound on the probability that a swap drops a request; null unless every swap of
    the runs was clean: completed, and every check passed but `latency`."""
    certain_ms: float | None
    """A total outage of that length would have been seen in each of the swaps; null: no length."""
    writes: int | None
    """Acknowledged. Null, as `lost` and `doubled`: no run's were held against the store."""
    lost: int | None
    doubled: int | None
    unread: int
    """Runs whose writes were not held against the store: they are in none of the three."""
    figures: Mapping[str, Mean]
    """By the names of FIGURES."""
    versus: tuple[Versus, ...]
    """Beside the first of the best; empty for that one itself."""
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run, and where its report is."""

    round: int
    strategy: str
    verdict: str
    """Empty where it was not judged."""
    folder: str
    """Beside the comparison's own; empty where it left none."""
    counts: bool
    why: str
    """Why it does not count; of one that counts, what in it is in doubt. Empty: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareResult:
    """A judged comparison."""

    schema: int = 1
    harness: str
    """Version of the harness that judged."""
    run: str
    plan: Plan
    planned: int
    done: int
    rows: tuple[Row, ...]
    """The best first; then those with a swap that failed; those of which no run counts last."""
    best: tuple[str, ...]
    """The first row's, then those from which no difference to it is shown in 5 or more rounds.
    Empty where fewer than two strategies have a run that counts, or where each had a swap that
    failed."""
    untold: tuple[str, ...]
    """Those that too few rounds tell from the first row's."""
    runs: tuple[RunLine, ...]
    """In the order in which they were made."""
    environment: Mapping[str, str | int | float | bool]
