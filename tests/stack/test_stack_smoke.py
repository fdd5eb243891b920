"""The smoke question: which one it is, how HAProxy is told to ask it, and what comes of it."""

import re
from dataclasses import replace

import pytest
from fake_engine import FakeContainer
from manual_time import ManualTime

from harness.heavy_mix import heavy_mix
from harness.mix import HOME, default_mix
from harness.model.errors import MissingEvidenceError, ReleaseError
from harness.model.traffic import Stream, Tls, Traffic
from harness.model.visit import Visit, VisitKind
from harness.stack import website as module
from harness.stack.modes import MODES
from harness.stack.runtime_api import RuntimeApi
from harness.stack.smoke import Answer, Question, Smoke, question_of, smoke_pools
from harness.stack.website import PORT, Patience, Website
from harness.target import Instance

RELEASES = ("v1", "v2")
QUESTION = Question(path="/", bodies=HOME)
RIGHT, STATUS_500, OTHER, NONE = ("L7OK", "200"), ("L7STS", "500"), ("L7STS", "200"), ("L4CON", "")


class SmokePools:
    """HAProxy's servers `right` and `wrong` of each pool, each checked at each look.

    `gives` is what the instance answers to look after look, the last for all later ones.
    """

    def __init__(self, *gives):
        self.gives = list(gives)
        self.commands = []
        self.status = {}
        self.check = {}
        self.address = {}
        # As a former instance left it: it is no answer of this one.
        self.left = ("L7OK", "200")

    def __call__(self, command):
        self.commands.append(command)
        if found := re.fullmatch(r"show stat (smoke-\d) -1 -1", command):
            return self._stat(found[1])
        found = re.fullmatch(r"set server (smoke-\d)/(right|wrong) (\S+) (.+)", command)
        assert found, command
        server, what, value = (found[1], found[2]), found[3], found[4]
        if what == "addr":
            self.address[server] = value
            return "IP changed\n"
        if what == "state":
            self.status[server] = {"maint": "MAINT", "drain": "DRAIN"}[value]
            self.check.setdefault(server, self.left)
        elif what == "health":
            self.status[server] = {"down": "DOWN", "up": "DRAIN"}[value]
        return "\n"

    def _stat(self, pool):
        rows = ["# pxname,svname,qcur,scur,status,check_status,check_code,check_desc,addr,"]
        for (of, name), status in self.status.items():
            if of == pool:
                check, code = self.check[of, name]
                rows.append(f"{of},{name},0,0,{status},{check},{code},told so,{self.address},")
        answer = self.gives.pop(0) if len(self.gives) > 1 else self.gives[0]
        for server, status in self.status.items():
            if status != "MAINT" and answer is not None:
                self.check[server] = answer
                self.status[server] = "DRAIN" if answer == RIGHT else "DOWN"
        return "\n".join([*rows, ""])


def smoke(pools):
    return Smoke(RuntimeApi(pools), ManualTime(), question=QUESTION, releases=RELEASES, port=PORT)


def answer_of(*gives, looks=9):
    """The first that is told within so many looks."""
    asked = smoke(SmokePools(*gives))
    asked.ask("v2", "10.0.0.2")
    answers = (asked.answer("v2") for _ in range(looks))
    return next((answer for answer in answers if answer is not Answer.none), Answer.none), asked


@pytest.mark.parametrize(
    ("gives", "wanted"),
    [
        ([None, None, RIGHT], Answer.right),
        ([None, STATUS_500], Answer.wrong),
        ([OTHER], Answer.wrong),
        ([NONE], Answer.none),
        ([NONE, NONE, RIGHT], Answer.right),
        ([NONE, NONE, STATUS_500], Answer.wrong),
        ([None], Answer.none),
    ],
)
def test_the_first_answer_decides_and_silence_is_none(gives, wanted):
    assert answer_of(*gives)[0] is wanted


def test_what_a_former_instance_answered_is_no_answer():
    for left in (RIGHT, STATUS_500):
        pools = SmokePools(None)
        pools.left = left
        asked = smoke(pools)
        asked.ask("v2", "10.0.0.2")
        assert asked.answer("v2") is Answer.none


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (STATUS_500, "GET / was answered with status 500; expected 'Hello beautiful changed"),
        (OTHER, "GET / was answered with another text; expected 'Hello beautiful changed world!'"),
        (NONE, "GET / was not answered (L4CON: told so); expected"),
        (None, "GET / was not answered (nothing came); expected"),
    ],
)
def test_what_is_wrong_is_told(given, told):
    assert told in answer_of(given)[1].told("v2")


