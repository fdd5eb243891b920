"""Whatever answers at a URL, and a command of the user's that replaces its release."""

from typing import Any

from harness.calibration.calibrator import calibrator
from harness.config import Settings
from harness.control import NoControl, StubControl
from harness.kept import environment_of, scenario_name
from harness.locustfile import closed_loop, probed
from harness.model.errors import NotJudgedError
from harness.model.scenario import Scenario
from harness.model.traffic import Traffic
from harness.run import Parts
from harness.site import Address, UrlTarget, address_of, trusted
from harness.site_mix import site_mix
from harness.site_streams import site_streams
from harness.swap.deploy import Deploy, check_command
from harness.traffic.sender import ChildSender

__all__ = ["default_traffic", "prepared"]


def prepared(run: str, settings: Settings, traffic: Traffic, name: str) -> tuple[Scenario, Parts]:
    check_command(settings.deploy)
    loop = closed_loop(settings)
    if loop is None:
        _refuse_unseen(settings, traffic)
    scenario = Scenario(
        name=scenario_name(name or "deploy"),
        target="url",
        swap="deploy",
        swaps=settings.swaps,
        releases=("", ""),
        traffic=traffic,
        keeps_store=False,
        timing=settings.timing(),
        limits=settings.limits(),
        seed=settings.seed,
        control=settings.control,
        calibrated=settings.calibrate and loop is None,
        closed_loop=loop,
        settings={"deploy_timeout_s": settings.deploy_timeout_s},
    )
    folder = settings.reports / scenario.name / run
    return scenario, Parts(
        target=UrlTarget(
            *_addresses(settings, traffic),
            ca=trusted(settings.ca),
            has_streams=bool(settings.streams),
            folder=folder,
        ),
        replace=Deploy(
            settings.deploy,
            run=run,
            folder=folder,
            timeout_s=settings.deploy_timeout_s,
        ),
        sender=ChildSender(settings.plugins),
        control=StubControl() if settings.control else NoControl(),
        calibrator=calibrator(is_wanted=scenario.calibrated),
        environment=environment_of(settings)
        | {"url": " ".join(_asked(settings, traffic)), "deploy": settings.deploy},
    )


def default_traffic(settings: Settings) -> Traffic:
    """The streams of the settings at their rate, or where there are none GETs of each URL; before
    a locustfile's users, the probe's.
    """
    addresses = [address_of(url) for url in settings.url]
    if settings.locustfile:
        return probed(
            addresses[0].path,
            expect_status=settings.expect_status,
            expect_text=settings.expect_text,
            release_from=settings.release,
            timeout_s=settings.timeout_s,
            is_secure=addresses[0].scheme == "https",
        )
    shared: dict[str, Any] = {
        "expect_status": settings.expect_status,
        "expect_text": settings.expect_text,
        "release_from": settings.release,
        "timeout_s": settings.timeout_s,
        "arrivals": settings.arrivals,
    }
    if settings.streams:
        base = addresses[0] if addresses else None
        return site_streams(settings.streams, base, settings.rate, **shared)
    return site_mix(addresses, settings.rate, **shared)


def _addresses(settings: Settings, traffic: Traffic) -> tuple[Address, ...]:
    """One for each origin that is asked; first the one of streams that name none."""
    first = [address_of(url).origin for url in settings.url[:1]]
    named = [stream.origin or "".join(first) for stream in traffic.streams]
    if not all(named):
        raise NotJudgedError("traffic: a stream has no origin, and there is no url; name one")
    origins = sorted(dict.fromkeys(named), key=lambda origin: origin not in first)
    return tuple(address_of(f"{origin}/", "traffic: origin") for origin in origins)


def _asked(settings: Settings, traffic: Traffic) -> tuple[str, ...]:
    """For the reader: the URLs as they were given, or the origins that are asked instead."""
    given = {address_of(url).origin for url in settings.url}
    named = dict.fromkeys(stream.origin for stream in traffic.streams if stream.origin)
    return tuple(named) if named and named.keys() != given else settings.url


def _refuse_unseen(settings: Settings, traffic: Traffic) -> None:
    """NotJudgedError for a stream too thin to be asked once in each phase."""
    between = (settings.timing().between_s,) if settings.swaps > 1 else ()
    least_s = min(settings.steady_s, settings.after_s, *between)
    thin = min(traffic.streams, key=lambda stream: stream.rate_hz)
    if thin.rate_hz * least_s < 1:
        raise NotJudgedError(
            f"settings: stream {thin.name!r} is asked {thin.rate_hz:.3g} times a second, which may "
            f"be never in a phase of {least_s:g} s: raise rate or the stream's weight, or lengthen "
            "steady_s, between_s and after_s"
        )
