import csv
import json
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import jsonschema
import pytest
from benches import Benched, plan
from results import algorithm, case, hostile, huge, result
from rich.console import Console

from harness.bench.folder import write_bench, write_round
from harness.bench.report.bench_json import SCHEMA_FILE, dump, load, schema, schema_text
from harness.bench.report.cells import cells
from harness.bench.report.csv_table import HEAD, bench_csv
from harness.bench.report.html import bench_html
from harness.bench.report.markdown import bench_markdown
from harness.bench.report.plots import case_plots, heat_map
from harness.bench.report.terminal import bench_text
from harness.bench.report.write import write_bench_reports
from harness.bench.statistics import compared
from harness.bench.wording import sentence


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


def test_what_is_printed(golden):
    golden("bench-terminal.txt", printed(result()))


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
    plot = heat_map(result())
    assert plot.said == "Farthest from the best: roundrobin, stalling-server, 4.1 times."
    [source] = {glyph.data_source for glyph in plot.drawn.renderers}
    assert source.data["times"][:3] == [round(900 / 220, 3), round(290 / 220, 3), 1.0]
    assert "nginx-hash" not in source.data["algorithm"]


def test_a_figure_that_stands_alone_is_no_best():
    best: dict[str, tuple[str, ...]] = {"p50": ("leastconn",), "p99": ("leastconn",), "mean": ()}
    alone = case(
        algorithms=(algorithm("leastconn", 18.0, 220.0), algorithm("source", None, None)),
        best=best,
    )
    one = result(cases=(alone,))
    assert not any("★" in cell for row in cells(alone) for cell in row)
    assert not {row["standing"] for row in csv.DictReader(StringIO(bench_csv(one)))} - {""}
    assert heat_map(one).said == "No two p99 of a workload are resolved."


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


def test_a_folder_gets_all_reports(tmp_path: Path):
    benched = Benched(plan(("roundrobin", "nginx-hash"), ("fixed",), rounds=3, seconds=3.0))
    write_bench(tmp_path, benched.bench)
    for cell, done in benched.rounds.items():
        place = tmp_path / "rounds" / cell.name
        place.mkdir(parents=True)
        write_round(tmp_path, done, benched.samples[cell])
    found = write_bench_reports(tmp_path)
    assert load((tmp_path / "bench.json").read_bytes()) == found
    names = {path.name for path in tmp_path.glob("bench.*")}
    assert names == {"bench.csv", "bench.md", "bench.html", "bench.json"}
    assert found == benched.judge()


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
        "roundrobin's; random-2's 2.000 ± 0.000; source's p99 is 3.00 ± 0.04 times higher than "
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
