// The style sheet of a page: one column on a phone, charts side by side on a wide screen.
#include "report/page_style.h"

#include "report/theme.h"

namespace rlhf {
namespace {

constexpr const char* kLayout = R"(* { box-sizing: border-box; }
body { background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif;
  max-width: 76rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; overflow-wrap: anywhere; }
h1 { font-size: 1.625rem; line-height: 1.25; margin: 0 0 0.5rem; }
h2 { font-size: 1.1875rem; margin: 2.75rem 0 0.75rem; padding-top: 0.75rem; border-top: 1px solid var(--grid); }
h3 { font-size: 0.9375rem; margin: 1.5rem 0 0.5rem; color: var(--soft); }
p { margin: 0.25rem 0; max-width: 46rem; }
.badge { display: inline-block; padding: 0.1rem 0.7rem; border-radius: 1rem; border: 1px solid currentColor;
  font-size: 0.875rem; font-weight: 600; margin: 0 0 0.75rem; color: var(--soft); }
.badge.good { color: var(--good); } .badge.warn { color: var(--warn); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 0.75rem;
  margin: 1.25rem 0; }
.figures div { background: var(--card); border-radius: 8px; padding: 0.75rem 1rem; }
.figures b { display: block; font-size: 1.5rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
.figures span, .figures small { display: block; color: var(--soft); font-size: 0.8125rem; line-height: 1.4; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 1.75rem 1.5rem; }
figure { margin: 0; min-width: 0; display: flex; flex-direction: column; }
figcaption { font-weight: 600; font-size: 0.9375rem; display: flex; justify-content: space-between; gap: 1rem; }
figcaption span { font-weight: 400; color: var(--soft); font-variant-numeric: tabular-nums; white-space: nowrap; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 0 1rem; margin: 0 0 0.25rem; padding: 0;
  color: var(--soft); font-size: 0.8125rem; font-variant-numeric: tabular-nums; }
.legend svg { width: 24px; height: 12px; margin-right: 0.4rem; vertical-align: -1px; }
.legend.wide { position: sticky; top: 0; background: var(--page); padding: 0.5rem 0; z-index: 1; font-size: 0.9375rem;
  color: var(--ink); border-bottom: 1px solid var(--grid); margin: 1rem 0; max-height: 9rem; overflow-y: auto; }
figure > svg { width: 100%; height: auto; display: block; margin-top: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: separate; border-spacing: 0; font-variant-numeric: tabular-nums; font-size: 0.9375rem; overflow-wrap: normal; }
th, td { padding: 0.35rem 0.9rem; text-align: right; vertical-align: top; border-bottom: 1px solid var(--grid); }
td { max-width: 24rem; overflow-wrap: anywhere; min-width: 9rem; }
th:first-child, td:first-child { text-align: left; padding-left: 0; min-width: 8rem; overflow-wrap: normal;
  position: sticky; left: 0; background: var(--page); }
@media (max-width: 34rem) { th, td { padding: 0.35rem 0.5rem; } td { min-width: 6.5rem; }
  th:first-child, td:first-child { max-width: 40vw; overflow-wrap: anywhere; } }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: 0.35rem 1.25rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; white-space: pre-line; min-width: 0; }
.bar { font-size: 0.35rem; color: var(--c0); vertical-align: middle; }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 0.6rem; } }
pre { font: 0.8125rem/1.5 ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; white-space: pre-wrap; margin: 0; }
pre.block { background: var(--card); border-radius: 8px; padding: 1rem; }
summary { cursor: pointer; margin: 0.5rem 0; }
.tip { position: fixed; pointer-events: none; z-index: 2; background: var(--card); border: 1px solid var(--rule);
  border-radius: 6px; padding: 0.3rem 0.6rem; font-size: 0.8125rem; white-space: pre; max-width: 90vw; overflow: hidden;
  font-variant-numeric: tabular-nums; }
.samples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 0.75rem; }
.sample { background: var(--card); border-radius: 8px; padding: 0.75rem 1rem; min-width: 0; }
.sample pre { max-height: 16rem; overflow-y: auto; }
.sample pre.prompt { color: var(--soft); }
.sample pre.response { border-left: 3px solid var(--c0); padding-left: 0.6rem; margin: 0.4rem 0; }
.sample small { color: var(--soft); font-variant-numeric: tabular-nums; }
)";

constexpr const char* kScript = R"(
const tip = Object.assign(document.body.appendChild(document.createElement("div")), {className: "tip", hidden: true});
// Positions have a precision of a tenth of a unit, so values have one of about a 500th of the axis.
const show = (value, range) => {
  const unit = 10 ** Math.floor(Math.log10(range / 500));
  return Number((Math.round(value / unit) * unit).toPrecision(6)).toString();
};
for (const svg of document.querySelectorAll("figure > svg")) {
  const axes = svg.querySelector(".axes").dataset;
  const [x0, x1, left, right, y0, y1, bottom, top] = axes.ranges.split(" ").map(Number);
  const curves = [...svg.querySelectorAll("path")].filter(path => /^c. d.$/.test(path.getAttribute("class")));
  const read = path => ({name: path.querySelector("title").textContent,
    points: path.getAttribute("d").match(/[\d.]+ [\d.]+/g).map(pair => pair.split(" ").map(Number))});
  let lines = null;
  const guide = svg.appendChild(document.createElementNS(svg.namespaceURI, "line"));
  guide.setAttribute("class", "axis");
  const hide = () => { tip.hidden = true; guide.style.display = "none"; };
  hide();
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("pointermove", event => {
    lines = lines || curves.map(read);
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse()).x;
    const distance = point => Math.abs(point[0] - at);
    const nearest = lines.map(({name, points}) =>
      ({name, point: points.reduce((a, b) => distance(a) > distance(b) ? b : a)}));
    const place = nearest.map(curve => curve.point).sort((a, b) => distance(a) - distance(b))[0];
    if (!place || distance(place) > 30) return hide();
    const value = y => y0 + (bottom - y) / (bottom - top) * (y1 - y0);
    const shown = nearest.filter(({point}) => 2 > Math.abs(point[0] - place[0]));
    const step = x0 + (place[0] - left) / (right - left) * (x1 - x0);
    tip.textContent = [axes.x + " " + Math.round(step),
      ...shown.map(({name, point}) => name + "  " + show(value(point[1]), y1 - y0))].join("\n");
    for (const [key, number] of Object.entries({x1: place[0], x2: place[0], y1: top, y2: bottom}))
      guide.setAttribute(key, number);
    tip.hidden = false;
    guide.style.display = "";
    tip.style.top = Math.min(event.clientY + 16, innerHeight - tip.offsetHeight - 8) + "px";
    tip.style.left = Math.min(event.clientX + 16, innerWidth - tip.offsetWidth - 8) + "px";
  });
}
)";

}  // namespace

std::string page_script() { return kScript; }

std::string page_style() { return theme_variables() + kLayout + shape_rules(); }

}  // namespace rlhf
