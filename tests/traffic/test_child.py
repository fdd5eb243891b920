"""The real child process, through ChildSender, against a scripted server."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from driving import DEADLINE_S, S, json_lines, stream, until
from scripted import Scripted, resets, says, stalls, whole

from harness.model.errors import MissingEvidenceError, NotJudgedError, SilentError
from harness.model.scenario import Scenario
from harness.model.traffic import Connection, Traffic
from harness.target import Endpoint
from harness.traffic.sender import ChildSender

OK = whole(b"hello")


def test_every_planned_request_is_sent_once_and_is_one_row(drive):
    """The schedule ends at the planned arrival: what is recorded is the plan, no more, no less."""
    it = drive(
        says(OK), stream("a", 130.0), stream("b", 70.0, path="/b", connection=Connection.new)
    )
    rows = it.run(for_s=0.503)
    plan = it.plan()
    assert len(plan) == 101
    assert sorted(rows["seq"]) == [arrival.seq for arrival in plan]
    names = it.scenario.traffic.stream_names()
    planned = {arrival.seq: (names[arrival.stream], arrival.due_ns) for arrival in plan}
    for row in rows.itertuples():
        assert (row.stream, row.due_ns) == planned[row.seq]
        assert row.due_ns <= row.sent_ns < row.first_byte_ns <= row.finished_ns
    assert set(rows["outcome"]) == {"ok"}
    sent = it.sender.sent()
    asked = Counter(
        next(line for line in request.split(b"\r\n") if line.lower().startswith(b"x-request-id"))
        for request in it.server.requests
    )
    assert asked == {f"X-Request-Id: r1-{n}".encode(): 1 for n in range(sent.probes + len(plan))}
    assert (sent.start_ns, sent.stop_ns) == (it.start_ns, it.stop_ns)
    assert (sent.ended, sent.errors) == ("finished", ())
    it.sender.check()
    it.sender.close()
    assert it.sender.sent() == sent


def test_a_server_that_fails_every_50th_request_gives_exactly_that_many_failures(drive):
    failed = set()

    def every_50th(peer):
        if peer.index % 50 == 49:
            failed.add(int(peer.request.split(b"r1-")[1].split(b"\r\n")[0]))
            resets()(peer)
        else:
            peer.send(OK)

    it = drive(
        every_50th,
        stream("reused", 300.0),
        stream("fresh", 300.0, connection=Connection.new),
    )
    rows = it.run(for_s=0.8)
    asked = it.sender.sent().probes + 480
    assert len(it.server.requests) == asked, "something was sent twice"
    assert len(rows) == 480
    bad = rows[rows["outcome"] != "ok"]
    assert set(bad["seq"]) == failed
    assert len(failed) == asked // 50
    assert set(bad["outcome"]) == {"reset"}
    details = json_lines(it.folder / "details.jsonl")
    assert {detail["seq"] for detail in details} == failed


def healthy(it):
    """The same, whose traffic has a health path."""
    traffic = replace(it.scenario.traffic, health="/health")
    return replace(it, scenario=replace(it.scenario, traffic=traffic))


def test_the_health_path_is_asked_until_it_answers_and_then_the_page(drive):
    def unready_at_first(peer):
        is_early = peer.index < 2 and peer.request.startswith(b"GET /health ")
        peer.send(whole(b"no", status="503 Not Yet") if is_early else OK)

    it = healthy(drive(unready_at_first))
    it.start()
    it.sender.probe(10)
    asked = [request.split(b" HTTP")[0] for request in it.server.requests]
    assert asked == [b"GET /health"] * 3 + [b"GET /"]
    it.go()
    it.finish(0.1)
    probes = it.decoded().samples.query("stream == 'probe'")
    assert (it.sender.sent().probes, list(probes["seq"])) == (4, [0, 1, 2, 3])


def test_a_health_path_that_never_answers_rightly_is_named(drive):
    it = healthy(drive(says(whole(b"no", status="404 Not Found"))))
    it.start()
    with pytest.raises(
        SilentError, match=r"stream 'health', GET /health: wrong_status, status 404"
    ) as caught:
        it.sender.probe(0.1)
    assert caught.value.status == 404
    assert {request.split(b" HTTP")[0] for request in it.server.requests} == {b"GET /health"}


def test_what_is_in_flight_at_the_end_is_finished(drive):
    released = threading.Event()

    def when_released(peer):
        if peer.index:
            released.wait(DEADLINE_S)
        peer.send(OK)

    it = drive(when_released, stream(rate_hz=50.0))
    it.start()
    it.sender.probe(10)
    it.go()
    threading.Timer(0.7, released.set).start()
    it.finish(0.3)
    rows = it.recorded()
    assert len(rows) == 15
    assert set(rows["outcome"]) == {"ok"}
    assert (rows["finished_ns"] > it.stop_ns).all()


def test_what_hangs_past_the_bound_is_recorded_as_unfinished(drive):
    def hangs_at_odd_ones(peer):
        if peer.index % 2:
            stalls()(peer)
        else:
            peer.send(OK)

    it = drive(hangs_at_odd_ones, stream(rate_hz=40.0, timeout_s=60.0, connection=Connection.new))
    rows = it.run(for_s=0.5, finish_s=0.3)
    assert sorted(rows["seq"]) == [arrival.seq for arrival in it.plan()]
    assert Counter(rows["outcome"].astype(str)) == {"ok": 10, "unfinished": 10}
    assert it.sender.sent().ended == "finished"
    assert it.sender.sent().errors == ()


def test_a_child_that_is_killed_is_missed_and_its_log_is_whole_to_the_end(drive):
    it = drive(says(OK))
    it.start()
    it.sender.probe(10)
    it.go()
    until(lambda: len(it.server.requests) > 100, "100 requests")
    it.sender.check()
    killed_ns = time.monotonic_ns()
    it.sender._child.kill()

    def is_missed():
        try:
            it.sender.check()
        except MissingEvidenceError as error:
            return str(error)
        return ""

    assert "died (killed by signal 9)" in until(is_missed, "the death is noticed")
    with pytest.raises(MissingEvidenceError, match="killed by signal 9"):
        it.sender.finish(time.monotonic_ns(), 1.0)
    sent = it.sender.sent()
    assert sent.ended == "died: killed by signal 9"
    assert sent.start_ns == it.start_ns
    assert sent.stop_ns > killed_ns
    decoded = it.decoded()
    assert decoded.damaged <= 1
    # A row is on disk 50 ms after its request at the latest; here with room for a busy machine.
    old = killed_ns - S // 2
    expected = [arrival.seq for arrival in it.plan() if arrival.due_ns < old]
    assert set(expected) <= set(decoded.samples["seq"])
    assert decoded.samples["seq"].is_unique


PARENT = """
    import sys, time
    from pathlib import Path
    from harness.model.scenario import Scenario
    from harness.model.traffic import Stream, Traffic
    from harness.target import Endpoint
    from harness.traffic.sender import ChildSender

    port, folder, phase = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    traffic = Traffic(streams=(Stream(name="s", path="/", rate_hz=100),))
    sender = ChildSender()
    sender.start(
        "r1",
        Scenario(name="n", target="t", swap="s", swaps=1, releases=("v1", "v2"), traffic=traffic),
        Endpoint(host="127.0.0.1", port=port),
        folder,
    )
    print(sender._child.pid, flush=True)
    sender.probe(600)
    sender.go(time.monotonic_ns())
    time.sleep(600)
