"""Bad releases under the strategies that claim safety, while visitors come: a chosen part of the
table; scenarios/test_bad_releases.py has all of it.
"""

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from endings import ENDINGS, STOPPED, STOPS
from left import left
from releases import BAD, built
from stacks import Up, brought_up
from trial import LITTLE_MEMORY, PATIENCE, QUESTION, assert_ends, assert_swapped_out

from harness.swap import named

pytestmark = [pytest.mark.engine, pytest.mark.alone]

CHOSEN = [
    *(("drain", release) for release in ENDINGS["drain"]),
    ("rolling", "exits"),
    ("rolling", "answers 500"),
    ("blue-green", "is never ready"),
    ("canary", "answers another text"),
]
BY_DNS = [("stop-signal", release) for release in ("is never ready", "exits", "answers 500")]


@pytest.fixture(scope="module")
def images(engine: docker.DockerClient) -> Iterator[dict[str, str]]:
    with built(engine, BAD) as tags:
        yield tags


def stack(
    engine: docker.DockerClient, images: dict[str, str], folder: Path, discovery: str, replicas: int
) -> Iterator[Up]:
    with brought_up(
        engine, folder, discovery=discovery, replicas=replicas, images=images,
        releases=("v1", *BAD), patience=PATIENCE, variation=LITTLE_MEMORY, question=QUESTION,
    ) as up:  # fmt: skip
        yield up
    assert left(engine, up.run) == []


@pytest.fixture(scope="module")
def slots(engine, images, tmp_path_factory) -> Iterator[Up]:
    yield from stack(engine, images, tmp_path_factory.mktemp("slots"), "slots", 2)


@pytest.fixture(scope="module")
def dns(engine, images, tmp_path_factory) -> Iterator[Up]:
    yield from stack(engine, images, tmp_path_factory.mktemp("dns"), "dns-slowstart", 1)


@pytest.mark.parametrize(("strategy", "release"), CHOSEN)
def test_a_bad_release_ends_as_it_must(engine, slots: Up, tmp_path, strategy: str, release: str):
    ending = ENDINGS[strategy][release]
    assert_ends(engine, slots, tmp_path, named(strategy), release, ending)


def test_what_does_not_heed_its_stop_signal_is_killed_and_nobody_notices(
    engine, slots: Up, tmp_path
):
    assert_swapped_out(
        engine, slots, tmp_path, named("drain"), releases=STOPS, most=STOPPED["drain"]
    )


@pytest.mark.parametrize(("strategy", "release"), BY_DNS)
def test_a_bad_release_that_dns_names_ends_as_it_must(
    engine, dns: Up, tmp_path, strategy: str, release: str
):
    ending = ENDINGS[strategy][release]
    assert_ends(engine, dns, tmp_path, named(strategy), release, ending)
