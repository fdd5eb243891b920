"""The heavy mix over every protocol that the edge speaks: HTTP/1.1, TLS, and some of it HTTP/2."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from harness.analysis.history import load
from harness.catalogue.model import Arm
from harness.heavy_mix import heavy_mix
from harness.mix import HOME
from harness.model.traffic import Stream, Tls, Traffic

__all__ = ["HTTP2", "heavy_with_http2", "http2_alone", "rows_over_http2"]

HTTP2 = ("http2-get", "http2-write")
"""Names of the streams over HTTP/2."""
HTTP2_SHARE = 0.2
"""Of all requests."""

_WRITES = 0.25
"""Of those over HTTP/2."""
_TIMEOUT_S = 10.0


def heavy_with_http2(rate_hz: float) -> Traffic:
    """`rate_hz` arrivals a second in all, a fifth of them over HTTP/2: pages, and writes that are
    read back from the store. Each of the two streams keeps one connection, which is another one as
    soon as the edge says that it takes no more on it; what it did not take by then is asked again,
    as a browser does.

    NotJudgedError below 50 a second, where the heavy mix would be too thin.
    """
    mix = heavy_mix(rate_hz * (1 - HTTP2_SHARE), timeout_s=_TIMEOUT_S)
    asking = (replace(each, asks_again=True) for each in _over_http2(rate_hz * HTTP2_SHARE))
    return replace(mix, streams=(*mix.streams, *asking))


def http2_alone(rate_hz: float, *, times: int) -> Traffic:
    """The same two streams `times` over and nothing else: `rate_hz` requests a second, on twice as
    many connections, each asked once.
    """
    mix = heavy_mix(100.0)
    streams = tuple(
        replace(stream, name=f"{stream.name}-{number}")
        for number in range(1, times + 1)
        for stream in _over_http2(rate_hz / times)
    )
    return Traffic(headers=mix.headers, streams=streams)


def rows_over_http2(arm: Arm) -> Iterator[pd.DataFrame]:
    """Each of the two streams' requests, as they were recorded."""
    rows = load(Path(arm.folder)).samples
    for name in HTTP2:
        yield rows[rows["stream"] == name]


def _over_http2(rate_hz: float) -> tuple[Stream, ...]:
    over = partial(Stream, tls=Tls.resume, http2=True, cached_s=0.0, timeout_s=_TIMEOUT_S)
    get, write = HTTP2
    return (
        over(name=get, path="/", expect_body=HOME, rate_hz=rate_hz * (1 - _WRITES)),
        over(
            name=write,
            method="POST",
            path="/operations",
            body="{operation}",
            expect_body={"*": "operation {operation} applied"},
            write=True,
            rate_hz=rate_hz * _WRITES,
        ),
    )
