"""The routes whose requests last, over gunicorn's own hands where they need a real socket."""

import hashlib

import pytest

from sample_app import content
from sample_app.sessions import SESSION_S
from sample_app.website import create_app


class Sessions:
    """As much of Redis as sessions need."""

    def __init__(self):
        self.kept = {}

    def set(self, key, value, ex):
        assert ex == SESSION_S
        self.kept[key] = value.encode()

    def get(self, key):
        return self.kept.get(key)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("INSTANCE", "website-1")
    monkeypatch.setenv("RELEASE", "v1")


@pytest.fixture
def store():
    return Sessions()


@pytest.fixture
def stopping():
    return []


@pytest.fixture
def client(store, stopping):
    return create_app(store, told_to_stop=lambda: bool(stopping)).test_client()


def test_a_download_is_whole_and_says_its_length(client):
    answer = client.get("/download?bytes=1000&ms=60")
    assert answer.text == f"v1 begins\n{content.made(1000)}v1 ends\n"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert answer.headers["X-Accel-Buffering"] == "no"


@pytest.mark.parametrize("query", ["", "bytes=9&ms=", "bytes=-1&ms=1", "bytes=99999999&ms=1"])
def test_a_download_that_cannot_be_is_refused(client, query):
    assert client.get(f"/download?{query}").status_code == 400


def test_an_upload_is_answered_by_what_was_received(client):
    body = content.made(5000)
    expected = f"received 5000 bytes, sha256 {hashlib.sha256(body.encode()).hexdigest()}"
    assert client.post("/upload", data=body).text == expected


def test_events_are_counted_and_end_in_order_when_the_website_stops(client, stopping):
    stream = client.get("/events?every_ms=1", headers={"Last-Event-ID": "7"}).response
    assert next(stream) == b"id: 8\ndata: v1 website-1 8\n\n"
    assert next(stream) == b"id: 9\ndata: v1 website-1 9\n\n"
    stopping.append(True)
    assert list(stream) == []


def test_a_session_is_found_by_its_cookie_and_holds_what_it_was_given(client, store):
    answer = client.post("/login", data="ada basket-7")
    assert answer.text == "welcome ada"
    assert client.get("/account").text == "user ada holds basket-7"
    store.kept.clear()
    lost = client.get("/account")
    assert (lost.status_code, lost.text) == (200, "nobody is logged in")


@pytest.mark.parametrize("body", ["", "ada", "ada ", "ada two words"])
def test_a_login_needs_two_words(client, body):
    assert client.post("/login", data=body).status_code == 400


def test_a_websocket_is_spoken_to_those_who_ask_for_one(client):
    assert client.get("/websocket").status_code == 400
