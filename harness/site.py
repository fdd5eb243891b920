"""A target that is not ours: whatever answers at a URL."""

import re
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from harness.calibration.scripted import ScriptedServer
from harness.model.control import FOLDER, control_traffic
from harness.model.errors import NotJudgedError
from harness.model.outcome import Outcome
from harness.target import Endpoint
from harness.timeline import Timeline

__all__ = ["Address", "UrlTarget", "address_of", "trusted"]

_PORTS: Final = {"http": 80, "https": 443}
_SENDABLE: Final = re.compile(r"[!-~]+")
_HOST: Final = re.compile(r"[0-9A-Za-z._-]+")
_CONNECT_S: Final = 1.0

_REMEDIES: Final = {
    Outcome.refused: "nothing listens there: check that it runs, and the URL",
    Outcome.unreachable: "check the URL and the network",
    Outcome.connect_timeout: "check the URL and what filters the network",
    Outcome.untrusted: "name the PEM file of the authority that signed its certificate with --ca",
    Outcome.handshake_failed: "check that TLS is spoken at this port, or name an http:// URL",
    Outcome.handshake_timeout: "check that TLS is spoken at this port, or name an http:// URL",
    Outcome.closed_in_handshake: "check that TLS is spoken at this port, or name an http:// URL",
    Outcome.wrong_body: "correct the URL, or the text after --expect-text",
    Outcome.answer_timeout: "check that it answers this URL at all",
    Outcome.read_timeout: "check that its answer to this URL ends",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A URL, taken apart."""

    scheme: str
    """`http` or `https`."""
    host: str
    """A name in ASCII, or an address without brackets."""
    port: int
    path: str
    """With the query."""

    @property
    def authority(self) -> str:
        """The Host header: without the port where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def address_of(url: str) -> Address:
    """NotJudgedError says what of it cannot be asked, and what to do."""

    def refuse(why: str) -> NotJudgedError:
        return NotJudgedError(f"url: {url!r} {why}")

    try:
        parts = urlsplit(url)
        port, name = parts.port, parts.hostname or ""
    except ValueError as error:
        raise refuse(f"is no URL: {error}") from None
    if parts.scheme not in _PORTS:
        raise refuse("must begin with http:// or https://")
    if "@" in parts.netloc:
        raise refuse("names a user, which is not sent; leave it out")
    if "#" in url:
        raise refuse("has a fragment (#…), which no server gets to see; leave it out")
    if not name or port == 0:
        raise refuse(f"has no {'port that can be asked' if name else 'host'}")
    if ":" not in name:
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise refuse(f"has a host that is no name: {error}") from None
        if not _HOST.fullmatch(name):
            raise refuse("has a host that is no name")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _SENDABLE.fullmatch(path) or "{" in path:
        raise refuse("has characters that a URL does not hold; percent-encode them")
    return Address(scheme=parts.scheme, host=name, port=port or _PORTS[parts.scheme], path=path)


def trusted(ca: str) -> str:
    """The certificates in the PEM file `ca`; empty without one. NotJudgedError for no PEM file."""
    if not ca:
        return ""
    try:
        # Remarks between the certificates may be in any tongue.
        pem = Path(ca).read_text("ascii", "ignore")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except OSError as error:
        # ssl.SSLError is one too.
        raise NotJudgedError(f"ca: {ca}: {error.strerror or error}; name a PEM file") from error
    except ValueError as error:
        raise NotJudgedError(f"ca: {ca} holds no certificate in PEM: {error}") from error
    return pem


class UrlTarget:
    """Implements Target, HasControl and KnowsRemedies. All that it makes is the control's stub."""

    name = "url"

    def __init__(self, address: Address, ca: str = "", *, folder: Path | None = None) -> None:
        """`ca`: certificates in PEM to trust instead of the system's. `folder`: the run's, which
        there is by the time that the stub is asked for.
        """
        self._address = address
        self._ca = ca
        self._folder = folder
        self._stub = ScriptedServer()

    def up(self, timeline: Timeline) -> Endpoint:
        """Only the name is looked up, once for the run. NotJudgedError where it has no address."""
        del timeline
        address = self._address
        is_secure = address.scheme == "https"
        return Endpoint(
            host=_reachable(address),
            port=0 if is_secure else address.port,
            authority=address.authority,
            path="direct",
            tls_port=address.port if is_secure else 0,
            tls_name=address.host,
            ca=self._ca,
        )

    def control(self) -> Endpoint | None:
        """On loopback: it shares the machine with the sender, and nothing with the target."""
        if self._folder is None:
            return None
        return self._stub.start(control_traffic(), "", self._folder / FOLDER)

    def down(self) -> None:
        self._stub.close()

    def remedy(self, outcome: Outcome, status: int) -> str:
        if outcome is Outcome.wrong_status and 300 <= status < 400:
            return f"name the URL that it redirects to, or say --expect-status {status}"
        if outcome is Outcome.wrong_status:
            return f"correct the URL, or say --expect-status {status}"
        return _REMEDIES.get(
            outcome, "check the URL: is HTTP/1.1 spoken at this port, and is it https?"
        )


def _reachable(address: Address) -> str:
    """The first of the host's addresses that takes a connection; where none does, the first.

    A name may stand for several, of which the website listens at some: `localhost` often does.
    """
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NotJudgedError(
            f"url: no address is known of {address.host!r} ({error.strerror or error}); "
            "check the URL and the network"
        ) from error
    hosts = list(dict.fromkeys(str(place[0]) for *_, place in found))
    for host in hosts if len(hosts) > 1 else ():
        try:
            socket.create_connection((host, address.port), _CONNECT_S).close()
        except OSError:
            continue
        return host
    return hosts[0]
