import csv
import json
import math
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import jsonschema
import pytest
from benches import Benched, plan
from results import algorithm, case, hostile, huge, past, result
from rich.console import Console

from harness.bench.folder import write_bench, write_round
from harness.bench.past import Grid
from harness.bench.report.bench_json import SCHEMA_FILE, dump, load, schema, schema_text
from harness.bench.report.beside import past_rows
from harness.bench.report.cells import cells
from harness.bench.report.csv_table import HEAD, bench_csv
from harness.bench.report.heat import farthest, heat_map
from harness.bench.report.html import bench_html
from harness.bench.report.markdown import bench_markdown
from harness.bench.report.plots import case_plots, past_plot
from harness.bench.report.terminal import bench_text
from harness.bench.report.write import write_bench_reports
from harness.bench.shares import share_interval
from harness.bench.statistics import Interval, compared
from harness.bench.wording import sentence, share_sentence, times


class Reader(HTMLParser):
    """The page's text outside of scripts and styles, and its tags and their attributes."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self._parts, self._within = [], [], [], ""
        self.feed(page)
        self.text = " ".join(" ".join(self._parts).split())

    def handle_starttag(self, tag, attributes):
        self._within = tag
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        self._within = ""

    def handle_data(self, data):
        if self._within not in {"script", "style", "title"}:
            self._parts.append(data)


def printed(one, width=120):
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(bench_text(one))
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


@pytest.mark.parametrize("width", [80, 120])
def test_what_is_printed(golden, width):
    golden(f"bench-terminal-{width}.txt", printed(result(), width))


LONG = ("roundrobin-weighted", "leastconn-weighted", "random-2-weighted", "nginx-random-two",
        "hash-consistent", "central-queue", "roundrobin", "static-rr", "leastconn", "first",
        "random-2", "source")  # fmt: skip


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("names", [LONG[:4], LONG])
def test_a_printed_table_cuts_no_name_and_wraps_no_figure(names, width):
    """With figures of ten thousands of milliseconds, and requests that failed."""
    one = case(
        algorithms=tuple(algorithm(name, 12_345.6, 45_678.9, failed=1_234) for name in names),
        best={"p50": (names[0],), "p99": (names[0],), "mean": ()},
    )
    lines = printed(result(cases=(one,), past=None), width).splitlines()
    assert max(map(len, lines)) <= width
    assert "\N{HORIZONTAL ELLIPSIS}" not in "".join(lines)
    for name in names:
        [line] = [line for line in lines if line.split()[:1] == [name]]
        assert "1,234" in line
        assert "45,679 ± 4,568" in line


def test_a_wider_terminal_shows_more_columns():
    narrow, wide = (printed(result(), width) for width in (80, 120))
    assert "max ms" not in narrow
    assert "max ms" in wide


def test_markdown(golden):
    golden("bench.md", bench_markdown(result()))


def test_csv(golden):
    golden("bench.csv", bench_csv(result()))


def test_csv_has_a_row_a_figure_with_its_standing():
    rows = list(csv.DictReader(StringIO(bench_csv(result()))))
    assert tuple(rows[0]) == HEAD
    found = {
        (row["algorithm"], row["figure"]): row for row in rows if row["workload"] == "slow-server"
    }
    assert found["central-queue", "p50_ms"]["standing"] == "best"
    assert found["leastconn", "p50_ms"]["standing"] == "tie"
    assert found["roundrobin", "p99_ms"]["standing"] == ""
    assert found["leastconn", "p99_ms"]["simulated"] == "290.0"
    assert found["nginx-hash", "p99_ms"]["value"] == ""
    assert found["nginx-hash", "failed"]["value"] == "7"
    assert found["leastconn", "requests replica-6"]["value"] == "2060"


def test_the_page_says_sentences_before_tables_and_figures():
    text = Reader(bench_html(result())).text
    parts = ["central-queue's p99 is 4.1 ± 0.3 times lower", "At a glance", "Workloads",
             "220.0 ± 22.0 ★", "Figures", "No evidence", "cores 97 % busy"]  # fmt: skip
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "21.0 ± 2.1 =" in text
    assert "39 of 40 rounds are done; 1 of them, being no evidence" in text
    assert "M/G/12, its wait by up to 3.5 times off" in text


@pytest.fixture(scope="module")
def huge_page():
    return bench_html(huge())


def test_the_page_is_below_2_mb_whatever_was_run(huge_page):
    assert len(huge_page.encode()) < 2_000_000


@pytest.mark.parametrize("one", [result(), hostile(), result(cases=())],
                         ids=["usual", "hostile", "empty"])  # fmt: skip
def test_the_page_asks_nothing_of_the_network(one):
    page = bench_html(one)
    assert len(page.encode()) < 2_000_000
    reader = Reader(page)
    assert not {"link", "img", "iframe"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name in {"src", "href", "onerror"}]
    assert "default-src 'none'" in page


def test_what_the_page_leaves_out_is_said(huge_page):
    text = Reader(huge_page).text
    assert "57 more workloads and loads are in the tables alone" in text
    assert "more tables are in bench.csv" in text
    assert "950 more are in bench.json" in text


@pytest.mark.parametrize("write", [bench_markdown, printed, bench_html])
def test_no_report_lets_names_through_as_anything_but_text(write):
    text = write(hostile())
    assert "\x1b" not in text
    if write is not printed:
        assert "<img" not in text.replace(r"\<", "")


def test_markup_is_escaped_in_markdown():
    assert r"\<img src=x onerror=alert(1)\>\|\*a\*\`b\`" in bench_markdown(hostile())


def test_the_heat_map_is_in_multiples_of_the_best():
    assert farthest(result()) == "Farthest from the best: roundrobin, stalling-server, 4.1 times."
    text = Reader(heat_map(result())).text
    assert "roundrobin 4.1 4.1 leastconn 1.3 1.3 central-queue 1.0 1.0 nginx-hash - -" in text
    assert "--hot:37" in heat_map(result())


def test_what_would_be_empty_is_not_drawn():
    bare = case(algorithms=(algorithm("source", None, None, curve=((0.1, 2.0),),
                                      server_requests={}),))  # fmt: skip
    assert case_plots(bare, 0) == ()
    page = bench_html(result(cases=(bare,), past=None))
    assert "<figure" not in page
    text = Reader(page).text
    assert "there is nothing to compare" in text
    assert "Nothing of it can be drawn" in text
    assert "Nothing of this benchmark can be simulated there" in text


def test_a_figure_that_stands_alone_is_no_best():
    best: dict[str, tuple[str, ...]] = {"p50": ("leastconn",), "p99": ("leastconn",), "mean": ()}
    alone = case(
        algorithms=(algorithm("leastconn", 18.0, 220.0), algorithm("source", None, None)),
        best=best,
    )
    one = result(cases=(alone,))
    assert not any("★" in cell for row in cells(alone) for cell in row)
    assert not {row["standing"] for row in csv.DictReader(StringIO(bench_csv(one)))} - {""}
    assert "No two p99 of a workload are resolved" in heat_map(one)


def test_bars_and_curves_hold_what_was_counted():
    curves, servers = case_plots(case(), 3)
    first = curves.drawn.renderers[0].data_source.data
    assert first["share"] == ["50", "90", "99"]
    assert first["at"] == [0.0, 0.699, 1.699]
    assert servers.drawn.renderers[0].data_source.data["count"][0] == 402
    assert "Highest p99: roundrobin, 900.0 ms" in curves.said


def test_a_case_of_one_algorithm_has_no_best():
    alone = case(algorithms=(algorithm("leastconn", 1.0, 2.0),),
                 best={"p50": ("leastconn",), "p99": ("leastconn",), "mean": ()})  # fmt: skip
    table = bench_markdown(result(cases=(alone,))).split("##")[1].split("\n\n")[1]
    assert "★" not in table


def test_the_committed_schema_is_the_generated_one():
    """If not: python -m harness.bench.report.bench_json."""
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize("one", [result(), hostile(), result(cases=())])
def test_json_loads_as_it_was_and_fits_the_schema(one):
    assert load(dump(one)) == one
    assert dump(one).endswith("}\n")
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(json.loads(dump(one)), schema())


def test_a_number_that_json_does_not_have_is_null():
    bad = case(algorithms=(algorithm("a", 1.0, 2.0, cpu_us=float("inf")),))
    assert '"cpu_us": null' in dump(result(cases=(bad,)))


def written(folder, benched):
    write_bench(folder, benched.bench)
    for cell, done in benched.rounds.items():
        (folder / "rounds" / cell.name).mkdir(parents=True)
        write_round(folder, done, benched.samples[cell])


def test_a_folder_gets_all_reports(tmp_path: Path):
    benched = Benched(plan(("roundrobin", "nginx-hash"), ("fixed",), rounds=3, seconds=3.0))
    written(tmp_path, benched)
    found = write_bench_reports(tmp_path, grid=GRID)
    assert load((tmp_path / "bench.json").read_bytes()) == found
    names = {path.name for path in tmp_path.glob("bench.*")}
    assert names == {"bench.csv", "bench.md", "bench.html", "bench.json"}
    assert replace(found, past=None) == benched.judge()
    assert {one.algorithm for one in found.past.figures} == {"roundrobin"}


GRID = Grid(servers=(3, 6), balancers=((1, True), (4, False)), seeds=3, least=200)


def test_what_is_simulated_past_this_machine_is_kept_until_it_would_be_another(tmp_path: Path):
    """The key is of the plan, the grid and the simulation's source."""
    benched = Benched(plan(("roundrobin",), ("fixed",), rounds=3, seconds=3.0))
    written(tmp_path, benched)
    said: list[str] = []
    first = write_bench_reports(tmp_path, grid=GRID, say=said.append)
    assert len(said) == 1
    assert said[0].startswith("simulating 1 algorithm on up to 6 servers behind up to 4 balancers")
    assert write_bench_reports(tmp_path, grid=GRID, say=said.append) == first
    assert len(said) == 1
    [kept] = tmp_path.glob("past-*.json")
    kept.write_text("{")
    assert write_bench_reports(tmp_path, grid=GRID, say=said.append) == first
    write_bench(tmp_path, replace(benched.bench, plan=replace(benched.bench.plan, seed=2)))
    assert write_bench_reports(tmp_path, grid=GRID, say=said.append) != first
    assert len(said) == 3
    assert len(list(tmp_path.glob("past-*.json"))) == 1


