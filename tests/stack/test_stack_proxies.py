"""What is done to the proxies, with containers and a balancer on paper."""

import pytest
from fake_engine import FakeContainer
from fake_haproxy import FakeHaproxy
from manual_time import ManualTime

from harness.model.errors import MissingEvidenceError
from harness.stack.proxies import StackProxies
from harness.stack.runtime_api import RuntimeApi


class Box(FakeContainer):
    def restart(self, *, timeout):
        self._note("restart", timeout)


class Place:
    """An edge, a balancer, and what knows them."""

    def __init__(self):
        self.clock = ManualTime()
        self.haproxy = FakeHaproxy("slot1")
        self.boxes = {name: Box(name) for name in ("edge", "balancer")}
        self.begun = 0
        self.proxies = StackProxies(
            find=self.boxes.__getitem__,
            api=RuntimeApi(self.haproxy),
            clock=self.clock,
            another_balancer=self.begin,
        )

    def begin(self):
        self.begun += 1


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
    assert place.begun == 1


def test_a_proxy_is_stopped_by_its_own_signal(place):
    place.proxies.stop("balancer")
    assert place.boxes["balancer"].calls == [("stop", 10)]


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
    with pytest.raises(MissingEvidenceError, match="no new workers: no such process"):
        place.proxies.renew_workers("SIGQUIT")
