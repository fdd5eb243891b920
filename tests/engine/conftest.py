"""What the tests on a real engine share. Each removes what it made, whatever became of it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "run")]

from left import remove  # noqa: E402 (the paths come first)
from running import Verify  # noqa: E402


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def verify(engine: docker.DockerClient, tmp_path: Path) -> Iterator[Callable[..., Verify]]:
    """Starts `harness verify` with those options, in a folder of the test's own."""
    started: list[Verify] = []

    def start(*options: str, **settings: object) -> Verify:
        started.append(Verify(tmp_path, *options, **settings))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for run in started:
        run.kill()
        if run.name():
            remove(engine, run.name())
