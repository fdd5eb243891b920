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
from harness.model.place import Place
from harness.target import Endpoint
from harness.timeline import Timeline

__all__ = ["Address", "UrlTarget", "address_of", "sendable", "trusted"]

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
    Outcome.wrong_header: "correct the URL, or what is expected there (expect_headers)",
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

    @property
    def origin(self) -> str:
        """As of model.traffic.Stream."""
        return f"{self.scheme}://{self.authority}"

    @property
    def is_secure(self) -> bool:
        return self.scheme == "https"


def sendable(path: str) -> bool:
    """Whether it can stand in a request as it is."""
    return bool(_SENDABLE.fullmatch(path)) and "{" not in path


def address_of(url: str, of: str = "url") -> Address:
    """NotJudgedError says what of it cannot be asked, and what to do. `of` says whose it is."""

    def refuse(why: str) -> NotJudgedError:
        return NotJudgedError(f"{of}: {url!r} {why}")

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
    if not sendable(path):
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

    def __init__(
        self,
        *addresses: Address,
        ca: str = "",
        has_streams: bool = False,
        folder: Path | None = None,
    ) -> None:
        """Streams that name no origin go to the first of the addresses. `ca`: certificates in PEM
        to trust instead of the system's. `has_streams`: what is asked was said stream by stream.
        `folder`: the run's, which there is by the time that the control's stub is asked for.
        """
        self._addresses = addresses
        self._ca = ca
        self._has_streams = has_streams
        self._folder = folder
        self._stub = ScriptedServer()

    def up(self, timeline: Timeline) -> Endpoint:
        """Only names are looked up, each once for the run. NotJudgedError for an unknown one."""
        del timeline
        known: dict[str, list[str]] = {}
        places = {}
        for address in self._addresses:
            if address.host not in known:
                known[address.host] = _looked_up(address)
            places[address.origin] = Place(
                host=_reachable(known[address.host], address.port),
                port=address.port,
                authority=address.authority,
                tls_name=address.host if address.is_secure else "",
            )
        first = self._addresses[0]
        return Endpoint(
            host=places[first.origin].host,
            port=0 if first.is_secure else first.port,
            authority=first.authority,
            path="direct",
            tls_port=first.port if first.is_secure else 0,
            tls_name=first.host,
            ca=self._ca,
            places=places,
        )

    def control(self) -> Endpoint | None:
        """On loopback: it shares the machine with the sender, and nothing with the target."""
        if self._folder is None:
            return None
        return self._stub.start(control_traffic(), "", self._folder / FOLDER)

    def down(self) -> None:
        self._stub.close()

    def remedy(self, outcome: Outcome, status: int) -> str:
        if outcome is Outcome.wrong_status:
            redirects = 300 <= status < 400
            url = "name the URL that it redirects to" if redirects else "correct the URL"
            option = (
                f"expect_status = {status} there"
                if self._has_streams
                else f"--expect-status {status}"
            )
            return f"{url}, or say {option}"
        if outcome is Outcome.wrong_body and self._has_streams:
            return "correct the URL, or what is expected there (expect_text, expect_json)"
        return _REMEDIES.get(
            outcome, "check the URL: is HTTP/1.1 spoken at this port, and is it https?"
        )


def _looked_up(address: Address) -> list[str]:
    """All addresses that the host's name stands for."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NotJudgedError(
            f"url: no address is known of {address.host!r} ({error.strerror or error}); "
            "check the URL and the network"
        ) from error
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


def _reachable(hosts: list[str], port: int) -> str:
    """The first that takes a connection; where none does, the first.

    A name may stand for several, of which the website listens at some: `localhost` often does.
    """
    for host in hosts if len(hosts) > 1 else ():
        try:
            socket.create_connection((host, port), _CONNECT_S).close()
        except OSError:
            continue
        return host
    return hosts[0]
