"""Faults one after another, in place of a swap's steps: a run's window covers them all."""

import random
from collections.abc import Sequence
from typing import Final

from harness.faults.fault import WEBSITE, Fault, Ground, LeavesDamage, MayBeImpossible
from harness.model.errors import NotJudgedError
from harness.swap.strategy import Steps
from harness.target import CanBeDisturbed, Instance, Target
from harness.timeline import SystemTime, Timekeeper

__all__ = ["Injection"]

_REST_S: Final = 1.0
_MORE_S: Final = 0.4
"""Up to so much longer, so that no fault keeps step with the schedule or with health checks."""


class Injection:
    """Called with a swap's steps it makes a step of each fault: `pause website-1 #3` is the third.

    At least 1 s is between two. What cannot be done here is asked before the first, in a step
    `prepare`; it is left out under a mark of its own, `skipped pause website #3`. NotJudgedError
    where the target cannot be disturbed at all.
    """

    def __init__(
        self, faults: Sequence[Fault], target: Target, *, seed: int, clock: Timekeeper | None = None
    ) -> None:
        if not isinstance(target, CanBeDisturbed):
            raise NotJudgedError(f"target: {target.name} cannot be disturbed on purpose")
        self._faults = tuple(faults)
        self._target = target
        self._clock = clock or SystemTime()
        self._random = random.Random(seed)  # noqa: S311 (moments, not secrets)

    def __call__(self, steps: Steps) -> None:
        ground = Ground(
            disturbance=self._target.disturbance(), stage=self._target.stage(), clock=self._clock
        )
        with steps.step("prepare", Instance(name="", release="")):
            lacks = [_lack(ground, fault) for fault in self._faults]
        for number, (fault, lack) in enumerate(zip(self._faults, lacks, strict=True), 1):
            if lack:
                steps.skipped(f"{fault.kind} {fault.whom} #{number}", lack)
            else:
                self._put_in(ground, steps, fault, number)
        self._rest()

    def _put_in(self, ground: Ground, steps: Steps, fault: Fault, number: int) -> None:
        self._rest()
        whom = self._random.choice(_meant(ground, fault))
        release = next((one.release for one in ground.stage.running() if one.name == whom), "")
        with steps.step(fault.kind, Instance(name=whom, release=release), number=number):
            held = fault.carry_out(ground, whom)
        steps.held(f"{fault.kind} {whom} #{number}", held)
        if isinstance(fault, LeavesDamage):
            fault.repair(ground, steps, whom)

    def _rest(self) -> None:
        self._clock.sleep(_REST_S + _MORE_S * self._random.random())


def _lack(ground: Ground, fault: Fault) -> str:
    if not isinstance(fault, MayBeImpossible):
        return ""
    return next(filter(None, (fault.lack(ground, whom) for whom in _meant(ground, fault))), "")


def _meant(ground: Ground, fault: Fault) -> list[str]:
    """Whom the fault may befall."""
    if fault.whom != WEBSITE:
        return [fault.whom]
    return [instance.name for instance in ground.stage.running()]
