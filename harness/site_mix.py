"""The default traffic for a URL."""

from harness.model.traffic import ArrivalKind, Connection, Stream, Tls, Traffic
from harness.site import Address

__all__ = ["site_mix"]

_NEW_SHARE = 1 / 3


def site_mix(
    address: Address,
    rate_hz: float,
    *,
    expect_status: int = 200,
    expect_text: str = "",
    release_from: str = "",
    timeout_s: float = 10.0,
    arrivals: ArrivalKind = ArrivalKind.even,
) -> Traffic:
    """`rate_hz` GETs of the URL a second: two thirds on reused connections, one third on a new
    connection each.

    Over https a new connection of the first kind resumes the stream's TLS session where it can, as
    a browser's does; each one of the second kind makes a full handshake, as a first visitor's.
    """
    is_secure = address.scheme == "https"

    def get(name: str, rate: float, connection: Connection, tls: Tls) -> Stream:
        return Stream(
            name=name,
            path=address.path,
            rate_hz=rate,
            connection=connection,
            tls=tls if is_secure else Tls.off,
            expect_status=expect_status,
            expect_text=expect_text,
            timeout_s=timeout_s,
        )

    new_hz = _NEW_SHARE * rate_hz
    return Traffic(
        arrivals=arrivals,
        headers={"User-Agent": "zero-downtime-harness"},
        release_from=release_from,
        streams=(
            get("get-reused", rate_hz - new_hz, Connection.reuse, Tls.resume),
            get("get-new", new_hz, Connection.new, Tls.full),
        ),
    )
