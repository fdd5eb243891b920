"""The default traffic for an app of the user's own, in the bundled stack."""

from collections.abc import Sequence

from harness.model.errors import NotJudgedError
from harness.model.traffic import ArrivalKind, Connection, Stream, Tls, Traffic

__all__ = ["app_mix"]

_LEAST_HZ = 2.2
"""Of a thin stream: it must be seen before, during and after each swap, and judged there."""
_KINDS = (
    ("get-reused", 0.62, Connection.reuse, Tls.off),
    ("get-new", 0.25, Connection.new, Tls.off),
    ("https-reused", 0.09, Connection.reuse, Tls.resume),
    ("https-new", 0.04, Connection.new, Tls.full),
)
"""By name the share of a page's requests, and how they are connected."""


def app_mix(
    pages: Sequence[str],
    rate_hz: float,
    *,
    expect_status: int = 200,
    expect_text: str = "",
    timeout_s: float = 10.0,
    arrivals: ArrivalKind = ArrivalKind.even,
) -> Traffic:
    """`rate_hz` GETs a second in all, as many of each page: mostly on reused connections, some on a
    new connection each, a few of both kinds over HTTPS, which the edge ends.

    A stream is named after its kind, and where there are several pages after its page. No stream
    gets less than 2.2 requests a second. NotJudgedError where that is more than there is, and for
    more pages than a traffic may have streams of.
    """
    asked = tuple(dict.fromkeys(pages))
    page_hz = rate_hz / len(asked)
    hz = {name: max(_LEAST_HZ, share * page_hz) for name, share, _, _ in _KINDS}
    first, *others = hz
    hz[first] = page_hz - sum(hz[name] for name in others)
    if hz[first] < _LEAST_HZ:
        raise NotJudgedError(
            f"rate: {rate_hz:g} requests a second are too few for {len(asked)} pages, whose "
            "streams would not be seen in each phase; give at least "
            f"{len(hz) * _LEAST_HZ * len(asked):g}"
        )
    try:
        return Traffic(
            arrivals=arrivals,
            headers={"User-Agent": "zero-downtime-harness"},
            streams=tuple(
                Stream(
                    name=f"{name} {page}" if len(asked) > 1 else name,
                    path=page,
                    rate_hz=hz[name],
                    connection=connection,
                    tls=tls,
                    expect_status=expect_status,
                    expect_text=expect_text,
                    timeout_s=timeout_s,
                )
                for page in asked
                for name, _, connection, tls in _KINDS
            ),
        )
    except ValueError as error:
        raise NotJudgedError(f"page: {error}") from error
