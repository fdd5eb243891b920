"""Discovery mode `reload`: what is written, and that a reload which did not happen is told."""

import io
import re
import subprocess
import tarfile
import threading

import pytest
from fake_engine import FakeContainer, api_error
from manual_time import ManualTime

from harness.model.errors import MissingEvidenceError
from harness.stack import written
from harness.stack.balancer import WRITTEN_HERE, Balancer
from harness.stack.containers import LOGS_AT
from harness.stack.modes import MODES
from harness.stack.processes import (
    ALONE_SHELL,
    CONFIGURATION,
    MASTER_SHELL,
    WRITING_SHELL,
    MasterWorker,
    Successor,
    successor_shell,
)
from harness.stack.runtime_api import RuntimeApi
from harness.stack.variation import Reloads
from harness.stack.written import Asks, Written
from harness.target import Instance

OLD, NEW = (Instance(name=f"website-{n}", release=f"v{n}") for n in (1, 2))
SUCCESS = "Success=1\n--\n[NOTICE] (1) : Loading success."
FAILURE = "Success=0\n--\n[ALERT] (1) : config : could not resolve address 'spare'."


class Haproxy(FakeContainer):
    """A master and its workers, in a container that takes files and commands."""

    def __init__(self):
        super().__init__("balancer")
        self.current, self.former = 7, []
        self.reload_is = SUCCESS
        self.refusal = ""
        self.seen = ("UP", "L7OK")
        self.is_forking, self.is_answering = True, True
        self.files, self.told = {}, []

    def put_archive(self, path, data):
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                self.files[f"{path}/{member.name}"] = tar.extractfile(member).read().decode()
        return True

    def exec_run(self, command):
        shell = command[-1]
        self.told.append(shell)
        if found := re.fullmatch(r"haproxy -c -f (\S+) && mv (\S+) (\S+)", shell):
            if self.refusal:
                return 1, self.refusal.encode()
            assert found[1] == found[2]
            self.files[found[3]] = self.files.pop(found[1])
        elif "kill -USR2 1" in shell:
            before = self.current
            self.fork()
            return 0, f"{before} {self.current}\n".encode()
        elif "/proc/" in shell:
            return 0, "\n".join(map(str, [self.current, *self.former])).encode()
        return 0, b""

    def fork(self):
        if self.is_forking:
            self.former.append(self.current)
            self.current += 10

    def master(self, command):
        if command == "reload":
            if self.reload_is == SUCCESS:
                self.fork()
            return self.reload_is
        assert command == "show proc"
        former = "".join(f"{pid} worker 1 0d 3.0\n" for pid in self.former)
        return (
            "#<PID> <type> <reloads> <uptime> <version>\n1 master 1 [failed: 0] 0d 3.0\n"
            f"# workers\n{self.current} worker 0 0d 3.0\n# old workers\n{former}# programs\n"
        )

    def admin(self, command):
        if command == "show info":
            return f"Name: HAProxy\nPid: {self.current if self.is_answering else 7}\n"
        assert command == "show stat"
        servers = re.findall(r"server (\S+) (\S+) check", self.files.get(CONFIGURATION, ""))
        seen = ",".join(self.seen)
        rows = "".join(f"website,{name},0,0,{seen},{where},\n" for name, where in servers)
        return f"# pxname,svname,qcur,scur,status,check_status,addr,\n{rows}"

    def servers(self):
        return re.findall(r"server (\S+) (\S+) check", self.files[CONFIGURATION])


@pytest.fixture
def haproxy():
    return Haproxy()


@pytest.fixture
def clock():
    return ManualTime()


@pytest.fixture
def master(haproxy, clock):
    return MasterWorker(haproxy, master=haproxy.master, api=RuntimeApi(haproxy.admin), clock=clock)


@pytest.fixture
def make(haproxy, clock, master):
    def make_it(**reloads):
        return Written(
            Balancer(RuntimeApi(haproxy.admin), clock),
            master,
            template=MODES["reload"].configuration("roundrobin", 1, 8000),
            port=8000,
            is_ready=lambda where: where == "10.0.0.1:8000",
            reloads=Reloads(**reloads),
        )

    return make_it


