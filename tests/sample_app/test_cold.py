"""What is loaded before the first answer, and who waits for it."""

import threading

import pytest

from sample_app import cold
from sample_app.cold import Cold


@pytest.fixture
def slept(monkeypatch):
    monkeypatch.delenv("WARM_UP", raising=False)
    waits = []
    monkeypatch.setattr(cold.time, "sleep", waits.append)
    return waits


def test_nothing_is_loaded_unless_asked_for(monkeypatch, slept):
    monkeypatch.delenv("COLD_MS", raising=False)
    Cold().load()
    assert slept == []


def test_it_is_loaded_once_by_who_comes_first(monkeypatch, slept):
    monkeypatch.setenv("COLD_MS", "600")
    loaded = Cold()
    assert slept == []
    loaded.load()
    loaded.load()
    assert slept == [0.6]


def test_a_warm_one_is_loaded_before_anybody_comes(monkeypatch, slept):
    monkeypatch.setenv("COLD_MS", "600")
    monkeypatch.setenv("WARM_UP", "1")
    Cold()
    assert slept == [0.6]


def test_who_comes_meanwhile_waits_too(monkeypatch):
    monkeypatch.delenv("WARM_UP", raising=False)
    monkeypatch.setenv("COLD_MS", "600")
    begun, go_on = threading.Event(), threading.Event()

    def sleep(_seconds):
        begun.set()
        assert go_on.wait(5)

    monkeypatch.setattr(cold.time, "sleep", sleep)
    loaded = Cold()
    done = []
    both = [threading.Thread(target=lambda: (loaded.load(), done.append(1))) for _ in range(2)]
    both[0].start()
    assert begun.wait(5)
    both[1].start()
    both[1].join(0.1)
    assert done == []
    go_on.set()
    for each in both:
        each.join(5)
    assert done == [1, 1]
