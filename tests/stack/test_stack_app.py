"""An app of the user's own in the website's place: it is told nothing, asked plainly, and named by
the balancer alone.
"""

import json
import re

import pytest
from fake_engine import FakeContainer
from whole import stack

from harness.model.errors import MissingEvidenceError, NotJudgedError, ReleaseError
from harness.model.outcome import Outcome
from harness.stack import website as module
from harness.stack.app import OWN_EDGE, SAMPLE, App, named_lines, pool_lines
from harness.stack.containers import exposed
from harness.stack.modes import MODES
from harness.stack.own import OwnApp
from harness.stack.plan import StackPlan
from harness.stack.runtime_api import RuntimeApi, ServerState
from harness.stack.smoke import Question
from harness.target import KeepsLogs, KeepsStore, KnowsRemedies

OWN = App(port=8080, health="/health?deep=1", environment={"MODE": "test"}, is_sample=False)
NAMES = ("my/app:1", "my/app:2")
IMAGES = dict(zip(NAMES, NAMES, strict=True))


def test_the_sample_website_is_asked_as_ever():
    assert pool_lines(SAMPLE, is_reloaded=False) == (
        "    option httpchk GET /ready\n    http-check expect status 200\n"
    )
    for mode in MODES.values():
        text = mode.configuration("roundrobin", 1, 8000)
        assert "set-header" not in text
        assert "http-server-close" not in text


@pytest.mark.parametrize("name", ["slots", "dns", "dns-slowstart"])
def test_an_own_app_is_asked_with_a_host_and_named_by_the_address_that_answered(name):
    text = MODES[name].configuration("roundrobin", 1, 8080, "", OWN)
    pools = len(re.findall(r"^backend ", text, re.MULTILINE))
    for line in (
        "http-check send meth GET uri '/health?deep=1' ver HTTP/1.1 hdr Host localhost",
        "http-check expect rstatus ^2",
        # No connection to a server is kept, for whose idle limit nobody knows.
        "option http-server-close",
        "http-response set-header X-Instance %[bc_dst,map(/tmp/instances.map)]",
        "http-response set-header X-Release %[bc_dst,map(/tmp/releases.map)]",
    ):
        assert text.count(f"    {line}\n") == pools, line
    assert "0.0.0.0:8080" in text or "website:8080" in text


def test_where_the_configuration_is_written_anew_servers_are_named_in_it():
    text = MODES["reload"].configuration("roundrobin", 1, 8080, "", OWN)
    assert "    http-response del-header X-Release\n" in text
    assert "    http-response set-header X-Instance %[srv_name]\n" in text
    assert "map(/tmp/releases.map)" not in text
    assert named_lines({"website-1": "my/app:1", "website-2": "my/app:2"}).splitlines() == [
        "    http-response set-header X-Release my/app:1 if { srv_name -m str website-1 }",
        "    http-response set-header X-Release my/app:2 if { srv_name -m str website-2 }",
    ]


@pytest.mark.parametrize(
    ("line", "sample", "own"),
    [
        ("HTTP/1.1 200 OK", True, True),
        ("HTTP/1.0 204 No Content", False, True),
        ("HTTP/1.1 302 Found", False, False),
        ("HTTP/1.1 503 Service Unavailable 200", False, False),
        ("SSH-2.0-OpenSSH", False, False),
        ("", False, False),
    ],
)
def test_ready_is_200_of_the_sample_and_2xx_of_an_own_app(line, sample, own):
    assert SAMPLE.is_ready(line) is sample
    assert OWN.is_ready(line) is own


class MapApi:
    """HAProxy's maps, as its Runtime API keeps them."""

    def __init__(self):
        self.maps = {}
        self.refuses = ""

    def __call__(self, command):
        verb, kind, path, key, value = command.split(" ")
        assert kind == "map"
        entries = self.maps.setdefault(path, {})
        if verb == "set" and key not in entries:
            return "entry not found.\n\n"
        if self.refuses:
            return self.refuses
        assert verb == "set" or key not in entries, "HAProxy would keep both, and go by the first"
        entries[key] = value
        return "\n"


def test_an_address_is_named_and_named_anew_where_it_is_used_again():
    maps = MapApi()
    api = RuntimeApi(maps)
    api.name("10.0.0.1", instance="website-1", release="my/app:1")
    api.name("10.0.0.2", instance="website-2", release="my/app:2")
    api.name("10.0.0.1", instance="website-3", release="my/app:2")
    assert maps.maps == {
        "/tmp/instances.map": {"10.0.0.1": "website-3", "10.0.0.2": "website-2"},
        "/tmp/releases.map": {"10.0.0.1": "my/app:2", "10.0.0.2": "my/app:2"},
    }


def test_a_name_that_haproxy_refuses_is_evidence_that_is_missing():
    maps = MapApi()
    maps.refuses = "Unknown map identifier."
    with pytest.raises(MissingEvidenceError, match=r"add map /tmp/instances\.map.*Unknown map"):
        RuntimeApi(maps).name("10.0.0.1", instance="website-1", release="v1")


@pytest.mark.parametrize(
    ("check", "code", "text", "told"),
    [
        ("L7STS", "404", "Not Found", "the last answer was status 404"),
        ("L4CON", "", "Connection refused", "nobody listens there (L4CON: Connection refused)"),
        ("L7TOUT", "", "", "it took the connection, and no answer came in time (L7TOUT)"),
        ("L7RSP", "", "", "what it answered is not HTTP (L7RSP)"),
        ("INI", "", "", "no answer came (INI)"),
        ("", "", "", "no answer came"),
    ],
)
def test_what_came_of_a_check_is_told_in_words(check, code, text, told):
    state = ServerState(
        name="slot1", status="DOWN", sessions=0, queued=0, address="", check=check,
        check_code=code, check_text=text,
    )  # fmt: skip
    assert state.told == told


