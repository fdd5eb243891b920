"""Clean runs with logs, and what their bad requests are put down to."""

from dataclasses import replace

from loglines import WALL, write
from synthetic import START, S, clean

from harness.model.mark import Edge, Mark, MarkKind
from harness.model.scenario import Clock


def started(instance, address, at_s):
    detail = {"instance": instance, "address": address}
    at_ns = START + int(at_s * S)
    return Mark(
        at_ns=at_ns, kind=MarkKind.event, name=f"start {instance}", edge=Edge.at, detail=detail
    )


def drafted(tmp_path, **logs):
    """A clean run whose folder has those logs, and whose clocks tell what their dates mean."""
    draft = clean()
    clocks = (
        Clock(monotonic_ns=START, wall_ns=WALL),
        Clock(monotonic_ns=START + 30 * S, wall_ns=WALL + 30 * S),
    )
    draft.record = replace(draft.record, clocks=clocks)
    write(tmp_path, **logs)
    return draft


def attributed(draft, folder):
    return replace(draft.history(), folder=folder).attributions