@pytest.mark.parametrize("left", [RIGHT, STATUS_500])
def test_what_a_former_instance_answered_is_not_told_of_this_one(left):
    pools = SmokePools(None)
    pools.left = left
    asked = smoke(pools)
    asked.ask("v2", "10.0.0.2")
    assert "GET / was not answered (nothing came); expected" in asked.told("v2")


def test_each_release_is_asked_in_its_own_pool_at_its_own_address_and_left_alone_after():
    pools = SmokePools(RIGHT)
    asked = smoke(pools)
    asked.ask("v1", "10.0.0.1")
    asked.ask("v2", "10.0.0.2")
    assert set(pools.address.items()) == {
        (("smoke-1", "right"), f"10.0.0.1 port {PORT}"),
        (("smoke-1", "wrong"), f"10.0.0.1 port {PORT}"),
        (("smoke-2", "right"), f"10.0.0.2 port {PORT}"),
        (("smoke-2", "wrong"), f"10.0.0.2 port {PORT}"),
    }
    asked.done("v2")
    assert {who for who, status in pools.status.items() if status == "MAINT"} == {
        ("smoke-2", "right"),
        ("smoke-2", "wrong"),
    }


def test_a_release_that_nobody_knows_the_text_of_is_not_asked():
    assert smoke(SmokePools(RIGHT)).knows("v2")
    assert not smoke(SmokePools(RIGHT)).knows("v3")
    only = Question(path="/", bodies={"v1": "one"})
    pools = smoke_pools(only, RELEASES, PORT, try_s=3.0)
    assert re.findall("^backend (.+)$", pools, re.MULTILINE) == ["smoke-1"]


def test_the_pools_ask_for_that_very_text_and_nobody_is_sent_there():
    pools = smoke_pools(
        Question(path="/a", bodies={"*": "Is 1+1 2? (yes.)", "v1": "x"}),
        RELEASES,
        8123,
        try_s=3.0,
    )
    assert "http-check send meth GET uri '/a' ver HTTP/1.1 hdr Host localhost" in pools
    assert re.findall("rstring '(.+)'$", pools, re.MULTILINE) == [
        "^x$",
        r"^Is 1\+1 2\? \(yes\.\)$",
    ]
    for mode in MODES.values():
        text = mode.configuration("roundrobin", 1, 8123, pools)
        assert text.endswith(pools)
        assert "use_backend smoke" not in text
    assert smoke_pools(None, RELEASES, 8123, try_s=3.0) == ""


def test_an_answer_may_take_as_long_as_one_is_waited_for():
    """A check's own time, 1 s everywhere else, would end before it."""
    pools = smoke_pools(QUESTION, RELEASES, PORT, try_s=2.5)
    assert re.findall("timeout check (.+)$", pools, re.MULTILINE) == ["2500ms", "2500ms"]


def test_what_visitors_of_each_mix_ask_first_is_asked():
    assert question_of(default_mix(300)) == QUESTION
    assert question_of(heavy_mix(300)) == QUESTION


PLAIN = Stream(name="plain", path="/x", rate_hz=1, expect_body={"*": "text"})


@pytest.mark.parametrize(
    "change",
    [
        {"method": "POST"},
        {"expect_body": None},
        {"expect_body": {"*": "operation {operation}"}},
        {"expect_body": {"*": "it's"}},
        {"expect_body": {"*": "two\nlines"}},
        {"expect_body": {"*": "ü"}},
        {"expect_body": {"*": "x" * 500}},
        {"path": "/{operation}"},
        {"path": "/it's"},
        {"path": "/assets/site.css"},
        {"expect_body": {"*": ""}},
        {"expect_body": {"v1": "text", "v2": ""}},
        {"expect_status": 204},
        {"tls": Tls.full},
        {"slow": True},
        {"headers": {"Authorization": "secret"}},
        {"expect_headers": {"Content-Encoding": "gzip"}},
        {"visit": Visit(kind=VisitKind.idle, lasts_s=1.0)},
    ],
)
def test_what_a_check_cannot_ask_or_must_not_is_left_out(change):
    odd = replace(PLAIN, name="odd", path=change.get("path", "/odd"), **{
        key: value for key, value in change.items() if key != "path"
    })  # fmt: skip
    assert question_of(Traffic(streams=(odd,))) is None
    assert question_of(Traffic(streams=(odd, PLAIN))) == Question(path="/x", bodies={"*": "text"})


@pytest.mark.parametrize("name", ["Authorization", "cookie", "Accept"])
def test_where_all_visitors_send_what_a_check_does_not_nothing_is_asked(name):
    told = {"user-agent": "harness"}
    assert question_of(Traffic(headers=told, streams=(PLAIN,))) is not None
    assert question_of(Traffic(headers=told | {name: "x"}, streams=(PLAIN,))) is None


