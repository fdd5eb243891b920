"""What a Compose project is brought up as."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.stack.compose.program import Program
from harness.stack.compose.project import Front, Project

__all__ = ["NEW", "OLD", "ComposePlan", "project_name"]

OLD: Final = "old"
NEW: Final = "new"


def project_name(run: str) -> str:
    """Compose takes small letters, digits, `-` and `_`."""
    return f"harness-{run.lower()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposePlan:
    """What to bring up, and how."""

    run: str
    project: Project
    files: tuple[Path, ...]
    service: str
    front: Front
    folder: Path
    """The run's."""
    old_image: str = ""
    """Empty: the file's own."""
    new_image: str = ""
    """Empty: a command sees to it."""
    tls: bool = False
    ca: str = ""
    """Certificates in PEM to trust instead of the system's."""
    path: str = "auto"
    """As in config; `auto` is `published` where the swapped service is itself the front."""
    host: str = ""
    """Where the engine's published ports are; empty as stack.engine_host finds it."""
    ready_s: float = 30.0

    def override_of(self, release: str) -> Path:
        return self.folder.resolve() / f"compose.{release}.yaml"

    def program(self, release: str) -> Program:
        """`docker compose` with the service's image of that release."""
        return Program((*self.files, self.override_of(release)), self.project.name)
