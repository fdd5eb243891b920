// A finger's drag scrolls the page; a mouse's zooms into the plot. Called once the plots are there.
const plots = () => (window.Bokeh?.documents ?? []).flatMap((document) => document.roots());

function whenDrawn(then, tries = 200) {
  if (plots().length) then();
  else if (tries) setTimeout(() => whenDrawn(then, tries - 1), 25);
}

whenDrawn(() => {
  if (!matchMedia("(pointer: coarse)").matches) {
    for (const plot of plots()) {
      for (const tool of plot.toolbar.tools) if (tool.type === "BoxZoomTool") tool.active = true;
    }
  }
  for (const box of document.querySelectorAll("[data-glyphs]")) {
    box.disabled = false;
    box.addEventListener("change", () => {
      for (const glyph of plots().flatMap((plot) => plot.renderers)) {
        if (glyph.name === box.dataset.glyphs) glyph.visible = box.checked;
      }
    });
  }
});

// What is folded is printed too; a plot that is wider than a sheet (A4, Letter) is made smaller, as
// it cannot be drawn anew in time.
const sheet = 680;
let opened = [];
addEventListener("beforeprint", () => {
  for (const plot of document.querySelectorAll(".plot")) {
    plot.style.zoom = Math.min(1, sheet / plot.clientWidth);
  }
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const details of opened) details.open = true;
});
addEventListener("afterprint", () => {
  for (const plot of document.querySelectorAll(".plot")) plot.style.zoom = "";
  for (const details of opened) details.open = false;
});
