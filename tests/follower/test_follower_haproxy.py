"""Commands to HAProxy and what it answers, over a real socket."""

import socket
import threading

import pytest
from world import container, where

from harness.follower.haproxy import HaProxy, SilentError, commands
from harness.follower.model import Action, Admin, Do, FollowerError

HEAD = "# pxname,svname,qcur,scur,status,check_status,addr,\n"
ONE = container(1)


@pytest.fixture
def haproxy(tmp_path):
    """Answers each command by `answers`, and keeps it."""
    path = tmp_path / "admin.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    answers, heard = {}, []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                command = connection.recv(65536).decode().strip()
                heard.append(command)
                answer = next((told for part, told in answers.items() if part in command), "\n")
                connection.sendall(answer.encode())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    made = HaProxy(path, "website")
    made.answers, made.heard = answers, heard
    yield made
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def row(name, status, check, at="10.0.0.1:8000"):
    return f"website,{name},0,0,{status},{check},{at},\n"


@pytest.mark.parametrize(
    ("status", "admin", "is_up"),
    [
        ("UP", Admin.ready, True),
        ("UP 1/2", Admin.ready, True),
        ("no check", Admin.ready, True),
        ("DOWN", Admin.ready, False),
        ("DOWN 1/2", Admin.ready, False),
        ("DRAIN", Admin.draining, False),
        ("MAINT", Admin.maintenance, False),
    ],
)
def test_a_servers_state_is_read_from_what_haproxy_counts(haproxy, status, admin, is_up):
    haproxy.answers["show stat"] = HEAD + row("slot1", status, "L7OK")
    [server] = haproxy.servers().values()
    assert (server.admin, server.is_up, server.address) == (admin, is_up, where(ONE))
    assert haproxy.heard == ["show stat website 4 -1"]


@pytest.mark.parametrize(
    ("check", "has_passed"),
    [
        ("L7OK", True),
        ("* L7OK", True),
        ("L4OK", True),
        ("L7STS", False),
        ("INI", False),
        ("", False),
    ],
)
def test_whether_the_last_check_passed_is_read_too(haproxy, check, has_passed):
    haproxy.answers["show stat"] = HEAD + row("slot1", "DRAIN", check)
    assert haproxy.servers()["slot1"].has_passed is has_passed


def test_a_pool_that_haproxy_does_not_know_is_no_empty_one(haproxy):
    haproxy.answers["show stat"] = HEAD
    with pytest.raises(SilentError, match="no pool website"):
        haproxy.servers()


def test_who_does_not_answer_is_said_to_be_silent(tmp_path):
    with pytest.raises(SilentError, match="does not answer at"):
        HaProxy(tmp_path / "none.sock", "website").servers()


def test_an_offer_points_a_slot_there_and_has_it_checked_anew(haproxy):
    haproxy.answers[" addr "] = (
        "IP changed from '0.0.0.0' to '10.0.0.1' by 'stats socket command'\n"
    )
    haproxy.do(Action(do=Do.offer, slot="slot1", container=ONE))
    assert haproxy.heard == [
        "set server website/slot1 state maint",
        "set server website/slot1 addr 10.0.0.1 port 8000",
        "set server website/slot1 state drain",
        "set server website/slot1 health down",
    ]


@pytest.mark.parametrize(
    ("do", "state"), [(Do.admit, "ready"), (Do.drain, "drain"), (Do.clear, "maint")]
)
def test_the_rest_is_one_command_each(do, state):
    assert list(commands(Action(do=do, slot="slot3"), "shop")) == [
        f"set server shop/slot3 state {state}"
    ]


def test_a_refusal_is_not_taken_for_done(haproxy):
    haproxy.answers["state drain"] = "No such server.\n"
    with pytest.raises(SilentError, match=r"refused `set server website/slot9 state drain`: No"):
        haproxy.do(Action(do=Do.drain, slot="slot9"))


def test_an_address_that_is_refused_is_not_taken_for_done(haproxy):
    haproxy.answers[" addr "] = "Invalid addr\n"
    with pytest.raises(SilentError, match="Invalid addr"):
        haproxy.do(Action(do=Do.offer, slot="slot1", container=ONE))


def test_an_offer_of_nobody_is_an_error():
    with pytest.raises(FollowerError, match="slot1: it is offered nobody"):
        list(commands(Action(do=Do.offer, slot="slot1"), "website"))
