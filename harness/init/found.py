"""What a folder says of the website in it."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["COMPOSE_FILES", "Found", "look"]

COMPOSE_FILES: Final = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""In the order in which Compose takes them."""
_DOCKERFILE: Final = "Dockerfile"
_SERVICES_S: Final = 10.0
_MOST_SERVICES: Final = 50
_CONTINUED: Final = re.compile(r"\\[ \t]*\r?\n")
_EXPOSE: Final = re.compile(r"(?im)^[ \t]*EXPOSE[ \t]+(\d+)")
_HEALTH: Final = re.compile(r"(?im)^[ \t]*HEALTHCHECK[ \t].*?https?://[^/\s\"']+(/[^\s\"'|;&)\]]*)")
_PORTS: Final = range(1, 65_536)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is empty, 0 or None was not found."""

    compose: str = ""
    """The compose file's name."""
    services: tuple[str, ...] | None = None
    """Of that file; None where they could not be listed."""
    dockerfile: str = ""
    port: int = 0
    """That the Dockerfile exposes first."""
    health: str = ""
    """The path that its HEALTHCHECK asks for."""


def look(folder: Path) -> Found:
    """Reads; of what cannot be read nothing was found."""
    compose = next((name for name in COMPOSE_FILES if (folder / name).is_file()), "")
    text = _text(folder / _DOCKERFILE)
    port = int(match[1]) if (match := _EXPOSE.search(text)) else 0
    health = _HEALTH.search(text)
    return Found(
        compose=compose,
        services=_services(folder / compose) if compose else None,
        dockerfile=_DOCKERFILE if text else "",
        port=port if port in _PORTS else 0,
        health=health[1] if health else "",
    )


def _text(path: Path) -> str:
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return ""
    return _CONTINUED.sub(" ", text)


def _services(path: Path) -> tuple[str, ...] | None:
    """As Compose itself lists them: YAML has anchors, merges and profiles."""
    try:
        done = subprocess.run(
            ["docker", "compose", "--file", path.name, "config", "--services"],
            cwd=path.parent,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SERVICES_S,
        )
    except (OSError, UnicodeError, subprocess.TimeoutExpired):
        return None
    names = done.stdout.split()
    if done.returncode or not all(re.fullmatch(r"[\w.-]+", name) for name in names):
        return None
    return tuple(sorted(names)[:_MOST_SERVICES]) or None
