"""`bench.html` in a browser: the usual page, a hostile one, and the largest."""

import json

import pytest
from looks import INK, TOOLTIP, assert_quiet
from results import hostile, huge, result

from harness.bench.report.html import bench_html

pytestmark = pytest.mark.browser

PAGES = ("usual", "hostile", "huge", "empty")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benches")
    made = (result(), hostile(), huge(), result(cases=(), past=None))
    for name, one in zip(PAGES, made, strict=True):
        (folder / f"{name}.html").write_text(bench_html(one), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", PAGES)
def test_the_page_opens_without_an_error_and_asks_nothing_of_the_network(opened, pages, name):
    assert_quiet(opened(name), pages / f"{name}.html")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_the_window(opened, name, width):
    assert opened(name, width=width).value("document.scrollingElement.scrollWidth") <= width


def test_every_plot_has_ink(opened):
    ink = json.loads(opened("usual").value(INK))
    assert set(ink) == {"plot-past", *(f"plot-{kind}-{number}" for kind in ("curves", "servers")
                                       for number in (0, 1))}  # fmt: skip
    assert min(ink.values()) > 2_000


def test_on_a_phone_a_table_scrolls_below_its_first_column(opened):
    tab = opened("usual", width=390)
    moved = tab.value(
        """(() => {
          const box = document.querySelector("#workloads ~ .scroll");
          const [first, second] = box.querySelectorAll("tbody td");
          const left = (one) => Math.round(one.getBoundingClientRect().left);
          const before = [left(first), left(second)];
          box.scrollLeft = 200;
          return [left(first) - before[0], left(second) - before[1], first.offsetWidth];
        })()"""
    )
    assert moved[:2] == [0, -200]
    assert 60 < moved[2] < 390 / 2


def test_a_key_switches_an_algorithm_off_in_its_own_plot_alone(opened):
    tab = opened("usual")
    tab.until("!document.querySelector('[data-glyphs]').disabled")
    tab.value("document.querySelector('[data-glyphs=past-1]').click()")
    seen = tab.value(
        "Bokeh.documents[0].roots().map(plot => plot.renderers.map(one => [one.name, one.visible]))"
    )
    hidden = [{name for name, visible in plot if not visible} for plot in seen]
    assert sorted(filter(None, hidden)) == [{"past-1"}]


@pytest.mark.parametrize("dark", [False, True])
def test_the_hottest_field_is_read_on_light_and_on_dark_paper(opened, dark):
    """WCAG's contrast of at least 4.5, of the field's colour on the page's."""
    tab = opened("usual", dark=dark)
    colours = tab.value(
        """(() => {
          const field = document.querySelector(".heat b");
          field.style.setProperty("--hot", 60);
          const pen = new OffscreenCanvas(1, 1).getContext("2d");
          const seen = (...fills) => {
            for (const fill of fills) { pen.fillStyle = fill; pen.fillRect(0, 0, 1, 1); }
            return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
          };
          const paper = getComputedStyle(document.body).backgroundColor;
          return [seen(paper, getComputedStyle(field).backgroundColor),
                  seen(getComputedStyle(field).color), seen(paper)];
        })()"""
    )
    field, ink, _ = map(luminance, colours)
    assert colours[0] != colours[2]
    assert (max(field, ink) + 0.05) / (min(field, ink) + 0.05) >= 4.5


def luminance(colour):
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
              for part in parts]  # fmt: skip
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_what_is_pointed_at_is_told_as_text(opened):
    tab = opened("hostile")
    tab.value("document.querySelector('#plot-servers-0').scrollIntoView()")
    box = tab.value(
        "(({x, y, width, height}) => [x, y, width, height])"
        "(document.querySelector('#plot-servers-0').getBoundingClientRect())"
    )
    tab.point(box[0] + box[2] * 0.08, box[1] + box[3] * 0.25)
    shown = f"({TOOLTIP})()"
    tab.until(f"{shown}.includes('a round')")
    assert "IMG!" not in tab.value(shown)


def test_every_control_and_box_is_reached_by_keyboard(opened):
    tab = opened("usual")
    tab.until("!document.querySelector('[data-glyphs]').disabled")
    reached = tab.value(
        "[...document.querySelectorAll('summary, section > .scroll, [data-glyphs]')]"
        ".map(one => { one.focus(); return document.activeElement === one; })"
    )
    assert len(reached) > 10
    assert all(reached)
