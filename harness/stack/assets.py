"""What releases publish to the edge: each edge of the run has all of it before it is sent to."""

from collections.abc import Mapping

import docker
from docker.models.containers import Container

from harness.stack.edge import publish

__all__ = ["Assets"]


class Assets:
    """Publishes to every edge that runs; one that joins gets what was published before."""

    def __init__(
        self, client: docker.DockerClient, images: Mapping[str, str], labels: Mapping[str, str]
    ) -> None:
        """`images` by release; of a release that is not among them nothing is published."""
        self._client = client
        self._images = images
        self._labels = labels
        self._edges: list[tuple[Container, dict[str, str]]] = []
        self._releases: list[str] = []

    def join(self, edge: Container) -> None:
        has: dict[str, str] = {}
        for release in self._releases:
            self._put(release, edge, has)
        self._edges.append((edge, has))

    def publish(self, release: str) -> None:
        if release not in self._images:
            return
        if release not in self._releases:
            self._releases.append(release)
        for edge, has in self._edges:
            edge.reload()
            if edge.status == "running":
                self._put(release, edge, has)

    def _put(self, release: str, edge: Container, has: dict[str, str]) -> None:
        publish(self._client, self._images[release], edge, self._labels, has)
