"""`harness history` and `harness compare` on run folders that were really judged."""

import json
import signal
from pathlib import Path

import pytest
from kept import FIRST, SECOND, THIRD, failing, left, made, slower, within

from harness import cli
from harness.kept import point_latest


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """The command reads the folder that it is called in, and takes over signals."""
    monkeypatch.chdir(tmp_path)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


REPORTS = Path("reports")


@pytest.fixture
def reports():
    made(REPORTS, FIRST, within(git_head="1a2b3c4d5e6f7a8b", git_dirty=False))
    made(REPORTS, SECOND, failing(12))
    made(REPORTS, THIRD, within(git_head="99887766", git_dirty=True), scenario="reload")
    return REPORTS


def lines(text):
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def test_runs_are_listed_newest_first_with_their_figures(reports, capsys):
    assert cli.main(["history"]) == 0
    head, _, *rows = lines(capsys.readouterr().out)
    assert head == "run scenario verdict failed p99 steady p99 swap certain git target"
    assert rows[:3] == [
        f"{THIRD} reload ✓ pass 0/5,400 5.0 5.0 3.3 99887766+ stack",
        f"{SECOND} drain ✗ fail 12/5,400 5.0 5.0 3.3 stack",
        f"{FIRST} drain ✓ pass 0/5,400 5.0 5.0 3.3 1a2b3c4d stack",
    ]


def test_what_is_no_run_or_damaged_is_a_row_and_hides_no_other(reports, capsys):
    (reports / "drain" / "notes").mkdir()
    (reports / "drain" / FIRST / "result.json").write_text("{")
    left(reports, "20260104T000000Z-dead")
    damaged = left(reports, "20260105T000000Z-torn")
    (damaged / "scenario.json").write_text("\x00")
    (reports / "bench" / "20260105T000000Z-aaaa").mkdir(parents=True)
    assert cli.main(["history", "--json"]) == 0
    rows = {row["run"]: row for row in json.loads(capsys.readouterr().out)}
    assert {run: row["problem"].partition(":")[0] for run, row in rows.items()} == {
        "notes": "no run",
        FIRST: "damaged",
        "20260104T000000Z-dead": "not judged",
        "20260105T000000Z-torn": "damaged",
        SECOND: "",
        THIRD: "",
    }
    assert cli.main(["history"]) == 0
    text = capsys.readouterr().out
    assert "no run: it has no scenario.json" in text
    assert "damaged: scenario.json: " in text


def test_scenario_and_limit_choose(reports, capsys):
    assert cli.main(["history", "--scenario", "drain", "--limit", "1"]) == 0
    told = lines(capsys.readouterr().out)
    assert [line.split()[0] for line in told if line.startswith("2026")] == [SECOND]
    assert told[-1] == "1 older ones: --limit 0 lists all"
    cli.main(["history", "--limit", "0", "--json"])
    assert len(json.loads(capsys.readouterr().out)) == 3
    assert cli.main(["history", "--scenario", "canary"]) == 0
    assert capsys.readouterr().out == "no runs of canary in reports\n"


def test_a_run_that_lies_among_the_scenarios_is_one_and_comes_last(reports, capsys):
    (reports / "drain" / SECOND).rename(reports / "example")
    assert cli.main(["history", "--json", "--scenario", "drain"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["run"], row["folder"]) for row in rows] == [
        (FIRST, f"reports/drain/{FIRST}"),
        (SECOND, "reports/example"),
    ]


def test_no_reports_folder_is_no_run(capsys):
    assert cli.main(["history", "--reports", "none"]) == 0
    assert capsys.readouterr().out == "no runs in none\n"


def test_prune_removes_the_oldest_of_each_scenario_and_lists_them(reports, capsys):
    made(reports, "20260104T000000Z-aaaa")
    point_latest(reports / "drain" / FIRST)
    assert cli.main(["history", "--prune", "--keep", "1"]) == 0
    assert capsys.readouterr().out == (
        f"removed reports/drain/{SECOND}\n"
        f"kept reports/drain/{FIRST}: latest points at it\n"
        "1 runs removed\n"
    )
    assert sorted(path.name for path in (reports / "drain").iterdir()) == [
        FIRST, "20260104T000000Z-aaaa",
    ]  # fmt: skip
    assert (reports / "reload" / THIRD).is_dir()
    assert SECOND not in (reports / "index.html").read_text()


