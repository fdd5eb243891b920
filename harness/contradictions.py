"""Settings that do not go together, by the target that they name."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from harness.model.scenario import Timing

if TYPE_CHECKING:
    from harness.config import Settings

__all__ = ["COMPOSE_ONLY", "of_compose"]

COMPOSE_ONLY: Final = frozenset({"service", "front", "tls"})
"""What neither the bundled stack nor a URL has."""

_ELSEWHERE: Final = frozenset(
    {
        "url", "mix", "traffic", "batch", "algorithm", "replicas", "drain_timeout_s",
        "stop_timeout_s", "port", "edge_port", "app_env", "images", "smoke",
    }
)  # fmt: skip
"""What a Compose project has no use for."""
_LEAST_SEEN_S: Final = Timing().settle_s + 1.0


def of_compose(settings: "Settings", given: Sequence[str]) -> Iterator[str]:
    """A line for each contradiction of settings that name a Compose project; `given` are those that
    were set.
    """
    for name in given:
        if name in _ELSEWHERE:
            yield f"{name} is of another target than a Compose project; leave it or compose out"
    if not settings.service:
        yield "compose needs service: the one that is swapped"
    if settings.deploy:
        for name in ("swap", "old_image", "new_image"):
            if name in given:
                yield (
                    f"{name} and deploy: the command decides what is swapped and how; leave one of "
                    "them out"
                )
    elif "swap" not in given:
        yield "compose needs swap (recreate or scale-then-stop), or deploy: a command that swaps"
    elif not settings.new_image:
        yield f"swap {settings.swap} of a Compose project needs new_image: the new release's image"
    timing = settings.timing()
    waits = {"after_s": timing.after_s, "between_s": timing.between_s}
    for name in ("after_s", *(("between_s",) if settings.swaps > 1 else ())):
        if waits[name] < _LEAST_SEEN_S:
            yield (
                f"{name} = {waits[name]:g} is too short: the old release may answer for "
                f"{Timing().settle_s:g} s after a swap; give it {_LEAST_SEEN_S:g} or more"
            )
    if settings.ca and not settings.tls:
        yield "ca is for a front that speaks https; say tls too, or leave it out"
