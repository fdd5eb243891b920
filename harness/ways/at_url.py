"""Whatever answers at a URL, and a command of the user's that replaces its release."""

from harness.calibration.calibrator import calibrator
from harness.config import Settings
from harness.control import NoControl, StubControl
from harness.kept import environment_of, scenario_name
from harness.locustfile import closed_loop, probed
from harness.model.scenario import Scenario
from harness.model.traffic import Traffic
from harness.run import Parts
from harness.site import UrlTarget, address_of, trusted
from harness.site_mix import site_mix
from harness.swap.deploy import Deploy, check_command
from harness.traffic.sender import ChildSender

__all__ = ["default_traffic", "prepared"]


def prepared(run: str, settings: Settings, traffic: Traffic, name: str) -> tuple[Scenario, Parts]:
    check_command(settings.deploy)
    loop = closed_loop(settings)
    scenario = Scenario(
        name=scenario_name(name or "deploy"),
        target="url",
        swap="deploy",
        swaps=settings.swaps,
        releases=("", ""),
        traffic=traffic,
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
        target=UrlTarget(address_of(settings.url), trusted(settings.ca), folder=folder),
        replace=Deploy(
            settings.deploy,
            run=run,
            folder=folder,
            timeout_s=settings.deploy_timeout_s,
        ),
        sender=ChildSender(settings.plugins),
        control=StubControl() if settings.control else NoControl(),
        calibrator=calibrator(is_wanted=scenario.calibrated),
        environment=environment_of(settings) | {"url": settings.url, "deploy": settings.deploy},
    )


def default_traffic(settings: Settings) -> Traffic:
    """GETs of the URL at the rate of the settings; before a locustfile's users, the probe's."""
    if settings.locustfile:
        address = address_of(settings.url)
        return probed(
            address.path,
            expect_status=settings.expect_status,
            expect_text=settings.expect_text,
            release_from=settings.release,
            timeout_s=settings.timeout_s,
            is_secure=address.scheme == "https",
        )
    return site_mix(
        address_of(settings.url),
        settings.rate,
        expect_status=settings.expect_status,
        expect_text=settings.expect_text,
        release_from=settings.release,
        timeout_s=settings.timeout_s,
        arrivals=settings.arrivals,
    )
