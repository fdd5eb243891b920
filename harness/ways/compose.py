"""A Compose project of the user's, one of whose services is swapped."""

from dataclasses import replace
from pathlib import Path
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
from harness.site import Address, address_of, trusted
from harness.site_mix import site_mix
from harness.site_streams import site_streams
from harness.stack.compose import swaps
from harness.stack.compose.plan import OLD, ComposePlan, project_name
from harness.stack.compose.program import Program, files_of
from harness.stack.compose.project import front_of, project_of, refusals
from harness.stack.compose.target import ComposeTarget
from harness.swap.deploy import Deploy, check_command
from harness.traffic.sender import ChildSender

__all__ = ["default_traffic", "prepared"]

_ORIGINS = ("http://localhost", "https://localhost")
"""Of paths that are asked of the front."""


def prepared(run: str, settings: Settings, traffic: Traffic, name: str) -> tuple[Scenario, Parts]:
    """NotJudgedError for a file that Compose cannot read, a service that is not in it, no port to
    send load to, and for what would collide with a project that runs already or harm it.
    """
    procedure = "deploy" if settings.deploy else settings.swap
    if settings.deploy:
        check_command(settings.deploy)
    else:
        swaps.named(settings.swap)
    scenario_folder = scenario_name(name or procedure)
    plan = _planned(run, settings, settings.reports / scenario_folder / run)
    target = ComposeTarget(plan)
    front = f"{plan.front.service}:{plan.front.port}"
    loop = closed_loop(settings)
    scenario = Scenario(
        name=scenario_folder,
        target="compose",
        swap=procedure,
        swaps=settings.swaps,
        releases=("", ""),
        traffic=_at_front(traffic),
        keeps_store=False,
        timing=settings.timing(),
        limits=settings.limits(),
        seed=settings.seed,
        control=settings.control,
        calibrated=settings.calibrate and loop is None,
        closed_loop=loop,
        settings={
            "service": plan.service,
            "front": front,
            "ready_timeout_s": settings.ready_timeout_s,
            **(
                {"deploy_timeout_s": settings.deploy_timeout_s}
                if settings.deploy
                else {"new_image": plan.new_image}
            ),
            **({"old_image": plan.old_image} if plan.old_image else {}),
        },
    )
    if settings.deploy:
        swap = target.deployed(
            Deploy(
                settings.deploy,
                run=run,
                folder=plan.folder,
                timeout_s=settings.deploy_timeout_s,
                environment=plan.program(OLD).environment(),
            )
        )
    else:
        swap = target.replacing(swaps.named(settings.swap))
    made_of = {"compose": settings.compose, "service": plan.service, "front": front}
    return scenario, Parts(
        target=target,
        replace=swap,
        sender=ChildSender(settings.plugins),
        control=StubControl() if settings.control else NoControl(),
        calibrator=calibrator(is_wanted=scenario.calibrated),
        environment=environment_of(settings)
        | made_of
        | ({"deploy": settings.deploy} if settings.deploy else {}),
    )


def _planned(run: str, settings: Settings, folder: Path) -> ComposePlan:
    files = files_of(settings.compose)
    program = Program(files, project_name(run))
    program.version()
    project = project_of(program.config())
    service = project.service(settings.service, said="service")
    front = front_of(project, service, settings.front)
    refused = list(refusals(project, service, front, scales=settings.swap in swaps.SCALES))
    if settings.path == "edge" and front.service == service.name:
        refused.append(
            f"path edge: the front is the swapped service {service.name!r} itself, whose "
            "containers change their addresses; leave --path out"
        )
    if refused:
        raise NotJudgedError("\n".join(f"compose: {line}" for line in refused))
    return ComposePlan(
        run=run,
        project=project,
        files=files,
        service=service.name,
        front=front,
        folder=folder,
        old_image=settings.old_image,
        new_image=settings.new_image,
        tls=settings.tls,
        ca=trusted(settings.ca),
        path=settings.path,
        host=settings.host,
        ready_s=settings.ready_timeout_s,
    )


def default_traffic(settings: Settings) -> Traffic:
    """The streams of the settings at their rate, or where there are none GETs of the page; before a
    locustfile's users, the probe's.
    """
    pages = [_at_host(page, is_secure=settings.tls) for page in dict.fromkeys(settings.page)]
    if settings.locustfile:
        traffic = probed(
            pages[0].path,
            expect_status=settings.expect_status,
            expect_text=settings.expect_text,
            release_from=settings.release,
            timeout_s=settings.timeout_s,
            is_secure=settings.tls,
        )
    else:
        shared: dict[str, Any] = {
            "expect_status": settings.expect_status,
            "expect_text": settings.expect_text,
            "release_from": settings.release,
            "timeout_s": settings.timeout_s,
            "arrivals": settings.arrivals,
        }
        traffic = (
            site_streams(settings.streams, pages[0], settings.rate, **shared)
            if settings.streams
            else site_mix(pages, settings.rate, **shared)
        )
    # Its default is where an app in the bundled stack is asked; here none is asked by default.
    health = settings.health if "health" in settings.model_fields_set else ""
    return replace(_at_front(traffic), health=health)


def _at_front(traffic: Traffic) -> Traffic:
    """NotJudgedError for a stream that is sent elsewhere."""
    for stream in traffic.streams:
        if stream.origin not in {"", *_ORIGINS}:
            raise NotJudgedError(
                f"traffic: stream {stream.name!r} is sent to {stream.origin}, which is none of the "
                "project's; give it a path, which the front is asked for"
            )
    return replace(traffic, streams=tuple(replace(stream, origin="") for stream in traffic.streams))


def _at_host(path: str, *, is_secure: bool) -> Address:
    return address_of(f"{'https' if is_secure else 'http'}://localhost{path}")
