"""What releases publish, with edges on paper."""

import pytest
from fake_engine import FakeContainer
from whole import Engine

from harness.stack.assets import Assets
from harness.stack.owner import LABEL


@pytest.fixture
def assets():
    return Assets(Engine(), {"v1": "image:1", "v2": "image:2"}, {LABEL: "r1"})


def put_into(edge):
    """What it was given, each time: images stand for what they hold."""
    archives = [told[-1] for told in edge.calls if told[0] == "put_archive"]
    return [next(name for name in ("image:1", "image:2") if name.encode() in data)
            for data in archives]  # fmt: skip


def test_one_that_joins_has_all_that_was_published_before(assets):
    first, second = FakeContainer("edge"), FakeContainer("edge-2")
    assets.join(first)
    assets.publish("v1")
    assets.publish("v2")
    assert put_into(first) == ["image:1", "image:2"]
    assets.join(second)
    assert put_into(second) == ["image:1", "image:2"]
    assert put_into(first) == ["image:1", "image:2"], "it had them"


def test_what_is_published_later_is_given_to_each_that_runs(assets):
    first, second, third = (FakeContainer(name) for name in ("edge", "edge-2", "edge-3"))
    for edge in (first, second, third):
        assets.join(edge)
    second.status = "exited"
    assets.publish("v1")
    assert [put_into(edge) for edge in (first, second, third)] == [["image:1"], [], ["image:1"]]


def test_a_release_that_publishes_nothing_is_not_asked(assets):
    edge = FakeContainer("edge")
    assets.join(edge)
    assets.publish("my/app:1")
    assert edge.calls == []