@pytest.fixture
def discovery(make):
    made = make()
    made.offer(OLD, "10.0.0.1")
    made.offer(NEW, "10.0.0.2")
    return made


def test_the_mode_hands_listeners_over_and_closes_no_idle_connection():
    text = MODES["reload"].configuration("roundrobin", 1, 8000)
    assert text.count(WRITTEN_HERE) == 1
    assert "level admin expose-fd listeners\n" in text
    assert "    option idle-close-on-response\n" in text
    texts = {name: mode.configuration("roundrobin", 1, 8000) for name, mode in MODES.items()}
    reloaded = {name for name, text in texts.items() if "idle-close-on-response" in text}
    assert reloaded == {"reload", "follower"}


def test_who_is_not_written_is_asked_from_the_balancers_container(discovery, haproxy):
    assert discovery.answers(OLD)
    assert not discovery.answers(NEW)
    assert haproxy.told == []


@pytest.mark.parametrize(
    ("printed", "is_ready"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.0 503 SERVICE UNAVAILABLE\r\n", False),
        (b"2026/01/02 socat[9] E connect(): Connection refused\n", False),
        (b"", False),
    ],
)
def test_ready_is_an_answer_with_200(printed, is_ready):
    box = FakeContainer()
    box.answers["/bin/sh"] = (0, printed)
    assert Asks(box)("10.0.0.1:8000") is is_ready
    assert box.calls[0][-2:] == ("10.0.0.1:8000", "/ready")


def test_one_that_never_ends_its_answer_is_not_ready(monkeypatch):
    """socat waits a second from each byte to the next."""
    box, go_on = FakeContainer(), threading.Event()
    box.exec_run = lambda _command: (0, b"HTTP/1.1 200 OK" * go_on.wait(20))
    monkeypatch.setattr(written, "_ANSWERED_S", 0.05)
    assert not Asks(box)("10.0.0.1:8000")
    go_on.set()


def test_admitted_are_written_one_by_one_and_a_reload_leaves_those_alone(discovery, haproxy):
    discovery.admit(OLD)
    discovery.admit(NEW)
    assert haproxy.servers() == [("website-1", "10.0.0.1:8000"), ("website-2", "10.0.0.2:8000")]
    discovery.reload([NEW])
    assert haproxy.servers() == [("website-2", "10.0.0.2:8000")]
    assert haproxy.former == [7, 17, 27]


def test_who_is_written_is_admitted_without_a_reload(discovery, haproxy):
    discovery.reload([NEW])
    discovery.admit(NEW)
    assert haproxy.former == [7]


@pytest.mark.parametrize("seen", [("UP", "INI"), ("UP 1/2", "L4CON"), ("DOWN", "L4CON")])
def test_who_is_written_is_not_admitted_before_a_check_of_it_has_passed(discovery, haproxy, seen):
    """What is new in HAProxy's configuration is UP unchecked."""
    discovery.reload([NEW])
    haproxy.seen = seen
    with pytest.raises(MissingEvidenceError, match="website-2 was admitted but is not UP"):
        discovery.admit(NEW)
    haproxy.seen = ("UP", "L7OK")
    discovery.admit(NEW)


def test_drained_is_who_is_left_out_once_no_former_process_is_there(discovery, haproxy, clock):
    discovery.admit(OLD)
    discovery.admit(NEW)
    with pytest.raises(MissingEvidenceError, match=r"former process .* still there after 4 s"):
        discovery.drain(OLD, 4.0)
    assert clock.slept_s >= 4.0
    assert haproxy.servers() == [("website-2", "10.0.0.2:8000")]
    haproxy.former.clear()
    discovery.drain(OLD, 4.0)
    assert haproxy.former == [], "it was left out before"


