"""Balancers in turn, each of which knows the website's servers from its first connection on."""

from collections.abc import Sequence

from harness.stack.balancer import slot_servers, written_servers
from harness.stack.runtime_api import RuntimeApi
from harness.stack.variation import varied

__all__ = ["Turns"]


class Turns:
    """What each next balancer begins with, in discovery mode `slots`: the next of the ports, and
    the servers that are up as it is started, where they are then. Without ports a configuration
    stays as it is, and its balancer knows no server before it is told of one.
    """

    def __init__(self, ports: Sequence[int], port: int) -> None:
        """`ports` are a variation's, `port` is the website's."""
        self._ports = ports
        self._port = port
        self._count = 0

    def next(self, configuration: str, api: RuntimeApi | None) -> str:
        """haproxy.cfg for it; `api` is of the balancer before it, None where there is none.

        NotJudgedError where a line that is to be changed is not there, MissingEvidenceError where
        the one before does not answer.
        """
        if not self._ports:
            return configuration
        bind = self._ports[self._count % len(self._ports)]
        self._count += 1
        up = [each for each in api.servers().values() if each.is_up] if api is not None else []
        servers = {
            slot_servers((each.name,), self._port).strip(): written_servers(
                {each.name: each.address}
            ).strip()
            for each in up
        }
        return varied("haproxy.cfg", configuration, {"bind :8080": f"bind :{bind}"} | servers)
