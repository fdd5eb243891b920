"""report.html as a reader has it: in Chromium, wide and narrow, light, dark and printed."""

import json
from dataclasses import replace

import pytest
from looks import INK, TOOLTIP, assert_quiet
from outcomes import failed_history, hostile, hostile_history, passed
from synthetic import clean

from harness.checks.verdict import judge
from harness.report.html import html
from harness.report.index import index
from harness.report.result_json import dump

pytestmark = pytest.mark.browser

PLOTS = ("latency", "rates", "machine", "curves")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, history in (
        ("passed", clean().history()),
        ("failed", failed_history()),
        ("hostile", hostile_history()),
    ):
        result = judge(history)
        (folder / f"{name}.html").write_text(html(history, result), encoding="utf-8")
    history = hostile_history()
    (folder / "worst.html").write_text(html(history, hostile()), encoding="utf-8")
    run = folder / "drain" / "20260102T030405Z-abcd"
    run.mkdir(parents=True)
    (run / "scenario.json").touch()
    (run / "report.html").touch()
    (run / "result.json").write_text(dump(replace(passed(), run=run.name)))
    (folder / "index.html").write_text(index(folder), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["passed", "failed", "hostile", "worst", "index"])
def test_the_page_opens_without_an_error_and_asks_nothing_of_the_network(opened, pages, name):
    assert_quiet(opened(name), pages / f"{name}.html")


@pytest.mark.parametrize("name", ["passed", "failed", "hostile"])
def test_every_plot_has_ink(opened, name):
    ink = json.loads(opened(name).value(INK))
    assert set(ink) == {f"plot-{plot}" for plot in PLOTS}
    assert min(ink.values()) > 2_000


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ["passed", "failed", "hostile", "worst", "index"])
def test_the_page_never_scrolls_sideways(opened, name, width):
    assert opened(name, width=width).value("document.scrollingElement.scrollWidth") <= width


def test_on_a_phone_a_wide_table_scrolls_in_its_own_box(opened):
    boxes = opened("failed", width=360).value(
        "[...document.querySelectorAll('.scroll')].map(one => one.scrollWidth > one.clientWidth)"
    )
    assert True in boxes


@pytest.mark.parametrize(("width", "active"), [(360, 0), (1280, len(PLOTS))])
def test_a_fingers_drag_over_a_plot_scrolls_the_page_and_a_mouses_zooms(opened, width, active):
    tab = opened("passed", width=width)
    tab.until("!document.querySelector('[data-glyphs]').disabled")
    tools = "Bokeh.documents[0].roots().flatMap(one => one.toolbar.tools)"
    assert (
        tab.value(f"{tools}.filter(one => one.active && one.type !== 'HoverTool').length") == active
    )


@pytest.mark.parametrize(
    ("dark", "paper"), [(False, "rgb(255, 255, 255)"), (True, "rgb(20, 23, 28)")]
)
def test_the_page_is_as_dark_as_the_reader_prefers(opened, dark, paper):
    tab = opened("failed", dark=dark)
    assert tab.value("getComputedStyle(document.body).backgroundColor") == paper
    turned = tab.value("getComputedStyle(document.querySelector('.plot')).filter")
    assert turned.startswith("invert" if dark else "none")


def test_the_plots_over_time_share_one_axis(opened):
    tab = opened("passed")
    tab.value("Bokeh.documents[0].roots()[0].x_range.start = 5")
    starts = tab.value("Bokeh.documents[0].roots().map(one => one.x_range.start)")
    assert starts[:3] == [5, 5, 5]
    assert starts[3] != 5


def test_a_key_shows_and_hides_its_glyphs(opened):
    tab = opened("passed")
    tab.until("!document.querySelector('[data-glyphs]').disabled")
    tab.value("document.querySelector('[data-glyphs=stream-0]').click()")
    visible = (
        "Object.fromEntries(Bokeh.documents[0].roots()[0].renderers"
        ".map(one => [one.name, one.visible]))"
    )
    assert tab.value(visible)["stream-0"] is False
    assert tab.value(visible)["stream-1"] is True


def test_what_is_pointed_at_is_told_as_text(opened):
    """A tooltip of a hostile name: no element is made of it, no script run."""
    tab = opened("hostile")
    tab.value("document.querySelector('#plot-rates').scrollIntoView()")
    box = tab.value(
        "(({x, y, width, height}) => [x, y, width, height])"
        "(document.querySelector('#plot-rates').getBoundingClientRect())"
    )
    tab.point(box[0] + box[2] / 4, box[1] + box[3] * 0.6)
    shown = f"({TOOLTIP})()"
    tab.until(f"{shown}.includes('onerror')")
    assert "IMG!" not in tab.value(shown)
    assert tab.said == [one for one in tab.said if '"type": "log"' in one]


def test_the_printed_page_is_white_and_shows_what_was_folded(opened):
    tab = opened("failed", dark=True)
    tab.call("Emulation.setEmulatedMedia", media="print", features=[])
    assert tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    tab.value("dispatchEvent(new Event('beforeprint'))")
    assert tab.value("document.querySelectorAll('details:not([open])').length") == 0
    tab.value("dispatchEvent(new Event('afterprint'))")
    assert tab.value("document.querySelectorAll('details:not([open])').length") > 0
    tab.call("Emulation.setEmulatedMedia", media="", features=[])


def test_every_control_and_box_is_reached_by_keyboard(opened):
    tab = opened("failed")
    tab.until("!document.querySelector('[data-glyphs]').disabled")
    reached = tab.value(
        "[...document.querySelectorAll('summary, section > .scroll, [data-glyphs]')]"
        ".map(one => { one.focus(); return document.activeElement === one; })"
    )
    assert len(reached) > 10
    assert all(reached)
