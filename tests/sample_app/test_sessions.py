"""Sessions over a fake store, and what a setting can make of them."""

import pytest

from sample_app.sessions import SESSION_S, Sessions


class FakeStore:
    def __init__(self):
        self.kept = {}

    def get(self, name):
        return self.kept.get(name)

    def set(self, name, value, *, ex):
        assert ex == SESSION_S
        self.kept[name] = value.encode()


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("SESSIONS", "NEW_FORMAT", "EXPANDED"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store():
    return FakeStore()


def test_a_session_is_found_by_every_instance_of_either_release(store):
    token = Sessions(store, "v1").log_in("ann", "basket-7")
    assert Sessions(store, "v2").find(token) == ("ann", "basket-7")
    assert Sessions(store, "v1").find("another") is None


def test_in_memory_a_session_is_found_by_its_own_process_alone(monkeypatch, store):
    monkeypatch.setenv("SESSIONS", "memory")
    own = Sessions(store, "v1")
    token = own.log_in("ann", "basket-7")
    assert own.find(token) == ("ann", "basket-7")
    assert Sessions(store, "v1").find(token) is None
    assert not store.kept


@pytest.mark.parametrize(
    ("expanded", "found"), [("1", ("ann", "basket-7")), ("0", ('["ann",', '"basket-7"]'))]
)
def test_a_new_format_is_read_by_the_other_release_only_where_it_was_expanded(
    monkeypatch, store, expanded, found
):
    old = Sessions(store, "v1").log_in("bob", "basket-1")
    monkeypatch.setenv("NEW_FORMAT", "v2")
    monkeypatch.setenv("EXPANDED", expanded)
    new = Sessions(store, "v2").log_in("ann", "basket-7")
    assert Sessions(store, "v2").find(old) == ("bob", "basket-1")
    assert Sessions(store, "v2").find(new) == ("ann", "basket-7")
    assert Sessions(store, "v1").find(new) == found
