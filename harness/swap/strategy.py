"""What a swap strategy is, and how it leaves its marks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from harness.model.errors import MissingEvidenceError, NotJudgedError
from harness.model.mark import Edge, MarkKind
from harness.target import Held, Instance, ReplacesReleases, Stage, Target
from harness.timeline import Detail, Timekeeper, Timeline

__all__ = ["ChoosesAlgorithm", "Steps", "Swap", "on_stage", "publish", "unable"]


class Steps:
    """Leaves a begin and an end mark for each step of one swap; lets `delay_s` pass before each."""

    def __init__(
        self,
        timeline: Timeline,
        *,
        swap: int,
        old: str,
        new: str,
        delay_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.swap = swap
        """1, 2, …"""
        self.old = old
        self.new = new
        self._timeline = timeline
        self._delay_s = delay_s
        self._detail: dict[str, Detail] = {"swap": swap, "old": old, "new": new}

    @contextmanager
    def step(
        self, verb: str, instance: Instance | None = None, *, number: int = 0
    ) -> Iterator[None]:
        """A step named `verb instance`, or `verb release` where no instance exists yet; the verb
        alone where the release's name is not known either. `number` tells those apart that would
        be named alike.
        """
        named = instance or Instance(name="", release=self.new)
        name = f"{verb} {named.name or named.release}".rstrip() + (f" #{number}" if number else "")
        delay_s = self._delay_s()
        if delay_s > 0:
            self._timeline.clock.sleep(delay_s)
        detail = {"verb": verb, "instance": named.name, "release": named.release}
        with self._timeline.span(MarkKind.step, name, self._detail | detail):
            yield

    def held(self, step: str, held: Held) -> None:
        """Marks `held STEP`, from when to when what the step put in surely held; the details say
        between which moments it may have.
        """
        bounds = {"earliest_ns": held.earliest_ns, "latest_ns": held.latest_ns}
        for edge, at_ns in ((Edge.begin, held.surely_ns), (Edge.end, held.until_ns)):
            self._timeline.mark(
                MarkKind.event,
                f"held {step}",
                edge,
                at_ns=at_ns,
                detail={"swap": self.swap} | bounds,
            )

    @property
    def clock(self) -> Timekeeper:
        return self._timeline.clock

    def judged(
        self, what: str, decision: str, why: str, *, cause: str = "", since_ns: int = 0
    ) -> None:
        """Marks `judged WHAT: DECISION`, and what the decision rests on; where it is against the
        new release also its cause, and since when it was watched.
        """
        detail: dict[str, Detail] = {"swap": self.swap, "why": why}
        blamed: dict[str, Detail] = {"cause": cause, "since_ns": since_ns} if cause else {}
        self._timeline.mark(
            MarkKind.event,
            f"judged {what}: {decision}",
            detail=detail | blamed,
        )

    def skipped(self, step: str, why: str) -> None:
        """Marks `skipped STEP`, and why it cannot be done here."""
        self._timeline.mark(
            MarkKind.event, f"skipped {step}", detail={"swap": self.swap, "why": why}
        )


class Swap(Protocol):
    """One way to replace a release. `discovery` is the mode that it needs (design.md)."""

    @property
    def name(self) -> str: ...

    @property
    def discovery(self) -> str: ...

    def replace(self, stage: Stage, steps: Steps) -> None:
        """Replaces every running instance by one of `steps.new`.

        Raises ReleaseError where the new release is at fault; what it started is gone then,
        and, where the strategy can, the old release still serves.
        """


@runtime_checkable
class ChoosesAlgorithm(Protocol):
    """A strategy that not every balance algorithm does for."""

    def refuse(self, algorithm: str) -> None:
        """NotJudgedError where it cannot work under that one."""


def publish(stage: Stage, steps: Steps) -> None:
    """The first step of every strategy: a page of the new release names assets that only it has."""
    with steps.step("publish"):
        stage.publish(steps.new)


def unable(what: str) -> MissingEvidenceError:
    """Of a stage that lacks an optional ability."""
    return MissingEvidenceError(f"target: its stage cannot {what}; choose another swap strategy")


def on_stage(swap: Swap, target: Target) -> Callable[[Steps], None]:
    """The strategy carried out on the target's own stage. NotJudgedError where it has none."""
    if not isinstance(target, ReplacesReleases):
        raise NotJudgedError(f"target: {target.name} cannot replace a release")
    return lambda steps: swap.replace(target.stage(), steps)
