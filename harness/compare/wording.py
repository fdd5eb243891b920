"""What is said of a strategy in a sentence, and how its figures are put."""

from harness.checks.wording import counted, percent
from harness.compare.result import Mean, Row, Versus
from harness.model.finding import Verdict

__all__ = ["estimate", "milliseconds", "seconds", "sentence", "share_text"]


def sentence(row: Row, best: tuple[str, ...], untold: tuple[str, ...] = ()) -> str:
    """`drain drops nothing in 6 swaps (…), adds 8 ms at p99 and takes 3.1 s a swap: the best here`.

    `best` and `untold` as in CompareResult.
    """
    if not row.counted:
        return f"{row.strategy}: nothing can be said, none of {counted(row.runs, 'run')} counts"
    parts = [_drops(row), *_writes(row), _adds(row)]
    takes = row.figures["swap_s"].middle
    if takes is not None:
        parts.append(f"takes {seconds(takes)} a swap")
    told = f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"{_subject(row)} {told}{_beside(row, best, untold)}{_but(row)}"


def _subject(row: Row) -> str:
    """`canary: 3 of 3 swaps failed; it`: what did not replace anything is no clean swap."""
    if not row.failed_swaps:
        return row.strategy
    began = counted(row.swaps + row.failed_swaps, "swap")
    return f"{row.strategy}: {row.failed_swaps:,} of {began} failed; it"


def _drops(row: Row) -> str:
    outage = row.figures["outage_ms"].middle or 0.0
    share = row.figures["failed_share"].middle or 0.0
    if row.dropped:
        each = row.figures["failed"].middle or 0.0
        told = f"{each:,.0f}" if each >= 10 else f"{each:.1f}"
        length = f" for {_length(outage)}" if outage else ""
        return f"drops {share_text(share)} of its requests ({told} a swap){length}"
    nothing = "drops nothing"
    if not row.failed_swaps:
        nothing += f" in {counted(row.swaps, 'swap')}"
    if row.drop_bound is not None:
        nothing += f" (below {percent(row.drop_bound)} of swaps drop something, at 95 % confidence)"
    elif not row.failed_swaps and not row.dropping:
        nothing += " (which bounds nothing: another check failed or is in doubt)"
    return f"{nothing}, stalls for {_length(outage)} a swap" if outage else nothing


def _writes(row: Row) -> list[str]:
    kinds = (("loses", row.lost, "acknowledged write"), ("doubles", row.doubled, "write"))
    return [f"{verb} {counted(count, noun)}" for verb, count, noun in kinds if count]


def _adds(row: Row) -> str:
    """Requests that failed have no latency: what is said is of those that were answered."""
    added = row.figures["added_p99_ms"]
    of = " to what it answers" if row.dropped else ""
    if added.middle is None:
        return "has no p99 that is known"
    if added.middle < 0:
        return f"adds nothing at p99{of} ({milliseconds(added.middle)})"
    return f"adds {milliseconds(added.middle)} at p99{of}"


def _beside(row: Row, best: tuple[str, ...], untold: tuple[str, ...]) -> str:
    """`: beside drain +4.1 ms at p99`; what is not shown is not said. Nothing of one with a swap
    that failed: what was not replaced in full is no comparison.
    """
    if not best or row.failed_swaps:
        return ""
    if row.strategy == best[0]:
        few = f", but too few rounds tell it from {', '.join(untold)}"
        return f": the best here{few if untold else ''}"
    shown = [_more(one) for one in row.versus if one.is_shown and one.difference.middle is not None]
    told = [f"beside {best[0]} {', '.join(shown)}"] if shown else []
    if row.strategy in untold:
        told.append(f"too few rounds tell it from {best[0]}")
    elif row.strategy in best and not shown:
        told.append(f"no difference to {best[0]} is shown")
    return f": {'; '.join(told)}" if told else ""


def _but(row: Row) -> str:
    """` (1 of 3 runs failed, 1 of 3 runs left out)`."""
    failed = row.verdicts.get(Verdict.failed.value, 0)
    left = row.runs - row.counted
    runs = counted(row.runs, "run")
    parts = [
        *([f"{failed:,} of {runs} failed"] if failed else []),
        *([f"{left:,} of {runs} left out"] if left else []),
        *([f"writes not known in {row.unread:,} of {runs}"] if row.unread else []),
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _more(one: Versus) -> str:
    by = one.difference.middle or 0.0
    sign = "+" if by >= 0 else "-"
    match one.figure:
        case "failed_share":
            return f"{sign}{share_text(abs(by))} dropped"
        case "outage_ms":
            return f"{sign}{_length(abs(by))} of outage"
        case "added_p99_ms":
            return f"{sign}{milliseconds(abs(by))} at p99"
        case _:
            return f"{sign}{seconds(abs(by))} a swap"


def _length(ms: float) -> str:
    """`0.57 s`; what is shorter than a tenth of a second in milliseconds."""
    return f"{ms / 1e3:.2g} s" if ms >= 100 else milliseconds(ms)


def milliseconds(value: float) -> str:
    return f"{value:.0f} ms" if abs(value) >= 100 else f"{value:.1f} ms"


def share_text(share: float) -> str:
    """`9.5 %`, `0.30 %`, `0.003 %`: what is not 0 never looks like it."""
    return percent(share) if share == 0 or share >= 5e-4 else f"{share * 100:.1g} %"


def seconds(value: float) -> str:
    return f"{value:.1f} s"


def estimate(found: Mean, digits: int) -> str:
    """`3.1 ± 0.2`; the mean alone where there is no interval; a hyphen for what no round has."""
    if found.middle is None:
        return "-"
    if found.high is None or found.low is None:
        return f"{found.middle:,.{digits}f}"
    # The longer side: an interval that is cut off at 0 is not narrower for that.
    margin = max(found.high - found.middle, found.middle - found.low)
    return f"{found.middle:,.{digits}f} ± {margin:,.{digits}f}"
