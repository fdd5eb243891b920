"""HAProxy's replacements on paper: one that did not happen is not taken for one without a loss."""

import os
import shutil
import subprocess
from pathlib import Path

import haproxies
import pytest
from haproxies import ExchangesBinary, ReloadsHaproxy, ReplacesContainer

from harness.model.errors import MissingEvidenceError
from harness.swap.strategy import Steps
from harness.target import Instance
from harness.timeline import SystemTime, Timeline

WEBSITE = Instance(name="website-1", release="v1")
FORMER = "7 101 /usr/sbin/haproxy\n"


class Nothing:
    """The website's part, which is not at stake here."""

    name, discovery = "nothing", "reload"

    def replace(self, stage, steps):
        stage.did.append("website")


class Stage:
    """A website, and before it a HAProxy that obeys, or does not."""

    def __init__(self):
        self.did = []
        self.serves = [FORMER, "17 102 /usr/sbin/haproxy\n"]
        """What is said of who answers, the last for all later times."""
        self.file = "102\n"
        self.unmet = ""
        """The script that fails."""
        self.code = 0
        self.names = iter(f"balancer-{number}" for number in range(2, 100))

    def running(self):
        return (WEBSITE,)

    def proxies(self):
        return self

    def admit(self, instance):
        self.did.append(f"admit {instance.name}")

    def reload(self, instances):
        self.did.append(f"reload {' '.join(each.name for each in instances)}")

    def await_alone(self):
        self.did.append("alone")

    def another(self, whom):
        self.did.append(f"another {whom}")
        return next(self.names)

    def end(self, whom, signal):
        self.did.append(f"end {whom} {signal}")
        return self.code

    def run(self, whom, script, *words):
        [name] = [key for key, value in vars(haproxies).items() if value == script]
        if name == self.unmet:
            raise MissingEvidenceError(f"{whom}: a script in its container ended with 1")
        if name == "SERVING":
            return self.serves.pop(0) if len(self.serves) > 1 else self.serves[0]
        self.did.append(" ".join([name.lower(), whom, *words]))
        return self.file if name == "EXCHANGE" else ""


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture
def carry_out(tmp_path, stage):
    """Carries a strategy out, as the swap with that number."""
    timeline = Timeline(tmp_path / "marks.jsonl", SystemTime())

    def run(strategy, swap=1):
        strategy.replace(stage, Steps(timeline, swap=swap, old="v1", new="v2"))

    yield run
    timeline.close()


def test_a_reload_is_over_once_the_former_process_is_gone_and_no_visit_is_held(carry_out, stage):
    carry_out(ReloadsHaproxy(then=Nothing(), times=2))
    assert stage.did == [
        "reload website-1",
        "reload website-1",
        "admit website-1",
        "alone",
        "gone balancer 7",
        "website",
    ]


@pytest.mark.parametrize("strategy", [ReloadsHaproxy, ExchangesBinary])
def test_the_same_process_is_no_replacement(carry_out, stage, strategy):
    stage.serves = [FORMER]
    with pytest.raises(MissingEvidenceError, match="process 7 still serves"):
        carry_out(strategy(then=Nothing()))
    assert "website" not in stage.did


@pytest.mark.parametrize("strategy", [ReloadsHaproxy, ExchangesBinary])
def test_a_former_process_that_stays_is_no_replacement(carry_out, stage, strategy):
    stage.unmet = "GONE"
    with pytest.raises(MissingEvidenceError, match="ended with 1"):
        carry_out(strategy(then=Nothing()))


def test_a_binary_is_exchanged_before_the_next_process_is_started(carry_out, stage):
    carry_out(ExchangesBinary(then=Nothing()))
    assert stage.did[:2] == ["exchange balancer", "reload website-1"]


@pytest.mark.parametrize(
    ("file", "now"),
    [("101\n", "17 101 /usr/sbin/haproxy\n"), ("102\n", "17 101 /usr/sbin/haproxy (deleted)\n")],
)
def test_a_process_of_the_former_binary_is_no_replacement(carry_out, stage, file, now):
    stage.file, stage.serves = file, [FORMER, now]
    with pytest.raises(MissingEvidenceError, match="runs from file 101"):
        carry_out(ExchangesBinary(then=Nothing()))


def test_a_container_is_replaced_by_way_of_one_that_stands_in(carry_out, stage):
    carry_out(ReplacesContainer(then=Nothing()))
    assert stage.did == [
        "unused balancer 8081",
        "another balancer",
        "answers balancer-2 8081",
        "admit website-1",
        "end balancer SIGUSR1",
        "unused balancer-2 8080",
        "another balancer",
        "answers balancer-3 8080",
        "admit website-1",
        "end balancer-2 SIGUSR1",
        "website",
    ]


