"""Components in turn, and who holds their addresses, with containers on paper."""

import pytest
from fake_engine import FakeContainer

from harness.stack.held import Members, is_of


class Engine:
    def __init__(self):
        self.made = []

    def __call__(self, name, image="", **spec):
        box = FakeContainer(name)
        box.id = f"id-of-{name}"
        self.made.append((name, image, spec))
        return box


@pytest.fixture
def engine():
    return Engine()


def members(engine, *held):
    specs = {"edge": lambda: {"ports": {80: 0}, "shell": "exec nginx"}, "store": dict}
    return Members(engine, specs, held=held)


def test_each_has_a_name_of_its_own_and_answers_to_the_first_ones(engine):
    those = members(engine)
    assert those.start("edge").name == "edge"
    assert [those.another("edge"), those.another("store"), those.another("edge")] == [
        "edge-2",
        "store",
        "edge-3",
    ]
    assert [(name, image, spec["alias"]) for name, image, spec in engine.made] == [
        ("edge", "edge", "edge"),
        ("edge-2", "edge", "edge"),
        ("store", "store", "store"),
        ("edge-3", "edge", "edge"),
    ]


def test_one_that_is_not_held_is_its_own_front(engine):
    those = members(engine)
    box = those.start("edge")
    assert those.front("edge", box) is box


def test_what_holds_an_address_has_it_and_all_ports_and_nobody_else_does(engine):
    those = members(engine, "edge")
    box = those.start("edge")
    those.another("edge")
    holder, first, second = engine.made
    assert holder == (
        "edge-address",
        "netfilter",
        {
            "alias": "edge",
            "ports": {80: 0},
            "entry": ("sleep", "infinity"),
            "capabilities": ["NET_ADMIN"],
        },
    )
    for name, (called, image, spec) in zip(("edge", "edge-2"), (first, second), strict=True):
        assert (called, image) == (name, "edge")
        assert spec == {"shell": "exec nginx", "network_of": "id-of-edge-address"}
    assert those.front("edge", box).name == "edge-address"


def test_another_that_is_not_held_publishes_no_port_that_is_taken(engine):
    """A port that was asked for is the first one's; of another any free one will do."""
    those = Members(engine, {"edge": lambda: {"ports": {80: 8080, 443: 0}}}, held=())
    those.start("edge")
    those.another("edge")
    assert [spec["ports"] for _, _, spec in engine.made] == [{80: 8080, 443: 0}, {80: 0, 443: 0}]


def test_settings_of_the_kernel_are_of_who_holds_an_address(engine):
    those = Members(engine, {"edge": dict, "store": dict}, held=["edge"], sysctls={"net.x": "1"})
    for name in ("edge", "store"):
        those.start(name)
    assert {name: spec.get("sysctls") for name, _, spec in engine.made} == {
        "edge-address": {"net.x": "1"},
        "edge": None,
        "store": None,
    }


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("edge", True), ("edge-2", True), ("edge-12", True), ("edge-address", False), ("edges", False),
     ("control", False), ("edge-", False)],
)  # fmt: skip
def test_which_containers_are_of_a_component_their_names_tell(name, is_one):
    assert is_of(name, "edge") is is_one
