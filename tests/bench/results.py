"""Judged benchmarks by hand, for the reports."""

from dataclasses import replace

from harness.bench.result import (
    FIGURES,
    AlgorithmResult,
    BenchResult,
    Case,
    Estimate,
    Limit,
    Past,
    PastFigures,
    Versus,
)
from harness.bench.wording import past_sentences

MARKUP = "<img src=x onerror=alert(1)>|*a*`b`\x1b[31m"


def estimate(middle, margin=0.1):
    if middle is None:
        return Estimate()
    return Estimate(middle=middle, low=middle * (1 - margin / 2), high=middle * (1 + margin))


def algorithm(name, p50, p99, **options):
    latency = dict.fromkeys(FIGURES, Estimate()) | {
        "mean": estimate(p50 and p50 * 1.2),
        "p50": estimate(p50),
        "p90": estimate(p50 and p50 * 2),
        "p99": estimate(p99),
        "max": estimate(p99 and p99 * 2),
    }
    fields = {
        "algorithm": name,
        "rounds": 5,
        "requests": 12_345,
        "failed": 0,
        "latency_ms": latency,
        "to_central": {figure: estimate(1.5) for figure in FIGURES},
        "to_bound": {"mean": p50 and p50 * 1.2 / 20, "p50": p50 and p50 / 14, "p99": None},
        "predicted_ms": {"p50": p50, "p99": p99},
        "deviation": {"p50": estimate(1.01), "p99": estimate(0.98)},
        "deviates_by": "",
        "within": 0.9987,
        "within_rounds": estimate(0.9987, 0.001),
        "throughput_hz": 411.5,
        "server_requests": {f"replica-{number}": 2_000 + 10 * number for number in range(1, 7)},
        "server_busy_s": {f"replica-{number}": 40.0 for number in range(1, 7)},
        "fairness": 0.998,
        "longest_queue": 17,
        "cpu_us": 41.2,
        "hit_ratio": None,
        "curve": ((0.0, 1.0), (0.5, p50 or 1.0), (0.9, 2 * (p50 or 1.0)), (0.99, p99 or 9.0)),
    }
    return AlgorithmResult(**(fields | options))


def case(**options):
    fields = {
        "workload": "slow-server",
        "title": "one server 5 times slower",
        "load": 0.7,
        "rate_hz": 364.0,
        "within_ms": 1000.0,
        "sentence": "one server 5 times slower, at 70 % load: central-queue's p99 is 4.1 ± 0.3 "
        "times lower than roundrobin's; leastconn's 3.1 ± 0.2",
        "algorithms": (
            algorithm("roundrobin", 40.0, 900.0),
            algorithm("leastconn", 21.0, 290.0,
                      deviation={"p50": estimate(1.0), "p99": estimate(0.8)},
                      deviates_by="not explained"),
            algorithm("central-queue", 20.5, 220.0, to_central={}, hit_ratio=0.25),
            algorithm("nginx-hash", None, None, failed=7, predicted_ms={}, deviation={},
                      within=None, cpu_us=None, fairness=None),
        ),
        "best": {"p50": ("central-queue", "leastconn"), "p99": ("central-queue",), "mean": ()},
        "versus": {
            "p99": (
                Versus(of="roundrobin", to="leastconn", ratio=estimate(3.1), p=0.001,
                       is_shown=True),
            )
        },
        "limit": Limit(
            bound_ms={"mean": 20.0, "p50": 13.9, "p99": 92.1},
            queue="M/G/12",
            queue_ms={"mean": 23.3},
            most_off=3.5,
        ),
    }  # fmt: skip
    return Case(**(fields | options))


def past(names=("roundrobin", "leastconn", "random-2")):
    """Least connections is best behind one balancer, and worst behind many that begin together."""
    p99 = {
        (1, True): (5.6, 4.6, 4.9),
        (10, True): (8.0, 6.0, 5.9),
        (100, True): (50.0, 50.0, 7.2),
        (100, False): (7.3, 7.3, 7.2),
    }
    figures = tuple(
        PastFigures(
            algorithm=name,
            servers=servers,
            balancers=balancers,
            is_together=is_together,
            times={"p50": estimate(own / 5), "p99": estimate(own), "mean": estimate(own / 4)},
            to_least=estimate(own / min(found)),
            to_two=estimate(own / found[2], 0.01),
        )
        for servers in (6, 1000)
        for (balancers, is_together), found in p99.items()
        for name, own in zip(names, found, strict=False)
    )
    found = Past(load=0.7, slots=2, seeds=3, warmup=10.0, judged=10.0, figures=figures,
                 sentences=())  # fmt: skip
    return replace(found, sentences=past_sentences(found))


def result(**options):
    fields = {
        "harness": "1.2.3",
        "run": "20260101T000000Z",
        "cases": (
            case(),
            case(
                workload="stalling-server", title="one server at 2 s", load=None, rate_hz=200.0,
                limit=Limit(bound_ms={}, queue="", queue_ms={}, most_off=1.0),
                sentence="one server at 2 s: no difference to roundrobin is shown for leastconn",
            ),
        ),
        "left_out": ("slow-server-70-leastconn-3: cores 97 % busy",),
        "planned": 40,
        "done": 39,
        "environment": {"cores": 2, "haproxy": "3.0.11"},
        "past": past(),
    }  # fmt: skip
    return BenchResult(**(fields | options))


def hostile():
    """Names of a user's own file, and of whatever answered."""
    bad = case(
        workload=MARKUP,
        title=MARKUP,
        sentence=MARKUP,
        algorithms=(
            algorithm(MARKUP, 1.0, 2.0, server_requests={MARKUP: 2_000}),
            algorithm("other", 1.0, 2.0),
        ),
        best={"p50": (MARKUP,), "p99": (MARKUP,), "mean": ()},
        limit=replace(case().limit, queue=MARKUP),
    )
    return result(run=MARKUP, cases=(bad,), left_out=(MARKUP,), environment={MARKUP: MARKUP},
                  past=past((MARKUP, "other")))  # fmt: skip


def huge():
    """More than anybody will run: 60 cases of 23 algorithms on 11 servers."""
    servers = {f"replica-{number}": 1_000 for number in range(1, 12)}
    curve = tuple((share / 50, 10.0 + share) for share in range(50))
    many = tuple(
        algorithm(f"algorithm-{number}", 20.0 + number, 200.0 + number,
                  server_requests=servers, curve=curve)
        for number in range(23)
    )  # fmt: skip
    return result(
        cases=tuple(
            case(workload=f"workload-{number}", algorithms=many, sentence="x" * 3_000,
                 best={"p50": ("algorithm-0",), "p99": ("algorithm-0",), "mean": ()})
            for number in range(60)
        ),
        left_out=("y" * 500,) * 1_000,
    )  # fmt: skip