def test_nothing_is_simulated_where_no_round_counts(tmp_path: Path):
    write_bench(tmp_path, Benched(plan(("roundrobin",), ("fixed",), rounds=3, seconds=3.0)).bench)
    said: list[str] = []
    assert write_bench_reports(tmp_path, say=said.append).past is None
    assert not said


def test_past_this_machine_is_said_in_every_report():
    one = result()
    behind = "leastconn's p99 there is lower than random-2's behind 1 balancer, higher than"
    for write in (bench_html, bench_markdown, printed):
        assert behind in " ".join(write(one).replace("&#x27;", "'").replace("\\", "").split())
    row = next(
        row for row in csv.DictReader(StringIO(bench_csv(one)))
        if row["workload"] == "simulated: 1000 servers, 100 balancers begun apart"
    )  # fmt: skip
    assert (row["algorithm"], row["figure"], row["value"]) == ("roundrobin", "p50_services", "1.46")


def test_why_balancers_herd_is_said_where_it_is_seen_alone():
    for write in (bench_html, bench_markdown):
        assert "Mitzenmacher" in write(result())
        without = result(past=past(("roundrobin", "static-rr", "random-2")))
        assert "Mitzenmacher" not in write(without)


def test_past_this_machine_the_best_is_marked_and_ties_are():
    rows = {(row[0], row[1]): row[2:] for row in past_rows(past(), "p99")}
    assert rows["1,000", "1"][1].endswith(" ★")
    assert rows["1,000", "100"][2].endswith(" ★")
    assert not any(cell.endswith(("★", "=")) for cell in rows["1,000", "100 apart"])


