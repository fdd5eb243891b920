"""A swap in the middle of a round: what a workload asks for, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Swap", "Swapped", "incomplete", "slot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """All servers are replaced as the strategy `drain` does it: new ones are started, await their
    turn and are admitted; then the old ones are drained and stopped.
    """

    begins: float
    """Share of a round, above 0, as what comes before is what it is compared with."""
    least_seconds: float = 12.0
    """Of a round, its warm-up not included; a shorter one would be over before the swap is."""

    def __post_init__(self) -> None:
        """ValueError for what cannot be."""
        if not 0 < self.begins < 1:
            raise ValueError(f"a swap that begins at {self.begins} of a round; above 0, below 1")
        if not 0 < self.least_seconds <= 3600:
            raise ValueError(f"least_seconds = {self.least_seconds:g}; above 0 up to 3600")


@dataclass(frozen=True, slots=True, kw_only=True)
class Swapped:
    """What became of a round's swap. Times are monotonic; 0 is never.

    The round's servers are then named on: of four, `replica-1` to `replica-4` are the old ones,
    and `replica-5` takes the slot of `replica-1`.
    """

    begun_ns: int
    over_ns: int = 0
    """When the last old one had ended."""
    admitted_ns: tuple[int, ...] = ()
    """Of each new one, when it was admitted."""
    drained_ns: tuple[int, ...] = ()
    """Of each old one, when nothing new was sent there any more."""
    exit_codes: Mapping[str, int] = field(default_factory=dict)
    """Of the old ones that have ended."""
    problem: str = ""
    """Why it was not carried out."""


def slot(name: str, servers: int) -> str:
    """The place of a server of a swap: old one and new one share it. Other names are as they are.

    `replica-5` of 4 is in the place of `replica-1`.
    """
    kind, _, number = name.rpartition("-")
    return f"{kind}-{(int(number) - 1) % servers + 1}" if number.isdecimal() else name


def incomplete(
    swapped: Swapped, servers: int, answered: Mapping[str, int], stop_ns: int
) -> Sequence[str]:
    """Why the round is no evidence of a swap; empty where it is. `answered` are requests answered
    right, by server.
    """
    if swapped.problem:
        return [f"the swap failed: {swapped.problem}"]
    found: list[str] = []
    if not swapped.begun_ns < swapped.over_ns <= stop_ns:
        late_s = (swapped.over_ns - stop_ns) / 1e9
        found.append(
            f"the swap was over {late_s:.1f} s after the round's end; --seconds gives more"
        )
    for number in range(1, servers + 1):
        old, new = f"replica-{number}", f"replica-{servers + number}"
        code = swapped.exit_codes.get(old)
        if code is None:
            found.append(f"{old} was not stopped")
        elif code:
            found.append(f"{old} did not end by its stop signal (exit code {code})")
        if not answered.get(new):
            found.append(f"{new} was admitted and answered no request")
    return found
