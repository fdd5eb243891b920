"""Errors as evidence: what goes wrong in a run becomes a mark that the judgement finds."""

import contextlib
import traceback
from collections.abc import Callable, Iterator

from harness.model.errors import HarnessError
from harness.model.mark import Mark, MarkKind
from harness.timeline import Timeline

__all__ = ["as_evidence", "guarded", "tell"]


@contextlib.contextmanager
def as_evidence(timeline: Timeline) -> Iterator[None]:
    """What goes wrong becomes a mark: missing evidence, by our own lack or defect."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 (a defect of ours must not end as a traceback without a verdict)
        tell(timeline, error)


def tell(timeline: Timeline, error: Exception) -> str:
    """Leaves a mark of an error that is not the release's; its text."""
    if isinstance(error, HarnessError):
        timeline.mark(MarkKind.error, str(error), detail={"blame": "harness"})
        return str(error)
    # OSError is what the system and, by its client, the engine refuse.
    text = str(error) if isinstance(error, OSError) else f"harness defect: {error!r}"
    trace = "".join(traceback.format_exception(error))[-4000:]
    timeline.mark(MarkKind.error, text, detail={"blame": "harness", "traceback": trace})
    return text


def guarded(on_mark: Callable[[Mark], None], defects: list[str]) -> Callable[[Mark], None]:
    """A watcher that raises stops neither the run nor its teardown; it is told of."""

    def guarded(mark: Mark) -> None:
        try:
            on_mark(mark)
        except Exception as error:  # noqa: BLE001 (see above)
            if not defects:
                defects.append(f"on_mark: {error!r}")

    return guarded
