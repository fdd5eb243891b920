"""What a swap in the middle of its rounds cost each algorithm, in a line."""

from harness.bench.result import Case, Estimate

__all__ = ["swap_line"]


def swap_line(case: Case) -> str:
    """`p99 in ms before the swap, then in it: leastconn 101.3 ± 9.1, then 142.7 ± 20.1 (times
    1.41), 3.6 s, 0 of 4,218 failed; …`; empty where there was no swap.
    """
    parts = [
        f"{one.algorithm} {_number(swap.p99_before_ms)}, then {_number(swap.p99_ms)} (times "
        f"{_middle(swap.ratio, 2)}), {_middle(swap.took_s, 1)} s, "
        f"{swap.failed:,} of {swap.requests:,} failed"
        for one in case.algorithms
        if (swap := one.swap) is not None
    ]
    return f"p99 in ms before the swap, then in it: {'; '.join(parts)}" if parts else ""


def _number(found: Estimate) -> str:
    if found.middle is None or found.high is None:
        return "-"
    return f"{found.middle:,.1f} ± {found.high - found.middle:,.1f}"


def _middle(found: Estimate, digits: int) -> str:
    return "-" if found.middle is None else f"{found.middle:,.{digits}f}"