"""


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    try:
        # Nobody may reap it here, once its parent is gone.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except OSError:
        return False


@pytest.mark.parametrize("phase", ["under load", "while it probes"])
def test_the_child_of_a_parent_that_is_killed_ends(tmp_path, phase):
    answer = OK if phase == "under load" else whole(b"", "503 Service Unavailable")
    with (
        Scripted(says(answer)) as server,
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(PARENT), str(server.port), tmp_path, phase],
            stdout=subprocess.PIPE,
        ) as parent,
    ):
        child = int(parent.stdout.readline())
        try:
            until(lambda: len(server.requests) > 5, "the child sends")
            assert not is_gone(child)
            parent.send_signal(signal.SIGKILL)
            until(lambda: is_gone(child), "the child ends")
        finally:
            parent.kill()
            if not is_gone(child):
                os.kill(child, signal.SIGKILL)


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A module for the child to import, which writes into the file that it gets as `out`."""

    def write(text):
        out = tmp_path / "heard.jsonl"
        module = tmp_path / "plugins" / "listens_in.py"
        module.parent.mkdir()
        module.write_text(f"out = {str(out)!r}\n" + textwrap.dedent(text))
        monkeypatch.setenv("PYTHONPATH", str(module.parent))
        return out

    return write


def test_a_plugin_hears_each_request_as_locust_says_it(drive, plugin):
    """It prints, too, which must not be taken for what the child says to its parent."""
    heard = plugin("""
        import json
        from locust import events
        print("a plugin that prints")

        @events.request.add_listener
        def listen(**said):
            said["exception"] = said["exception"] and str(said["exception"])
            with open(out, "a") as file:
                file.write(json.dumps(said) + "\\n")
    """)

    def fails_once(peer):
        peer.send(OK if peer.index != 10 else whole(b"hello", "503 Service Unavailable"))

    it = drive(fails_once, stream(rate_hz=60.0, method="POST"), plugins=("listens_in",))
    rows = it.run(for_s=0.5).set_index("seq")
    said = json_lines(heard)
    assert sorted(each["context"]["seq"] for each in said) == sorted(rows.index)
    for each in said:
        row = rows.loc[each["context"]["seq"]]
        assert (each["request_type"], each["name"], each["response_length"]) == ("POST", "page", 5)
        assert each["response_time"] == (row["finished_ns"] - row["due_ns"]) / 1e6
        assert each["exception"] == (None if row["outcome"] == "ok" else "wrong_status")
        assert each["context"]["release"] == "v1"
    assert [each["exception"] for each in said].count("wrong_status") == 1
    assert "a plugin that prints" in (it.folder / "logs" / "sender.printed.txt").read_text()


