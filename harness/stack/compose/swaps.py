"""What Compose itself can do to replace a service's containers; what stands before them is the
project's own, and is told nothing.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from harness.model.errors import NotJudgedError, ReleaseError
from harness.swap.moves import attempt, undone
from harness.swap.strategy import Steps
from harness.target import Instance

__all__ = ["SCALES", "SWAPS", "Moves", "Replace", "named", "recreate", "scale_then_stop"]


class Moves(Protocol):
    """What a swap is made of. ReleaseError where the release is at fault."""

    def running(self) -> tuple[Instance, ...]:
        """The service's, oldest first."""

    def present(self) -> tuple[Instance, ...]:
        """Those too that have ended and were not removed."""

    def recreate(self, swap: int) -> None:
        """All of them anew, from the image of that swap's new release."""

    def scale(self, swap: int, count: int) -> None:
        """As many as `count`, the missing ones from that image; none that runs is touched."""

    def await_ready(self, instance: Instance) -> str:
        """Returns once it is, and by what that was told."""

    def stop(self, instance: Instance) -> None:
        """Its stop signal, the wait for its end, and its removal."""

    def discard(self, instance: Instance) -> None: ...


Replace = Callable[[Moves, Steps], None]


def recreate(moves: Moves, steps: Steps) -> None:
    """`docker compose up -d --force-recreate`: each is stopped before its successor starts, so the
    service is away meanwhile. A new release that is never ready leaves nothing serving.
    """
    with steps.step("recreate"):
        moves.recreate(steps.swap)
    _await(moves, steps, moves.present())


def scale_then_stop(moves: Moves, steps: Steps) -> None:
    """Twice as many containers, the new ones from the new image; once those are ready, the old ones
    are stopped in their order. Where the new ones do not become ready they are removed, and the old
    ones serve on.
    """
    old, before = moves.running(), moves.present()
    if not old:
        raise ReleaseError("no container of the service runs any more, so there is none to replace")
    try:
        with steps.step("scale"):
            moves.scale(steps.swap, 2 * len(old))
        _await(moves, steps, _new(moves, before))
    except Exception as error:  # noqa: BLE001 (raised again, after what was made is gone)
        failures = []
        for instance in _new(moves, before):
            failures += attempt(
                lambda instance=instance: _discard(moves, steps, instance),  # type: ignore[misc]
                f"{instance.name} could not be removed",
            )
        raise undone(error, failures) from error.__cause__
    for instance in old:
        with steps.step("stop", instance):
            moves.stop(instance)


SWAPS: Final[dict[str, Replace]] = {"recreate": recreate, "scale-then-stop": scale_then_stop}
SCALES: Final = frozenset({"scale-then-stop"})
"""Those by which old and new containers run side by side."""


def named(name: str) -> Replace:
    """NotJudgedError for a strategy that Compose cannot carry out, with those that it can."""
    if name not in SWAPS:
        raise NotJudgedError(
            f"compose: swap {name!r} is not one that Compose can carry out; choose one of: "
            f"{', '.join(SWAPS)}, or say how to swap with --deploy COMMAND (the others tell the "
            "bundled stack's own balancer what to do, and a project's proxy is its own)"
        )
    return SWAPS[name]


def _new(moves: Moves, before: Sequence[Instance]) -> tuple[Instance, ...]:
    return tuple(instance for instance in moves.present() if instance not in before)


def _await(moves: Moves, steps: Steps, instances: Sequence[Instance]) -> None:
    for instance in instances:
        with steps.step("ready", instance):
            why = moves.await_ready(instance)
        steps.judged(instance.name, "ready", why)


def _discard(moves: Moves, steps: Steps, instance: Instance) -> None:
    with steps.step("discard", instance):
        moves.discard(instance)
