"""What tests of the website's moves share."""

from types import SimpleNamespace

import pytest
from manual_time import ManualTime
from place import Place
from whole import Engine, FakeNetwork

from harness.stack import network, reach
from harness.stack import stack as stack_module
from harness.stack import website as module
from harness.timeline import Timeline


@pytest.fixture
def place(monkeypatch):
    def make(**settings):
        made = Place(**settings)
        monkeypatch.setattr(module, "launch", made.launch)
        return made

    return make


@pytest.fixture
def clock():
    return ManualTime()


@pytest.fixture
def timeline(tmp_path, clock):
    made = Timeline(tmp_path / "marks.jsonl", clock)
    yield made
    made.close()


@pytest.fixture
def reachable(monkeypatch):
    """Which addresses accept a connection, others keeping silent; those that were tried."""

    def only(*open_at):
        tried = []

        def accepts(host, port):
            tried.append((host, port))
            return True if (host, port) in open_at else None

        monkeypatch.setattr(reach, "_accepts", accepts)
        return tried

    return only


@pytest.fixture
def engine(monkeypatch, reachable):
    made = Engine()
    reachable()
    monkeypatch.setattr(stack_module, "connect", lambda: made)
    monkeypatch.setattr(stack_module, "launch", made.launch)
    monkeypatch.setattr(module, "launch", made.launch)
    monkeypatch.setattr(
        network, "Network", lambda docker_network_kw: FakeNetwork(made, docker_network_kw["labels"])
    )
    watch = SimpleNamespace(stop=lambda: made.removed.append("watch"))
    monkeypatch.setattr(stack_module, "EventWatch", lambda *_: watch)
    return made
