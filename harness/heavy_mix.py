"""The heavy traffic: the default one, and what lasts: beside each swap's steps, or over them."""

import hashlib
from functools import partial

from harness.mix import default_mix, page
from harness.model.errors import NotJudgedError
from harness.model.made import made
from harness.model.traffic import ArrivalKind, Stream, Traffic
from harness.model.visit import Until, Visit, VisitKind

__all__ = ["LAST_S", "LEAST_HEAVY_RATE", "heavy_mix"]

LAST_S = 3.0
"""For how long each lasts by itself."""
LEAST_HEAVY_RATE = 40.0

_EACH_HZ = 1.0
"""Of each, so that three are under way at any moment, and a website's threads are enough."""
_DOWNLOAD_BYTES = 400_000
_UPLOAD_BYTES = 200_000
_EVERY_MS = 200
_RELEASES = ("v1", "v2")


def heavy_mix(
    rate_hz: float, *, timeout_s: float = 10.0, arrivals: ArrivalKind = ArrivalKind.even
) -> Traffic:
    """`rate_hz` arrivals a second in all: seven streams of one a second that last 3 s, and the
    default mix. NotJudgedError below 40 a second in all.

    Visits that are open as a swap begins are held: of those whose connection a website keeps, until
    a new instance is admitted, as no old one can be drained before; the others until it is over.
    """
    if rate_hz < LEAST_HEAVY_RATE:
        raise NotJudgedError(
            f"rate: {rate_hz:g} requests a second are too few for the heavy traffic; give at least "
            f"{LEAST_HEAVY_RATE:g}, or take the default mix"
        )
    lasting = _lasting(timeout_s)
    rest = default_mix(rate_hz - _EACH_HZ * len(lasting), timeout_s=timeout_s, arrivals=arrivals)
    return Traffic(arrivals=arrivals, headers=rest.headers, streams=(*rest.streams, *lasting))


def _lasting(timeout_s: float) -> tuple[Stream, ...]:
    ms = int(LAST_S * 1000)
    uploaded = hashlib.sha256(made(_UPLOAD_BYTES).encode()).hexdigest()
    whole_s = timeout_s + LAST_S
    lasting = partial(Stream, rate_hz=_EACH_HZ, cached_s=0.0, slow=True)
    visit = partial(Visit, lasts_s=LAST_S, every_s=_EVERY_MS / 1000)
    return (
        lasting(
            name="download",
            path=f"/download?bytes={_DOWNLOAD_BYTES}&ms={ms}",
            expect_body={
                release: f"{release} begins\n{{made {_DOWNLOAD_BYTES}}}{release} ends\n"
                for release in _RELEASES
            },
            timeout_s=whole_s,
        ),
        lasting(
            name="upload",
            path="/upload",
            method="POST",
            body=f"{{made {_UPLOAD_BYTES}}}",
            upload_s=LAST_S,
            expect_body={"*": f"received {_UPLOAD_BYTES} bytes, sha256 {uploaded}"},
            timeout_s=whole_s,
        ),
        lasting(
            name="idle",
            path="/home",
            expect_body={"v1": "Hello beautiful world!", "v2": "Hello beautiful changed world!"},
            visit=visit(kind=VisitKind.idle, until=Until.swapped),
            timeout_s=timeout_s,
        ),
        lasting(
            name="page-asset",
            path="/page",
            expect_body={release: page(release) for release in _RELEASES},
            visit=visit(
                kind=VisitKind.page,
                until=Until.swapped,
                then_path="/{asset}",
                then_text=".line-1 ",
            ),
            timeout_s=timeout_s,
        ),
        lasting(
            name="session",
            path="/login",
            method="POST",
            body="user-{operation} basket-{operation}",
            expect_body={"*": "welcome user-{operation}"},
            visit=visit(
                kind=VisitKind.session,
                until=Until.swapped,
                then_path="/account",
                then_body={"*": "user user-{operation} holds basket-{operation}"},
            ),
            timeout_s=timeout_s,
        ),
        lasting(
            name="events",
            path=f"/events?every_ms={_EVERY_MS}",
            expect_text="data: ",
            visit=visit(kind=VisitKind.events, until=Until.admitted),
            timeout_s=timeout_s,
        ),
        lasting(
            name="websocket",
            path="/websocket",
            expect_status=101,
            visit=visit(kind=VisitKind.websocket, until=Until.admitted),
            timeout_s=timeout_s,
        ),
    )
