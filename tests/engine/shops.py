"""Images of the shop in shop/: a project of another kind, with releases right and wrong."""

from pathlib import Path

import docker

from harness.stack import images

SHOP = Path(__file__).parent / "shop"


def front(engine: docker.DockerClient) -> str:
    return images.built(engine, "test-shop-front", SHOP / "front", images.base_image(engine))


def website(engine: docker.DockerClient, release: str, fault: str = "") -> str:
    """Of that release; `fault` is of shop/app/app.py's."""
    base = images.base_image(engine)
    return images.built(engine, "test-shop", SHOP / "app", base, RELEASE=release, FAULT=fault)


def left(engine: docker.DockerClient, run: str) -> list[str]:
    """What of the project of that run the engine still has, whoever made it."""
    label = {"label": f"com.docker.compose.project=harness-{run.lower()}"}
    named = f"harness-{run.lower()}"
    return [
        *(f"container {each.name}" for each in engine.containers.list(all=True, filters=label)),
        *(f"network {each.name}" for each in engine.networks.list(filters=label)),
        *(f"volume {each.name}" for each in engine.volumes.list(filters=label)),
        *(tag for each in engine.images.list() for tag in each.tags if tag.startswith(named)),
    ]
