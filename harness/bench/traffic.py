"""What is sent in a round: one stream, which says of each request how long it takes and its key."""

from dataclasses import replace

from harness.bench.model import Workload
from harness.model.draw import DrawKind
from harness.model.traffic import ArrivalKind, Stream, Traffic

__all__ = ["TIMEOUT_S", "traffic"]

TIMEOUT_S = 10.0


def traffic(workload: Workload, rate_hz: float) -> Traffic:
    """Random arrivals, as theory has them, and one index for a request's key and client."""
    return Traffic(
        streams=(
            Stream(
                name="work",
                path="/{key}?key={key}",
                rate_hz=rate_hz,
                headers={
                    "X-Service-Us": "{service}",
                    "X-Key": "{key}",
                    "X-Client": "{client}",
                },
                drawn={
                    "service": workload.service,
                    "key": workload.keys,
                    "client": replace(workload.keys, kind=DrawKind.client),
                },
                timeout_s=TIMEOUT_S,
            ),
        ),
        arrivals=ArrivalKind.poisson,
        release_from="",
        burst=workload.burst,
    )
