"""Discovery modes by name: the balancer's configuration and the website's manners in each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from harness.follower.configuration import marker
from harness.stack.app import SAMPLE, App
from harness.stack.balancer import (
    WRITTEN_HERE,
    Balancer,
    Manners,
    configuration,
    dns_servers,
    green_names,
    slot_names,
    slot_servers,
)
from harness.stack.discovery import Discovery, Dns, Slots
from harness.stack.followed import SOCKET, Followed
from harness.stack.runtime_api import BACKEND

__all__ = ["MODES", "Mode"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """One configuration for all strategies of it, so that each stands for its procedure alone."""

    is_dns: bool = False
    is_reload: bool = False
    """Its Discovery is stack.written's."""
    is_followed: bool = False
    """Its servers are the follower's to write (stack.followed)."""
    manners: Manners = field(default_factory=Manners)
    environment: Mapping[str, str] = field(default_factory=dict)
    """Of the website's instances."""
    edge: Mapping[str, str] = field(default_factory=dict)
    """Lines of nginx.conf that stand otherwise, as of stack.variation."""

    def configuration(
        self, algorithm: str, replicas: int, port: int, more: str = "", app: App = SAMPLE
    ) -> str:
        """HAProxy's, with `more` pools."""
        names = slot_names(replicas)
        if self.is_reload or self.is_followed:
            return configuration(
                algorithm=algorithm,
                servers=WRITTEN_HERE if self.is_reload else marker(BACKEND),
                manners=self.manners,
                more=more,
                app=app,
            )
        if self.is_dns:
            return configuration(
                algorithm=algorithm,
                servers=dns_servers(Dns.alias, len(names), port),
                manners=self.manners,
                more=more,
                app=app,
            )
        return configuration(
            algorithm=algorithm,
            servers=slot_servers(names, port),
            green_servers=slot_servers(green_names(replicas), port),
            manners=self.manners,
            more=more,
            app=app,
        )

    def discovery(self, balancer: Balancer, replicas: int, port: int) -> Discovery:
        if self.is_dns:
            return Dns(balancer, port)
        if self.is_followed:
            return Followed(balancer, port)
        return Slots(balancer, slot_names(replicas), port, green=green_names(replicas))


MODES: Final[Mapping[str, Mode]] = {
    "slots": Mode(),
    "dns": Mode(is_dns=True),
    # For a stop of which nobody tells the balancer. A server that DNS has just named is UP before
    # its first check: slowstart sends it little until then, and what does go there waits 100 ms.
    # A website that lingers longer than checks take to fail is asked nothing when it closes.
    "dns-slowstart": Mode(
        is_dns=True,
        manners=Manners(connect_ms=100, slowstart_ms=2000),
        environment={"LINGER_S": "1.5"},
    ),
    # A former process is gone once its last visitor is. NGINX lets go of connections that it does
    # not use after 1 s, so that this is soon, and HAProxy never has to end one that is idle.
    "reload": Mode(
        is_reload=True,
        manners=Manners(is_reloaded=True),
        edge={"keepalive_timeout 20s;": "keepalive_timeout 1s;"},
    ),
    # The follower may have HAProxy reloaded, for who sets it up otherwise; a swap never does.
    "follower": Mode(is_followed=True, manners=Manners(another_socket=SOCKET)),
}
