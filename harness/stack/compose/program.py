"""`docker compose`, through testcontainers: asked what a file says, and told to bring it up."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from testcontainers.compose import DockerCompose

from harness.model.errors import NotJudgedError

__all__ = ["LEAST_VERSION", "Program", "RefusedError", "SilentProgramError", "files_of"]

LEAST_VERSION: Final = (2, 24, 4)
"""The first that knows `!override`, without which fixed ports could not be moved."""

_ASK_S: Final = 60.0
_TAIL_CHARS: Final = 1_500
_TAIL_LINES: Final = 8
_CHATTER: Final = re.compile(r'^(time="[^"]*" level=(warning|info)|WARN\[\d+\]|INFO\[\d+\])')
_SEPARATORS: Final = ":;|,"


class RefusedError(Exception):
    """`docker compose` ended with another exit code than 0: what it said of that."""


class SilentProgramError(Exception):
    """It did not end in its time."""


def files_of(setting: str) -> tuple[Path, ...]:
    """The files that the setting names, with `:` between them as in COMPOSE_FILE. NotJudgedError
    for one that is not there.
    """
    files = tuple(Path(part) for part in setting.split(":") if part)
    for file in files:
        if not file.is_file():
            raise NotJudgedError(
                f"compose: {file} is no file (looked for in {Path.cwd()}); correct --compose"
            )
    if not files:
        raise NotJudgedError("compose: names no file; say --compose compose.yaml")
    return tuple(file.resolve() for file in files)


class Program(DockerCompose):
    """The command with a project's name and files. What it says is kept, not printed."""

    def __init__(self, files: Sequence[Path], project: str) -> None:
        super().__init__(
            context=files[0].parent, compose_file_name=[str(file) for file in files], wait=False
        )
        self.files = tuple(files)
        self.project = project
        self._timeout_s = _ASK_S

    @cached_property
    def compose_command_property(self) -> list[str]:
        """As testcontainers has it, with the project's name."""
        command = list(super().compose_command_property)
        return [*command[:2], "--ansi", "never", "--progress", "quiet", "-p", self.project,
                *command[2:]]  # fmt: skip

    def environment(self) -> dict[str, str]:
        """Variables by which any `docker compose` command acts on this very project."""
        names = [str(file) for file in self.files]
        separator = next(each for each in _SEPARATORS if not any(each in name for name in names))
        return {
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_FILE": separator.join(names),
            "COMPOSE_PATH_SEPARATOR": separator,
        }

    def version(self) -> str:
        """NotJudgedError where there is no Compose v2, or one that is too old."""
        if shutil.which("docker") is None:
            raise NotJudgedError("compose: there is no `docker` command on PATH; install Docker")
        try:
            told = self._asked(["docker", "compose", "version", "--short"]).strip()
        except RefusedError as error:
            raise NotJudgedError(
                f"compose: `docker compose` does not work here ({error}); install Compose v2, "
                "Docker's plugin (docs.docker.com/compose/install; Debian 13: docker-compose)"
            ) from error
        numbers = tuple(int(digits) for digits in re.findall(r"\d+", told)[:3])
        if numbers < LEAST_VERSION:
            least = ".".join(map(str, LEAST_VERSION))
            raise NotJudgedError(
                f"compose: `docker compose` is {told}; it must be {least} or later: update it"
            )
        return told

    def config(self) -> dict[str, Any]:
        """What the files say, merged and resolved. NotJudgedError carries Compose's own complaint.

        No engine is asked.
        """
        try:
            told = self._asked([*self.docker_compose_command(), "config", "--format", "json"])
        except RefusedError as error:
            names = ", ".join(file.name for file in self.files)
            raise NotJudgedError(
                f"compose: {names} cannot be read: {error}; correct it (`docker compose config` "
                "says the same)"
            ) from error
        content: dict[str, Any] = json.loads(told)
        return content

    def bring_up(self, *, timeout_s: float) -> None:
        """All services of the active profiles. RefusedError, SilentProgramError."""
        self._timeout_s = timeout_s
        self.start()

    def tell(self, *arguments: str, timeout_s: float) -> None:
        """Runs `docker compose ARGUMENTS` to its end. RefusedError, SilentProgramError."""
        self._timeout_s = timeout_s
        self._run_command([*self.docker_compose_command(), *arguments])

    def _asked(self, command: list[str]) -> str:
        self._timeout_s = _ASK_S
        try:
            return self._run_command(command).stdout.decode("utf-8", "replace")
        except SilentProgramError as error:
            raise RefusedError(str(error)) from error

    def _run_command(
        self, cmd: str | list[str], context: str | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """As testcontainers has it, bounded in time; what it complains of is in the error."""
        try:
            done = subprocess.run(
                cmd,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                cwd=context or str(self.context),
                timeout=self._timeout_s,
            )
        except subprocess.TimeoutExpired:
            raise SilentProgramError(f"it did not end within {self._timeout_s:g} s") from None
        if done.returncode:
            raise RefusedError(_complaint(done.stderr) or f"exit code {done.returncode}")
        return done


def _complaint(stderr: bytes) -> str:
    """The end of what it said as one line, without its warnings."""
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines()]
    told = [line for line in lines if line and not _CHATTER.match(line)]
    return " / ".join((told or [line for line in lines if line])[-_TAIL_LINES:])[-_TAIL_CHARS:]
