"""Where the engine's published ports are, as seen from here."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from harness.model.errors import NotJudgedError

__all__ = ["LOOPBACK", "EngineHost", "engine_host"]

_LOCAL: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})
_REMOTE_SCHEMES: Final = frozenset({"tcp", "http", "https", "ssh"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineHost:
    """The engine's own machine."""

    address: str
    """What to connect to for a published port."""
    bind: str
    """The engine's address on which ports are published."""
    is_local: bool
    """Whether that machine is this one: its loopback, its folders and its networks are ours."""


LOOPBACK: Final = EngineHost(address="127.0.0.1", bind="127.0.0.1", is_local=True)


def engine_host(given: str = "", environment: Mapping[str, str] = os.environ) -> EngineHost:
    """As the setting `host` says; where it says nothing, as DOCKER_HOST does, else loopback.

    Ports are published beyond loopback only where the engine's loopback is not ours. NotJudgedError
    where that host has no address.
    """
    name = given or _named_by(environment.get("DOCKER_HOST", ""))
    if name.lower() in _LOCAL or name.startswith("127."):
        return LOOPBACK
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotJudgedError(
            f"host: no address is known of {name!r}, where the engine's ports are published; "
            "name another one with --host"
        ) from error
    address = str(found[0][4][0])
    # Every address of that engine: which of them leads to us is not known here.
    return EngineHost(address=address, bind="0.0.0.0", is_local=False)  # noqa: S104


def _named_by(docker_host: str) -> str:
    """`docker` of tcp://docker:2375; empty where it is no other machine's, or no URL."""
    try:
        parts = urlsplit(docker_host)
        name = parts.hostname or ""
    except ValueError:
        return ""
    return name if parts.scheme in _REMOTE_SCHEMES else ""
