"""The bundled stack with images of the user's own: an app that knows nothing of the harness."""

import re
from collections.abc import Sequence
from typing import Final

from harness.app_mix import app_mix
from harness.config import Settings
from harness.faults import Fault
from harness.locustfile import probed
from harness.model.errors import NotJudgedError
from harness.model.row import NAME_BYTES
from harness.model.scenario import Scenario
from harness.model.traffic import Traffic
from harness.run import Parts
from harness.stack.app import App
from harness.stack.own import OwnApp
from harness.stack.smoke import Question, question_of, question_of_page
from harness.stack.variation import AS_IT_IS, Variation
from harness.swap.strategy import Swap
from harness.ways import stacked

__all__ = ["default_traffic", "new_stack", "prepared", "release_names"]

_PLAIN: Final = ("old", "new")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*")
"""What an image's name is made of; HAProxy's commands and headers take all of it."""
_COMPONENTS: Final = frozenset({"base", "edge", "balancer", "store", "netfilter"})


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
    """NotJudgedError for a variation: it changes what the sample website or its stack does."""
    if variation != AS_IT_IS:
        raise NotJudgedError("variation: only the sample website's stack is varied; leave it out")
    return stacked.prepared(
        run,
        settings,
        traffic,
        name,
        faults,
        strategy=strategy,
        variation=variation,
        releases=_releases(settings),
        made=OwnApp,
    )


def default_traffic(settings: Settings) -> Traffic:
    """GETs of the pages at the rate of the settings; before a locustfile's users, the probe's."""
    if settings.locustfile:
        return probed(
            settings.page[0],
            expect_status=settings.expect_status,
            expect_text=settings.expect_text,
            release_from="header:X-Release",
            timeout_s=settings.timeout_s,
        )
    return app_mix(
        settings.page,
        settings.rate,
        expect_status=settings.expect_status,
        expect_text=settings.expect_text,
        timeout_s=settings.timeout_s,
        arrivals=settings.arrivals,
    )


def new_stack(run: str, settings: Settings) -> OwnApp:
    """The stack for that run, with the old image; nothing is started yet."""
    return OwnApp(
        stacked.planned(run, settings, _releases(settings), traffic=default_traffic(settings))
    )


def release_names(old: str, new: str) -> tuple[str, str]:
    """Names for the two that differ, each short enough for a sample's row: the images' own, or what
    comes after their last slash, else `old` and `new`.
    """
    for names in ((old, new), (old.rpartition("/")[2], new.rpartition("/")[2])):
        if len(set(names)) == len(names) and all(map(_can_name, names)):
            return names
    return _PLAIN


def _can_name(text: str) -> bool:
    return bool(_NAME.fullmatch(text)) and len(text) <= NAME_BYTES and text not in _COMPONENTS


def _question_of(traffic: Traffic) -> Question | None:
    """Whole texts are known of traffic of the user's own alone."""
    return question_of(traffic) or question_of_page(traffic)


def _releases(settings: Settings) -> stacked.Releases:
    names = release_names(settings.old_image, settings.new_image)
    return stacked.Releases(
        names=names,
        question_of=_question_of,
        app=App(
            port=settings.port,
            health=settings.health,
            environment=settings.app_env,
            is_sample=False,
        ),
        images=dict(zip(names, (settings.old_image, settings.new_image), strict=True)),
        settings={
            "old_image": settings.old_image,
            "new_image": settings.new_image,
            "port": settings.port,
            "health": settings.health,
            # Names alone: a value may be a secret.
            **({"app_env": " ".join(settings.app_env)} if settings.app_env else {}),
        },
        prefix="images-",
    )
