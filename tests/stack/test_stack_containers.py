"""A command in a container: how it ended is known, or it is an error."""

import docker.errors
import pytest
from fake_engine import FakeContainer

import harness.stack.containers as module
from harness.stack.containers import run_in


@pytest.fixture
def box() -> FakeContainer:
    box = FakeContainer()
    box.answers = {"haproxy": (1, b"config: no such server"), "true": (0, b"")}
    return box


@pytest.mark.parametrize("untold", [0, 1, 3])
def test_the_exit_code_is_awaited(box, untold):
    box.client.api.untold = untold
    assert run_in(box, ["haproxy", "-c"]) == (1, "config: no such server")
    assert run_in(box, ["true"]) == (0, "")


def test_a_command_of_which_the_engine_does_not_tell_the_end_has_not_succeeded(box, monkeypatch):
    monkeypatch.setattr(module, "_EXIT_CODE_S", 0.1)
    box.client.api.untold = 1_000_000
    with pytest.raises(docker.errors.APIError, match="how true ended is not known"):
        run_in(box, ["true"])
