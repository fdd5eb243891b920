"""The command's ends: what is printed and left, and with which exit code."""

from pathlib import Path

import pytest
from benches import plan

from harness.bench import command
from harness.bench.folder import read_bench
from harness.bench.model import Bench
from harness.cli import main
from harness.model.errors import Interrupted, NotJudgedError


def run(*options: str) -> int:
    return main(["bench", "--rounds=3", "--seed=5", *options])


def test_where_nothing_comes_up_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> Bench:
        raise NotJudgedError("engine: no Docker engine answers")

    monkeypatch.setattr(command, "carry_out", fails)
    assert run(f"--reports={tmp_path}") == 2
    assert list((tmp_path / "bench").iterdir()) == []
    assert "engine: no Docker engine answers" in capsys.readouterr().err


def test_what_is_interrupted_before_its_first_round_can_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> Bench:
        raise Interrupted("interrupted: 0 of 24 rounds are kept")

    monkeypatch.setattr(command, "carry_out", interrupted)
    assert run(f"--reports={tmp_path}") == 130
    printed = capsys.readouterr()
    assert printed.out.startswith("24 rounds of 6 s, seed 5: some ")
    (folder,) = (tmp_path / "bench").iterdir()
    assert read_bench(folder).plan.seed == 5
    monkeypatch.setattr(command, "carry_out", lambda bench, *_: bench)
    assert main(["bench", "--resume", str(folder)]) == 3
    assert "0 of 24 rounds are done" in capsys.readouterr().out
    assert (folder / "bench.html").exists()
    assert (folder / "bench.json").exists()
    assert main(["bench", "--resume", str(folder), "--seed=6"]) == 2
    assert "begun with other seed" in capsys.readouterr().err


def test_that_a_swaps_rounds_take_longer_is_said_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> Bench:
        raise NotJudgedError("engine: no Docker engine answers")

    monkeypatch.setattr(command, "carry_out", fails)
    assert run(f"--reports={tmp_path}", "--workloads=swap,fixed") == 2
    said = "swap: its rounds take 12 s, as its swap must be over in them"
    assert capsys.readouterr().out.splitlines()[-1] == said
    assert run(f"--reports={tmp_path}", "--workloads=swap,fixed", "--seconds=12") == 2
    assert "its rounds take" not in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--loads=120", "--rounds=2", "--algorithms=fastest"])
def test_what_cannot_be_leaves_no_folder(option: str, tmp_path: Path) -> None:
    assert main(["bench", f"--reports={tmp_path}", option]) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--resume", str(tmp_path)]) == 2
    assert "expected a folder that `harness bench` left" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("done", "takes_s", "text"),
    [
        (0, 330.0, "12 rounds of 6 s, seed 5: some 6 minutes"),
        (11, 8.0, "1 round of 6 s, seed 5: some 1 minute"),
        (12, 0.0, "all 12 rounds are done (seed 5); they are judged again"),
    ],
)
def test_what_is_left_is_said_first(done: int, takes_s: float, text: str) -> None:
    of = plan(("roundrobin", "leastconn"), ("fixed", "bursts"), rounds=3, seconds=6.0, seed=5)
    assert command.opening(of, done, takes_s) == text
