"""How the stack is disturbed: what is asked of the engine, and what nft is told."""

from types import SimpleNamespace

import pytest
from fake_engine import FakeContainer, api_error
from manual_time import ManualTime

from harness.model.errors import MissingEvidenceError
from harness.stack.disturbance import StackDisturbance
from harness.stack.owner import LABEL


class Box(FakeContainer):
    """A container that can be paused and killed, and that a helper may share the network of."""

    def pause(self):
        self._note("pause")

    def unpause(self):
        self._note("unpause")

    def kill(self):
        self._note("kill")

    def start(self):
        self._note("start")


class Place:
    def __init__(self):
        self.clock = ManualTime()
        self.boxes = {name: Box(name) for name in ("edge", "website-1")}
        self.helper = Box("helper")
        self.created = []
        self.undo = []

        def create(image, **options):
            self.created.append((image, options))
            return self.helper

        self.disturbance = StackDisturbance(
            SimpleNamespace(containers=SimpleNamespace(create=create)),
            image=lambda: "netfilter:1",
            find=self.boxes.__getitem__,
            labels={LABEL: "r1"},
            on_made=self.undo.append,
            clock=self.clock,
        )

    def script(self):
        """What was last run in the helper."""
        return [call for call in self.helper.calls if call[0] == "exec_run"][-1][3]

    def answers(self, *moments_ns, code=0):
        offset_ns = self.clock.wall_ns() - self.clock.now_ns()
        text = "".join(f"{moment + offset_ns}\n" for moment in moments_ns)
        self.helper.answers["sh"] = (code, text.encode())


@pytest.fixture
def place():
    return Place()


def test_who_is_named_is_paused_resumed_and_killed(place):
    place.disturbance.pause("edge")
    place.disturbance.resume("edge")
    place.disturbance.kill("website-1")
    assert place.boxes["edge"].calls == [("pause",), ("unpause",)]
    assert place.boxes["website-1"].calls == [("kill",)]


def test_to_resume_what_is_not_paused_is_success_and_other_refusals_are_told(place):
    place.boxes["edge"].errors["unpause"] = api_error(409, "Container edge is not paused")
    place.disturbance.resume("edge")
    place.boxes["edge"].errors["unpause"] = api_error(500, "the engine broke")
    with pytest.raises(Exception, match="broke"):
        place.disturbance.resume("edge")


def test_the_helper_shares_the_network_of_who_is_disturbed_and_is_ours_to_remove(place):
    assert place.disturbance.lack_of_packets("edge") == ""
    assert place.disturbance.lack_of_packets("edge") == ""
    [(image, options)] = place.created
    assert image == "netfilter:1"
    assert options["network_mode"] == "container:c0ffee"
    assert options["cap_add"] == ["NET_ADMIN"]
    assert "privileged" not in options
    assert options["labels"] == {LABEL: "r1", f"{LABEL}.instance": "netfilter-edge"}
    [remove] = place.undo
    remove()
    assert place.helper.calls[-1] == ("remove", True, True)
    place.helper.errors["remove"] = api_error(404, "No such container")
    remove()


def test_what_nft_refuses_in_its_check_is_the_reason_why_it_cannot_be_done(place):
    place.helper.answers["sh"] = (1, b"netlink: Error: Operation not supported\n")
    why = place.disturbance.lack_of_packets("edge")
    assert why == "nft in edge's network: netlink: Error: Operation not supported"
    assert "nft -c" in place.script()


def test_an_engine_that_gives_no_helper_is_a_reason_too(place):
    place.helper.errors["start"] = api_error(500, "cap NET_ADMIN is not permitted")
    assert "not permitted" in place.disturbance.lack_of_packets("edge")


@pytest.mark.parametrize(
    ("act", "rule"),
    [
        (
            lambda it: it.refuse("edge", 0.05, only_new=True),
            "tcp dport { 80, 443 } tcp flags & (syn|ack) == syn reject with tcp reset",
        ),
        (
            lambda it: it.refuse("website-1", 0.05, only_new=False),
            "tcp dport { 8000 } reject with tcp reset",
        ),
        (lambda it: it.drop("store", 0.05), "tcp dport { 6379 } drop"),
    ],
)
def test_a_rule_is_set_for_its_time_and_is_gone_after(place, act, rule):
    place.boxes["store"] = Box("store")
    place.answers(100, 105, 155, 175)
    held = act(place.disturbance)
    moments = (held.earliest_ns, held.surely_ns, held.until_ns, held.latest_ns)
    assert moments == (100, 105, 155, 175)
    lines = place.script().splitlines()
    assert f"add rule inet harness_fault input {rule}" in lines
    assert lines.index("sleep 0.05") < lines.index("nft delete table inet harness_fault || exit 1")


@pytest.mark.parametrize(("moments", "code"), [((1, 2, 3), 0), ((1, 2, 3, 4), 1)])
def test_a_rule_that_is_not_known_to_have_held_is_missing_evidence(place, moments, code):
    place.answers(*moments, code=code)
    with pytest.raises(MissingEvidenceError, match="nft in edge's network"):
        place.disturbance.drop("edge", 0.05)
