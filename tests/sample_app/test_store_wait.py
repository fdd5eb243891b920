"""How the website waits for a store that is away, over a store that answers as it is told."""

import socket
import threading
from contextlib import suppress

import pytest
import redis

from sample_app import store as website_store
from sample_app.store import NotAskedError, apply, connect
from sample_app.website import create_app

REFUSALS = [
    b"-LOADING Redis is loading the dataset in memory\r\n",
    b"-READONLY You can't write against a read only replica.\r\n",
    b"-MASTERDOWN Link with MASTER is down\r\n",
]


class Scripted:
    """Answers commands in the order of `answers`, and goes on with `:7`; None: it closes the
    connection without an answer. `asked` is (number of the connection, command), from 1.
    """

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []
        self._bound = socket.socket()
        self._bound.bind(("127.0.0.1", 0))
        self.port = self._bound.getsockname()[1]
        self._connections = []

    def listen(self):
        self._bound.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        with suppress(OSError):
            self._bound.shutdown(socket.SHUT_RDWR)
        self._bound.close()
        for connection in self._connections:
            connection.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self._bound.accept()
                self._connections.append(connection)
                number = len(self._connections)
                threading.Thread(
                    target=self._answer, args=(connection, number), daemon=True
                ).start()

    def _answer(self, connection, number):
        heard = connection.makefile("rb")
        with suppress(OSError, ValueError), heard:
            while head := heard.readline():
                words = []
                for _ in range(int(head[1:])):
                    length = int(heard.readline()[1:])
                    words.append(heard.read(length + 2)[:-2])
                answer = self._said(number, words[0].decode())
                if answer is None:
                    connection.shutdown(socket.SHUT_RDWR)
                    return
                connection.sendall(answer)

    def _said(self, number, command):
        if command in {"HELLO", "CLIENT"}:
            # How a client begins a connection, which differs by its version.
            return b"%1\r\n+proto\r\n:3\r\n" if command == "HELLO" else b"+OK\r\n"
        self.asked.append((number, command))
        return self.answers.pop(0) if self.answers else b":7\r\n"


@pytest.fixture
def scripted(monkeypatch):
    made = []

    def make(*answers, wait_s="5", listens=True):
        store = Scripted(*answers)
        made.append(store)
        if listens:
            store.listen()
        monkeypatch.setenv("STORE_HOST", "127.0.0.1")
        monkeypatch.setenv("STORE_PORT", str(store.port))
        monkeypatch.setenv("STORE_WAIT_S", wait_s)
        return store

    yield make
    for store in made:
        store.close()


@pytest.fixture
def client():
    made = []

    def make(**options):
        made.append(connect(**options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def commands(store):
    return [command for _, command in store.asked]


def test_a_store_that_comes_back_in_time_is_asked_once_whatever_it_is_asked(scripted, client):
    """Refused: nothing was sent, so that a visit may be counted too."""
    store = scripted(listens=False)
    threading.Timer(0.1, store.listen).start()
    assert client().incr("visits") == 7
    assert commands(store) == ["INCRBY"]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_store_that_refuses_has_done_nothing_and_is_asked_again_on_a_new_connection(
    scripted, client, refusal
):
    """A new one: another store may have the address by then."""
    store = scripted(refusal, refusal)
    assert client().incr("visits") == 7
    assert store.asked == [(1, "INCRBY"), (2, "INCRBY"), (3, "INCRBY")]


def test_an_operation_that_went_without_an_answer_is_sent_again(scripted, client):
    store = scripted(None)
    apply(client(), "run-7", idempotent=True)
    assert commands(store) == ["EVAL", "EVAL"]


def test_one_that_is_not_idempotent_is_not(scripted, client):
    store = scripted(None)
    with pytest.raises(redis.ConnectionError):
        apply(client(idempotent=False), "run-7", idempotent=False)
    assert commands(store) == ["EVAL"]


def test_a_visit_that_may_have_been_counted_is_not_counted_again(scripted, client):
    store = scripted(None)
    with pytest.raises(redis.ConnectionError) as raised:
        client().incr("visits")
    assert not isinstance(raised.value, NotAskedError)
    assert commands(store) == ["INCRBY"]


def test_a_session_is_written_again_under_the_same_token_and_read_again(scripted, client):
    store = scripted(None, b"+OK\r\n", None, b"$3\r\nann\r\n")
    one = client()
    one.set("session:token", "ann", ex=60)
    assert one.get("session:token") == b"ann"
    assert commands(store) == ["SET", "SET", "GET", "GET"]


@pytest.mark.parametrize("answer", [None, *REFUSALS])
def test_without_a_wait_nothing_is_asked_twice(scripted, client, answer):
    store = scripted(answer, wait_s="0")
    with pytest.raises(redis.RedisError):
        apply(client(), "run-7", idempotent=True)
    assert commands(store) == ["EVAL"]


def test_the_wait_ends_and_the_website_says_that_its_store_is_away(scripted, monkeypatch):
    scripted(listens=False, wait_s="0.1")
    monkeypatch.setenv("INSTANCE", "website-1")
    tries = []
    slept = website_store.time.sleep
    monkeypatch.setattr(website_store.time, "sleep", lambda s: (tries.append(s), slept(s)))
    answer = create_app().test_client().get("/visits")
    assert (answer.status_code, answer.text) == (503, "store unavailable")
    assert tries


def test_what_the_store_refuses_for_good_is_not_waited_for(scripted, client):
    store = scripted(b"-ERR unknown command\r\n")
    with pytest.raises(redis.ResponseError):
        client().incr("visits")
    assert commands(store) == ["INCRBY"]
