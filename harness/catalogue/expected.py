"""What an arm must end as, held against what its run was judged to be."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from harness.analysis.causes import causes
from harness.analysis.latency import ALL_STREAMS, SWAP_WINDOW
from harness.catalogue.model import Arm, Kind
from harness.checks.wording import counted
from harness.model.finding import Verdict
from harness.model.result import Result

__all__ = ["arm_of", "named_causes"]

_SWAP_COMPLETED, _REPLACED = "swap_completed", "replaced"
"""Checks (harness.checks)."""
_HEAD_DIGITS: Final = 8


def named_causes(kind: Kind, cause: str | Sequence[str]) -> tuple[str, ...]:
    """Of an arm, as its scenario names them. ValueError for one that no run can have, and for an
    arm that drops without one: any failure would pass for its mechanism.
    """
    named = (cause,) if isinstance(cause, str) and cause else tuple(cause)
    unknown = sorted(set(named) - {each.name for each in causes()})
    if unknown:
        raise ValueError(f"cause: {', '.join(unknown)}: not in harness/analysis/causes.toml")
    if bool(named) is not (kind is Kind.drops):
        raise ValueError(
            f"cause: expected of each arm that drops, and of no other, observed {named} of one "
            f"that {kind}"
        )
    return named


def arm_of(
    result: Result,
    *,
    mechanism: int,
    kind: Kind,
    test: str,
    what: str,
    folder: str,
    named: Collection[str] = (),
    not_most: str = "",
) -> Arm:
    """What a judged run says for the catalogue. An arm is as expected where it ends as its kind
    must; inconclusive is not.

    What failed in an arm that drops must be put down to the `named` causes, or where they make
    requests slow alone, what failed or was slow; for the most part unless `not_most` says why it
    is not.
    """
    speed = result.latency_ms.get(ALL_STREAMS, {})
    before, within = (
        speed[name].p99 if name in speed else None for name in ("steady", SWAP_WINDOW)
    )
    blamed = sorted(
        (one for one in result.attributions if one.component not in {"", "sender"}),
        key=lambda one: (one.cause not in named, -one.failed, -one.slow),
    )
    return Arm(
        mechanism=mechanism,
        kind=kind,
        test=test,
        what=what,
        verdict=result.verdict,
        unmet=_unmet(result, kind, named, not_most),
        failed=result.requests.failed,
        requests=result.requests.sent,
        slow=_slow(result),
        outage_ms=round(sum(one.end_s - one.start_s for one in result.outages) * 1e3, 1),
        added_p99_ms=None if before is None or within is None else round(within - before, 1),
        cause=blamed[0].sentence if blamed else "",
        not_most=not_most,
        folder=folder,
        run=result.run,
        harness=str(result.environment.get("harness", "")),
        git_head=_head(result.environment),
    )


def _unmet(result: Result, kind: Kind, named: Collection[str], not_most: str) -> str:
    if kind is Kind.drops:
        return _unlike_drops(result, named, not_most)
    if kind is Kind.avoids:
        return _unlike_verdict(result, Verdict.passed)
    return "" if _refuses(result) else "it is not the swap alone that failed"


def _unlike_verdict(result: Result, wanted: Verdict) -> str:
    return "" if result.verdict is wanted else f"it had to be judged {wanted}"


def _unlike_drops(result: Result, named: Collection[str], not_most: str) -> str:
    if unlike := _unlike_verdict(result, Verdict.failed):
        return unlike
    if not result.requests.failed + _slow(result):
        return "no request failed or was slow"
    # Beside failures the slow ones tell nothing: a busy machine makes some, and fails nothing.
    fails = any(one.failed for one in result.attributions if one.cause in named)
    bad: Counter[str] = Counter()
    for one in result.attributions:
        bad[one.cause] += one.failed if fails else one.failed + one.slow
    wanted, found = sum(bad[name] for name in named), bad.total()
    if wanted and (not_most or 2 * wanted > found):
        return ""
    others = ", ".join(
        f"{count:,} to {name}" for name, count in bad.most_common(5) if name not in named and count
    )
    what = "failed request" if fails else "bad request"
    return (
        f"{wanted:,} of {counted(found, what)} put down to {' or '.join(named)}"
        f"{', ' if others else ''}{others}"
    )


def _refuses(result: Result) -> bool:
    """Nothing but the swap failed; that a swap which did not complete replaced nothing is left
    open by the check that would judge it, whose evidence says who answered.
    """
    wrong = {one.check: one for one in result.findings if one.verdict is not Verdict.passed}
    if wrong.keys() != {_SWAP_COMPLETED, _REPLACED}:
        return False
    old, _, _ = str(result.environment.get("releases", "")).partition(" ")
    after = result.latency_ms.get(ALL_STREAMS, {}).get("after")
    return (
        wrong[_SWAP_COMPLETED].verdict is Verdict.failed
        and wrong[_REPLACED].verdict is Verdict.inconclusive
        and list(wrong[_REPLACED].evidence.get("by_release", ())) == [old]
        and after is not None
        and after.count > 0
        and result.requests.failed + result.requests.unknown == 0
    )


def _slow(result: Result) -> int:
    return sum(outage.slow for outage in result.outages)


def _head(environment: Mapping[str, Any]) -> str:
    head = str(environment.get("git_head", ""))[:_HEAD_DIGITS]
    return f"{head}-dirty" if head and environment.get("git_dirty") else head
