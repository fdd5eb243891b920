"""A comparison's `index.html` in a browser: the usual page, a hostile one, and one without runs."""

import json

import pytest
from comparisons import compared, ran, usual
from looks import INK, assert_quiet

from harness.compare.report.html import compare_html

pytestmark = pytest.mark.browser

PAGES = ("usual", "hostile", "empty")
MARKUP = "</script><img src=x onerror=hit()>\u2028'\"&lt;`${hit()}<!-- " + "x" * 400


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("comparisons")
    made = (
        usual(),
        compared({"drain": [ran(), MARKUP], "recreate": [ran(failed=3, doubt=MARKUP), ran()]}),
        compared({"drain": ["died"], "recreate": ["died"]}),
    )
    for name, one in zip(PAGES, made, strict=True):
        (folder / f"{name}.html").write_text(compare_html(one), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", PAGES)
def test_the_page_opens_without_an_error_and_asks_nothing_of_the_network(opened, pages, name):
    assert_quiet(opened(name), pages / f"{name}.html")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_the_window(opened, name, width):
    assert opened(name, width=width).value("document.scrollingElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [390, 1280])
def test_every_plot_has_ink_and_room_for_its_names(opened, width):
    tab = opened("usual", width=width)
    ink = json.loads(tab.value(INK))
    names = ("failed-share", "added-p99-ms", "outage-ms", "swap-s")
    assert set(ink) == {f"plot-{name}" for name in names}
    assert min(ink.values()) > 1_000
    wide = tab.value(
        "Math.min(...Bokeh.documents.flatMap(one => one.roots())"
        ".map(plot => Bokeh.index.get_one(plot).frame.bbox.width))"
    )
    assert wide > width / 3


def test_each_run_that_left_a_report_is_linked(opened):
    links = opened("usual").value(
        "[...document.querySelectorAll('a')].map(one => one.getAttribute('href'))"
    )
    assert len(links) == 11
    assert all(link.startswith("../../compare-") and link.endswith("/report.html")
               for link in links)  # fmt: skip