class Named:
    """A discovery mode in which nothing happens."""

    alias = ""


@pytest.fixture
def website(monkeypatch):
    """One with that smoke, and the container of its only instance."""

    def make(pools, box=None):
        box = box or FakeContainer("box")
        monkeypatch.setattr(module, "launch", lambda spec, network: box)
        clock = ManualTime()
        asked = pools and Smoke(
            RuntimeApi(pools), clock, question=QUESTION, releases=RELEASES, port=PORT
        )
        made = Website(
            publish=lambda _: None, discovery=Named(), images={"v2": "image:2"}, network=None,
            labels={}, volume="", prefix="p", replica_count=1, patience=Patience(try_s=2.0),
            clock=clock, smoke=asked,
        )  # fmt: skip
        return made, made.start("v2"), clock, box

    return make


def test_an_instance_that_answers_rightly_is_let_through_and_asked_no_more(website):
    pools = SmokePools(None, NONE, RIGHT)
    site, instance, _, _ = website(pools)
    site.try_out(instance)
    assert set(pools.status.values()) == {"MAINT"}


def test_a_wrong_answer_is_the_releases_fault_at_once(website):
    pools = SmokePools(None, STATUS_500)
    site, instance, clock, _ = website(pools)
    with pytest.raises(ReleaseError) as caught:
        site.try_out(instance)
    assert str(caught.value).startswith(
        "release v2: website-1 was ready and then did not answer rightly: GET / was answered with "
        "status 500; expected 'Hello beautiful changed world!'; "
    )
    assert clock.slept_s < 0.2
    assert set(pools.status.values()) == {"MAINT"}


class Gone(SmokePools):
    """A balancer that answers no more once the answer to the question is known."""

    def __call__(self, command):
        if command.endswith("state maint") and "show stat" in "".join(self.commands[-1:]):
            raise ConnectionRefusedError("gone")
        return super().__call__(command)


def test_a_balancer_that_is_gone_by_then_takes_no_blame_off_a_wrong_answer(website):
    site, instance, _, _ = website(Gone(None, STATUS_500))
    with pytest.raises(ReleaseError, match="was answered with status 500"):
        site.try_out(instance)


def test_a_balancer_that_is_gone_after_a_right_answer_is_missing_evidence(website):
    site, instance, _, _ = website(Gone(RIGHT))
    with pytest.raises(MissingEvidenceError, match="gone"):
        site.try_out(instance)


def test_silence_is_borne_for_its_time(website):
    site, instance, clock, _ = website(SmokePools(NONE))
    with pytest.raises(ReleaseError, match="did not answer rightly within 2 s: GET / was not answ"):
        site.try_out(instance)
    assert clock.slept_s == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("ip", ["10.0.0.1", ""])
def test_one_that_exits_when_it_is_asked_is_told_so(website, ip):
    box = FakeContainer("box", status="exited", exit_code=137, ip=ip)
    site, instance, _, _ = website(SmokePools(NONE), box)
    with pytest.raises(ReleaseError, match="exited with code 137 before it had answered"):
        site.try_out(instance)


def test_without_a_question_nothing_is_tried(website):
    site, instance, _, box = website(None)
    assert not site.tries("v2")
    before = list(box.calls)
    site.try_out(Instance(name=instance.name, release="v2"))
    assert [call for call in box.calls[len(before) :] if call[0] != "reload"] == []


def test_of_a_page_the_status_is_asked_and_the_text_where_one_is_expected():
    plain = smoke_pools(Question(path="/x", status=404), ("a", "b"), PORT, try_s=3.0)
    assert plain.count("    http-check expect status 404\n    server right ") == 2
    assert "string" not in plain
    pools = smoke_pools(Question(path="/x", text="1.5 (a|b)"), ("a", "b"), PORT, try_s=3.0)
    line = r"    http-check expect error-status L7STS rstring '1\.5 \(a\|b\)'"
    assert pools.count(f"    http-check expect status 200\n{line}\n    server right ") == 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            ("L7STS", "200"),
            "GET /x was answered with status 200; expected status 404 and 'none' in",
        ),
        (("L7STS", "404"), "GET /x was answered with another text; expected status 404"),
    ],
)
def test_what_a_page_was_answered_with_is_told_by_what_was_expected(given, told):
    question = Question(path="/x", status=404, text="none")
    asked = Smoke(
        RuntimeApi(SmokePools(given)), ManualTime(), question=question, releases=RELEASES, port=PORT
    )
    asked.ask("v2", "10.0.0.2")
    while asked.answer("v2") is Answer.none:
        pass
    assert told in asked.told("v2")
