"""What a stack leaves behind: an archive from a container is untrusted, and costs nothing else."""

import json
import queue
import tarfile
import threading

import pytest
from fake_engine import FakeContainer, api_error, archive
from manual_time import ManualTime

from harness.stack.containers import LOGS_AT
from harness.stack.evidence import EventWatch, gather, versions
from harness.stack.owner import LABEL
from harness.timeline import Timeline


@pytest.fixture
def folder(tmp_path):
    """Deep enough that what escapes from it is seen."""
    return tmp_path / "a" / "b" / "logs"


def holding(*members):
    box = FakeContainer("balancer")
    box.tar = archive(members)
    return box


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def directory(name):
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE
    return info


def everything_below(path):
    return {str(p.relative_to(path)) for p in path.rglob("*") if not p.is_dir()}


def test_logs_and_what_was_printed_are_fetched(folder):
    volume = holding(directory("harness"), ("harness/haproxy.log", b"{}\n"), ("harness/e", b""))
    website = FakeContainer("x", labels={f"{LABEL}.instance": "website-1"}, printed=b"hello\n")
    gather([volume, website], volume, folder)
    assert everything_below(folder) == {"haproxy.log", "e", "website-1.printed.txt"}
    assert (folder / "haproxy.log").read_bytes() == b"{}\n"
    assert (folder / "website-1.printed.txt").read_bytes() == b"hello\n"
    assert ("get_archive", LOGS_AT) in volume.calls


@pytest.mark.parametrize(
    "name", ["../escaped", "/abs/escaped", "a/../../../escaped", "harness/deep/er/escaped"]
)
def test_a_path_in_the_archive_counts_for_its_bare_name_alone(tmp_path, folder, name):
    gather([], holding((name, b"x")), folder)
    assert everything_below(tmp_path) == {"a/b/logs/escaped"}


@pytest.mark.parametrize("name", ["..", "harness/..", "a\0b", "n" * 300, "odd\udcff" + "n" * 300])
def test_an_odd_name_is_reported_and_costs_no_other_file(tmp_path, folder, name):
    gather([], holding((name, b"x"), ("harness/good.jsonl", b"{}")), folder)
    found = everything_below(tmp_path) - {"a/b/logs/a"}  # a plain tar ends a name at its NUL
    assert found <= {"a/b/logs/good.jsonl", "a/b/logs/gathering-errors.txt"}
    assert "a/b/logs/good.jsonl" in found
    if ".." in name:
        said = (folder / "gathering-errors.txt").read_text()
        assert said == f"log volume: {name!r} is not a plain file; left out\n"


@pytest.mark.parametrize(
    "member",
    [
        link("harness/link", "/etc/passwd"),
        link("harness/link", "harness/good.jsonl", tarfile.LNKTYPE),
        link("harness/pipe", "", tarfile.FIFOTYPE),
    ],
    ids=["symbolic", "hard", "pipe"],
)
def test_links_and_pipes_are_left_out_and_said(folder, member):
    gather([], holding(member, ("harness/good.jsonl", b"{}")), folder)
    assert everything_below(folder) == {"good.jsonl", "gathering-errors.txt"}
    said = (folder / "gathering-errors.txt").read_text()
    assert f"log volume: {member.name!r} is not a plain file; left out" in said


def test_a_link_in_the_archive_is_not_written_through(tmp_path, folder):
    outside = tmp_path / "outside"
    gather([], holding(link("x", str(outside)), ("x", b"written")), folder)
    assert not outside.exists()
    assert (folder / "x").read_bytes() == b"written"


def test_an_archive_that_was_cut_is_said_and_what_came_is_kept(folder):
    volume = holding(("harness/first", b"1"), ("harness/second", b"2" * 5000))
    volume.tar = volume.tar[:2500]
    gather([], volume, folder)
    assert (folder / "first").read_bytes() == b"1"
    assert "log volume: " in (folder / "gathering-errors.txt").read_text()


def test_what_cannot_be_had_is_said_and_the_rest_is_fetched(folder):
    volume = holding()
    volume.errors["get_archive"] = api_error(404, "no such container")
    gone = FakeContainer("gone", labels={f"{LABEL}.instance": "website-1"})
    gone.errors["logs"] = api_error(409, "is dead")
    cut_off = FakeContainer("cut")
    cut_off.errors["logs"] = ConnectionResetError("reset")
    other = FakeContainer("other", printed=b"x")
    gather([gone, cut_off, other], volume, folder)
    said = (folder / "gathering-errors.txt").read_text().splitlines()
    assert [line.partition(":")[0] for line in said] == ["log volume", "website-1", "cut"]
    assert (folder / "other.printed.txt").read_bytes() == b"x"


def test_nothing_to_fetch_leaves_no_file(folder):
    gather([FakeContainer("quiet")], None, folder)
    assert everything_below(folder) == set()


def test_versions_are_what_each_component_says_and_no_guess():
    edge, balancer, store = FakeContainer(), FakeContainer(), FakeContainer()
    edge.answers["nginx"] = (0, b"nginx version: nginx/1.26.3\nmore\n")
    balancer.answers["haproxy"] = (127, b"not found")
    store.errors["exec_run"] = api_error(409, "container is not running")
    containers = {"edge": edge, "balancer": balancer, "store": store}
    assert versions(containers) == {"edge_version": "nginx version: nginx/1.26.3"}
    edge.answers["nginx"] = (0, b"\n")
    assert versions({"edge": edge}) == {}


