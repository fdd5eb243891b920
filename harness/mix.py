"""The default traffic for the sample website."""

from harness.model.traffic import ArrivalKind, Connection, Stream, Traffic

__all__ = ["SLOW_MS", "default_mix"]

SLOW_MS = 1_200
"""Longer than most steps of a swap, so that some such request is in flight across each."""

_SLOW_SHARE, _LEAST_SLOW_HZ = 0.02, 2.0
_WRITE_SHARE = 0.12
_NEW_SHARE = 0.16

_HOME = {"v1": "Hello beautiful world!", "v2": "Hello beautiful changed world!"}


def default_mix(
    rate_hz: float, *, timeout_s: float = 10.0, arrivals: ArrivalKind = ArrivalKind.even
) -> Traffic:
    """`rate_hz` requests a second in all: mostly pages on reused connections, some on a new
    connection each, some writes, a few slow ones.

    The slow stream gets at least 2 requests a second: with 1.2 s each, two are always under way.
    """
    slow_hz = max(_LEAST_SLOW_HZ, _SLOW_SHARE * rate_hz)
    rest_hz = rate_hz - slow_hz
    write_hz = _WRITE_SHARE * rest_hz
    new_hz = _NEW_SHARE * rest_hz
    return Traffic(
        arrivals=arrivals,
        headers={"User-Agent": "zero-downtime-harness"},
        streams=(
            Stream(
                name="get-reused",
                path="/",
                rate_hz=rest_hz - write_hz - new_hz,
                expect_body=_HOME,
                timeout_s=timeout_s,
            ),
            Stream(
                name="get-new",
                path="/home",
                rate_hz=new_hz,
                connection=Connection.new,
                expect_body=_HOME,
                timeout_s=timeout_s,
            ),
            Stream(
                name="write",
                method="POST",
                path="/operations",
                rate_hz=write_hz,
                body="{operation}",
                expect_body={"*": "operation {operation} applied"},
                write=True,
                timeout_s=timeout_s,
            ),
            Stream(
                name="slow",
                path=f"/slow?ms={SLOW_MS}",
                rate_hz=slow_hz,
                expect_body={"*": f"waited {SLOW_MS} ms"},
                slow=True,
                timeout_s=timeout_s,
            ),
        ),
    )
