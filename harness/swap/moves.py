"""Moves that strategies share: instances brought up, let go of, and the way back."""

from collections.abc import Callable, Sequence
from functools import partial

from harness.model.errors import HarnessError, ReleaseError
from harness.swap.strategy import Steps
from harness.target import Instance, Stage, TriesInstances

__all__ = [
    "admit", "attempt", "back_to", "bring_up", "discard", "drain", "leave", "let_go", "stop",
    "undone",
]  # fmt: skip


def bring_up(
    stage: Stage,
    steps: Steps,
    *,
    release: str,
    count: int,
    verb: str = "start",
    on_start: Callable[[Instance], None] = lambda _: None,
    is_tried: bool = True,
) -> list[Instance]:
    """That many instances, ready and not yet admitted, each tried where the stage can; where one
    fails none of them is left.
    """
    made: list[Instance] = []
    try:
        for _ in range(count):
            with steps.step(verb, Instance(name="", release=release)):
                made.append(stage.start(release))
            on_start(made[-1])
            with steps.step("ready", made[-1]):
                stage.await_ready(made[-1])
            if is_tried and isinstance(stage, TriesInstances) and stage.tries(release):
                with steps.step("try", made[-1]):
                    stage.try_out(made[-1])
    except Exception as error:  # noqa: BLE001 (raised again, after what was made is gone)
        raise undone(error, discard(stage, steps, made)) from error.__cause__
    return made


def admit(stage: Stage, steps: Steps, instances: Sequence[Instance]) -> None:
    for instance in instances:
        with steps.step("admit", instance):
            stage.admit(instance)


def let_go(stage: Stage, steps: Steps, instances: Sequence[Instance]) -> None:
    """Each drained, then stopped: nothing that it has in flight is lost."""
    for instance in instances:
        drain(stage, steps, instance)
        stop(stage, steps, instance)


def drain(stage: Stage, steps: Steps, instance: Instance) -> None:
    with steps.step("drain", instance):
        stage.drain(instance)


def stop(stage: Stage, steps: Steps, instance: Instance) -> None:
    with steps.step("stop", instance):
        stage.stop(instance)


def discard(stage: Stage, steps: Steps, instances: Sequence[Instance]) -> list[str]:
    """What went wrong, which stops no other removal."""
    failures = []
    for instance in instances:

        def remove(instance: Instance = instance) -> None:
            with steps.step("discard", instance):
                stage.discard(instance)

        failures += attempt(remove, f"{instance.name} could not be discarded")
    return failures


def back_to(
    old: Sequence[Instance],
    stage: Stage,
    steps: Steps,
    *,
    touched: Sequence[Instance],
    new: Sequence[Instance],
) -> list[str]:
    """The way back from a swap that failed half way: the old release serves as before, and nothing
    of the new one is left. What went wrong on it, which is for the error that began it to tell.

    `touched` are those of `old` that were told to drain. Which of them was stopped, or exited, is
    started again, and which was only drained is admitted again, before any of `new` is let go of;
    where that cannot be done the new one stays, as otherwise nobody might serve.
    """
    odd: list[str] = []

    def restore() -> None:
        running = stage.running()
        gone = sum(instance not in running for instance in old)
        for instance in touched:
            if instance not in running:
                continue
            try:
                with steps.step("ready", instance):
                    stage.await_ready(instance)
                admit(stage, steps, [instance])
            except ReleaseError as error:
                odd.append(f"{instance.name} did not come back, and was let go of: {error}")
                odd.extend(discard(stage, steps, [instance]))
                gone += 1
        # It served before: were it to be tried now, its loss might leave nobody.
        again = bring_up(stage, steps, release=steps.old, count=gone, is_tried=False)
        admit(stage, steps, again)

    failures = attempt(restore, f"the old release {steps.old} could not be brought back")
    return odd + (failures or leave(stage, steps, new))


def leave(stage: Stage, steps: Steps, new: Sequence[Instance]) -> list[str]:
    """Nothing of a new release that failed is left: drained and stopped, or where that cannot be
    done, as it hangs, discarded. What went wrong.

    All are drained before the first is stopped, so that none is asked on for as long as the stop of
    another takes.
    """
    failures = []
    drained = []
    for instance in new:
        if attempt(partial(drain, stage, steps, instance), ""):
            failures += discard(stage, steps, [instance])
        else:
            drained.append(instance)
    for instance in drained:
        if attempt(partial(stop, stage, steps, instance), ""):
            failures += discard(stage, steps, [instance])
    return failures


def undone(error: Exception, failures: Sequence[str]) -> Exception:
    """The error, and beneath it what went wrong when its consequences were undone."""
    if not isinstance(error, HarnessError):
        for failure in failures:
            error.add_note(failure)
        return error
    told = "".join(f"\n  and {failure}" for failure in failures)
    return type(error)(f"{error}{told}") if told else error


def attempt(move: Callable[[], None], what: str) -> list[str]:
    """What went wrong, if anything: it hides neither why the move is made nor stops later ones."""
    try:
        move()
    except Exception as error:  # noqa: BLE001 (see above)
        return [f"{what}: {error}"]
    return []
