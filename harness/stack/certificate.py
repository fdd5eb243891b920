"""Certificates of a run: what the edge shows who connects over TLS, and what may take its place."""

import datetime as dt
import ssl
from dataclasses import dataclass, field, replace
from typing import Final, cast

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from harness.model.errors import MissingEvidenceError

__all__ = ["NAME", "Certificate", "Certificates", "number_of", "until"]

NAME = "localhost"
"""The host that requests ask for, and that the certificate is for."""

_DAY: Final = dt.timedelta(days=1)
_QUARTER: Final = 90 * _DAY
_SHOWN_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """In PEM: what is served with its key, and the authority that a client must trust."""

    authority: str
    authority_key: str = field(default="", repr=False)
    chain: str
    key: str = field(repr=False)

    @classmethod
    def made(cls) -> "Certificate":
        """An authority that lives as long as a run, and one certificate of its."""
        authority = trustme.CA()
        leaf = authority.issue_cert(NAME)
        return cls(
            authority=authority.cert_pem.bytes().decode(),
            authority_key=authority.private_key_pem.bytes().decode(),
            chain="".join(blob.bytes().decode() for blob in leaf.cert_chain_pems),
            key=leaf.private_key_pem.bytes().decode(),
        )

    def another(self, kind: str) -> "Certificate":
        """`renewed`: as this one and with the same key, but for its number and its time.

        Or one that a client must not take: `expired` a day ago, `early` by a day, `misnamed` (for
        another host), `unknown` (of another authority, with a key of its own). ValueError for any
        other kind.
        """
        now = dt.datetime.now(dt.UTC)
        match kind:
            case "renewed":
                return self._signed(now - _DAY, now + _QUARTER)
            case "expired":
                return self._signed(now - _QUARTER, now - _DAY)
            case "early":
                return self._signed(now + _DAY, now + _QUARTER)
            case "misnamed":
                return self._signed(now - _DAY, now + _QUARTER, host="other.test")
            case "unknown":
                return Certificate.made()
        raise ValueError(f"certificate: there is no kind {kind!r}")

    def _signed(self, begins: dt.datetime, ends: dt.datetime, *, host: str = NAME) -> "Certificate":
        former = x509.load_pem_x509_certificate(self.chain.encode())
        authority = x509.load_pem_x509_certificate(self.authority.encode())
        builder = (
            x509.CertificateBuilder()
            .issuer_name(authority.subject)
            .subject_name(former.subject)
            .public_key(former.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
        )
        for extension in former.extensions:
            value = extension.value
            if isinstance(value, x509.SubjectAlternativeName):
                value = x509.SubjectAlternativeName([x509.DNSName(host)])
            builder = builder.add_extension(value, critical=extension.critical)
        key = load_pem_private_key(self.authority_key.encode(), None)
        made = builder.sign(cast("CertificateIssuerPrivateKeyTypes", key), SHA256())
        return replace(self, chain=made.public_bytes(Encoding.PEM).decode())


def number_of(pem: str) -> int:
    """The serial number of the first certificate there."""
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def until(pem: str) -> str:
    """Until when the first certificate there is valid: `2026-11-27 12:00:00 UTC`."""
    ends = x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
    return f"{ends:%Y-%m-%d %H:%M:%S} UTC"


class Certificates:
    """Those of one run's edge."""

    def __init__(self) -> None:
        self.first = Certificate.made()
        """With which each edge starts."""
        self._where: tuple[str, int] | None = None

    def are_shown_at(self, host: str, port: int) -> None:
        self._where = host, port

    def issue(self, kind: str) -> tuple[str, str]:
        """Chain and key, in PEM, of a certificate of that kind (Certificate.another)."""
        other = self.first.another(kind)
        return other.chain, other.key

    def shown(self) -> str:
        """In PEM, what is shown now to who connects, by a bare handshake that verifies nothing.

        MissingEvidenceError where there is none.
        """
        if self._where is None:
            raise MissingEvidenceError("edge: it is not up, and shows no certificate")
        try:
            return ssl.get_server_certificate(self._where, timeout=_SHOWN_S)
        except OSError as error:
            raise MissingEvidenceError(f"edge: it shows no certificate: {error}") from error

    def described(self) -> dict[str, str]:
        """`certificate_until` of the one that is shown; nothing where there is none."""
        try:
            return {"certificate_until": until(self.shown())}
        except MissingEvidenceError:
            return {}
