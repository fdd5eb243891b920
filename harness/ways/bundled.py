"""The bundled stack with the sample website."""

from collections.abc import Sequence
from typing import Final

from harness.config import Settings
from harness.faults import Fault
from harness.locustfile import probed
from harness.mixes import mixed
from harness.model.scenario import Scenario
from harness.model.traffic import Traffic
from harness.run import Parts
from harness.stack.smoke import question_of
from harness.stack.stack import Stack
from harness.stack.variation import AS_IT_IS, Variation
from harness.swap.strategy import Swap
from harness.ways import stacked

__all__ = ["RELEASES", "default_traffic", "new_stack", "prepared"]

RELEASES = ("v1", "v2")
_SAMPLE: Final = stacked.Releases(names=RELEASES, question_of=question_of)


def prepared(
    run: str,
    settings: Settings,
    traffic: Traffic,
    name: str,
    faults: Sequence[Fault],
    *,
    strategy: Swap,
    variation: Variation,
) -> tuple[Scenario, Parts]:
    return stacked.prepared(
        run,
        settings,
        traffic,
        name,
        faults,
        strategy=strategy,
        variation=variation,
        releases=_SAMPLE,
        made=Stack,
    )


def default_traffic(settings: Settings) -> Traffic:
    """The chosen mix at the rate of the settings; before a locustfile's users, the probe's."""
    if settings.locustfile:
        return probed("/", release_from="header:X-Release", timeout_s=settings.timeout_s)
    return mixed(
        settings.mix,
        settings.rate,
        rates=settings.traffic,
        timeout_s=settings.timeout_s,
        arrivals=settings.arrivals,
    )


def new_stack(
    run: str,
    settings: Settings,
    *,
    disturbed: bool = False,
    control: bool = False,
    discovery: str = "",
    variation: Variation = AS_IT_IS,
    traffic: Traffic | None = None,
) -> Stack:
    """The bundled stack for that run; nothing is started yet. `discovery` is as the strategy of the
    settings needs it where it is not said, `traffic` what new instances are tried by, or the mix of
    the settings.
    """
    return Stack(
        stacked.planned(
            run,
            settings,
            _SAMPLE,
            disturbed=disturbed,
            control=control,
            discovery=discovery,
            variation=variation,
            traffic=traffic or default_traffic(settings),
        )
    )
