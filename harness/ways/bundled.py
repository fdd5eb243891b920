"""The bundled stack with the sample website."""

from collections.abc import Sequence

from harness import swap
from harness.calibration.calibrator import calibrator
from harness.config import Settings
from harness.control import NoControl, StubControl
from harness.faults import Fault, Injection
from harness.kept import environment_of, scenario_name
from harness.mixes import mixed
from harness.model.scenario import Scenario
from harness.model.traffic import Traffic
from harness.run import Parts
from harness.stack.balancer import validated_algorithm
from harness.stack.plan import StackPlan
from harness.stack.smoke import question_of
from harness.stack.stack import Stack
from harness.stack.variation import AS_IT_IS, Variation
from harness.stack.website import Patience
from harness.swap.strategy import ChoosesAlgorithm, Swap, on_stage
from harness.traffic.sender import ChildSender

__all__ = ["RELEASES", "default_traffic", "new_stack", "prepared"]

RELEASES = ("v1", "v2")


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
    algorithm = validated_algorithm(settings.algorithm)
    if isinstance(strategy, ChoosesAlgorithm):
        strategy.refuse(algorithm)
    procedure = "faults" if faults else strategy.name
    scenario = Scenario(
        name=scenario_name(name or procedure),
        target="stack",
        swap=procedure,
        swaps=settings.swaps,
        releases=RELEASES,
        traffic=traffic,
        timing=settings.timing(),
        limits=settings.limits(),
        seed=settings.seed,
        calibrated=settings.calibrate,
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
        },
    )
    stack = new_stack(
        run,
        settings,
        disturbed=bool(faults),
        control=settings.control,
        discovery=strategy.discovery,
        variation=variation,
        traffic=traffic,
    )
    return scenario, Parts(
        target=stack,
        replace=(
            Injection(faults, stack, seed=settings.seed) if faults else on_stage(strategy, stack)
        ),
        sender=ChildSender(settings.plugins),
        calibrator=calibrator(is_wanted=settings.calibrate),
        control=StubControl() if settings.control else NoControl(),
        environment=environment_of(settings),
    )


def default_traffic(settings: Settings) -> Traffic:
    """The chosen mix at the rate of the settings."""
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
        StackPlan(
            run=run,
            releases=RELEASES,
            replicas=settings.replicas,
            algorithm=settings.algorithm,
            discovery=discovery or swap.named(settings.swap).discovery,
            port=settings.port,
            path=settings.path,
            host=settings.host,
            images=settings.images,
            patience=Patience(
                ready_s=settings.ready_timeout_s,
                drain_s=settings.drain_timeout_s,
                stop_s=settings.stop_timeout_s,
            ),
            variation=variation,
            question=question_of(traffic or default_traffic(settings)) if settings.smoke else None,
            disturbed=disturbed,
            control=control,
        )
    )
