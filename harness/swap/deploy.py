"""A swap by a shell command of the user's: what replaces the release, we do not know."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from harness.model.errors import NotJudgedError, ReleaseError
from harness.swap.printed import Printed
from harness.swap.strategy import Steps
from harness.timeline import SystemTime, Timekeeper, wait_until

__all__ = ["Deploy", "check_command"]

_TERM_S: Final = 5.0
"""From SIGTERM to SIGKILL, for a command that took too long."""
_LEAST_S: Final = 1.0
_CHECK_S: Final = 10.0
_PROGRAM: Final = re.compile(r"([\w./+:@-]+)(?=$|[\s;&|])(?!\s*\()", re.ASCII)
_CODES: Final = {
    126: " (found, but it cannot be executed)",
    127: " (command not found)",
}


def check_command(command: str) -> None:
    """What can be known before it runs. NotJudgedError for a command that is empty, that the
    shell cannot read, or that begins with a program that is not there.
    """
    if not command.strip():
        raise NotJudgedError("deploy: the command is empty; name what replaces the release")
    if "\0" in command:
        raise NotJudgedError("deploy: the command holds a NUL byte")
    wrong = _asked_of_shell("-n", "-c", command)
    if wrong is not None:
        raise NotJudgedError(f"deploy: the shell cannot read the command: {wrong}")
    word = _PROGRAM.match(command.strip())
    # With a way out (`||`) its absence may be meant.
    if word is None or "||" in command:
        return
    program = word[1]
    if "/" in program:
        is_there = shutil.which(program) is not None
    else:
        is_there = _asked_of_shell("-c", 'command -v -- "$1"', "sh", program) is None
    if not is_there:
        raise NotJudgedError(
            f"deploy: command not found: {program!r} (looked for in {Path.cwd()} and along PATH); "
            "correct --deploy"
        )


def _asked_of_shell(*arguments: str) -> str | None:
    """None where it is content, else its complaint."""
    done = subprocess.run(
        ["/bin/sh", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=_CHECK_S,
    )
    return done.stderr.decode("utf-8", "replace").strip() if done.returncode else None


class Deploy:
    """Runs the command by `sh -c` in the current folder, in a session of its own.

    Its input is empty. What it prints goes to `logs/deploy-N.printed.txt`, N being the swap's
    number, cut at a bounded length. HARNESS_RUN and HARNESS_SWAP (1, 2, …) tell it where it is.
    What it leaves behind in the background runs on.

    Called with a swap's steps it makes the one step `deploy`, and returns no sooner than a second
    after it began: a command that is over at once still has a swap in which each stream is asked.
    Raises ReleaseError where it ends with another exit code than 0, or not within `timeout_s`.
    """

    def __init__(
        self,
        command: str,
        *,
        run: str,
        folder: Path,
        timeout_s: float,
        environment: Mapping[str, str] = MappingProxyType({}),
        clock: Timekeeper | None = None,
    ) -> None:
        """`environment`: variables for it, beside those of this process."""
        self._environment = environment
        self._command = command
        self._run = run
        self._logs = folder / "logs"
        self._timeout_s = timeout_s
        self._clock = clock or SystemTime()

    def __call__(self, steps: Steps) -> None:
        begin_ns = self._clock.now_ns()
        self._logs.mkdir(exist_ok=True)
        path = self._logs / f"deploy-{steps.swap}.printed.txt"
        with steps.step("deploy"):
            self._carry_out(steps.swap, path)
        self._clock.sleep(_LEAST_S - (self._clock.now_ns() - begin_ns) / 1e9)

    def _carry_out(self, swap: int, path: Path) -> None:
        printed = Printed(path)
        child = None
        try:
            child = self._start(swap, printed.write_end)
            printed.follow()
            code = child.wait(self._timeout_s)
        except subprocess.TimeoutExpired:
            self._end(child)
            raise ReleaseError(
                f"deploy: the command did not end within {self._timeout_s:g} s and was stopped; "
                f"let it end, or allow it more with --deploy-timeout{printed.tail()}"
            ) from None
        except BaseException:
            self._end(child)
            printed.follow()
            raise
        if code:
            how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
            raise ReleaseError(f"deploy: the command {how}{_CODES.get(code, '')}{printed.tail()}")

    def _start(self, swap: int, output: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", "-c", self._command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={
                **os.environ,
                **self._environment,
                "HARNESS_RUN": self._run,
                "HARNESS_SWAP": str(swap),
            },
        )

    def _end(self, child: subprocess.Popen[bytes] | None) -> None:
        """Its whole process group: asked first, then killed."""
        if child is None:
            return
        try:
            _signal(child, signal.SIGTERM)
            wait_until(
                lambda: child.poll() is not None and not _signal(child, 0),
                clock=self._clock,
                timeout_s=_TERM_S,
            )
        finally:
            _signal(child, signal.SIGKILL)
            child.wait()


def _signal(child: subprocess.Popen[bytes], number: int) -> bool:
    """To its group; False where nobody of it is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)
        return True
    return False
