"""A map as one HTML file: the drawing, moved and enlarged with pointer, wheel or keys; nothing is fetched."""

from __future__ import annotations

from html import escape

from optimizer.report import theme
from optimizer.report.plain_text import plain

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
html, body {{ margin: 0; height: 100%; background: {paper}; font-family: {font}; color: {ink}; }}
body {{ display: flex; flex-direction: column; }}
nav {{ display: flex; gap: 6px; padding: 6px 10px; }}
button {{ font: inherit; padding: 4px 12px; border: 1px solid {faint}; border-radius: 4px; background: {paper}; }}
button:focus-visible, #map:focus-visible {{ outline: 3px solid {proof}; }}
#map {{ flex: 1; min-height: 0; overflow: hidden; cursor: grab; touch-action: none; }}
#map svg {{ width: 100%; height: 100%; display: block; }}
@media print {{ nav {{ display: none; }} }}
</style>
</head>
<body>
<nav aria-label="Map">
<button id="in">Enlarge</button><button id="out">Reduce</button><button id="all">Whole map</button>
</nav>
<div id="map" tabindex="0" role="group" aria-label="{title}. Plus and minus enlarge and reduce, arrows move.">
{svg}
</div>
<script>
"use strict";
const frame = document.getElementById("map"), svg = frame.querySelector("svg");
const whole = svg.getAttribute("viewBox").split(" ").map(Number);
let view = whole.slice();
svg.removeAttribute("width"); svg.removeAttribute("height");
function show() {{ svg.setAttribute("viewBox", view.join(" ")); }}
function zoom(factor, x, y) {{
  const wide = Math.min(whole[2], Math.max(whole[2] / 24, view[2] * factor)), k = wide / view[2];
  const cx = x === undefined ? view[0] + view[2] / 2 : x, cy = y === undefined ? view[1] + view[3] / 2 : y;
  view = [cx - (cx - view[0]) * k, cy - (cy - view[1]) * k, view[2] * k, view[3] * k];
  if (wide === whole[2]) view = whole.slice();
  show();
}}
function move(x, y) {{ view[0] += x; view[1] += y; show(); }}
function spot(event) {{
  const place = svg.createSVGPoint();
  place.x = event.clientX; place.y = event.clientY;
  return place.matrixTransform(svg.getScreenCTM().inverse());
}}
document.getElementById("in").onclick = () => zoom(0.7);
document.getElementById("out").onclick = () => zoom(1 / 0.7);
document.getElementById("all").onclick = () => {{ view = whole.slice(); show(); }};
frame.addEventListener("wheel", (event) => {{
  event.preventDefault();
  const at = spot(event);
  zoom(event.deltaY < 0 ? 0.85 : 1 / 0.85, at.x, at.y);
}}, {{ passive: false }});
frame.addEventListener("keydown", (event) => {{
  const step = view[2] / 12;
  const ways = {{ ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }};
  if (event.key === "+" || event.key === "=") zoom(0.7);
  else if (event.key === "-") zoom(1 / 0.7);
  else if (event.key === "0") {{ view = whole.slice(); show(); }}
  else if (ways[event.key]) move(...ways[event.key]);
  else return;
  event.preventDefault();
}});
let held = null;
frame.addEventListener("pointerdown", (event) => {{ held = spot(event); frame.setPointerCapture(event.pointerId); }});
frame.addEventListener("pointermove", (event) => {{
  if (!held) return;
  const now = spot(event);
  move(held.x - now.x, held.y - now.y);
}});
frame.addEventListener("pointerup", () => {{ held = null; }});
</script>
</body>
</html>
"""


def map_page(svg: str, title: str) -> str:
    """An HTML page around a map; pointing at a plant or a flow shows its name and tonnes."""
    return _PAGE.format(
        title=escape(plain(title)), svg=svg, paper=theme.PAPER, ink=theme.INK, faint=theme.FAINT, proof=theme.PROOF,
        font=theme.FONT,
    )  # fmt: skip
