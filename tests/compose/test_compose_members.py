"""Containers of a project: when one is ready, what is said of one that is not, and its output."""

import threading
import time

import pytest
from fake_engine import FakeContainer, api_error
from fakes.clock import FakeTime

from harness.model.errors import ReleaseError
from harness.stack.compose.members import Kept, await_ready, dead, name_of

RUNNING = {"Running": True, "Restarting": False}


def box(name="harness-x-website-1", *, printed=b"", status="running", **state):
    made = FakeContainer(name, printed=printed, status=status)
    made.attrs |= {"State": RUNNING | state, "RestartCount": 0}
    return made


def waited(container, *, timeout_s=30.0, clock=None):
    return await_ready(container, "website-1", clock=clock or FakeTime(), timeout_s=timeout_s)


def refusal(container, **options):
    with pytest.raises(ReleaseError) as caught:
        waited(container, **options)
    return str(caught.value)


def health(status, output="", code=1):
    return {"Status": status, "Log": [{"ExitCode": code, "Output": output}] if output else []}


def test_a_healthy_container_is_ready_at_once():
    clock = FakeTime()
    begun = clock.now_ns()
    assert waited(box(Health=health("healthy")), clock=clock) == "healthy"
    assert (clock.now_ns() - begun) / 1e9 < 0.1


def test_one_without_a_healthcheck_is_ready_once_it_ran_for_a_while():
    clock = FakeTime()
    begun = clock.now_ns()
    assert waited(box(), clock=clock) == "it has no healthcheck, and ran for 2 s"
    assert 2.0 <= (clock.now_ns() - begun) / 1e9 < 2.5


def test_one_without_a_healthcheck_may_take_longer_than_its_patience():
    assert waited(box(), timeout_s=0.1).startswith("it has no healthcheck")


@pytest.mark.parametrize("status", ["starting", "unhealthy"])
def test_one_that_never_is_healthy_is_said_with_its_checks_last_word(status):
    said = refusal(box(Health=health(status, "503 no\n database "), printed=b"boom\n"))
    assert said == (
        "website-1 was not healthy within 30 s; its healthcheck ended last with 1: 503 no "
        "database; its last lines:\n  boom"
    )


def test_one_whose_healthcheck_never_ended_is_said():
    assert "its healthcheck never ran to its end" in refusal(box(Health=health("starting")))


@pytest.mark.parametrize(
    "state",
    [{"Running": False, "ExitCode": 3}, {"Restarting": True, "ExitCode": 3}],
    ids=["ended", "restarting"],
)
def test_one_that_ends_is_said_at_once_with_its_last_lines(state):
    said = refusal(box(printed=b"no such module\n", **state))
    assert said == (
        "website-1 ended with exit code 3 before it was ready; its last lines:\n  no such module"
    )


def test_one_that_was_begun_again_is_not_ready_though_it_runs():
    made = box(Health=health("healthy"))
    made.attrs["RestartCount"] = 1
    assert refusal(made).startswith("website-1 ended with exit code")


def test_one_that_is_gone_is_said():
    made = box()
    made.errors["reload"] = api_error(404, "no such container")
    assert refusal(made) == "website-1 was removed before it was ready"


def test_a_name_is_told_without_its_project():
    assert name_of("/harness-x-website-1", "harness-x") == "website-1"
    assert name_of("other-1", "harness-x") == "other-1"


def test_those_that_ended_with_an_error_are_told_and_no_others():
    ended = box("harness-x-db-1", status="exited", printed=b"bad\n", ExitCode=2)
    well = box("harness-x-job-1", status="exited", ExitCode=0)
    assert dead([box(ExitCode=0), well, ended], "harness-x") == (
        "db-1 ended with exit code 2; its last lines:\n  bad"
    )
    assert dead([well], "harness-x") == ""


def test_what_containers_print_is_kept_by_name_and_what_cannot_be_is_said(tmp_path):
    silent, talking, broken = box("harness-x-a-1"), box("harness-x-b-1", printed=b"hi\n"), box()
    broken.errors["logs"] = api_error(500, "odd")
    Kept("harness-x").gather([silent, talking, broken], tmp_path / "logs")
    found = {path.name: path.read_text() for path in (tmp_path / "logs").iterdir()}
    assert found == {
        "b-1-c0ffee.printed.txt": "hi\n",
        "gathering-errors.txt": f"harness-x-website-1: {broken.errors['logs']}\n",
    }


class Talking(FakeContainer):
    """Says what it is told to, and is then removed."""

    def __init__(self) -> None:
        super().__init__("harness-x-website-1")
        self.goes_on = threading.Event()

    def logs(self, *, tail, stream=False, follow=False):
        assert stream
        assert follow
        yield b"serving\n"
        assert self.goes_on.wait(10)
        yield b"stopping\n"
        raise api_error(404, "no such container")


def test_what_a_swap_removes_is_kept_as_it_comes(tmp_path):
    talking, kept = Talking(), Kept("harness-x")
    kept.follow([talking], tmp_path)
    kept.follow([talking], tmp_path)
    talking.goes_on.set()
    path = tmp_path / "website-1-c0ffee.printed.txt"
    deadline = time.monotonic() + 10
    while not path.exists() or path.read_text() != "serving\nstopping\n":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    # It is not asked again, whose last words may be of another.
    kept.gather([talking], tmp_path)
    assert path.read_text() == "serving\nstopping\n"