def test_prune_spares_the_baseline_that_the_settings_name(reports, capsys):
    Path("pyproject.toml").write_text(f'[tool.harness]\nbaseline = "{FIRST}"\nkeep_runs = 1\n')
    assert cli.main(["history", "--prune", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "removed": [],
        "spared": [f"reports/drain/{FIRST}: it is named"],
        "refused": [],
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--prune"], "--prune needs --keep N, 1 or more"),
        (["--prune", "--keep", "0"], "--prune needs --keep N, 1 or more"),
        (["--keep", "3"], "--keep is of --prune"),
    ],
)
def test_wrong_use_of_history_is_one_message(reports, capsys, arguments, said):
    assert cli.main(["history", *arguments]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"harness: {said}")
    assert len(list(reports.glob("*/2026*"))) == 3


def test_compare_tells_what_changed(reports, capsys):
    slow = "20260104T000000Z-slow"
    made(reports, slow, slower(40))
    assert cli.main(["compare", FIRST, f"reports/drain/{slow}"]) == 0
    text = capsys.readouterr().out
    told = lines(text)
    assert told[0] == f"A: drain/{FIRST} (git 1a2b3c4d5e6f) pass"
    assert told[1] == f"B: drain/{slow} pass"
    assert "B against A: p99 in the swaps +35.0 ms (+34.9 ms to +35.1 ms)" in text
    assert "p99 steady 5.0 ms 5.0 ms +0 ms -0.03 ms +0.03 ms not shown" in told
    assert "bootstrap over blocks of 1 s" in " ".join(told)
    assert "NOT COMPARABLE" not in text


def test_compare_as_json(reports, capsys):
    assert cli.main(["compare", "--json", FIRST, SECOND]) == 0
    told = json.loads(capsys.readouterr().out)
    shares = {one["phase"]: one for one in told["lines"] if one["figure"] == "failed share"}
    assert shares["swap_window"]["after"] == pytest.approx(12 / 1_500, rel=0.01)
    assert shares["swap_window"]["low"] > 0
    assert shares["outside"]["change"] == 0
    assert told["unlike"] == []


def test_what_is_not_comparable_is_refused_unless_told_to(reports, capsys):
    other = made(reports, "20260104T000000Z-aaaa", within(cores=64)).folder
    assert cli.main(["compare", FIRST, str(other)]) == 2
    caught = capsys.readouterr()
    assert caught.out == ""
    assert caught.err == (
        f"harness: {FIRST} and {other.name} are not comparable: cores: 2 and 64; compare runs that "
        "were made alike, or add --force\n"
    )
    assert cli.main(["compare", FIRST, str(other), "--force"]) == 0
    told = lines(capsys.readouterr().out)
    assert told[:2] == ["NOT COMPARABLE, and compared all the same (--force):", "cores: 2 and 64"]


@pytest.mark.parametrize(
    ("ruin", "said"),
    [
        (None, "run = 'gone': there is no such folder, and no such run in reports"),
        ("result.json", "the run was not judged; judge it with `harness report"),
        ("requests.parquet", "no request of the run is left"),
    ],
)
def test_a_run_that_cannot_be_compared_is_one_message(reports, capsys, ruin, said):
    if ruin:
        (reports / "drain" / FIRST / ruin).unlink()
    assert cli.main(["compare", SECOND, FIRST if ruin else "gone"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert said in line


def test_what_a_run_says_of_itself_drives_no_terminal(reports, capsys):
    made(reports, "20260104T000000Z-evil", within(git_head="\x1b[2Jx", url="http://\x1b[31m"))
    cli.main(["history"])
    cli.main(["compare", "--force", FIRST, "20260104T000000Z-evil"])
    assert "\x1b" not in capsys.readouterr().out
