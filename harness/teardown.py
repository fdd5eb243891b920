"""The end of a run: it always comes, logs first, and an error in it never hides the cause."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from harness.blame import as_evidence
from harness.calibration.calibrator import Calibrator
from harness.control import Control
from harness.model.mark import Edge, MarkKind
from harness.target import DescribesItself, KeepsLogs, KeepsStore, Target
from harness.timeline import Timeline
from harness.traffic.sender import Sender

__all__ = ["take_down"]


def take_down(
    target: Target,
    senders: tuple[Calibrator, Sender, Control],
    timeline: Timeline,
    folder: Path,
    complete: Callable[[Mapping[str, str | int | float | bool]], None],
) -> bool:
    """What sends, store, logs, target, record: each is tried, whatever became of the others.

    Whether Ctrl-C came meanwhile: it ends the gathering of evidence, and never a removal.
    """
    environment: dict[str, str | int | float | bool] = {}
    calibrator, sender, control = senders

    def read_store() -> None:
        if isinstance(target, KeepsStore) and sender.sent().start_ns:
            operations = asdict(target.operations())
            (folder / "operations.json").write_text(json.dumps(operations), "utf-8")

    def gather() -> None:
        if isinstance(target, KeepsLogs):
            target.gather(folder / "logs")

    def describe() -> None:
        if isinstance(target, DescribesItself):
            environment.update(target.environment())

    def mark(edge: Edge) -> Callable[[], None]:
        return lambda: timeline.mark(MarkKind.phase, "down", edge)

    interrupts = [
        _interrupted(timeline, work, insists=insists)
        for work, insists in (
            (mark(Edge.begin), False),
            (calibrator.close, True),
            (sender.close, True),
            (control.end, True),
            (read_store, False),
            (gather, False),
            (describe, False),
            # Its end came beside the gathering.
            (control.close, True),
            (target.down, True),
            (mark(Edge.end), False),
            (lambda: complete(environment), True),
        )
    ]
    return any(interrupts)


def _interrupted(timeline: Timeline, work: Callable[[], None], *, insists: bool) -> bool:
    """Does a part of the teardown; whether Ctrl-C came meanwhile.

    What insists is begun again then: it is idempotent, and may have been stopped half way.
    """
    is_interrupted = False
    while True:
        try:
            with as_evidence(timeline):
                work()
        except KeyboardInterrupt:
            is_interrupted = True
            if insists:
                continue
        return is_interrupted
