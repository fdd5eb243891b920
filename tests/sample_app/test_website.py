"""The website's routes, over a fake store. The ledger's script itself needs a real Redis."""

import socket

import pytest
import redis
from flask.testing import FlaskClient

from sample_app import content
from sample_app.store import APPLIED, ARRIVED, LEDGER, connect
from sample_app.website import CACHED_S, LARGEST_BODY, create_app


class FakeStore:
    def __init__(self):
        self.visits = 0
        self.scripts = []

    def incr(self, key):
        assert key == "visits"
        self.visits += 1
        return self.visits

    def eval(self, *call):
        self.scripts.append(call)


class DownStore:
    def incr(self, key):
        raise redis.ConnectionError("refused")

    def eval(self, *call):
        raise redis.TimeoutError("no answer")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in (
        "RELEASE",
        "IDEMPOTENT",
        "STORE_HOST",
        "STORE_PORT",
        "STORE_WAIT_S",
        "STALE_S",
        "DRAIN_FD",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INSTANCE", "website-1")


@pytest.fixture
def store():
    return FakeStore()


@pytest.fixture
def client(store) -> FlaskClient:
    return create_app(store).test_client()


@pytest.mark.parametrize("path", ["/", "/index", "/home"])
@pytest.mark.parametrize(
    ("release", "text"),
    [
        ("v1", "Hello beautiful world!"),
        ("v2", "Hello beautiful changed world!"),
        ("v3-rc1", "Hello beautiful v3-rc1 world!"),
    ],
)
def test_home_says_hello_in_the_words_of_its_release(monkeypatch, path, release, text):
    monkeypatch.setenv("RELEASE", release)
    answer = create_app(FakeStore()).test_client().get(path)
    assert (answer.status_code, answer.text, answer.mimetype) == (200, text, "text/plain")
    assert answer.headers["X-Release"] == release


def test_the_page_names_the_asset_of_its_release_and_is_worth_compressing(monkeypatch):
    monkeypatch.setenv("RELEASE", "v2")
    answer = create_app(FakeStore()).test_client().get("/page")
    assert (answer.text, answer.mimetype) == (content.page("v2"), "text/html")
    assert f'href="/assets/{content.stylesheet_name("v2")}"' in answer.text
    assert len(answer.data) > 4_096
    assert "Cache-Control" not in answer.headers


def test_what_may_be_cached_says_so_and_for_how_long(client):
    answer = client.get("/cached")
    assert answer.text == "Hello beautiful world!"
    assert answer.headers["Cache-Control"] == f"public, s-maxage={CACHED_S}, max-age=0"
    assert "Cache-Control" not in client.get("/").headers


def test_a_website_may_let_copies_serve_beyond_their_time(client, monkeypatch):
    monkeypatch.setenv("STALE_S", "10")
    assert client.get("/cached").headers["Cache-Control"] == (
        f"public, s-maxage={CACHED_S}, max-age=0, stale-while-revalidate=10, stale-if-error=10"
    )


def test_ready_turns_503_once_told_to_stop_and_home_still_answers(store):
    stopping = False
    client = create_app(store, told_to_stop=lambda: stopping).test_client()
    assert (client.get("/ready").status_code, client.get("/ready").text) == (200, "ready")
    stopping = True
    assert (client.get("/ready").status_code, client.get("/ready").text) == (503, "draining")
    assert client.get("/").status_code == 200


def test_without_a_launcher_the_website_is_ready(client):
    assert client.get("/ready").status_code == 200


@pytest.mark.parametrize(("ms", "text"), [("0", "waited 0 ms"), ("0012", "waited 12 ms")])
def test_slow_waits_as_long_as_asked(client, ms, text):
    assert client.get(f"/slow?ms={ms}").text == text


def test_slow_sleeps_milliseconds(client, monkeypatch):
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    assert client.get("/slow?ms=60000").status_code == 200
    assert slept == [60.0]


@pytest.mark.parametrize(
    "query",
    ["", "?ms=", "?ms=-1", "?ms=60001", "?ms=1e3", "?ms=nan", "?ms=1_0", "?ms=%D9%A3", "?ms=1%0A"],
)
def test_slow_refuses_nonsense(client, monkeypatch, query):
    monkeypatch.setattr("time.sleep", pytest.fail)
    assert client.get(f"/slow{query}").status_code == 400


def test_visits_are_counted_in_the_store(client):
    assert [client.get("/visits").text for _ in range(2)] == ["visit 1", "visit 2"]


@pytest.mark.parametrize(("setting", "flag"), [(None, "1"), ("1", "1"), ("0", "0")])
def test_an_operation_is_one_script_told_whether_it_is_idempotent(
    monkeypatch, store, setting, flag
):
    if setting is not None:
        monkeypatch.setenv("IDEMPOTENT", setting)
    client = create_app(store).test_client()
    answers = [client.post("/operations", headers={"X-Operation-Id": "run-7"}) for _ in range(2)]
    assert [(a.status_code, a.text) for a in answers] == [(200, "operation run-7 applied")] * 2
    assert store.scripts == [(LEDGER, 2, ARRIVED, APPLIED, "run-7", flag)] * 2


@pytest.mark.parametrize("operation", [None, "", "x" * 129, "two words", "Ã©"])
def test_an_operation_without_a_proper_id_is_refused_and_not_stored(client, store, operation):
    headers = {} if operation is None else {"X-Operation-Id": operation}
    assert client.post("/operations", headers=headers).status_code == 400
    assert store.scripts == []


def test_the_longest_operation_id_is_taken(client):
    assert client.post("/operations", headers={"X-Operation-Id": "x" * 128}).status_code == 200


def test_operations_are_only_posted(client, store):
    assert client.get("/operations", headers={"X-Operation-Id": "run-7"}).status_code == 405
    assert store.scripts == []


def test_a_body_is_read_to_its_end(client):
    """A connection closed on unread bytes is reset, and the reset can overtake the answer."""
    body = Body(70_000)
    client.post("/operations", environ_overrides={"wsgi.input": body, "CONTENT_LENGTH": "70000"})
    assert body.left == 0


class Body:
    def __init__(self, size):
        self.left = size

    def read(self, size):
        got = min(size, self.left)
        self.left -= got
        return b"x" * got


def break_home(client):
    client.application.view_functions["home"] = lambda: 1 / 0
    return client.get("/")


@pytest.mark.parametrize(
    ("status", "ask"),
    [
        (400, lambda c: c.get("/slow")),
        (404, lambda c: c.get("/<b>nowhere</b>")),
        (405, lambda c: c.post("/")),
        (413, lambda c: c.post("/operations", data=b"x" * (LARGEST_BODY + 1))),
        (500, break_home),
    ],
)
def test_errors_say_who_answered_and_echo_nothing(client, status, ask):
    answer = ask(client)
    assert answer.status_code == status
    assert (answer.headers["X-Release"], answer.headers["X-Instance"]) == ("v1", "website-1")
    assert "nowhere" not in answer.text


def test_the_instance_is_the_host_name_unless_set(monkeypatch, store):
    monkeypatch.delenv("INSTANCE")
    answer = create_app(store).test_client().get("/")
    assert answer.headers["X-Instance"] == socket.gethostname()


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: c.get("/visits"),
        lambda c: c.post("/operations", headers={"X-Operation-Id": "run-7"}),
    ],
)
def test_a_store_that_is_down_is_a_503_and_the_rest_still_answers(ask):
    client = create_app(DownStore()).test_client()
    answer = ask(client)
    assert (answer.status_code, answer.text) == (503, "store unavailable")
    assert answer.headers["X-Instance"] == "website-1"
    assert client.get("/").status_code == 200


