"""`harness` as a process of its own, as a person or a pipeline runs it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

HARNESS = str(Path(sys.executable).with_name("harness"))
CALIBRATED = ("--rate", "250", "--warmup-s", "0.5", "--steady-s", "3", "--after-s", "2.2")
SHORT = (*CALIBRATED, "--no-calibrate")


def eventually(condition: Callable[[], Any], what: str, timeout_s: float = 30.0) -> Any:
    """The condition's first true value; AssertionError after the timeout."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {timeout_s:g} s"
        time.sleep(0.02)
    return value


def harness(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, before: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    return subprocess.run(
        [*before, HARNESS, *arguments],
        cwd=cwd, env=os.environ | (env or {}), capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


class Verify:
    """A `harness verify`, in a session and so a process group of its own.

    `toml` is the content of [tool.harness…] for the folder that it runs in.
    """

    def __init__(self, folder: Path, *options: str, toml: str = "") -> None:
        self._folder = folder
        self._known = set(self._folders())
        self._own: Path | None = None
        (folder / "pyproject.toml").write_text(toml)
        self._out = (folder / "out.txt").open("w+")
        self._err = (folder / "err.txt").open("w+")
        self.process = subprocess.Popen(
            [HARNESS, "verify", *SHORT, *options],
            cwd=folder, stdout=self._out, stderr=self._err, start_new_session=True,
        )  # fmt: skip

    def _folders(self) -> list[Path]:
        # By the plan's file: `reports/latest` is a link to another.
        found = self._folder.glob("reports/*/*/scenario.json")
        return [path.parent for path in found if not path.parent.parent.is_symlink()]

    def run_folder(self) -> Path | None:
        # Found once: later runs may use the same folder of reports.
        if self._own is None:
            new = [folder for folder in self._folders() if folder not in self._known]
            self._own = new[0] if new else None
        return self._own

    def name(self) -> str:
        """The run's id; empty before it has one."""
        folder = self.run_folder()
        return folder.name if folder else ""

    def marks(self) -> list[dict[str, Any]]:
        folder = self.run_folder()
        if folder is None or not (folder / "marks.jsonl").exists():
            return []
        lines = (folder / "marks.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]

    def wait_for(self, name: str, edge: str = "begin") -> None:
        """Until that phase or step has begun (or ended)."""

        def came() -> bool:
            found = any((m["name"], m["edge"]) == (name, edge) for m in self.marks())
            assert found or self.process.poll() is None, f"ended before {name}: {self.said()}"
            return found

        eventually(came, f"{edge} of {name}", 60)

    def signal(self, number: int, *, group: bool = False) -> None:
        (os.killpg if group else os.kill)(self.process.pid, number)

    def end(self, timeout_s: float = 90) -> int:
        """Its exit code."""
        return self.process.wait(timeout_s)

    def kill(self) -> None:
        """It and what it started, if any of it still runs."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self._out.close()
        self._err.close()

    def processes(self) -> list[int]:
        """Those of its session that live."""
        return [pid for pid in _pids() if _session(pid) == self.process.pid]

    def out(self) -> str:
        return (self._folder / "out.txt").read_text()

    def err(self) -> str:
        return (self._folder / "err.txt").read_text()

    def said(self) -> str:
        return f"stdout:\n{self.out()}\nstderr:\n{self.err()}"

    def messages(self) -> list[str]:
        """What it complained of, but for the hint where its folder is."""
        return messages(self.err())

    def result(self) -> dict[str, Any]:
        folder = self.run_folder()
        assert folder is not None, self.said()
        found: dict[str, Any] = json.loads((folder / "result.json").read_text())
        return found

    def finding(self, check: str) -> dict[str, Any]:
        return next(found for found in self.result()["findings"] if found["check"] == check)


def messages(err: str) -> list[str]:
    """Complaints of the command, but for the hint where the run's folder is."""
    assert "Traceback" not in err, err
    said = [line.removeprefix("harness: ") for line in err.splitlines() if line[:9] == "harness: "]
    return [line for line in said if not line.startswith("what is known of this run")]


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _session(pid: int) -> int:
    """0 where there is no such process, or only what its parent has not collected yet."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in {"Z", "X"} else int(fields[3])
