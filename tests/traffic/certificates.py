"""Certificates made in memory for one session of tests, and whom a client trusts."""

import datetime as dt
import ssl
from functools import cache

import trustme

from harness.traffic.tls import Trust

__all__ = ["NAME", "authority_pem", "context", "trust"]

NAME = "site.test"
_PAST = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)


@cache
def _authority(name: str = "ours") -> trustme.CA:
    return trustme.CA(organization_name=name)


def authority_pem() -> str:
    """The one authority that clients are told to trust."""
    return _authority().cert_pem.bytes().decode()


@cache
def _certificate(kind: str) -> trustme.LeafCert:
    match kind:
        case "right":
            return _authority().issue_cert(NAME)
        case "wrong-name":
            return _authority().issue_cert("other.test")
        case "expired":
            return _authority().issue_cert(
                NAME, not_before=_PAST, not_after=_PAST + dt.timedelta(days=1)
            )
        case "unknown-authority":
            return _authority("theirs").issue_cert(NAME)
    raise ValueError(kind)


@cache
def context(
    kind: str = "right",
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    *,
    gives_tickets: bool = True,
) -> ssl.SSLContext:
    """A server's context that speaks one version and shows a certificate of that kind."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = made.maximum_version = version
    if not gives_tickets:
        made.num_tickets = 0
    _certificate(kind).configure_cert(made)
    return made


@cache
def trust(name: str = NAME) -> Trust:
    """A client's, shared by all tests as a run shares it."""
    return Trust(name, authority_pem())
