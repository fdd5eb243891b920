"""A swap in the middle of a round: its order, its ends that are none, and what it leaves."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from swapped_servers import FIRST_NS, Place, Time

from harness.bench import measure
from harness.bench.algorithms import chosen
from harness.bench.generation import replaced
from harness.bench.measure import Order, measured
from harness.bench.model import Cell
from harness.bench.swapping import Swapped, incomplete, slot
from harness.bench.workloads import known
from harness.model.errors import MissingEvidenceError, NotJudgedError
from harness.model.scenario import Sent
from harness.target import Endpoint

S = 1_000_000_000


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    here = Place()

    def launch(spec: Any, network: object) -> object:
        labels = {"instance": spec.name.removeprefix("harness-r-0-")}
        return here.launch(type("Spec", (), {"labels": labels}), network)

    monkeypatch.setattr("harness.stack.website.launch", launch)
    return here


def of(place: Place, verb: str) -> list[str]:
    return [each.split(" ")[1] for each in place.done if each.startswith(f"{verb} ")]


def test_all_new_ones_are_admitted_before_an_old_one_is_drained(
    place: Place, tmp_path: Path
) -> None:
    with place.generation().up() as servers:
        before = len(place.done)
        found = replaced(servers, place.clock, tmp_path / "marks.jsonl")
        moves = [each for each in place.done[before:] if not each.startswith("ask")]
        assert moves == [
            "start replica-3", "tell replica-3", "start replica-4", "tell replica-4",
            "admit replica-3", "admit replica-4",
            "drain replica-1", "stop replica-1", "drain replica-2", "stop replica-2",
        ]  # fmt: skip
        assert [each.name for each in servers.running()] == ["replica-3", "replica-4"]
    assert found.problem == ""
    assert found.begun_ns < found.admitted_ns[0] < found.admitted_ns[1] < found.drained_ns[0]
    assert found.drained_ns[1] < found.over_ns
    assert found.exit_codes == {"replica-1": 0, "replica-2": 0}
    assert '"drain replica-2"' in (tmp_path / "marks.jsonl").read_text()


def test_a_new_one_is_told_its_round_before_it_is_admitted_and_an_old_one_asked_before_it_ends(
    place: Place, tmp_path: Path
) -> None:
    with place.generation().up() as servers:
        replaced(servers, place.clock, tmp_path / "marks.jsonl")
        assert set(servers.told()) == {f"replica-{number}" for number in range(1, 5)}
    for name in ("replica-3", "replica-4"):
        assert place.done.index(f"tell {name}") < place.done.index(f"admit {name}")
    for name in ("replica-1", "replica-2"):
        asked = [index for index, each in enumerate(place.done) if each == f"ask {name}"]
        assert place.done.index(f"drain {name}") < asked[-1] < place.done.index(f"stop {name}")


def test_nothing_is_stopped_while_a_request_is_in_flight_there(
    place: Place, tmp_path: Path
) -> None:
    with place.generation().up() as servers:
        place.busy = [0, 0, 5, 3, 1, 0]
        found = replaced(servers, place.clock, tmp_path / "marks.jsonl")
        assert found.problem == ""
        place.busy = [2]
    assert of(place, "stop") == ["replica-1", "replica-2"]


def test_who_is_never_idle_is_not_stopped_and_the_round_is_no_evidence(
    place: Place, tmp_path: Path
) -> None:
    with place.generation().up() as servers:
        place.busy = [2]
        found = replaced(servers, place.clock, tmp_path / "marks.jsonl")
    assert "replica-1 still had requests in flight after 10 s" in found.problem
    assert of(place, "stop") == []
    assert found.over_ns == 0
    (why,) = incomplete(found, 2, {}, FIRST_NS + 100 * S)
    assert why.startswith("the swap failed: balancer: replica-1 still had requests")


@pytest.mark.parametrize("never", ["replica-4", "image"])
def test_where_a_new_one_does_not_come_the_old_ones_serve_on(
    place: Place, tmp_path: Path, never: str
) -> None:
    if never == "image":
        place.fails["start replica-4"] = NotJudgedError("the engine could not start it")
    else:
        place.never_ready = never
    with place.generation().up() as servers:
        found = replaced(servers, place.clock, tmp_path / "marks.jsonl")
        assert [each.name for each in servers.running()] == ["replica-1", "replica-2"]
        assert set(servers.told()) == {"replica-1", "replica-2"}
    assert ("could not start" if never == "image" else "replica-4 was not ready") in found.problem
    assert of(place, "drain") == of(place, "stop") == []
    assert set(place.removed) >= {"replica-1", "replica-2", "replica-3"}
    assert found.exit_codes == {}


@pytest.mark.parametrize(
    "when", ["start replica-2", "start replica-4", "drain replica-1", "stop replica-2"]
)
def test_an_interruption_at_any_step_removes_every_one(
    place: Place, tmp_path: Path, when: str
) -> None:
    place.fails[when] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt), place.generation().up() as servers:
        replaced(servers, place.clock, tmp_path / "marks.jsonl")
    assert sorted(place.removed) == sorted(place.boxes)
    assert set(place.status.values()) == {"MAINT"}


def test_where_the_old_ones_do_not_come_there_is_no_round(place: Place) -> None:
    place.never_ready = "replica-2"
    with (
        pytest.raises(MissingEvidenceError, match=r"^before a swap: .*replica-2 was not ready"),
        place.generation().up(),
    ):
        pytest.fail("the round began")
    assert place.removed == ["replica-1", "replica-2"]


def test_an_error_of_the_engines_own_makes_this_round_no_evidence(
    place: Place, tmp_path: Path
) -> None:
    place.fails["stop replica-1"] = OSError("the engine is away")
    with place.generation().up() as servers:
        found = replaced(servers, place.clock, tmp_path / "marks.jsonl")
    assert "the engine is away" in found.problem
    assert sorted(place.removed) == sorted(place.boxes)


def test_who_was_removed_by_somebody_else_was_not_stopped(place: Place, tmp_path: Path) -> None:
    with place.generation().up() as servers:
        place.gone = {"replica-2"}
        found = replaced(servers, place.clock, tmp_path / "marks.jsonl")
    assert found.exit_codes == {"replica-1": 0}
    answered = {"replica-3": 1, "replica-4": 1}
    assert incomplete(found, 2, answered, found.over_ns) == ["replica-2 was not stopped"]


def swapped(**changed: Any) -> Swapped:
    values: dict[str, Any] = {
        "begun_ns": 4 * S,
        "over_ns": 7 * S,
        "exit_codes": {"replica-1": 0, "replica-2": 0},
    }
    return Swapped(**(values | changed))


@pytest.mark.parametrize(
    ("changed", "answered", "why"),
    [
        ({}, {}, ()),
        ({"over_ns": 13 * S}, {}, ("the swap was over 3.0 s after the round's end",)),
        ({"exit_codes": {"replica-1": 0}}, {}, ("replica-2 was not stopped",)),
        ({"exit_codes": {"replica-1": 137, "replica-2": 0}}, {}, ("replica-1 did not end by",)),
        ({}, {"replica-4": 0}, ("replica-4 was admitted and answered no request",)),
        ({"problem": "no"}, {}, ("the swap failed: no",)),
    ],
)
def test_a_round_counts_only_where_its_swap_was_whole(
    changed: dict[str, Any], answered: dict[str, int], why: tuple[str, ...]
) -> None:
    told = {"replica-3": 9, "replica-4": 9} | answered
    found = incomplete(swapped(**changed), 2, told, 10 * S)
    assert len(found) == len(why)
    assert all(one.startswith(start) for one, start in zip(found, why, strict=True))


def test_an_old_one_and_its_new_one_have_one_slot() -> None:
    names = ["replica-1", "replica-6", "replica-7", "replica-12", ""]
    assert [slot(name, 6) for name in names] == [
        "replica-1", "replica-6", "replica-1", "replica-6", "",
    ]  # fmt: skip


class Waiting:
    """A sender whose end only comes when it is closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def start(self, *_: object) -> None: ...

    def go(self, _: int) -> None: ...

    def finish(self, *_: object) -> None:
        assert self.closed.wait(20)

    def close(self) -> None:
        self.closed.set()

    def sent(self) -> Sent:
        return Sent()