def test_a_configuration_that_is_refused_is_told_and_not_put_in_place(discovery, haproxy):
    discovery.admit(OLD)
    before = haproxy.files[CONFIGURATION]
    haproxy.refusal = "[ALERT] unknown keyword 'chekc'"
    with pytest.raises(MissingEvidenceError, match=r"(?s)serves on by the former.*'chekc'"):
        discovery.reload([NEW])
    assert haproxy.files[CONFIGURATION] == before
    assert haproxy.former == [7], "HAProxy was not reloaded"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda h: setattr(h, "reload_is", FAILURE), "reload failed:.*could not resolve"),
        (lambda h: setattr(h, "is_forking", False), "says it reloaded, and worker 7 still serves"),
        (lambda h: setattr(h, "is_answering", False), "new process 17 did not answer .* within 5"),
    ],
)
def test_a_reload_that_did_not_happen_is_never_passed_over(discovery, haproxy, spoil, told):
    spoil(haproxy)
    with pytest.raises(MissingEvidenceError, match=f"(?s){told}"):
        discovery.reload([NEW])


def test_after_one_that_failed_the_way_back_is_written_whatever_runs(discovery, haproxy):
    discovery.admit(OLD)
    haproxy.is_answering = False
    with pytest.raises(MissingEvidenceError):
        discovery.reload([NEW])
    haproxy.is_answering = True
    discovery.admit(OLD)
    assert haproxy.servers() == [("website-1", "10.0.0.1:8000")]


def test_a_variation_adds_to_a_swaps_own_reload_alone_and_may_not_look(make, haproxy):
    discovery = make(is_looked_at=False, adds="server spare spare:8000 check")
    discovery.offer(OLD, "10.0.0.1")
    discovery.offer(NEW, "10.0.0.2")
    discovery.admit(OLD)
    assert haproxy.servers() == [("website-1", "10.0.0.1:8000")]
    haproxy.refusal, haproxy.told[:] = "[ALERT] no such address", []
    discovery.reload([NEW])
    assert haproxy.servers() == [("website-2", "10.0.0.2:8000"), ("spare", "spare:8000")]
    assert haproxy.told == ["kill -USR2 1"]


@pytest.mark.parametrize("hands_over", [False, True])
def test_a_successor_is_given_the_listeners_or_is_not(hands_over):
    shell = successor_shell(hands_over=hands_over)
    assert "-sf $(cat" in shell
    assert ("-x /run/harness/admin.sock -sf" in shell) is hands_over


def test_a_successor_tells_the_former_process_to_finish(haproxy, clock):
    old_way = Successor(haproxy, api=RuntimeApi(haproxy.admin), clock=clock)
    old_way.take_over("global\n")
    assert (haproxy.current, haproxy.former) == (17, [7])
    with pytest.raises(MissingEvidenceError, match="still there"):
        old_way.await_alone(2.0)
    haproxy.former.clear()
    old_way.await_alone(2.0)
    haproxy.is_forking = False
    with pytest.raises(MissingEvidenceError, match="no process came after HAProxy's 17"):
        old_way.take_over("global\n")


def test_a_configuration_that_the_engine_does_not_take_in_is_told(master, haproxy):
    def refused(path, data):
        raise api_error(500, "no space left on device")

    haproxy.put_archive = refused
    with pytest.raises(MissingEvidenceError, match="could not be written"):
        master.take_over("global\n")


def test_each_haproxy_that_begins_has_a_log_of_its_own(tmp_path):
    """It appends to none: what another has written there would be written over."""
    for entry in (ALONE_SHELL, MASTER_SHELL, successor_shell(hands_over=False)):
        assert '3>>"$log"' in entry
    shell = f'{WRITING_SHELL}echo begun > "$log"'
    shell = shell.replace("/tmp/", f"{tmp_path}/").replace(LOGS_AT, str(tmp_path))
    for _ in range(3):
        subprocess.run(["/bin/sh", "-c", shell], check=True, env={"HAPROXY_CFG": "global"})
    assert (tmp_path / "haproxy.cfg").read_text() == "global"
    assert {path.name for path in tmp_path.glob("*.log")} == {
        "haproxy.log",
        "haproxy-2.log",
        "haproxy-3.log",
    }
