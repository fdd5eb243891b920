"""What `docker compose config --format json` says of two projects (Compose 2.26.1)."""

import copy
from typing import Any

PROXIED: dict[str, Any] = {
    "name": "harness-x",
    "networks": {"default": {"name": "harness-x_default", "ipam": {}}},
    "services": {
        "front": {
            "image": "nginx:1",
            "command": None,
            "networks": {"default": None},
            "ports": [
                {"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"},
                {"mode": "ingress", "target": 53, "published": "53", "protocol": "udp"},
            ],
        },
        "store": {
            "image": "redis:8",
            "container_name": "my-redis",
            "networks": {"default": None},
            "volumes": [{"type": "volume", "source": "data", "target": "/data"}],
        },
        "website": {
            "image": "my/app:1",
            "build": {"context": "/shop/app", "dockerfile": "Dockerfile"},
            "networks": {"default": None},
            "deploy": {"replicas": 2},
        },
    },
    "volumes": {"data": {"name": "precious"}},
}
"""A proxy before two of `website`, and a store whose names are fixed."""

DIRECT: dict[str, Any] = {
    "name": "harness-x",
    "networks": {"default": {"name": "harness-x_default", "ipam": {}}},
    "services": {
        "website": {
            "build": {"context": "/shop"},
            "networks": {"default": None},
            "ports": [{"mode": "ingress", "target": 8000, "protocol": "tcp"}],
        }
    },
}
"""One service, built and named after the project, that publishes its own port."""


def changed(project: dict[str, Any], service: str, **changes: Any) -> dict[str, Any]:
    """The same, with another content of that service; None leaves a key out."""
    found = copy.deepcopy(project)
    content = found["services"].setdefault(service, {}) | changes
    found["services"][service] = {k: v for k, v in content.items() if v is not None}
    return found
