"""`harness verify --url --locustfile`: whole runs of a locustfile's users, on a real server."""

import json
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from faulty import Faulty, page

from harness import cli

BOTH = """
from locust import FastHttpUser, HttpUser, constant_throughput

def home(user):
    with user.client.get("/", catch_response=True) as answer:
        if answer.status_code == 200 and "the shop" not in answer.text:
            answer.failure("not the shop")

class Plain(HttpUser):
    wait_time = constant_throughput(20)
    tasks = [home]

class Fast(FastHttpUser):
    wait_time = constant_throughput(20)
    tasks = [home]
"""
SHORT = ("--warmup", "0.5", "--steady", "1.5", "--after", "3", "--reports", "reports")


pytestmark = pytest.mark.usefixtures("in_a_folder_of_its_own")


def verify(url: str, locustfile: str, *arguments: str) -> int:
    Path("locustfile.py").write_text(locustfile)
    deploy = ("--deploy", "echo v2 > release", "--release", "header:X-Release")
    traffic = ("--locustfile", "locustfile.py", "--users", "8")
    return cli.main(["verify", "--url", url, *deploy, *traffic, *SHORT, *arguments])


def result() -> dict:
    [path] = Path("reports").glob("deploy/*/result.json")
    return json.loads(path.read_text())


def finding(name: str) -> dict:
    return next(found for found in result()["findings"] if found["check"] == name)


def test_each_fault_of_a_server_is_a_failure_whichever_client_asks(tmp_path):
    with Faulty(tmp_path / "release", faults=True) as server:
        code = verify(server.url, BOTH)
        made = Counter()
        for (_, outcome), number in server.counted.items():
            made[outcome] += number
        asked = sum(server.asked.values())
    judged = result()
    found = Counter({k: n for k, n in judged["requests"]["by_outcome"].items() if k != "ok"})
    assert code == 1
    assert sum(found.values()) == sum(made.values()) >= 10
    # FastHttpUser's client tells no reset from a close, and neither tells a connection's past.
    ended = ("closed_before_answer", "closed_on_reuse", "reset")
    assert sum(found.pop(name, 0) for name in ended) == sum(made.pop(name, 0) for name in ended)
    # What FastHttpUser's client gives of a body that was cut is not the shop.
    said = ("rejected", "truncated", "wrong_body")
    assert sum(found.pop(name, 0) for name in said) == sum(made.pop(name, 0) for name in said)
    assert found == made
    assert judged["requests"]["sent"] + 1 == asked, "each that the server got, and the probe"
    assert finding("recorded")["verdict"] == "pass"


def test_a_clean_run_passes_and_says_what_it_could_see(tmp_path):
    own = """
import time
from locust import User, events, task, constant

class Own(User):
    wait_time = constant(0.1)
    @task
    def ask(self):
        self.environment.events.request.fire(
            request_type="OWN", name="of its own", response_time=5.0, response_length=1,
            exception=None, context={})
"""
    with Faulty(tmp_path / "release") as server:
        code = verify(server.url, BOTH + own)
    judged = result()
    # A busy machine may take the latency away, and never says fail.
    others = {
        f["verdict"] for f in judged["findings"] if f["check"] not in {"latency", "rate_held"}
    }
    assert others == {"pass"}
    assert code in {0, 3}
    if code == 0:
        assert "in a closed loop of 8 users a total outage of" in judged["sentence"]
        assert "a closed loop of 8 users" in finding("rate_held")["message"]
    assert {"GET /", "OWN of its own"} < set(judged["latency_ms"])
    assert finding("replaced")["verdict"] == "pass"


@pytest.mark.parametrize("client", ["HttpUser", "FastHttpUser"])
def test_what_a_locustfile_calls_a_success_or_forgets_is_a_failure_all_the_same(tmp_path, client):
    forgiving = f"""
from locust import {client}, constant, task

class Forgiving({client}):
    wait_time = constant(0.05)
    asked = 0

    @task
    def home(self):
        with self.client.get("/", catch_response=True) as answer:
            type(self).asked += 1
            if type(self).asked % 47 == 0:
                raise KeyError("price")
            answer.success()
"""
    with Faulty(tmp_path / "release", faults=True) as server:
        code = verify(server.url, forgiving)
        made = Counter()
        for (_, outcome), number in server.counted.items():
            made[outcome] += number
    found = result()["requests"]["by_outcome"]
    gone = sum(
        made[name] for name in ("closed_before_answer", "closed_on_reuse", "reset", "truncated")
    )
    lost = sum(found.get(name, 0) for name in ("closed_before_answer", "reset", "truncated"))
    details = Path(next(Path("reports").glob("deploy/*/details.jsonl"))).read_text()
    assert code == 1
    # One of them may be the one that the block raised on.
    assert gone - 2 <= lost <= gone
    assert "called a success by the locustfile" in details
    assert found["rejected"] >= 2
    assert "the locustfile raised while it judged the answer: KeyError('price')" in details


