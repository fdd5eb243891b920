"""The default traffic for URLs."""

import re
from collections.abc import Sequence

from harness.model.traffic import ArrivalKind, Connection, Stream, Tls, Traffic
from harness.site import Address

__all__ = ["HEADERS", "site_mix"]

HEADERS = {"User-Agent": "zero-downtime-harness"}
_NEW_SHARE = 1 / 3
_MOST_NAME = 24
"""Characters of a stream's name that tell its URL from others."""


def site_mix(
    addresses: Sequence[Address],
    rate_hz: float,
    *,
    expect_status: int = 200,
    expect_text: str = "",
    release_from: str = "",
    timeout_s: float = 10.0,
    arrivals: ArrivalKind = ArrivalKind.even,
) -> Traffic:
    """`rate_hz` GETs a second in all, each URL its equal share: two thirds on reused connections,
    one third on a new connection each.

    Over https a new connection of the first kind resumes the stream's TLS session where it can, as
    a browser's does; each one of the second kind makes a full handshake, as a first visitor's.
    """

    def get(address: Address, name: str, rate: float, connection: Connection, tls: Tls) -> Stream:
        return Stream(
            name=name,
            path=address.path,
            rate_hz=rate,
            origin=address.origin,
            connection=connection,
            tls=tls if address.is_secure else Tls.off,
            expect_status=expect_status,
            expect_text=expect_text,
            timeout_s=timeout_s,
        )

    each_hz = rate_hz / len(addresses)
    new_hz = _NEW_SHARE * each_hz
    streams: list[Stream] = []
    for name, address in zip(_names(addresses), addresses, strict=True):
        streams += (
            get(address, f"{name}-reused", each_hz - new_hz, Connection.reuse, Tls.resume),
            get(address, f"{name}-new", new_hz, Connection.new, Tls.full),
        )
    return Traffic(
        arrivals=arrivals, headers=HEADERS, release_from=release_from, streams=tuple(streams)
    )


def _names(addresses: Sequence[Address]) -> list[str]:
    """`get` for one URL. Of several the end of the path, with the host before it where two paths
    end alike, and with a number behind it where that is not enough.
    """
    if len(addresses) == 1:
        return ["get"]
    pages = [_short(address.path.partition("?")[0]) or "root" for address in addresses]
    hosts = [_short(address.authority) for address in addresses]
    if len(set(pages)) < len(pages):
        pages = [
            f"{host}/{page}" if len(set(hosts)) > 1 else page
            for host, page in zip(hosts, pages, strict=True)
        ]
    return [
        f"{page}-{pages[:at].count(page) + 1}" if pages.count(page) > 1 else page
        for at, page in enumerate(pages)
    ]


def _short(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z.]+", "-", text)[-_MOST_NAME:].strip("-")