def test_a_listener_that_raises_costs_no_sample(drive, plugin):
    plugin("""
        from locust import events

        @events.request.add_listener
        def listen(**said):
            raise RuntimeError("a listener's own")
    """)
    it = drive(says(OK), stream(rate_hz=40.0), plugins=("listens_in",))
    rows = it.run(for_s=0.25)
    assert sorted(rows["seq"]) == [arrival.seq for arrival in it.plan()]
    assert set(rows["outcome"]) == {"ok"}


def test_a_greenlet_that_has_landed_a_request_takes_the_next(drive, plugin):
    heard = plugin("""
        import gevent
        from locust import events
        seen = set()

        @events.request.add_listener
        def listen(**said):
            seen.add(gevent.getcurrent())
            with open(out, "a") as file:
                file.write(f"{len(seen)}\\n")
    """)
    it = drive(says(OK), stream(rate_hz=100.0), plugins=("listens_in",))
    assert len(it.run(for_s=0.5)) == 50
    counts = [int(line) for line in heard.read_text().split()]
    assert len(counts) == 50
    assert counts[-1] < 25


def test_a_defect_of_our_own_costs_its_request_alone_and_is_said(drive, plugin):
    plugin("""
        from harness.traffic.client import Client
        real = Client.send

        def broken(self, arrival, stream=None):
            if stream is None and arrival.seq % 10 == 7:
                raise RuntimeError("a defect")
            return real(self, arrival, stream)

        Client.send = broken
    """)
    it = drive(says(OK), stream(rate_hz=100.0), plugins=("listens_in",))
    rows = it.run(for_s=0.5)
    assert sorted(rows["seq"]) == [arrival.seq for arrival in it.plan()]
    bad = rows[rows["outcome"] != "ok"]
    assert set(bad["outcome"]) == {"not_sent"}
    assert len(bad) == 5
    assert all(seq % 10 == 7 for seq in bad["seq"])
    said = it.sender.sent().errors
    assert len(said) == 5
    assert all("raised RuntimeError('a defect')" in error for error in said)


