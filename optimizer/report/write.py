"""Pictures into files: png, svg, pdf and one-file html, drawn offline by vl-convert; a file is whole or not there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from optimizer.report import theme
from optimizer.results.folder import replace_file

SCALE = 2.0
"""Pixels per unit in a png."""

Spec = dict[str, Any]
_STAND_IN = "\ue000"


def specification(chart: Any) -> Spec:
    """Vega-Lite specification of an Altair chart under the theme."""
    spec: Spec = chart.to_dict(validate=False)
    return spec | {"config": theme.config()}


def as_png(spec: Spec) -> bytes:
    """PNG at double resolution."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(spec, scale=SCALE))


def as_svg(spec: Spec) -> str:
    """SVG with text as text; its ids are counted anew, so that the same drawing has the same bytes."""
    import vl_convert

    svg = str(vl_convert.vegalite_to_svg(spec))
    for number, name in enumerate(dict.fromkeys(re.findall(r'<[^<>]*\bid="([\w-]+)"', svg)), start=1):
        svg = re.sub(rf'(\bid="|url\(#){name}(?=["\)])', rf"\g<1>part{number}", svg)
    return svg


def as_pdf(spec: Spec) -> bytes:
    """PDF with text as text."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_pdf(spec))


def as_html(spec: Spec) -> str:
    """A page that holds the drawing program too and asks nothing of any server."""
    import vl_convert

    page = str(vl_convert.vegalite_to_html(_marked(spec), bundle=True, renderer="svg"))
    page = page.replace(_STAND_IN, "\\u003c")
    return page if "<meta charset" in page.lower() else page.replace("<head>", '<head><meta charset="UTF-8"/>', 1)


def _marked(value: Any) -> Any:
    """The same data with a private character in place of "<", which could end the script element it stands in."""
    if isinstance(value, str):
        return value.replace("<", _STAND_IN)
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item) for item in value]
    return value


def picture(spec: Spec, ending: str) -> bytes:
    """A drawing in the format of a file ending (png, svg, pdf, html)."""
    if ending == "png":
        return as_png(spec)
    if ending == "pdf":
        return as_pdf(spec)
    return (as_svg(spec) if ending == "svg" else as_html(spec)).encode("utf-8")


def put(path: Path, content: bytes) -> Path:
    """Write a file so that a reader sees the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, content)
    return path
