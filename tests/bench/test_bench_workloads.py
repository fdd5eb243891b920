"""Workloads are data: the bundled ones are sound, a user's own are checked key by key."""

from pathlib import Path

import pytest

from harness.bench.workloads import chosen, known
from harness.model.errors import NotJudgedError

OWN = '[mine]\ntitle = "mine"\nservice = { kind = "fixed", mean = 1000 }\n'


def own(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_users_workload_stands_beside_the_bundled_ones(tmp_path: Path) -> None:
    found = known([own(tmp_path, OWN + "slots = 3\nservers = 4\n")])
    assert chosen(["mine"], found)[0].nominal_hz == pytest.approx(4 * 3 * 1000)
    assert len(found) > 10
    assert chosen(["all"], found) == tuple(found.values())


def test_nominal_capacity_counts_factors_and_absences_by_their_time() -> None:
    found = known()
    assert found["exponential"].nominal_hz == pytest.approx(600)
    assert found["slow-server"].nominal_hz == pytest.approx(520)
    assert found["reweighted"].nominal_hz == pytest.approx(520)
    assert found["cold-joiner"].nominal_hz == pytest.approx(500 + 100 * (0.3 / 3 + 0.4))


def test_weights_follow_the_speed_that_a_server_always_has() -> None:
    assert known()["slow-server"].weights() == (100, 100, 100, 100, 100, 20)
    assert set(known()["cold-joiner"].weights()) == {100}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (OWN + "slot = 3\n", "no such key 'slot'; did you mean 'slots'?"),
        (OWN.replace("mean", "men"), "service: no such key 'men'; did you mean 'mean'?"),
        (OWN.replace("1000", "-1"), "a mean of -1.0 cannot be"),
        (OWN.replace('"fixed"', '"normal"'), "service.kind = 'normal'"),
        (OWN + "slots = 0\n", "0 slots; 1 to"),
        (OWN + "servers = 99\n", "99 servers; 1 to"),
        (OWN + "changes = [{ server = 7 }]\n", "a change of server 7 of 6"),
        (OWN + "changes = [{ server = 1, begins = 0.5, ends = 0.5 }]\n", "is no part of a round"),
        (OWN + "changes = [{ server = 1, weight = 300 }]\n", "a weight of 300 cannot be"),
        (OWN + "changes = [{ server = 1, facter = 3 }]\n", "did you mean 'factor'?"),
        (OWN + "burst = { period_s = 1, share = 0.5, factor = 3 }\n", "leaves nothing for"),
        (OWN + "cache = { keys = 0, hit_factor = 0.1 }\n", "a cache needs 1 key or more"),
        (OWN + "rate_hz = 100000\n", "rate_hz = 100000"),
        (OWN + "swap = { begins = 0 }\n", "a swap that begins at 0"),
        (OWN + "swap = {}\n", "swap.begins: Field required"),
        (OWN + "swap = { begin = 0.2 }\n", "swap: no such key 'begin'; did you mean 'begins'?"),
        (OWN + "swap = { begins = 0.2, least_seconds = 0 }\n", "least_seconds = 0; above 0"),
        (OWN + "swap = { begins = 0.2 }\nis_sticky = true\n", "neither changes nor is_sticky"),
        (OWN + "swap = { begins = 0.2 }\nchanges = [{ server = 1 }]\n", "neither changes nor"),
        (OWN + "swap = { begins = 0.2 }\nservers = 17\n", "a swap of 17; of 1 to 16"),
        (OWN.replace('title = "mine"\n', ""), "title"),
        (OWN.replace("mine]", "fixed]"), "there is a workload 'fixed' already"),
        (OWN.replace("[mine]", '["a b"]'), "a name has letters, digits, - and _"),
        ("mine = 3\n", "must be a table"),
        ("[mine\n", "is not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_its_file_its_workload_and_its_key(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(NotJudgedError, match=r"^workloads: .*own\.toml") as caught:
        known([own(tmp_path, text)])
    assert message in str(caught.value)
