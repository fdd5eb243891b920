"""Nine bad releases under every strategy that claims safety, in the table that says how each ends
(tests/engine/endings.py).

Each trial is a whole swap while some 250 visitors a second ask for the home page, on one stack for
a discovery mode. The swap must end by itself, the old release still serving and nothing of the new
one left; and where the fault could be seen beforehand no visitor may notice.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from endings import DNS, ENDINGS, FOLLOWER, RELOAD, SLOTS, STOPPED, STOPS
from left import left
from releases import BAD, built
from stacks import Up, brought_up
from trial import LITTLE_MEMORY, PATIENCE, QUESTION, assert_ends, assert_swapped_out

from harness.analysis.history import load
from harness.model.finding import Verdict
from harness.swap import named
from harness.verify import Judged

pytestmark = pytest.mark.catalogue

BRIEF = {"warmup_s": 1.0, "steady_s": 2.0, "after_s": 3.0, "calibrate": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """From which step to which a new release that is taken back got which share of the requests."""

    begin: str
    end: str
    share: float

    def most(self, judged: Judged) -> float:
        """Requests that may fail: that share of those sent meanwhile, and what was under way."""
        history = load(judged.folder)
        [begin_ns] = [step.begin_ns for step in history.steps if step.name == self.begin]
        [end_ns] = [step.end_ns for step in history.steps if step.name == self.end]
        sent_ns = history.requests["sent_ns"]
        return self.share * int(((begin_ns <= sent_ns) & (sent_ns <= end_ns)).sum()) + 3


EXPOSURES = {
    "drain": Exposure(begin="admit website-2", end="drain website-2", share=0.5),
    "blue-green": Exposure(begin="switch v2", end="switch v1", share=1.0),
    "canary": Exposure(begin="admit website-2", end="share 0% v2", share=0.05),
}


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="module")
def images(engine: docker.DockerClient) -> Iterator[dict[str, str]]:
    with built(engine, BAD) as tags:
        yield tags


def stack(
    engine: docker.DockerClient, images: dict[str, str], folder: Path, discovery: str, replicas: int
) -> Iterator[Up]:
    with brought_up(
        engine,
        folder,
        discovery=discovery,
        replicas=replicas,
        images=images,
        releases=("v1", *BAD),
        patience=PATIENCE,
        variation=LITTLE_MEMORY,
        question=QUESTION,
    ) as up:
        yield up
    assert left(engine, up.run) == []


@pytest.fixture(scope="module")
def slots(
    engine: docker.DockerClient,
    images: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Up]:
    yield from stack(engine, images, tmp_path_factory.mktemp("slots"), "slots", 2)


@pytest.fixture(scope="module")
def reloaded(
    engine: docker.DockerClient,
    images: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Up]:
    yield from stack(engine, images, tmp_path_factory.mktemp("reload"), "reload", 1)


@pytest.fixture(scope="module")
def dns(
    engine: docker.DockerClient,
    images: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Up]:
    yield from stack(engine, images, tmp_path_factory.mktemp("dns"), "dns-slowstart", 1)


@pytest.fixture(scope="module")
def followed(
    engine: docker.DockerClient,
    images: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Up]:
    yield from stack(engine, images, tmp_path_factory.mktemp("followed"), "follower", 1)


def _cells(strategies: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(strategy, release) for strategy in strategies for release in ENDINGS[strategy]]


@pytest.fixture
def ends(
    engine: docker.DockerClient, tmp_path: Path, said: Callable[[str], None]
) -> Callable[[Up, str, str], None]:
    """Tries a release by a strategy on a stack; what the table says must come of it."""

    def ends_as_it_must(up: Up, strategy: str, release: str) -> None:
        ending = ENDINGS[strategy][release]
        seen = assert_ends(engine, up, tmp_path, named(strategy), release, ending)
        said(f"{strategy}, {release}: {ending.end.value}; {seen.figures()}")

    return ends_as_it_must


@pytest.mark.parametrize(("strategy", "release"), _cells(SLOTS))
def test_a_bad_release_is_kept_out_or_taken_back(
    slots: Up, ends: Callable[[Up, str, str], None], strategy: str, release: str
) -> None:
    """Kept out where it is not ready, or its first answer is wrong; taken back where it breaks
    under its visitors.
    """
    ends(slots, strategy, release)


@pytest.mark.parametrize(("strategy", "release"), _cells(RELOAD))
def test_a_bad_release_is_written_into_no_configuration(
    reloaded: Up, ends: Callable[[Up, str, str], None], strategy: str, release: str
) -> None:
    """Where it is not ready, or its first answer is wrong. What breaks later replaces the old one:
    after a reload nobody looks.
    """
    ends(reloaded, strategy, release)


@pytest.mark.parametrize(("strategy", "release"), _cells(DNS))
def test_a_bad_release_that_dns_names_is_removed_where_its_first_answer_tells(
    dns: Up, ends: Callable[[Up, str, str], None], strategy: str, release: str
) -> None:
    """Nobody tells the balancer, so nobody asks it how the new release does: what breaks later
    replaces the old one, and some visitors meet what is found wrong at once.
    """
    ends(dns, strategy, release)


@pytest.mark.parametrize(("strategy", "release"), _cells(FOLLOWER))
def test_a_bad_release_that_the_follower_finds_is_removed_where_its_first_answer_tells(
    followed: Up, ends: Callable[[Up, str, str], None], strategy: str, release: str
) -> None:
    """One that is not ready is offered to HAProxy, and never passes its check."""
    ends(followed, strategy, release)


@pytest.mark.parametrize("strategy", FOLLOWER)
def test_a_release_that_does_not_heed_its_stop_signal_is_drained_by_the_follower(
    engine: docker.DockerClient, followed: Up, tmp_path: Path, strategy: str
) -> None:
    """The engine tells of the signal, whatever the container makes of it."""
    assert_swapped_out(
        engine, followed, tmp_path, named(strategy), releases=STOPS, most=STOPPED[strategy]
    )


@pytest.mark.parametrize("strategy", SLOTS)
def test_a_release_that_does_not_heed_its_stop_signal_is_killed_and_nobody_notices(
    engine: docker.DockerClient, slots: Up, tmp_path: Path, strategy: str
) -> None:
    """It was drained first: the stop timeout is all that it costs."""
    assert_swapped_out(
        engine, slots, tmp_path, named(strategy), releases=STOPS, most=STOPPED[strategy]
    )


@pytest.mark.parametrize("strategy", RELOAD)
def test_a_release_that_does_not_heed_its_stop_signal_is_written_out_first(
    engine: docker.DockerClient, reloaded: Up, tmp_path: Path, strategy: str
) -> None:
    assert_swapped_out(
        engine, reloaded, tmp_path, named(strategy), releases=STOPS, most=STOPPED[strategy]
    )


@pytest.mark.parametrize("strategy", DNS)
def test_a_release_that_ignores_its_stop_signal_is_asked_until_it_is_killed(
    engine: docker.DockerClient, dns: Up, tmp_path: Path, strategy: str
) -> None:
    assert_swapped_out(
        engine, dns, tmp_path, named(strategy), releases=STOPS, most=STOPPED[strategy]
    )


def test_a_release_that_is_ready_after_30_s_is_waited_for(
    proved: Callable[..., Judged], images: dict[str, str]
) -> None:
    """The other arm: with patience enough it is as good as any."""
    # A pass is wanted, and so a steady state that each stream is judged by.
    patient = BRIEF | {"steady_s": 5.0, "ready_timeout_s": 60.0}
    judged = proved(swap="drain", images={"v2": images["is ready after 30 s"]}, **patient)
    judged.assert_passed()
    assert judged.result.requests.failed == 0


@pytest.mark.parametrize("strategy", EXPOSURES)
def test_what_nobody_tries_is_taken_back_once_visitors_have_met_it(
    proved: Callable[..., Judged], images: dict[str, str], strategy: str
) -> None:
    """It answers 500, and the smoke question is left out: its share of the requests shows it."""
    judged = proved(swap=strategy, images={"v2": images["answers 500"]}, smoke=False, **BRIEF)
    assert judged.result.verdict is Verdict.failed, judged.explanation()
    completed = next(f for f in judged.result.findings if f.check == "swap_completed")
    assert "release v2: rolled back at" in completed.message
    most = EXPOSURES[strategy].most(judged)
    assert 1 <= judged.result.requests.failed <= most, most
    assert {outage.phase for outage in judged.result.outages} <= {"swap 1"}


@pytest.mark.parametrize(
    ("strategy", "release"), [("canary", "answers another text"), ("stop-signal", "answers 500")]
)
def test_what_neither_a_question_nor_a_count_can_tell_is_seen_by_the_runs_own_checks_alone(
    proved: Callable[..., Judged], images: dict[str, str], strategy: str, release: str
) -> None:
    """HAProxy counts statuses: to the canary's judge another text with status 200 does well. And
    under `stop-signal` nobody counts.
    """
    judged = proved(swap=strategy, images={"v2": images[release]}, smoke=False, **BRIEF)
    findings = {finding.check: finding for finding in judged.result.findings}
    assert findings["swap_completed"].verdict is Verdict.passed
    assert findings["no_failed_request"].verdict is Verdict.failed
    assert judged.result.verdict is Verdict.failed
