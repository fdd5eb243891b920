"""Swap strategies: ways to replace the old release by the new one."""

from harness.model.errors import NotJudgedError
from harness.swap.blue_green import BlueGreen
from harness.swap.canary import Canary
from harness.swap.drain import Drain
from harness.swap.follow import Follow
from harness.swap.recreate import Recreate
from harness.swap.reload import Reload
from harness.swap.rolling import Rolling
from harness.swap.scale_then_stop import ScaleThenStop
from harness.swap.stop_signal import StopSignal
from harness.swap.strategy import Swap

__all__ = ["STRATEGIES", "Swap", "named"]

STRATEGIES: dict[str, Swap] = {
    swap.name: swap
    for swap in (
        Drain(),
        Rolling(),
        BlueGreen(),
        Canary(),
        StopSignal(),
        Follow(),
        Reload(),
        Recreate(),
        ScaleThenStop(),
    )
}


def named(name: str, *, batch: int = 1) -> Swap:
    """The strategy of that name; NotJudgedError names the known ones. `batch` is of `rolling`."""
    if name == Rolling.name:
        return Rolling(batch=batch)
    try:
        return STRATEGIES[name]
    except KeyError:
        known = ", ".join(STRATEGIES)
        raise NotJudgedError(f"swap: unknown strategy {name!r}; choose one of: {known}") from None
