"""Commands to HAProxy and what it answers, over a real socket."""

import socket
import threading

import pytest
from world import container, where

from harness.follower.haproxy import HaProxy, SilentError, commands
from harness.follower.model import Action, Admin, Do, FollowerError

HEAD = (
    "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight "
    "srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health "
    "srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord\n"
)
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


def row(state, admin, check):
    """As HAProxy 3.0 tells it."""
    return f"4 website 1 slot1 10.0.0.1 {state} {admin} 1 1 9 15 {check} 3 6 0 0 0 - 8000 -\n"


@pytest.mark.parametrize(
    ("state", "admin", "is_told", "is_up"),
    [
        (2, 4, Admin.ready, True),
        (1, 4, Admin.ready, True),
        (3, 0, Admin.ready, True),
        (0, 4, Admin.ready, False),
        (2, 12, Admin.draining, False),
        (0, 12, Admin.draining, False),
        (0, 5, Admin.maintenance, False),
        (0, 1, Admin.maintenance, False),
    ],
)
def test_a_servers_state_is_read_from_what_haproxy_tells(haproxy, state, admin, is_told, is_up):
    """Flag 4 says that it was declared disabled, and nothing of what it is now."""
    haproxy.answers["show servers"] = HEAD + row(state, admin, 3)
    [server] = haproxy.servers().values()
    assert (server.admin, server.is_up, server.address) == (is_told, is_up, where(ONE))
    assert haproxy.heard == ["show servers state website"]


@pytest.mark.parametrize(
    ("state", "check", "has_passed"),
    [(2, 3, True), (2, 4, True), (2, 2, False), (2, 0, False), (0, 3, False)],
)
def test_whether_the_last_check_passed_is_read_too(haproxy, state, check, has_passed):
    """Of one that was put down by hand the former check's result still stands."""
    haproxy.answers["show servers"] = HEAD + row(state, 12, check)
    assert haproxy.servers()["slot1"].has_passed is has_passed


def test_what_is_told_otherwise_is_no_state(haproxy):
    haproxy.answers["show servers"] = "1\n# be_name srv_name\nwebsite slot1\n"
    with pytest.raises(SilentError, match="told its servers otherwise"):
        haproxy.servers()


def test_a_pool_that_haproxy_does_not_know_is_no_empty_one(haproxy):
    haproxy.answers["show servers"] = HEAD
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