def test_the_next_swap_goes_on_from_there(carry_out, stage):
    stage.names = iter(("balancer-4", "balancer-5"))
    carry_out(ReplacesContainer(then=Nothing()), swap=2)
    ended = [each for each in stage.did if each.startswith("end ")]
    assert ended == ["end balancer-3 SIGUSR1", "end balancer-4 SIGUSR1"]


@pytest.mark.parametrize("unmet", ["UNUSED", "ANSWERS"])
def test_the_old_container_serves_on_where_the_new_one_does_not_answer(carry_out, stage, unmet):
    stage.unmet = unmet
    with pytest.raises(MissingEvidenceError, match="ended with 1"):
        carry_out(ReplacesContainer(then=Nothing()))
    assert not any(each.startswith("end ") for each in stage.did)


def test_an_old_container_that_did_not_end_in_order_is_no_replacement(carry_out, stage):
    stage.code = 137
    with pytest.raises(MissingEvidenceError, match="balancer: it ended with code 137"):
        carry_out(ReplacesContainer(then=Nothing()))


def test_a_new_container_that_answers_no_command_is_no_replacement(carry_out, stage):
    stage.unmet = "SERVING"
    with pytest.raises(MissingEvidenceError, match="balancer-2: a script"):
        carry_out(ReplacesContainer(then=Nothing()))


def test_another_name_than_expected_is_told(carry_out, stage):
    stage.names = iter(["balancer-7"])
    with pytest.raises(MissingEvidenceError, match="expected balancer-2, and balancer-7"):
        carry_out(ReplacesContainer(then=Nothing()))


# --- what is run in the containers, in a folder with a socat that says what it is told to


@pytest.fixture
def shell(tmp_path):
    """Runs a script there; its code and what it printed."""

    def run(script, *words, socat=""):
        stub = tmp_path / "socat"
        stub.write_text(f"#!/bin/sh\n{socat or 'exit 1'}\n")
        stub.chmod(0o755)
        done = subprocess.run(
            ["/bin/sh", "-c", script, "sh", *words],
            env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.strip()

    return run


@pytest.fixture
def running(tmp_path):
    """A process that was started from a file named haproxy."""
    shutil.copy(shutil.which("sleep"), tmp_path / "haproxy")
    with subprocess.Popen([tmp_path / "haproxy", "60"]) as process:
        yield process
        process.kill()


def test_who_serves_is_told_with_the_file_that_it_runs(shell, running, tmp_path):
    file = tmp_path / "haproxy"
    told = shell(haproxies.SERVING, socat=f"cat; echo 'Name: HAProxy'; echo 'Pid: {running.pid}'")
    assert told == (0, f"{running.pid} {file.stat().st_ino} {file}")


@pytest.mark.parametrize("answer", ["exit 1", "echo 'Pid: 4194305'"])
def test_who_is_not_there_does_not_serve(shell, answer):
    code, told = shell(haproxies.SERVING, socat=answer)
    assert code == 1
    assert told.startswith("nobody here answers")


def test_an_exchange_leaves_running_processes_their_file(shell, running, tmp_path):
    before = (tmp_path / "haproxy").stat().st_ino
    code, inode = shell(haproxies.EXCHANGE)
    assert code == 0
    assert int(inode) == (tmp_path / "haproxy").stat().st_ino != before
    assert Path(f"/proc/{running.pid}/exe").readlink().name == "haproxy (deleted)"


def test_a_process_is_gone_or_is_not(shell, running, tmp_path):
    never = tmp_path / "sleep"
    never.write_text("#!/bin/sh\n")
    never.chmod(0o755)
    assert shell(haproxies.GONE, "4194305") == (0, "")
    assert shell(haproxies.GONE, str(running.pid)) == (1, f"process {running.pid} is still there")


@pytest.mark.parametrize(("connects", "code"), [("exit 1", 0), ("exit 0", 1)])
def test_a_port_is_unused_where_nobody_can_be_connected_to(shell, connects, code):
    assert shell(haproxies.UNUSED, "8081", socat=connects)[0] == code


@pytest.mark.parametrize(
    ("answer", "code"), [("HTTP/1.1 200 OK", 0), ("HTTP/1.1 503 Service Unavailable", 1), ("", 1)]
)
def test_a_port_answers_once_the_website_does(shell, answer, code, tmp_path):
    never = tmp_path / "sleep"
    never.write_text("#!/bin/sh\n")
    never.chmod(0o755)
    found, told = shell(haproxies.ANSWERS, "8081", socat=f"cat >/dev/null; echo '{answer}'")
    assert (found, told.startswith("port 8081 did not answer")) == (code, code == 1)