def test_a_defect_of_the_schedule_itself_ends_the_child_and_is_not_played_again(drive, plugin):
    plugin("""
        from harness.traffic.dispatcher import Dispatcher
        real = Dispatcher._start

        def broken(self, arrival):
            real(self, arrival)
            if len(self._in_flight) and arrival.seq > 20:
                raise RuntimeError("a defect of the schedule")

        Dispatcher._start = broken
    """)
    it = drive(says(OK), stream(rate_hz=200.0), plugins=("listens_in",))
    it.start()
    it.sender.probe(10)
    it.go()
    with pytest.raises(MissingEvidenceError, match="a defect of the schedule"):
        it.finish(1.0)
    assert it.sender.sent().ended == "died: exit code 1"
    seqs = list(it.decoded().samples["seq"])
    assert len(seqs) == len(set(seqs)), "nothing was sent twice"


def test_no_event_is_fired_where_nobody_listens(drive, plugin):
    heard = plugin("""
        from locust import events
        real = events.request.fire

        def counted(**said):
            with open(out, "a") as file:
                file.write("fired\\n")
            real(**said)

        events.request.fire = counted
        with open(out, "a") as file:
            file.write("imported\\n")
    """)
    it = drive(says(OK), stream(rate_hz=40.0), plugins=("listens_in",))
    assert len(it.run(for_s=0.25)) == 10
    assert heard.read_text() == "imported\n"


def test_a_plugin_that_cannot_be_imported_is_named(drive):
    it = drive(says(OK), plugins=("no_such_module",))
    with pytest.raises(MissingEvidenceError, match=r"(?s)died \(exit code 1\).*no_such_module"):
        it.start()


def test_a_target_without_a_right_answer_is_not_judged_and_its_probes_are_samples(drive):
    it = drive(says(whole(b"hello", "503 Service Unavailable")))
    it.start()
    with pytest.raises(
        NotJudgedError, match=r"no right answer within 0.3 s.*wrong_status, st.*503"
    ):
        it.sender.probe(0.3)
    it.sender.close()
    probes = it.sender.sent().probes
    assert probes == len(it.server.requests) > 1
    assert it.sender.sent().start_ns == 0
    samples = it.decoded().samples
    assert list(samples["seq"]) == list(range(len(samples)))
    assert set(samples["stream"]) == {"probe"}


def test_a_target_that_nobody_listens_at_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    sender = ChildSender()
    scenario = Scenario(
        name="n",
        target="t",
        swap="s",
        swaps=1,
        releases=("v1", "v2"),
        traffic=Traffic(streams=(stream(),)),
    )
    try:
        sender.start("r1", scenario, Endpoint(host="127.0.0.1", port=port), tmp_path)
        with pytest.raises(NotJudgedError, match="refused"):
            sender.probe(0.2)
    finally:
        sender.close()


def test_a_stream_that_http_forbids_is_named_before_anything_is_sent(drive):
    it = drive(says(OK), stream(path="no slash"))
    with pytest.raises(MissingEvidenceError, match=r"(?s)died.*path 'no slash' must begin with /"):
        it.start()
    assert it.server.requests == []


def test_the_child_may_have_as_many_sockets_as_the_system_allows():
    code = (
        "import resource as r; from harness.traffic import child; child._raise_limit_of_files(); "
        "print(len(set(r.getrlimit(r.RLIMIT_NOFILE))))"
    )
    command = f"ulimit -Sn 200; exec {sys.executable} -P -c '{code}'"
    said = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "1", "the soft limit is the hard one"
