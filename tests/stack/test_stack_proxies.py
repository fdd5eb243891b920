"""What is done to the proxies, with containers and a balancer on paper."""

import pytest
from fake_engine import FakeContainer
from fake_haproxy import FakeHaproxy
from manual_time import ManualTime

from harness.model.errors import MissingEvidenceError
from harness.stack.certificate import Certificates, number_of
from harness.stack.proxies import StackProxies
from harness.stack.runtime_api import RuntimeApi


class Box(FakeContainer):
    def restart(self, *, timeout):
        self._note("restart", timeout)

    def kill(self, *, signal):
        self._note("kill", signal)

    def start(self):
        self._note("start")


class Place:
    """An edge, a balancer, and what knows them."""

    def __init__(self):
        self.clock = ManualTime()
        self.haproxy = FakeHaproxy("slot1")
        self.boxes = {name: Box(name) for name in ("edge", "balancer")}
        self.begun = []
        self.proxies = StackProxies(
            find=self.boxes.__getitem__,
            api=RuntimeApi(self.haproxy),
            clock=self.clock,
            another=self.begin,
        )

    def begin(self, whom):
        self.begun.append(whom)
        return f"{whom}-2"


@pytest.fixture
def place():
    return Place()


def test_a_restart_waits_for_a_balancer_that_knows_no_server(place):
    """The one that is about to leave still answers, with a server that is up."""
    place.haproxy.status["slot1"] = "UP"

    def leaves(_):
        if place.clock.slept_s > 1:
            place.haproxy.status["slot1"] = "MAINT"

    place.haproxy.before = leaves
    place.proxies.restart("balancer")
    assert place.clock.slept_s > 1
    assert place.boxes["balancer"].calls == [("restart", 10)]


def test_a_restart_of_the_edge_asks_the_balancer_nothing(place):
    place.proxies.restart("edge")
    assert place.boxes["edge"].calls == [("restart", 10)]
    assert place.haproxy.commands == []


def test_a_second_balancer_that_does_not_take_over_is_missing_evidence(place):
    place.haproxy.status["slot1"] = "UP"
    with pytest.raises(MissingEvidenceError, match="no new HAProxy answered"):
        place.proxies.second_balancer()
    assert place.begun == ["balancer"]


def test_a_proxy_is_stopped_by_its_own_signal(place):
    place.proxies.stop("balancer")
    assert place.boxes["balancer"].calls == [("stop", 10)]


def test_an_end_is_awaited_and_its_code_told(place):
    box = place.boxes["balancer"]

    def ends():
        if place.clock.slept_s > 3:
            box.status, box.attrs["State"]["ExitCode"] = "exited", 143

    box.reload = ends
    assert place.proxies.end("balancer", "SIGTERM") == 143
    assert place.clock.slept_s > 3
    assert box.calls == [("kill", "SIGTERM")]


def test_one_that_does_not_end_by_itself_is_missing_evidence(place):
    with pytest.raises(MissingEvidenceError, match="balancer: it still ran 40 s after SIGUSR1"):
        place.proxies.end("balancer", "SIGUSR1")
    assert place.clock.slept_s >= 40


def test_one_that_was_stopped_is_started_again(place):
    place.proxies.stop("edge")
    place.proxies.start("edge")
    assert place.boxes["edge"].calls == [("stop", 10), ("start",)]


def test_a_frontend_is_shut_and_opened_again(place):
    place.haproxy.refuses = {"frontend edge": "\n"}
    place.proxies.shut("edge")
    place.proxies.reopen("edge")
    assert place.haproxy.commands == ["disable frontend edge", "enable frontend edge"]


def test_a_frontend_that_there_is_not_is_missing_evidence(place):
    place.haproxy.refuses = {"frontend": "No such frontend.\n"}
    with pytest.raises(MissingEvidenceError, match=r"refused `disable .*No such frontend"):
        place.proxies.shut("beside")


def test_old_workers_get_the_signal_by_its_short_name(place):
    place.proxies.renew_workers("SIGTERM")
    [(call, *command)] = place.boxes["edge"].calls
    assert (call, command[-2:]) == ("exec_run", ["sh", "TERM"])


def test_an_edge_without_new_workers_is_missing_evidence(place):
    place.boxes["edge"].answers["/bin/sh"] = (1, b"no such process")
    with pytest.raises(MissingEvidenceError, match=r"edge: .* ended with 1: no such process"):
        place.proxies.renew_workers("SIGQUIT")


def test_a_script_gets_its_words_and_hands_back_what_it_printed(place):
    place.boxes["balancer"].answers["/bin/sh"] = (0, b"done\n")
    assert place.proxies.run("balancer", 'echo "$1"', "a word") == "done\n"
    assert place.boxes["balancer"].calls[-1][1:] == ("/bin/sh", "-c", 'echo "$1"', "sh", "a word")


def test_a_script_that_fails_is_missing_evidence_with_the_end_of_what_it_printed(place):
    place.boxes["edge"].answers["/bin/sh"] = (3, b"x" * 1_000 + b"the reason")
    with pytest.raises(MissingEvidenceError, match=r"edge: .* ended with 3: x+the reason$"):
        place.proxies.run("edge", "exit 3")


def test_a_container_that_has_ended_has_an_exit_code_and_one_that_runs_has_none(place):
    box = place.boxes["edge"]
    box.attrs["State"]["ExitCode"] = 3
    assert place.proxies.exit_code("edge") is None
    box.status = "exited"
    assert place.proxies.exit_code("edge") == 3


def test_certificates_are_the_run_s_own(place):
    known = Certificates()
    proxies = StackProxies(
        find=place.boxes.__getitem__,
        api=RuntimeApi(place.haproxy),
        clock=place.clock,
        another=place.begin,
        certificates=known,
    )
    chain, key = proxies.issue("renewed")
    assert key == known.first.key
    assert number_of(chain) != number_of(known.first.chain)
    with pytest.raises(MissingEvidenceError, match="it is not up"):
        proxies.shown()


@pytest.mark.parametrize("ask", [lambda one: one.issue("renewed"), lambda one: one.shown()])
def test_without_any_none_can_be_issued_or_seen(place, ask):
    with pytest.raises(MissingEvidenceError, match="out of reach"):
        ask(place.proxies)
