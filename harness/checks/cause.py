"""How findings name causes: what most of the bad requests are put down to, and what to change.

It only explains: what cannot be explained, or raises as it is explained, takes no fail away.
"""

from collections.abc import Mapping
from typing import Any, Final

from harness.analysis.history import History
from harness.checks.wording import bounded
from harness.model.result import Attribution

__all__ = ["blamed", "evidence_of"]

_SHOWN: Final = 10


def _attributed(history: History) -> tuple[tuple[Attribution, ...], str]:
    """What bad requests are put down to, and what the search for it raised: none, where it did."""
    try:
        return history.attributions, ""
    except Exception as error:  # noqa: BLE001 (a defect of ours must not hide what it explains)
        return (), f"the search for it raised {type(error).__name__}: {bounded(str(error), 200)}"


def blamed(history: History, *, slow: bool) -> str:
    """`; cause: … (and 2 more); remedy: …` of the failed or the slow requests; empty where the
    target keeps no logs, or they tell nothing. Logs that could not be gathered are said.
    """
    found, raised = _of(history, slow=slow)
    missing = raised or _missing(history)
    if not found:
        return f"; no cause is known: {missing}" if missing else ""
    first = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    remedy = f"; remedy: {first.remedy}" if first.remedy else ""
    lacking = f"; {missing}, which may tell another" if missing else ""
    return f"; cause: {bounded(first.sentence)}{more}{remedy}{lacking}"


def evidence_of(history: History, *, slow: bool) -> Mapping[str, Any]:
    """The first causes as evidence: `causes`, a sentence each; nothing where there is none."""
    found, raised = _of(history, slow=slow)
    if raised:
        return {"no_causes": raised}
    return {"causes": [bounded(one.sentence) for one in found[:_SHOWN]]} if found else {}


def _missing(history: History) -> str:
    missing = history.logs.missing
    return f"logs could not be gathered ({bounded(missing)})" if missing else ""


def _of(history: History, *, slow: bool) -> tuple[list[Attribution], str]:
    """Those of most requests first, but what the sender itself did last; and what was raised."""
    all_found, raised = _attributed(history)
    found = [one for one in all_found if (one.slow if slow else one.failed)]
    return (
        sorted(
            found,
            key=lambda one: (one.component == "sender", -(one.slow if slow else one.failed)),
        ),
        raised,
    )
