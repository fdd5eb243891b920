"""A run's own network on the engine."""

from collections.abc import Mapping

import docker.errors
from testcontainers.core.network import Network

from harness.model.errors import NotJudgedError

__all__ = ["Network", "create_network"]


def create_network(name: str, labels: Mapping[str, str]) -> Network:
    """Creates it. NotJudgedError where the engine refuses one."""
    network = Network(docker_network_kw={"labels": dict(labels)})
    network.name = name
    try:
        network.create()
    except docker.errors.APIError as error:
        if "non-overlapping" in str(error) or "address pool" in str(error):
            raise NotJudgedError(
                "network: the engine has no address range left for another network; "
                "`harness clean` removes what dead runs left, `docker network prune` the rest"
            ) from error
        raise NotJudgedError(f"network: the engine refused one: {error}") from error
    return network