def test_a_task_that_raises_leaves_the_run_inconclusive(tmp_path):
    raising = """
from locust import HttpUser, constant, task

class Asserting(HttpUser):
    wait_time = constant(0.05)

    @task
    def home(self):
        answer = self.client.get("/")
        assert answer.headers["X-Release"] == "v1", "another release"
"""
    with Faulty(tmp_path / "release") as server:
        code = verify(server.url, raising)
    assert code == 3
    assert (
        "a task of the locustfile raised AssertionError: another release"
        in (finding("recorded")["message"])
    )


def test_an_answer_that_nobody_judged_leaves_the_run_inconclusive(tmp_path):
    forgetful = """
from locust import FastHttpUser, constant, task

class Forgetful(FastHttpUser):
    wait_time = constant(0.05)

    @task
    def home(self):
        self.client.get("/", catch_response=True)
"""
    with Faulty(tmp_path / "release") as server:
        code = verify(server.url, forgetful)
    assert code == 3
    assert "asked with catch_response, and never judged" in finding("recorded")["message"]
    assert result()["requests"]["ok"] > 100


def test_a_start_that_came_late_by_its_pace_counts_from_when_it_was_due(tmp_path):
    with Faulty(tmp_path / "release") as server:
        begun = time.monotonic()

        def stalls(release: str) -> bytes:
            # Once, for all who ask in that time: their users begin nothing until it is over.
            if 3.0 < time.monotonic() - begun < 3.6:
                time.sleep(0.6)
            return page(release)

        server.answer = stalls
        verify(server.url, BOTH, "--steady", "4")
    held = finding("rate_held")
    assert held["evidence"]["left_out"] >= 8
    if held["verdict"] == "pass":
        assert "that their pacing asked for were not begun" in held["message"]


@pytest.mark.parametrize(
    ("locustfile", "arguments", "told"),
    [
        (None, (), "locustfile: locustfile.py is no file; correct --locustfile"),
        ("class", (), "SyntaxError"),
        ("x = 1\nraise KeyError('a')", (), "KeyError: 'a' (line 2); correct the file"),
        ("import sys\nsys.exit(3)", (), "it ended the process: SystemExit(3)"),
        ("import os\nos._exit(3)", (), "ended the process (3)"),
        ("x = 1", (), "it has no User class that is not abstract"),
        (
            "from locust import HttpUser\nclass A(HttpUser):\n    pass",
            (),
            "its A has no task",
        ),
        (BOTH, ("--rate", "100"), "rate is of a schedule"),
    ],
)
def test_what_cannot_be_traffic_is_said_before_anything_starts(
    tmp_path, capsys, locustfile, arguments, told
):
    with Faulty(tmp_path / "release") as server:
        if locustfile is not None:
            code = verify(server.url, locustfile, *arguments)
        else:
            deploy = ("--deploy", "true", "--locustfile", "locustfile.py")
            code = cli.main(["verify", "--url", server.url, *deploy, *SHORT])
        assert not server.asked
    assert code == 2
    assert told in " ".join(capsys.readouterr().err.split())
    assert not Path("reports").exists()


def test_users_without_a_locustfile_are_refused(capsys):
    assert cli.main(["verify", "--users", "5"]) == 2
    assert "users is of a locustfile; name it too" in capsys.readouterr().err


@pytest.mark.parametrize("client", ["HttpUser", "FastHttpUser"])
def test_a_status_that_the_locustfile_calls_a_success_is_one(tmp_path, client):
    """Which one is right is for the locustfile to say."""
    content = f"""
from locust import {client}, constant, task

class Content({client}):
    wait_time = constant(0.05)

    @task
    def home(self):
        with self.client.get("/", catch_response=True) as answer:
            if answer.status_code == 503:
                answer.success()
"""
    with Faulty(tmp_path / "release") as server:
        server.answer = lambda release: page(release).replace(b"200 OK", b"503 Busy")
        verify(server.url, content, "--expect-status", "503")
    assert finding("no_failed_request")["verdict"] == "pass"
    assert set(result()["requests"]["by_outcome"]) == {"ok"}
