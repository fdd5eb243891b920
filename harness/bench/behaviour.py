"""Which way of choosing a round's own requests tell of, where no proxy's state does.

HAProxy 3.0 says `unknown` of random, whatever the number of draws (`show stat`; no other command
knows it either), and NGINX says nothing. But who was chosen, and how many requests each server had
then, is in the samples, and each way of choosing makes some choices likelier than others. A round
contradicts its algorithm only where another way explains it exp(20) times as well: were it what it
is said to be, that would happen less than once in 10^8 rounds.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.bench.model import Algorithm, Workload

__all__ = ["contradiction", "log_likelihoods"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_CLEAR: Final = 20.0
_LEAST: Final = 100
_ALONE_NS: Final = 500_000
_QUICK_NS: Final = 2_000_000
"""Only who came with nothing else coming or going within half a millisecond, and was held up
nowhere, is looked at: what the proxy knew then is what the sender knows."""
_BLUNDERS: Final = (0.02, 0.05)
"""Shares of choices that may be anything, as loads are not known to the last request. For each way
the one that suits it best: a disturbed round is not put down to another way."""

_WAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "random-1": ("random(1)", "random(2)", "random(3)"),
    "random-2": ("random(2)", "random(1)", "random(3)"),
    "random-2-weighted": ("random(2)", "random(1)", "random(3)"),
    "random-3": ("random(3)", "random(1)", "random(2)"),
    "nginx-roundrobin": ("by turns", "least connections", "random two", "random(1)"),
    "nginx-least_conn": ("least connections", "by turns", "random two", "random(1)"),
    "nginx-random-two": ("random two", "by turns", "least connections", "random(1)"),
}
"""By algorithm: its own way, and those that the proxy might have taken in its stead."""


def contradiction(algorithm: Algorithm, workload: Workload, samples: pd.DataFrame) -> str:
    """What the round says against its algorithm; empty where that is nothing, or nothing clear."""
    ways = _WAYS.get(algorithm.name)
    is_changed = any(change.is_away or change.weight for change in workload.changes)
    if ways is None or is_changed or workload.is_sticky:
        return ""
    weights = workload.weights() if algorithm.is_weighted else (1,) * workload.servers
    found, choices = log_likelihoods(samples, weights)
    if choices < _LEAST:
        return ""
    best = max(ways, key=found.__getitem__)
    clearly = found[best] - found[ways[0]]
    if clearly < _CLEAR:
        return ""
    return (
        f"it was chosen by {best}, not by {ways[0]}: that explains {choices} choices "
        f"exp({clearly:.0f}) times as well"
    )


def log_likelihoods(
    samples: pd.DataFrame, weights: tuple[int, ...]
) -> tuple[Mapping[str, float], int]:
    """Of the choices under each way, and how many choices were looked at."""
    known = samples[samples["server"].isin([_name(at) for at in range(len(weights))])]
    known = known.sort_values("sent_ns")
    sent, finished = known["sent_ns"].to_numpy(), known["finished_ns"].to_numpy()
    number = {_name(at): at for at in range(len(weights))}
    chosen = known["server"].map(number).to_numpy(dtype=np.int64)
    loads = np.stack([_at_server(sent, finished, chosen == at) for at in range(len(weights))], 1)
    moments = np.sort(np.concatenate((sent, finished)))
    near = np.searchsorted(moments, sent + _ALONE_NS, "right")
    near -= np.searchsorted(moments, sent - _ALONE_NS, "left")
    before = np.concatenate(([-1], chosen[:-1]))
    took = known["served_us"].to_numpy() + known["queued_us"].to_numpy().clip(0)
    is_quick = finished - sent - took * 1000 < _QUICK_NS
    looked_at = (near == 1) & (before >= 0) & is_quick
    share = np.array(weights) / sum(weights)
    choices = _Choices(loads[looked_at] / share, chosen[looked_at], before[looked_at], share)
    own = choices.own_share
    return {
        name: max(
            float(np.log((1 - blunder) * way(choices) + blunder * own).sum())
            for blunder in _BLUNDERS
        )
        for name, way in _CHANCES.items()
    }, int(looked_at.sum())


class _Choices:
    """A row a choice. Of the servers that were as loaded, more loaded, or either, the share that
    chance would draw at once.
    """

    def __init__(self, load: Floats, chosen: Ints, before: Ints, share: Floats) -> None:
        own = load[np.arange(len(load)), chosen][:, None]
        self.is_next = chosen == (before + 1) % len(share)
        self.own_share = share[chosen]
        self.level = (np.isclose(load, own) * share).sum(1)
        self.above = ((load > own) & ~np.isclose(load, own)) @ share
        self.is_least = self.level + self.above > 1 - 1e-9
        self.pairs = 1 - float((share**2).sum())
        """Probability that two draws differ."""

    def of_draws(self, draws: int) -> Floats:
        """The least loaded of so many; with replacement, of equals any."""
        either = self.level + self.above
        found: Floats = (either**draws - self.above**draws) * self.own_share / self.level
        return found

    def of_two(self) -> Floats:
        """Without replacement."""
        twice = self.own_share**2
        found: Floats = (self.of_draws(2) - twice) / self.pairs
        return found


_CHANCES: Final[Mapping[str, Callable[[_Choices], Floats]]] = {
    "random(1)": lambda choices: choices.of_draws(1),
    "random(2)": lambda choices: choices.of_draws(2),
    "random(3)": lambda choices: choices.of_draws(3),
    "random two": lambda choices: choices.of_two(),
    "by turns": lambda choices: choices.is_next.astype(float),
    "least connections": lambda choices: choices.is_least * choices.own_share / choices.level,
}


def _at_server(sent: Ints, finished: Ints, is_its: npt.NDArray[np.bool_]) -> Ints:
    """How many requests it had when each was sent."""
    came = np.searchsorted(sent[is_its], sent, "left")
    left = np.searchsorted(np.sort(finished[is_its]), sent, "left")
    return came - left


def _name(at: int) -> str:
    return f"replica-{at + 1}"