def test_of_several_the_last_one_that_can_be_asked_tells_the_version():
    boxes = {name: FakeContainer(name) for name in ("edge", "edge-address", "edge-2", "edge-3")}
    for name, version in (("edge", b"1"), ("edge-address", b"0"), ("edge-2", b"2")):
        boxes[name].answers["nginx"] = (0, version)
    boxes["edge-3"].errors["exec_run"] = api_error(409, "container is not running")
    assert versions(boxes) == {"edge_version": "2"}


class FakeEvents:
    """The engine's stream of events: those given, then open until it is closed."""

    def __init__(self, events):
        self.given = events
        self.closed = threading.Event()
        self.api = self

    def inspect_container(self, container):
        if container == "gone":
            raise api_error(404, "no such container")
        networks = {"run": {"IPAddress": "10.1.2.3" if container else ""}}
        return {"NetworkSettings": {"Networks": networks}}

    def events(self, *, decode, filters):
        self.filters = filters
        return self

    def __iter__(self):
        yield from self.given
        self.closed.wait(5)

    def close(self):
        self.closed.set()


@pytest.mark.parametrize(
    "breaks", [None, OSError("reset by peer"), AttributeError("of a closed response")]
)
def test_a_stream_of_events_that_ends_by_itself_is_evidence_that_is_missing(tmp_path, breaks):
    class Ending(FakeEvents):
        def __iter__(self):
            yield from self.given
            if breaks:
                raise breaks

    seen = queue.SimpleQueue()
    timeline = Timeline(tmp_path / "marks.jsonl", ManualTime(), seen.put)
    watch = EventWatch(Ending([]), "r1", timeline)
    mark = seen.get(timeout=5)
    watch.stop()
    timeline.close()
    assert mark.kind == "error"
    assert mark.name.startswith("the stream of the engine's events ended in mid-run: ")
    assert mark.detail == {"blame": "harness"}


def test_a_stream_of_events_that_was_closed_is_no_lack(tmp_path):
    seen = []
    timeline = Timeline(tmp_path / "marks.jsonl", ManualTime(), seen.append)
    EventWatch(FakeEvents([]), "r1", timeline).stop()
    timeline.close()
    assert seen == []


@pytest.mark.parametrize(
    ("container", "told"), [("c1", {"address": "10.1.2.3"}), ("", {}), ("gone", {})]
)
def test_a_start_tells_the_address_that_the_balancers_log_knows(tmp_path, container, told):
    engine = FakeEvents(
        [
            {
                "Action": "start",
                "id": container,
                "Actor": {"Attributes": {f"{LABEL}.instance": "website-1"}},
            }
        ]
    )
    seen = queue.SimpleQueue()
    timeline = Timeline(tmp_path / "marks.jsonl", ManualTime(), seen.put)
    watch = EventWatch(engine, "r1", timeline)
    mark = seen.get(timeout=5)
    watch.stop()
    timeline.close()
    assert mark.detail == {"instance": "website-1"} | told


def test_the_engines_events_become_marks_on_the_monotonic_clock(tmp_path):
    clock = ManualTime()
    wall = clock.wall_ns()

    def event(action, later_ns, **attributes):
        actor = {"Attributes": {f"{LABEL}.instance": "website-1"} | attributes}
        return {"Action": action, "Actor": actor, "timeNano": wall + later_ns}

    engine = FakeEvents(
        [
            event("exec_create: nginx -v", 1),
            event("kill", 5, signal="15"),
            event("die", 7, exitCode="0"),
            {"Action": "odd"},
        ]
    )
    seen = []
    both = threading.Event()

    def on_mark(mark):
        seen.append(mark)
        if len(seen) == 3:
            both.set()

    timeline = Timeline(tmp_path / "marks.jsonl", clock, on_mark)
    watch = EventWatch(engine, "r1", timeline)
    assert both.wait(5)
    watch.stop()
    timeline.close()
    assert engine.filters == {"type": "container", "label": f"{LABEL}=r1"}
    marks = [json.loads(line) for line in (tmp_path / "marks.jsonl").read_text().splitlines()]
    assert [(m["at_ns"] - clock.now_ns(), m["name"], m["detail"]) for m in marks[:2]] == [
        (5, "kill website-1", {"instance": "website-1", "signal": "15"}),
        (7, "die website-1", {"instance": "website-1", "exitCode": "0"}),
    ]
    assert marks[0]["kind"] == "event"


def test_other_containers_are_watched_by_a_label_of_theirs_and_named_otherwise(tmp_path):
    engine = FakeEvents([{"Action": "die", "Actor": {"Attributes": {"name": "p-web-1"}}}])
    seen = queue.SimpleQueue()
    timeline = Timeline(tmp_path / "marks.jsonl", ManualTime(), seen.put)
    watch = EventWatch(
        engine, "r1", timeline, label="project=p", named=lambda told: str(told["name"])[2:]
    )
    mark = seen.get(timeout=5)
    watch.stop()
    timeline.close()
    assert engine.filters == {"type": "container", "label": "project=p"}
    assert (mark.name, mark.detail) == ("die web-1", {"instance": "web-1"})