def test_the_plot_past_this_machine_has_a_broken_line_an_algorithm():
    plot = past_plot(past())
    assert plot.said == "Highest: roundrobin, 6 servers, balancers: 100; 50.0 service times."
    assert [key.label for key in plot.keys] == ["roundrobin", "leastconn", "random-2"]
    first = plot.drawn.renderers[0].data_source.data
    assert first["at"] == [("1", "6"), ("1", "1000")]
    assert len(plot.drawn.renderers) == 3 * 4 * 2


def test_twelve_algorithms_are_told_apart_by_colour_and_dash():
    curves, _ = case_plots(case(algorithms=tuple(algorithm(name, 1.0, 2.0) for name in LONG)), 0)
    assert len({(key.colour, key.dash) for key in curves.keys}) == 12
    lines = [one.glyph.line_dash for one in curves.drawn.renderers]
    assert lines[0] == []
    assert lines[6] != []
    page = bench_html(result(cases=(case(algorithms=tuple(algorithm(name, 1.0, 2.0)
                                                          for name in LONG)),)))  # fmt: skip
    assert '<i class="dashed" style="color:' in page


def test_simulated_beside_measured_marks_what_is_far_off_and_why():
    text = Reader(bench_html(result())).text
    assert "290.0 290.0 \N{MINUS SIGN}20.0 % ! not explained" in text
    assert "220.0 220.0 \N{MINUS SIGN}2.0 %" in text
    assert "15 % of the measured in 4 of 6 cases" in " ".join(printed(result()).split())


ROUNDS = [1.0, 1.3, 0.8, 1.1, 0.9]
NOISE = [1.0, 1.02, 0.98, 1.01, 0.99]