def test_a_hanging_store_is_given_up_after_one_try(monkeypatch):
    """Unless it is told to wait: that hides an outage of the store."""
    monkeypatch.setattr("sample_app.store.TIMEOUT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("STORE_HOST", "127.0.0.1")
        monkeypatch.setenv("STORE_PORT", str(silent.getsockname()[1]))
        store = connect()
        answer = create_app(store).test_client().get("/visits")
        store.close()
        assert (answer.status_code, answer.text) == (503, "store unavailable")
        silent.accept()[0].close()
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_a_release_serves_its_own_asset_and_no_others(monkeypatch):
    monkeypatch.setenv("RELEASE", "v2")
    client = create_app(FakeStore()).test_client()
    answer = client.get(f"/assets/{content.stylesheet_name('v2')}")
    assert (answer.text, answer.mimetype) == (content.stylesheet("v2"), "text/css")
    assert client.get(f"/assets/{content.stylesheet_name('v1')}").status_code == 404


@pytest.mark.parametrize(("release", "status"), [("v1", 200), ("v2", 503)])
def test_the_release_that_is_named_is_never_ready_and_answers_all_else(
    monkeypatch, release, status
):
    monkeypatch.setenv("NEVER_READY", "v2")
    monkeypatch.setenv("RELEASE", release)
    client = create_app(FakeStore()).test_client()
    assert client.get("/ready").status_code == status
    assert client.get("/").status_code == 200
