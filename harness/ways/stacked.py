"""What the ways into the bundled stack share: a scenario and its parts, of whatever releases."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from harness import swap
from harness.calibration.calibrator import calibrator
from harness.config import Settings
from harness.control import NoControl, StubControl
from harness.faults import Fault, Injection
from harness.kept import environment_of, scenario_name
from harness.locustfile import closed_loop
from harness.model.scenario import Scenario
from harness.model.traffic import Traffic
from harness.run import Parts
from harness.stack.app import SAMPLE, App
from harness.stack.balancer import validated_algorithm
from harness.stack.plan import StackPlan
from harness.stack.smoke import Question
from harness.stack.variation import AS_IT_IS, Variation
from harness.stack.website import Patience
from harness.swap.strategy import ChoosesAlgorithm, Swap, on_stage
from harness.target import CanBeDisturbed, HasControl, ReplacesReleases, Target
from harness.traffic.sender import ChildSender

__all__ = ["Releases", "StackTarget", "planned", "prepared"]


class StackTarget(Target, ReplacesReleases, CanBeDisturbed, HasControl, Protocol):
    """The bundled stack, or what it is wrapped in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """What is replaced by what in the stack."""

    names: tuple[str, str]
    question_of: Callable[[Traffic], Question | None]
    """What of a traffic a new instance is tried by."""
    app: App = SAMPLE
    images: Mapping[str, str] = field(default_factory=dict)
    """By the names of the releases: those that are not built here."""
    settings: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """Of theirs, for the record."""
    prefix: str = ""
    """Of the scenario's name, where it is given none."""


def planned(
    run: str,
    settings: Settings,
    releases: Releases,
    *,
    disturbed: bool = False,
    control: bool = False,
    discovery: str = "",
    variation: Variation = AS_IT_IS,
    traffic: Traffic,
) -> StackPlan:
    """The stack for that run. `discovery` is as the strategy of the settings needs it where it is
    not said, `traffic` what new instances are tried by.
    """
    return StackPlan(
        run=run,
        releases=releases.names,
        replicas=settings.replicas,
        algorithm=settings.algorithm,
        discovery=discovery or swap.named(settings.swap).discovery,
        edge_port=settings.edge_port,
        path=settings.path,
        host=settings.host,
        images={**settings.images, **releases.images},
        app=releases.app,
        patience=Patience(
            ready_s=settings.ready_timeout_s,
            drain_s=settings.drain_timeout_s,
            stop_s=settings.stop_timeout_s,
        ),
        variation=variation,
        question=releases.question_of(traffic) if settings.smoke else None,
        disturbed=disturbed,
        control=control,
    )


def prepared(
    run: str,
    settings: Settings,
    traffic: Traffic,
    name: str,
    faults: Sequence[Fault],
    *,
    strategy: Swap,
    variation: Variation,
    releases: Releases,
    made: Callable[[StackPlan], StackTarget],
) -> tuple[Scenario, Parts]:
    """`made` is the target of a plan; nothing of it is started yet."""
    algorithm = validated_algorithm(settings.algorithm)
    loop = closed_loop(settings)
    if isinstance(strategy, ChoosesAlgorithm):
        strategy.refuse(algorithm)
    procedure = "faults" if faults else strategy.name
    scenario = Scenario(
        name=scenario_name(name or f"{releases.prefix}{procedure}"),
        target="stack",
        swap=procedure,
        swaps=settings.swaps,
        releases=releases.names,
        traffic=traffic,
        timing=settings.timing(),
        limits=settings.limits(),
        seed=settings.seed,
        calibrated=settings.calibrate and loop is None,
        closed_loop=loop,
        control=settings.control,
        settings={
            "algorithm": settings.algorithm,
            "replicas": settings.replicas,
            "batch": settings.batch,
            "ready_timeout_s": settings.ready_timeout_s,
            "drain_timeout_s": settings.drain_timeout_s,
            "stop_timeout_s": settings.stop_timeout_s,
            **({} if settings.smoke else {"smoke": False}),
            **({"variation": variation.name} if variation.name else {}),
            **releases.settings,
        },
    )
    stack = made(
        planned(
            run,
            settings,
            releases,
            disturbed=bool(faults),
            control=settings.control,
            discovery=strategy.discovery,
            variation=variation,
            traffic=traffic,
        )
    )
    return scenario, Parts(
        target=stack,
        replace=(
            Injection(faults, stack, seed=settings.seed) if faults else on_stage(strategy, stack)
        ),
        sender=ChildSender(settings.plugins),
        calibrator=calibrator(is_wanted=scenario.calibrated),
        control=StubControl() if settings.control else NoControl(),
        environment=environment_of(settings),
    )
