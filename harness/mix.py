"""The default traffic for the sample website."""

import hashlib
from functools import partial

from harness.model.errors import NotJudgedError
from harness.model.traffic import ArrivalKind, Connection, Stream, Tls, Traffic

__all__ = ["HOME", "LEAST_MIX_RATE", "SLOW_MS", "asset", "default_mix", "page"]

SLOW_MS = 1_200
"""Longer than most steps of a swap, so that some such request is in flight across each."""
CACHED_S = 1.0
"""For how long the sample website lets a cache keep what may be kept."""
LEAST_MIX_RATE = 30.0

_SLOW_SHARE = 0.02
_LEAST_HZ = 2.2
"""Of a thin stream: it must be seen before, during and after each swap, and judged there."""
_LINES = 200
HOME = {"v1": "Hello beautiful world!", "v2": "Hello beautiful changed world!"}
_GZIP = {"Accept-Encoding": "gzip"}


def default_mix(
    rate_hz: float, *, timeout_s: float = 10.0, arrivals: ArrivalKind = ArrivalKind.even
) -> Traffic:
    """`rate_hz` requests a second in all: mostly pages on reused connections, some on a new
    connection each, over HTTPS too; writes; what the edge compresses, caches and serves itself;
    a few slow ones.

    No stream gets less than 2.2 requests a second. Of the slow one, with 1.2 s each, two are
    then always under way. NotJudgedError below 30 requests a second in all.
    """
    if rate_hz < LEAST_MIX_RATE:
        raise NotJudgedError(
            f"rate: {rate_hz:g} requests a second are too few for the default traffic, whose "
            f"streams would not be seen in each phase; give at least {LEAST_MIX_RATE:g}"
        )
    thin = {"slow": _SLOW_SHARE, "https-new": 0.03, "https-resume": 0.05} | dict.fromkeys(
        ("cached", "asset"), 0.06
    )
    hz = {name: max(_LEAST_HZ, share * rate_hz) for name, share in thin.items()}
    rest_hz = rate_hz - sum(hz.values())
    assets, content = asset("v1")

    home = partial(Stream, path="/", expect_body=HOME, cached_s=0.0, timeout_s=timeout_s)
    zipped = {"Content-Encoding": "gzip"}
    return Traffic(
        arrivals=arrivals,
        headers={"User-Agent": "zero-downtime-harness"},
        streams=(
            home(name="get-reused", rate_hz=0.58 * rest_hz),
            home(name="get-new", rate_hz=0.15 * rest_hz, path="/home", connection=Connection.new),
            home(
                name="write",
                rate_hz=0.15 * rest_hz,
                method="POST",
                path="/operations",
                body="{operation}",
                expect_body={"*": "operation {operation} applied"},
                write=True,
            ),
            home(
                name="https-page",
                rate_hz=0.12 * rest_hz,
                path="/page",
                tls=Tls.resume,
                headers=_GZIP,
                expect_headers=zipped,
                expect_body={release: page(release) for release in HOME},
            ),
            home(
                name="https-new", rate_hz=hz["https-new"], connection=Connection.new, tls=Tls.full
            ),
            home(
                name="https-resume",
                rate_hz=hz["https-resume"],
                connection=Connection.new,
                tls=Tls.resume,
            ),
            home(name="cached", rate_hz=hz["cached"], path="/cached", cached_s=CACHED_S),
            home(
                name="asset",
                rate_hz=hz["asset"],
                path=assets,
                tls=Tls.resume,
                headers=_GZIP,
                expect_headers=zipped,
                expect_body={"*": content},
            ),
            home(
                name="slow",
                rate_hz=hz["slow"],
                path=f"/slow?ms={SLOW_MS}",
                expect_body={"*": f"waited {SLOW_MS} ms"},
                slow=True,
            ),
        ),
    )


def page(release: str) -> str:
    """What the sample website's /page says (sample_app/content.py)."""
    hello = HOME[release]
    lines = "".join(f'<li class="line-{n}">Line {n}: {hello}</li>\n' for n in range(1, _LINES + 1))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<title>{hello}</title>\n<link rel="stylesheet" href="{asset(release)[0]}">\n</head>\n'
        f"<body>\n<ol>\n{lines}</ol>\n</body>\n</html>\n"
    )


def asset(release: str) -> tuple[str, str]:
    """Path and text of the release's stylesheet; the path holds a hash of the text."""
    rules = "".join(f".line-{n} {{ order: {n}; }}\n" for n in range(1, _LINES + 1))
    text = f"/* {HOME[release]} */\n{rules}"
    return f"/assets/site-{hashlib.sha256(text.encode()).hexdigest()[:12]}.css", text