class Rig:
    """A generation for each round, and no engine."""

    def __init__(self, place: Place) -> None:
        self.clock = Time()
        self.place = place
        self.left = 0

    def endpoint(self, *_: object) -> Endpoint:
        return Endpoint(host="127.0.0.1", port=1, authority="a", path="edge")

    def command(self, _: str) -> str:
        return ""

    def cpu_s(self, _: object) -> float:
        return 0.0

    @contextlib.contextmanager
    def generation(self, *_: object) -> Iterator[object]:
        with self.place.generation().up() as servers:
            yield servers
        self.left += 1


def order() -> Order:
    return Order(
        run="r",
        cell=Cell(algorithm="leastconn", workload="swap", load=0.7, number=1),
        index=0,
        algorithm=chosen(["leastconn"])[0],
        workload=known()["swap"],
        rate_hz=100.0,
        seed=4,
        warmup_s=1.0,
        seconds=12.0,
    )


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """When the swap of a round was begun."""
    begun: list[int] = []
    inner: Callable[..., Swapped] = measure.replaced

    def noted(generation: Any, clock: Time, marks: Path) -> Swapped:
        begun.append(clock.at_ns)
        return inner(generation, clock, marks)

    monkeypatch.setattr(measure, "replaced", noted)
    return begun


def test_ctrl_c_in_the_middle_of_a_swap_ends_the_sender_and_removes_the_servers(
    place: Place, times: list[int], tmp_path: Path
) -> None:
    place.fails["start replica-4"] = KeyboardInterrupt()
    rig, sender = Rig(place), Waiting()
    with pytest.raises(KeyboardInterrupt):
        measured(order(), rig, tmp_path / "round", lambda: sender)  # type: ignore[arg-type,return-value]
    assert sender.closed.is_set()
    assert sorted(place.removed) == sorted(place.boxes)
    after_s = (times[0] - FIRST_NS) / S
    assert after_s == pytest.approx(0.2 + 1.0 + 0.25 * 12, abs=0.05), "a quarter of the round"