def test_it_gets_its_own_environment_and_signal_and_nothing_of_ours(place):
    here = place(app=OWN)
    here.website.start("v1")
    [spec] = here.specs
    assert spec.environment == {"MODE": "test"}
    assert spec.volumes == {}
    assert spec.stop_signal == ""
    assert spec.labels["zero-downtime-harness.instance"] == "website-1"


def test_its_address_is_named_before_it_can_be_sent_anything(place):
    here = place(app=OWN)
    seen = []
    here.introduce = lambda instance, where: seen.append(
        (instance.name, where, list(here.haproxy.commands))
    )
    here.serve()
    assert seen == [("website-1", "10.0.0.1", [])]


def test_one_that_is_never_ready_is_told_with_where_it_was_asked_and_what_came(place):
    here = place(app=OWN)
    here.ready_after = 10**9
    instance = here.website.start("v2")
    box = here.boxes["website-1"]
    box.printed = b"listening on 127.0.0.1:3000\n"
    box.attrs["Config"] = {"ExposedPorts": {"3000/tcp": {}, "53/udp": {}}}
    with pytest.raises(ReleaseError) as info:
        here.website.await_ready(instance)
    assert str(info.value) == (
        "release v2: website-1 was not ready within 3 s: GET /health?deep=1 on port 8080 was never "
        "answered with status 200 to 299, as the balancer saw it; nobody listens there (L4CON); "
        "its last lines:\n  listening on 127.0.0.1:3000\n"
        "say with --port where it listens (its image names 3000), not on loopback alone, and with "
        "--health what it answers once it is ready; --ready-timeout gives it longer"
    )


def test_ports_are_those_of_tcp_that_the_image_names():
    box = FakeContainer()
    assert exposed(box) == []
    box.attrs["Config"] = {"ExposedPorts": {"8080/tcp": {}, "53/udp": {}, "80": {}}}
    assert exposed(box) == [80, 8080]
    box.attrs["Config"] = {"ExposedPorts": None}
    assert exposed(box) == []


def own(**plan):
    return OwnApp(StackPlan(run="r1", releases=NAMES, images=IMAGES, app=OWN, **plan))


def test_the_target_has_every_ability_but_to_read_a_store():
    target = own()
    assert isinstance(target, KeepsLogs)
    assert isinstance(target, KnowsRemedies)
    assert not isinstance(target, KeepsStore)


@pytest.mark.parametrize(
    ("outcome", "status", "remedy"),
    [
        (Outcome.wrong_status, 404, "or say --expect-status 404"),
        (Outcome.wrong_status, 301, "the page that it redirects to (--page)"),
        (Outcome.wrong_status, 502, "see logs/"),
        (Outcome.wrong_body, 200, "--expect-text"),
        (Outcome.answer_timeout, 0, "what the app itself says"),
    ],
)
def test_a_page_that_is_not_answered_rightly_has_a_remedy(outcome, status, remedy):
    assert remedy in own().remedy(outcome, status)


@pytest.fixture
def with_images(engine):
    engine.images.registry |= set(NAMES)
    plain, maps = engine.haproxy.__class__.__call__, MapApi()

    class WithMaps(engine.haproxy.__class__):
        def __call__(self, command):
            return maps(command) if " map /tmp/" in command else plain(self, command)

    engine.haproxy.__class__ = WithMaps
    engine.maps = maps.maps
    return engine


def test_the_stack_comes_up_with_it_and_names_it(with_images, timeline):
    target = own()
    target.up(timeline)
    box = with_images.boxes["harness-r1-website-1"]
    assert box.spec.image == "my/app:1"
    address = box.attrs["NetworkSettings"]["Networks"]["run"]["IPAddress"]
    assert with_images.maps == {
        "/tmp/instances.map": {address: "website-1"},
        "/tmp/releases.map": {address: "my/app:1"},
    }
    front = with_images.boxes["harness-r1-edge"]
    assert not [call for call in front.calls if call[0] == "put_archive"], "no assets of ours"
    conf = front.spec.environment["NGINX_CONF"]
    assert "proxy_cache pages" not in conf
    assert "proxy_hide_header X-Cache;" in conf
    assert "root /srv" not in conf
    found = target.environment()
    assert found["website_logs"] is False
    assert found["image_my/app:1"].startswith("my/app:1 ")
    target.down()


def test_an_image_that_is_not_there_is_told_before_anything_starts(with_images, timeline):
    with_images.images.registry.discard("my/app:2")
    target = own()
    with pytest.raises(NotJudgedError, match="image: 'my/app:2' is not on this engine"):
        target.up(timeline)
    assert with_images.boxes == {}
    target.down()


def test_what_the_old_release_does_not_answer_rightly_is_not_asked_of_the_new_one(
    with_images, timeline, monkeypatch, tmp_path
):
    def wrong(self, instance):
        raise ReleaseError(f"release my/app:1: {instance.name} answered; its last lines:\n  x")

    monkeypatch.setattr(module.Website, "try_out", wrong)
    target = own(question=Question(path="/"))
    monkeypatch.setattr(module.Website, "tries", lambda self, _: self._smoke is not None)
    target.up(timeline)
    assert not target.stage().tries("my/app:2")
    marks = (tmp_path / "marks.jsonl").read_text().splitlines()
    [told] = [json.loads(line)["name"] for line in marks if "smoke question" in line]
    assert told == "the smoke question is left out: release my/app:1: website-1 answered"
    target.down()


def test_every_line_that_stands_otherwise_at_the_edge_is_one():
    assert (
        stack(app=OWN)._edge_environment()["NGINX_CONF"].count("proxy_pass http://balancer;") == 3
    )
    assert all(OWN_EDGE)
