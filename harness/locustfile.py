"""A locustfile as a run's traffic: what can be known of it before anything starts."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from harness.config import Settings
from harness.model.closed import ClosedLoop
from harness.model.errors import NotJudgedError
from harness.model.traffic import Connection, Stream, Tls, Traffic

__all__ = ["closed_loop", "probed"]

_LOOK_S: Final = 60.0
_TAIL_LINES: Final = 5


def closed_loop(settings: Settings) -> ClosedLoop | None:
    """None where the settings name no locustfile. NotJudgedError where it cannot be imported, or
    has no user: it is imported for that, by a process of its own.
    """
    if not settings.locustfile:
        return None
    path = Path(settings.locustfile)
    if not path.is_file():
        raise NotJudgedError(f"locustfile: {path} is no file; correct --locustfile")
    command = [sys.executable, "-P", "-m", "harness.traffic.closed.loaded", str(path)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_LOOK_S,
            env={k: v for k, v in os.environ.items() if not k.startswith("LOCUST_")},
        )
    except subprocess.TimeoutExpired:
        raise NotJudgedError(
            f"locustfile: importing {path} did not end within {_LOOK_S:g} s; see what it waits for"
        ) from None
    try:
        found = json.loads(done.stdout)
    except ValueError:
        tail = "\n  ".join(done.stderr.decode("utf-8", "replace").splitlines()[-_TAIL_LINES:])
        raise NotJudgedError(
            f"locustfile: importing {path} ended the process ({done.returncode}):\n  {tail}"
        ) from None
    if "error" in found:
        raise NotJudgedError(f"locustfile: {path}: {found['error']}; correct the file")
    return ClosedLoop(locustfile=str(path.resolve()), users=settings.users)


def probed(
    path: str,
    *,
    expect_status: int = 200,
    expect_text: str = "",
    release_from: str,
    timeout_s: float,
    is_secure: bool = False,
) -> Traffic:
    """A traffic of one stream, for the probe: the users' own names are not known beforehand."""
    return Traffic(
        headers={"User-Agent": "zero-downtime-harness"},
        release_from=release_from,
        streams=(
            Stream(
                name="locustfile",
                path=path,
                rate_hz=1.0,
                connection=Connection.new,
                tls=Tls.full if is_secure else Tls.off,
                expect_status=expect_status,
                expect_text=expect_text,
                timeout_s=timeout_s,
            ),
        ),
    )
