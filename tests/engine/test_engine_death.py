"""What a killed run leaves is removed by the next one, and by `harness clean`; a living run's
things are nobody else's to touch.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from left import left, remove
from running import eventually, harness
from stacks import ask

from harness.target import Endpoint

pytestmark = [pytest.mark.engine, pytest.mark.alone]
HERE = Path(__file__).parent


class Living:
    """A stack of another process."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "living.py"), str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.run, host, port = self.process.stdout.readline().split()
        self.endpoint = Endpoint(host=host, port=int(port))

    def end(self) -> None:
        self.process.communicate(timeout=30)


@pytest.fixture
def living(engine, tmp_path) -> Iterator[Living]:
    found = Living(tmp_path)
    yield found
    found.end()
    things = left(engine, found.run)
    remove(engine, found.run)
    assert things == []


def test_what_a_killed_run_leaves_is_swept_and_what_a_living_one_has_is_not(
    engine, verify, living, tmp_path
):
    owned = sorted(left(engine, living.run))

    killed = verify("--steady-s", "0.5")
    killed.wait_for("swap")
    killed.signal(signal.SIGKILL)
    assert killed.end() == -signal.SIGKILL
    run = killed.name()
    assert len(left(engine, run)) >= 6, "it left containers, a network, a volume, a folder"
    eventually(lambda: not killed.processes(), "the sender ends without its parent", 10)

    swept = harness("clean", cwd=tmp_path)
    assert swept.returncode == 0, swept.stderr
    assert left(engine, run) == []
    assert f"removed network harness-{run}" in swept.stdout
    assert living.run not in swept.stdout
    assert "of living runs kept" in swept.stdout
    assert sorted(left(engine, living.run)) == owned

    second = verify()
    second.wait_for("answering")
    second.signal(signal.SIGKILL)
    assert second.end() == -signal.SIGKILL
    assert left(engine, second.name())

    third = verify()
    third.wait_for("answering")
    assert left(engine, second.name()) == [], "the next run sweeps before it starts"
    assert sorted(left(engine, living.run)) == owned
    assert ask(living.endpoint, "GET", "/")[0] == 200
    third.signal(signal.SIGINT)
    assert third.end() == 130
    assert left(engine, third.name()) == []
    assert ask(living.endpoint, "GET", "/")[0] == 200


def test_clean_with_all_keeps_what_a_living_run_here_owns(engine, living, tmp_path):
    owned = sorted(left(engine, living.run))
    assert harness("clean", "--all", cwd=tmp_path).returncode == 0
    assert sorted(left(engine, living.run)) == owned
