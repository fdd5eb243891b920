"""What docs/choosing.md says is what the committed benchmark found."""

import re
from pathlib import Path

import pytest

from harness.bench.report.bench_json import load
from harness.bench.report.csv_table import bench_csv
from harness.bench.report.heat import multiples
from harness.bench.report.markdown import bench_markdown
from harness.bench.result import BenchResult, Estimate

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "choosing.md").read_text("utf-8")
FOLDERS = sorted(path.parent for path in (DOCS / "bench").glob("*/bench.json"))


def kept(folder: Path) -> BenchResult:
    return load((folder / "bench.json").read_bytes())


def main() -> BenchResult:
    return kept(DOCS / "bench" / "choosing")


def rows() -> dict[str, list[str]]:
    """Of the page's first table, by their first cell."""
    table = PAGE[PAGE.index("| algorithm |") :].split("\n\n")[0]
    cells = [
        [cell.strip(" *") for cell in line.strip("|").split("|")] for line in table.splitlines()
    ]
    return {first: rest for first, *rest in cells}


def test_eight_algorithms_and_five_workloads_were_measured_in_whole() -> None:
    result = main()
    assert len(result.cases) >= 5
    assert all(len(case.algorithms) >= 8 for case in result.cases)
    assert result.done == result.planned


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_reports_beside_a_result_are_its_own(folder: Path) -> None:
    result = kept(folder)
    assert (folder / "bench.md").read_text("utf-8") == bench_markdown(result)
    assert (folder / "bench.csv").read_text("utf-8") == bench_csv(result)


def test_the_table_is_the_committed_result() -> None:
    found = rows()
    cases = main().cases
    assert found.pop("algorithm") == [case.workload for case in cases]
    names = {one.algorithm for case in cases for one in case.algorithms}
    for name in names:
        times = [multiples(case).get(name) for case in cases]
        assert found[name] == ["-" if each is None else f"{each:.1f}" for each in times], name


def test_sentences_that_are_quoted_are_the_committed_results() -> None:
    quoted = re.findall(r"^> (.+(?:\n> .+)*)", PAGE, re.MULTILINE)
    told = {case.sentence for folder in FOLDERS for case in kept(folder).cases}
    told |= {
        sentence for folder in FOLDERS if (past := kept(folder).past) for sentence in past.sentences
    }
    assert len(quoted) >= 5
    for each in quoted:
        assert each.replace("\n> ", " ") in told


def test_the_table_of_swaps_is_the_committed_result() -> None:
    table = PAGE[PAGE.index("| algorithm | a swap takes") :].split("\n\n")[0].splitlines()[2:]
    [case] = kept(DOCS / "bench" / "swap").cases
    told = []
    for one in case.algorithms:
        cost = one.swap
        assert cost is not None
        told.append(
            f"| {one.algorithm} | {shown(cost.took_s)} s | {cost.failed} of {cost.requests:,} "
            f"| {shown(cost.p99_before_ms)} ms | {shown(cost.p99_ms)} ms |"
        )
    assert table == told
    assert all(one.failed == 0 for one in case.algorithms)
    differs = [one.swap.ratio for one in case.algorithms if one.swap]
    assert all(ratio.low < 1 < ratio.high for ratio in differs if ratio.low and ratio.high)


def shown(estimate: Estimate) -> str:
    assert estimate.middle is not None
    assert estimate.high is not None
    return f"{estimate.middle:.1f} ± {estimate.high - estimate.middle:.1f}"
