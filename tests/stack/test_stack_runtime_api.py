"""HAProxy's Runtime API: what it says as values, what it refuses as missing evidence."""

import contextlib
import shutil
import socket
import tempfile
import threading
from pathlib import Path

import pytest
from fake_engine import FakeContainer
from fake_haproxy import FakeHaproxy

from harness.model.errors import MissingEvidenceError
from harness.stack.runtime_api import ExecTransport, RuntimeApi, ServerState, SocketTransport

# HAProxy 3.0's own answer, cut to the first of its 90-odd columns and those that are read.
STAT = """\
# pxname,svname,qcur,qmax,scur,smax,status,check_status,addr,algo,
edge,FRONTEND,,,12,40,OPEN,,,,
website,slot1,0,0,3,9,UP,L7OK,172.20.0.4:8000,,
website,slot2,2,2,0,0,UP 1/2,* L7OK,172.20.0.5:8000,,
website,slot3,0,0,0,0,MAINT,,0.0.0.0:8000,,
website,slot4,0,0,1,1,DRAIN,L4CON,172.20.0.6:8000,,
website,BACKEND,0,0,3,9,UP,,,roundrobin,

"""


def api(answer):
    return RuntimeApi(lambda _: answer)


def test_servers_are_read_by_name_and_only_servers():
    servers = api(STAT).servers()
    assert list(servers) == ["slot1", "slot2", "slot3", "slot4"]
    assert servers["slot2"] == ServerState(
        name="slot2",
        status="UP 1/2",
        sessions=0,
        queued=2,
        address="172.20.0.5:8000",
        check="L7OK",
        is_being_checked=True,
    )
    assert [s.is_up for s in servers.values()] == [True, True, False, False]
    assert [s.is_idle for s in servers.values()] == [False, False, True, False]
    assert servers["slot3"].check == ""


def test_a_try_to_connect_that_failed_is_counted_once_however_it_went_on():
    """The request found another server, or this one at another try: its last try alone, where
    that failed too, is in econ.
    """
    haproxy = FakeHaproxy("slot1", "slot2")
    haproxy.counted = {
        "slot1": (20, 8, 0, 2, 1, 5, 4, 5),
        "slot2": (9, 0, 0, 0, 0, 0, 0, 9),
    }
    servers = RuntimeApi(haproxy).servers()
    assert {name: state.broken for name, state in servers.items()} == {"slot1": 12, "slot2": 9}
    assert servers["slot2"].sent == 9


def test_another_backend_is_asked_for_alone():
    asked = []

    def answers(command):
        asked.append(command)
        return STAT.replace("website,", "first.swap,").replace(",UP,L7OK,", ",no check,,")

    of = RuntimeApi(answers).of("first.swap")
    servers = of.servers()
    assert list(servers) == ["slot1", "slot2", "slot3", "slot4"]
    assert servers["slot1"].is_up, "it is up, and nobody checks it"
    with pytest.raises(MissingEvidenceError, match=r"refused `set server first\.swap/slot1 state"):
        of.change("slot1", "state drain")
    assert asked == ["show stat first.swap -1 -1", "set server first.swap/slot1 state drain"]


def test_the_algorithm_is_what_haproxy_itself_runs():
    assert api(STAT).algorithm() == "roundrobin"


@pytest.mark.parametrize("answer", ["", "\n", "Unknown command: show\nhelp: this\nquit: that\n"])
def test_an_answer_that_is_no_table_names_no_server(answer):
    assert api(answer).servers() == {}
    assert api(answer).algorithm() == ""


def test_silence_is_consent_and_words_are_a_refusal():
    haproxy = FakeHaproxy("slot1")
    RuntimeApi(haproxy).change("slot1", "state drain")
    assert haproxy.commands == ["set server website/slot1 state drain"]
    with pytest.raises(
        MissingEvidenceError, match=r"refused `set server website/slot9 state drain`: No such serv"
    ):
        RuntimeApi(haproxy).change("slot9", "state drain")


@pytest.mark.parametrize(
    "answer",
    [
        "IP changed from '0.0.0.0' to '10.0.0.2', no need to change the port",
        "no need to change the addr, port changed from '1' to '2'",
    ],
)
def test_a_server_is_moved_where_haproxy_says_what_changed(answer):
    api(answer).point("slot1", "10.0.0.2", 8000)


def test_a_move_that_is_refused_is_missing_evidence():
    with pytest.raises(MissingEvidenceError, match="Invalid addr format"):
        api("Invalid addr format").point("slot1", "nonsense", 8000)


def test_a_haproxy_that_does_not_answer_is_missing_evidence():
    def gone(_):
        raise ConnectionRefusedError(111, "Connection refused")

    with pytest.raises(MissingEvidenceError, match=r"did not answer 'show stat'.*refused"):
        RuntimeApi(gone).servers()


@contextlib.contextmanager
def listening(answer):
    """A Unix socket that takes one command; its path, and what was asked."""
    folder = Path(tempfile.mkdtemp(prefix="harness-t-"))
    asked = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "admin.sock"))
        listener.listen()

        def serve():
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(1000))
                for byte in range(0, len(answer), 1000):
                    connection.sendall(answer[byte : byte + 1000])

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield folder / "admin.sock", asked
        finally:
            thread.join(5)
            shutil.rmtree(folder)


def test_a_command_by_the_socket_is_answered_whole():
    answer = STAT.encode() * 500
    with listening(answer) as (path, asked):
        assert SocketTransport(path)("show stat") == answer.decode()
    assert asked == [b"show stat\n"]


def test_a_socket_that_is_not_there_is_an_error_of_the_system(tmp_path):
    with pytest.raises(OSError):
        SocketTransport(tmp_path / "admin.sock")("show stat")


def test_a_command_by_exec_passes_as_an_argument_and_not_as_shell_text():
    box = FakeContainer()
    box.answers["/bin/sh"] = (0, STAT.encode())
    assert RuntimeApi(ExecTransport(box)).servers()["slot1"].sessions == 3
    [(_, *command)] = box.calls
    assert command[-1] == "show stat"
    assert "show stat" not in command[2]
    assert command[:2] == ["/bin/sh", "-c"]


def test_an_exec_that_failed_is_missing_evidence():
    box = FakeContainer()
    box.answers["/bin/sh"] = (1, b"socat: No such file or directory\n")
    with pytest.raises(MissingEvidenceError, match="socat: No such file"):
        RuntimeApi(ExecTransport(box)).servers()
