"""What was simulated beside what was measured, and past this machine: rows of plain text."""

from collections.abc import Iterator
from typing import Final

from harness.bench.deviation import is_far
from harness.bench.report.cells import MARKS, estimate
from harness.bench.result import BenchResult, Estimate, Past, PastFigures
from harness.bench.wording import load_text
from harness.report.figures import milliseconds

__all__ = [
    "BESIDE_HEAD",
    "BESIDE_NOTE",
    "PAST_NOTE",
    "arms",
    "balancers_text",
    "beside",
    "beside_line",
    "past_about",
    "past_head",
    "past_rows",
    "past_why",
]

BESIDE_HEAD: Final = (
    "algorithm", "workload", "p50 ms", "simulated", "off by", "p99 ms", "simulated", "off by",
    "why",
)  # fmt: skip
BESIDE_NOTE: Final = (
    "The simulation is fed the arrivals, service times and keys of the measured rounds, and what "
    "the path took of the least disturbed answers. Off by: simulated / measured, paired by round, "
    "in percent; what is beyond 15 % is marked ! and explained, as far as the cause is known."
)
PAST_NOTE: Final = (
    "Response in multiples of the mean service time ± half of the 95 % interval over seeds. "
    "Servers are alike, each has {slots} slots, service times are exponential, arrivals "
    "Poisson's; each request comes to one of the balancers at random, and a balancer knows its "
    "own requests alone. They begin together, at the same server, or where it says apart each "
    "with an order of its own. Judged are {judged:g} service times after the first {warmup:g} "
    "(longer where the servers are few): what is overloaded there grows with that time. What "
    "goes by a key is left out, as are NGINX's own algorithms."
)
_WHY: Final = (
    "Why: the share of one balancer among many is so small that by its own count nearly every "
    "server is idle. HAProxy 3.0's leastconn takes of idle servers the one that was so longest, "
    "beginning with the first declared (fwlc_queue_srv, fwlc_init_server_tree in lb_fwlc.c): "
    "balancers that begin together send to the same server at once, one after another, until "
    "chance has driven their turns apart. So does round robin. random(2) draws, which breaks the "
    "symmetry (Mitzenmacher, How Useful Is Old Information?, IEEE TPDS 11(1), 2000). From HAProxy "
    "3.2 on leastconn draws among several lists of equals, which is not simulated."
)


def beside(result: BenchResult) -> Iterator[list[str]]:
    """A row for each algorithm of each case that is simulated, under BESIDE_HEAD."""
    for case in result.cases:
        for one in case.algorithms:
            if one.deviation:
                yield [
                    one.algorithm,
                    f"{case.workload}{load_text(case.load)}",
                    *(
                        cell
                        for figure in ("p50", "p99")
                        for cell in (
                            milliseconds(one.latency_ms[figure].middle),
                            milliseconds(one.predicted_ms.get(figure)),
                            _off(one.deviation.get(figure)),
                        )
                    ),
                    one.deviates_by,
                ]


def beside_line(result: BenchResult) -> str:
    """How many of the simulated p99 are near the measured; empty where none is simulated."""
    found = [one.deviation["p99"] for case in result.cases for one in case.algorithms
             if one.deviation and one.deviation["p99"].middle is not None]  # fmt: skip
    if not found:
        return ""
    near = sum(not is_far(one) for one in found)
    return f"simulated p99 within 15 % of the measured in {near} of {len(found)} cases"


def _off(found: Estimate | None) -> str:
    if found is None or found.middle is None:
        return "-"
    return f"{(found.middle - 1) * 100:+.1f} %{' !' if is_far(found) else ''}".replace(
        "-", "\u2212"
    )


def past_about(past: Past) -> str:
    return PAST_NOTE.format(slots=past.slots, judged=past.judged, warmup=past.warmup)


def past_why(past: Past) -> str:
    """Why least connections herds; empty where it is not seen to."""
    is_seen = any(
        one.algorithm == "leastconn" and one.is_together and (one.to_two.low or 0.0) > 1
        for one in past.figures
    )
    return _WHY if is_seen else ""


def arms(past: Past) -> tuple[tuple[int, bool], ...]:
    """(balancers, whether they begin together), in their order."""
    return tuple(dict.fromkeys((one.balancers, one.is_together) for one in past.figures))


def past_head(past: Past) -> tuple[str, ...]:
    return ("servers", "balancers", *dict.fromkeys(one.algorithm for one in past.figures))


def past_rows(past: Past, figure: str) -> Iterator[list[str]]:
    """A row for each number of servers behind each number of balancers; ★ and = as in a case."""
    sizes = dict.fromkeys(one.servers for one in past.figures)
    for balancers, is_together in arms(past):
        for servers in sizes:
            own = [one for one in past.figures
                   if (one.servers, one.balancers, one.is_together)
                   == (servers, balancers, is_together)]  # fmt: skip
            yield [
                f"{servers:,}",
                balancers_text(balancers, is_together=is_together),
                *(estimate(one.times[figure]) + _mark(figure, one, own) for one in own),
            ]


def balancers_text(balancers: int, *, is_together: bool) -> str:
    return f"{balancers:,}" if is_together else f"{balancers:,} apart"


def _mark(figure: str, one: PastFigures, own: list[PastFigures]) -> str:
    """p99 alone is compared; where all are alike none is marked."""
    if figure != "p99" or len(own) < 2:
        return ""
    near = [each for each in own if _is_near(each)]
    if len(near) == len(own) or one not in near:
        return ""
    return MARKS["best" if one.to_least.middle == 1 else "tie"]


def _is_near(one: PastFigures) -> bool:
    low = one.to_least.low
    return low is None or low <= 1
