"""What each run is kept as: an id, a folder of its own, and a word on where it was made."""

import contextlib
import hashlib
import importlib.metadata
import platform
import secrets
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from harness import __version__
from harness.config import Settings
from harness.machine import describe
from harness.model.errors import NotJudgedError

__all__ = [
    "LEAST_FREE_BYTES",
    "environment_of",
    "forget_if_bare",
    "new_folder",
    "new_run",
    "point_latest",
    "scenario_name",
]

LEAST_FREE_BYTES = 64 * 1024 * 1024
_MOST_NAME_BYTES = 200
"""File systems take 255 at most."""
_TAKEN = frozenset({"index.html", "latest"})
"""What a reports folder has beside the folders of its scenarios."""
_VERSIONED = ("docker", "gevent", "httptools", "locust", "numpy", "pandas", "pyarrow",
              "pydantic", "testcontainers")  # fmt: skip


def new_run() -> str:
    """An id for a run: its UTC time, and some chance for those of the same second."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def scenario_name(name: str) -> str:
    """The name as that of a folder among the reports: a test's id may be `test_x[/home]`.

    Separators and control characters become `-`; one that is too long is cut, and told by a hash
    from others that begin alike. NotJudgedError where nothing is left, or where it is taken.
    """
    shown = "".join(char if char.isprintable() and char not in "/\\" else "-" for char in name)
    shown = shown.lstrip(" .-")
    if not shown or shown.casefold() in _TAKEN:
        raise NotJudgedError(f"name: {name!r} cannot be that of a folder; choose another name")
    whole = shown.encode()
    if len(whole) <= _MOST_NAME_BYTES:
        return shown
    told = hashlib.sha256(whole).hexdigest()[:8]
    return f"{whole[:_MOST_NAME_BYTES].decode(errors='ignore')}-{told}"


def new_folder(reports: Path, scenario: str, run: str) -> Path:
    """A run's folder, made. NotJudgedError where it cannot be, or where the disk is full."""
    folder = reports / scenario / run
    try:
        folder.mkdir(parents=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise NotJudgedError(
            f"reports: cannot write to {reports}: {error.strerror}; name another folder with "
            "--reports"
        ) from error
    if free < LEAST_FREE_BYTES:
        folder.rmdir()
        raise NotJudgedError(
            f"disk: only {free // 1024} KiB are free for {reports}, a run needs 64 MiB; "
            "free some, or name another folder with --reports"
        )
    return folder


def forget_if_bare(folder: Path) -> None:
    """Removes the folder of a run that neither sent a request nor left a log or a traceback."""
    if (folder / "requests.bin").exists() or any((folder / "logs").glob("*")):
        return
    with contextlib.suppress(OSError):
        if b'"traceback"' in (folder / "marks.jsonl").read_bytes():
            return
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        # The scenario's own folder, where this was its only run.
        folder.parent.rmdir()


def point_latest(folder: Path) -> None:
    """`reports/latest`, a symbolic link, where the folder is one of a reports folder."""
    resolved = folder.resolve()
    latest = resolved.parent.parent / "latest"
    if latest.exists() and not latest.is_symlink():
        return
    partial = latest.with_name(f".latest-{resolved.name}")
    partial.unlink(missing_ok=True)
    partial.symlink_to(Path(resolved.parent.name) / resolved.name)
    partial.replace(latest)


def environment_of(settings: Settings) -> dict[str, str | int | float | bool]:
    """What a record says of where it was made."""
    found: dict[str, str | int | float | bool] = {
        "harness": __version__,
        "python": platform.python_version(),
        "seed": settings.seed,
        **describe(),
    }
    for name in _VERSIONED:
        found[name] = importlib.metadata.version(name)
    head = _git("rev-parse", "HEAD")
    if head:
        found["git_head"] = head
        changes = _git("status", "--porcelain", "--untracked-files=no")
        # A tree of which nobody knows is not a clean one.
        found["git_dirty"] = changes is None or bool(changes)
    return found


def _git(*command: str) -> str | None:
    """Of the folder that the command runs in: the tree whose deploy is being proved. None where it
    cannot be told within 10 s.
    """
    try:
        done = subprocess.run(
            ["git", *command], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