def rounds(factor, *, turned=False):
    noise = NOISE[::-1] if turned else NOISE
    return [value * factor * each for value, each in zip(ROUNDS, noise, strict=True)]


def said(figures):
    return sentence("equal servers", 0.7, compared(figures), list(figures))


def test_a_sentence_ranks_what_is_better_then_what_is_worse_then_ties():
    text = said(
        {"roundrobin": rounds(6), "leastconn": rounds(2, turned=True), "random-2": rounds(3),
         "source": rounds(18, turned=True), "static-rr": rounds(6, turned=True)}
    )  # fmt: skip
    assert text == (
        "equal servers, at 70 % load: leastconn's p99 is 3.00 ± 0.04 times lower than "
        "roundrobin's; random-2's 2.000 ± 0.001; source's p99 is 3.00 ± 0.04 times higher than "
        "roundrobin's; "
        "no difference to roundrobin is shown for static-rr"
    )


def test_a_sentence_without_round_robin_compares_with_the_first():
    text = said({"leastconn": rounds(2), "roundrobin": rounds(4, turned=True)})
    assert "leastconn's p99 is 2.00 ± 0.02 times lower than roundrobin's" in text
    text = said({"leastconn": rounds(2), "first": rounds(4, turned=True)})
    assert "first's p99 is 2.00 ± 0.02 times higher than leastconn's" in text


def test_a_sentence_says_what_it_cannot():
    text = said({"roundrobin": rounds(1), "first": [None, None, None, 1.0, 2.0]})
    assert text.endswith("nothing to compare; too few rounds resolve p99 for first")
    text = said({"roundrobin": rounds(1), "first": [math.inf, *rounds(2)[1:]]})
    assert text.endswith("nothing to compare; failed requests reach p99 of first")
    assert said({"first": rounds(1)}) == "equal servers, at 70 % load: nothing to compare"


def test_a_sentence_of_ties_alone_says_of_what():
    figures = {"roundrobin": rounds(6), "first": rounds(6, turned=True), "source": rounds(6)}
    assert said(figures) == (
        "equal servers, at 70 % load: no difference of p99 to roundrobin is shown for first and "
        "source"
    )


def test_those_without_rounds_in_common_are_counted():
    alone = [None, None, None, None, None]
    figures = {"roundrobin": [*rounds(1), *alone], "first": [*alone, *rounds(2)],
               "source": [*alone, *rounds(3)], "uri": [*rounds(4), *alone]}  # fmt: skip
    text = said(figures)
    assert text.endswith("; first and source have too few rounds in common with roundrobin")
    del figures["source"]
    assert said(figures).endswith("; first has too few rounds in common with roundrobin")


@pytest.mark.parametrize(
    ("middle", "margin", "text"),
    [
        (26.4, 5.21, "26.4 ± 5.2"),
        (260.4, 52.1, "260 ± 52"),
        (3.1, 0.2, "3.1 ± 0.2"),
        (1.12, 0.09, "1.12 ± 0.09"),
        (1.004, 0.002, "1.004 ± 0.002"),
        (2.0, 0.0, "2.000 ± 0.001"),
    ],
)
def test_a_ratio_has_the_digits_that_its_margin_leaves(middle, margin, text):
    """1.12 ± 0.09 is above 1; as 1.1 ± 0.1 it would not be."""
    assert times(Interval(middle=middle, low=middle, high=middle + margin, rounds=5)) == text


def test_a_workload_with_its_own_rate_says_the_share_in_time():
    shares = {
        "roundrobin": share_interval([0.954, 0.956, 0.952]),
        "leastconn": share_interval([0.9981, 0.9985, 0.9980]),
        "first": share_interval([1.0, 1.0, 1.0]),
        "source": share_interval([1.0, 1.0]),
    }
    assert share_sentence("one server at 2 s", 1000, shares) == (
        "one server at 2 s: within 1 s: first 100 %, leastconn 99.82 ± 0.07 %, roundrobin 95.4 ± "
        "0.5 %; too few rounds count of source"
    )


def test_shares_that_are_all_the_same_need_no_sentence():
    assert not share_sentence("equal", 250, {"a": share_interval([1.0] * 3), "b": None})
    assert not share_sentence("equal", 250, dict.fromkeys("ab", share_interval([0.5] * 3)))


def test_a_share_stays_between_none_and_all():
    found = share_interval([1.0, 1.0, 0.9])
    assert found is not None
    assert found.high == 1.0
    assert found.middle - found.low == pytest.approx(0.1434, abs=1e-4)
    none = share_interval([0.0, 0.1, 0.0])
    assert none is not None
    assert none.low == 0.0
