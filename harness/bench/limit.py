"""What theory says of a workload at its rate, beside which the measured figures are put."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from harness.bench.measures import Measures
from harness.bench.model import Workload
from harness.bench.result import Limit
from harness.bench.theory import MDc, MGc, MMc
from harness.model.draw import DrawKind

__all__ = ["limit_of"]


def limit_of(
    workload: Workload, rate_hz: float, measured: Mapping[str, Mapping[int, Measures]]
) -> Limit:
    """The bound is of the service times that were drawn, at the fastest that a server may be."""
    drawn_ms = np.concatenate([one.service_ms for one in next(iter(measured.values())).values()])
    fastest = min(
        1.0,
        *(change.factor for change in workload.changes),
        workload.cache.hit_factor if workload.cache else 1.0,
    )
    bound = {"mean": float(drawn_ms.mean()), **_quantiles(drawn_ms)} if len(drawn_ms) else {}
    queue, queue_ms, most_off = _queue(workload, rate_hz, drawn_ms)
    return Limit(
        bound_ms={name: value * fastest for name, value in bound.items()},
        queue=queue,
        queue_ms=queue_ms,
        most_off=most_off,
    )


def _quantiles(values: npt.NDArray[np.float64]) -> dict[str, float]:
    return {
        name: float(np.quantile(values, share, method="inverted_cdf"))
        for name, share in (("p50", 0.5), ("p99", 0.99))
    }


def _queue(
    workload: Workload, rate_hz: float, drawn_ms: npt.NDArray[np.float64]
) -> tuple[str, dict[str, float], float]:
    """(name, response in milliseconds by figure, by what factor the wait may be off)."""
    slots, service_s = workload.servers * workload.slots, workload.service.mean / 1e6
    is_plain = not (workload.changes or workload.cache or workload.burst or workload.swap)
    if not is_plain or not 0 < rate_hz * service_s < slots or not len(drawn_ms):
        return "", {}, 1.0
    if workload.service.kind is DrawKind.exponential:
        exponential = MMc(slots=slots, rate_hz=rate_hz, service_s=service_s)
        return (
            f"M/M/{slots}",
            {
                "mean": exponential.mean_response_s * 1e3,
                "p50": exponential.response_quantile_s(0.5) * 1e3,
                "p99": exponential.response_quantile_s(0.99) * 1e3,
            },
            1.0,
        )
    if workload.service.kind is DrawKind.fixed:
        fixed = MDc(slots=slots, rate_hz=rate_hz, service_s=service_s)
        return f"M/D/{slots}", {"mean": fixed.mean_response_s * 1e3}, 1.0
    variation = float(drawn_ms.var() / drawn_ms.mean() ** 2)
    other = MGc(slots=slots, rate_hz=rate_hz, service_s=service_s, variation=variation)
    return f"M/G/{slots}", {"mean": other.mean_response_s * 1e3}, other.most_off
