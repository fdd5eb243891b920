"""How a page is looked at, whichever it is."""

from pathlib import Path

from chromium import Page

INK = """
(() => {
  const counts = {};
  const walk = (node, name) => {
    for (const element of node.querySelectorAll("*")) {
      if (element.tagName === "CANVAS" && element.width) {
        const pixels = element.getContext("2d")
          .getImageData(0, 0, element.width, element.height).data;
        for (let at = 3; at < pixels.length; at += 4) if (pixels[at]) counts[name] += 1;
      }
      if (element.shadowRoot) walk(element.shadowRoot, name);
    }
  };
  for (const plot of document.querySelectorAll(".plot")) {
    counts[plot.id] = 0;
    walk(plot, plot.id);
  }
  return JSON.stringify(counts);
})()
"""

TOOLTIP = """
() => {
  let text = "";
  const walk = (node) => {
    for (const element of node.querySelectorAll("*")) {
      if (element.className === "bk-tooltip-row-value") text += element.textContent;
      if (element.tagName === "IMG") text += "IMG!";
      if (element.shadowRoot) walk(element.shadowRoot);
    }
  };
  walk(document);
  return text;
}
"""


def assert_quiet(tab: Page, path: Path) -> None:
    """The page that was opened asked for itself alone, and nothing went wrong in it."""
    asked = [address for address in tab.requests if not address.startswith("data:")]
    assert asked == [path.as_uri()]
    assert [one for one in tab.said if '"type": "log"' not in one] == []
