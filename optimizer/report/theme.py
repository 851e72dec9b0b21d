"""The one theme of all charts, maps and pages: colours, type, sizes.

Colours are those of Okabe and Ito (2008), told apart under all common forms of colour blindness; a stage of the chain
is also told by its shape, so that no picture depends on colour alone.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

INK, MUTED, FAINT = "#1f2933", "#5f6b76", "#9aa5b1"
GRID, PAPER = "#e3e7eb", "#ffffff"
LAND, BORDER, SEA = "#e6e3db", "#fbfaf7", "#f3f7fa"
ACCENT, PROOF = "#d55e00", "#0072b2"
SHADE = "#b9d3e6"

CATEGORIES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b5a642", "#6a51a3")
OTHER = "#b6bec6"
SHAPES = ("triangle-up", "square", "diamond", "cross", "circle", "triangle-down", "triangle-right", "triangle-left")
STAGE_COLOURS = ("#a6611a", "#cc79a7", "#009e73", "#e69f00", "#0072b2", "#56b4e9", "#6a51a3", "#b5a642")
STAR = "M0,-1.2L0.27,-0.37L1.14,-0.37L0.44,0.14L0.71,0.97L0,0.46L-0.71,0.97L-0.44,0.14L-1.14,-0.37L-0.27,-0.37Z"
"""A star: the symbol of a market."""

LIGHT: dict[str, str] = {
    "ink": INK, "muted": MUTED, "faint": FAINT, "grid": GRID, "paper": PAPER, "page": "#f5f6f8", "tint": "#f0f3f6",
    "land": LAND, "border": BORDER, "sea": SEA, "shade": SHADE, "accent": ACCENT, "proof": PROOF,
    "accent-ink": "#a84a00", "proof-ink": "#00629b", "gain": "#007a59", "other": OTHER,
}  # fmt: skip
"""Colour of every part of a page by light; ``accent-ink``, ``proof-ink`` and ``gain`` are dark enough for text."""
DARK: dict[str, str] = {
    "ink": "#e8ecf0", "muted": "#a9b4be", "faint": "#76828d", "grid": "#2b353f", "paper": "#161c22", "page": "#0e1317",
    "tint": "#1e262e", "land": "#36404a", "border": "#1b2229", "sea": "#10171d", "shade": "#24506e",
    "accent": "#ff8f3f", "proof": "#4aa8e0", "accent-ink": "#ffa766", "proof-ink": "#7cc3ef", "gain": "#4fcfa5",
    "other": "#66717c",
}  # fmt: skip
"""The same parts by dark."""
DARK_CATEGORIES = ("#4aa3dd", "#f0b43c", "#35bd93", "#dd9dc1", "#8fcdf2", "#f08a4b", "#cfc168", "#a391d6")
DARK_STAGES = ("#cf8f4a", "#dd9dc1", "#35bd93", "#f0b43c", "#4aa3dd", "#8fcdf2", "#a391d6", "#cfc168")

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
SMALL, TEXT, LARGE = 11, 12, 18
WIDTH = 860
GLYPH = 0.54
"""Mean width of a character over its height, on the wide side."""


def stage_styles(stages: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Stage → (colour, shape), in the order of the chain; both repeat after the eighth stage."""
    return {stage: (STAGE_COLOURS[k % len(STAGE_COLOURS)], SHAPES[k % len(SHAPES)]) for k, stage in enumerate(stages)}


def category_colours(names: Sequence[str], other: str = "other") -> dict[str, str]:
    """Name → colour in the order given; ``other`` and everything after the eighth name is grey."""
    plain = [name for name in names if name != other]
    colours = {name: CATEGORIES[k] if k < len(CATEGORIES) else OTHER for k, name in enumerate(plain)}
    return colours | {other: OTHER}


def css_colours(is_dark: bool) -> str:
    """The theme's colours as CSS variables: parts by name, ``c1``… categories and ``s1``… stages.

    ``c1-on`` is the ink that can be read on ``c1``.
    """
    parts = dict(DARK if is_dark else LIGHT)
    for letter, light, dark in (("c", CATEGORIES, DARK_CATEGORIES), ("s", STAGE_COLOURS, DARK_STAGES)):
        for number, colour in enumerate(dark if is_dark else light, start=1):
            parts[f"{letter}{number}"] = colour
            parts[f"{letter}{number}-on"] = readable_on(colour)
    parts["other-on"] = readable_on(parts["other"])
    return " ".join(f"--{name}:{colour};" for name, colour in parts.items())


def readable_on(colour: str) -> str:
    """White or the dark ink, whichever contrasts more with a colour (relative luminance of WCAG 2)."""
    light = luminance(colour)
    return "#ffffff" if 1.05 / (light + 0.05) >= (light + 0.05) / (luminance(INK) + 0.05) else INK


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` between 0 (black) and 1 (white), as WCAG 2 defines it."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def wrapped(text: str, width: float, size: float = TEXT, lines: int = 3) -> list[str]:
    """Break text into at most ``lines`` lines of ``width`` pixels at a type size; what does not fit ends in "…"."""
    letters = max(8, int(width / (GLYPH * size)))
    return textwrap.wrap(" ".join(text.split()), letters, max_lines=lines, placeholder=" …") or [""]


def shortened(text: str, letters: int) -> str:
    """Text of at most ``letters`` characters on one line; what stands in brackets goes first."""
    plain = " ".join(text.split())
    if len(plain) > letters and 3 < plain.find(" (") <= letters:
        return plain[: plain.find(" (")]
    return plain if len(plain) <= letters else plain[: letters - 1].rstrip(" ,;") + "…"


def text_width(text: str, size: float = SMALL) -> float:
    """Width in pixels of a text in the theme's type, from the widths of its classes of letters."""
    return size * sum(_letter(letter) for letter in text)


def _letter(letter: str) -> float:
    if ord(letter) > 0x2E80:
        return 1.1
    for letters, width in (("ijl.,;:'|!I()[]ft r/-", 0.31), ("mwMW%@—", 0.87)):
        if letter in letters:
            return width
    return 0.69 if letter.isupper() else 0.56


def titled(title: str, subtitle: str, width: float = WIDTH) -> dict[str, Any]:
    """Title block of a chart: the finding, and under it units and reading."""
    return {
        "text": wrapped(title, width, LARGE, 2),
        "subtitle": wrapped(subtitle, width, TEXT + 1, 3),
    }


def page_config() -> dict[str, Any]:
    """Configuration of charts inside a page: every colour is a CSS variable, so charts turn with the page."""
    names = {colour: f"var(--{name})" for name, colour in reversed(LIGHT.items())}
    names |= {colour: f"var(--c{k})" for k, colour in enumerate(CATEGORIES, start=1)}

    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(item) for key, item in value.items()}
        if isinstance(value, list):
            return [turned(item) for item in value]
        return names.get(value, value) if isinstance(value, str) else value

    own = {"background": "transparent", "padding": 4, "aria": False}
    return dict(turned(config())) | own


def config() -> dict[str, Any]:
    """Vega-Lite configuration every picture is drawn with."""
    axis = {
        "labelColor": MUTED, "titleColor": INK, "titleFontWeight": "normal", "labelFontSize": SMALL,
        "titleFontSize": TEXT, "gridColor": GRID, "domainColor": FAINT, "tickColor": FAINT, "titlePadding": 10,
    }  # fmt: skip
    legend = {"labelColor": INK, "titleColor": MUTED, "titleFontWeight": "normal", "labelFontSize": SMALL}
    title = {
        "anchor": "start", "frame": "bounds", "color": INK, "fontSize": LARGE, "fontWeight": "bold", "offset": 16,
        "subtitleColor": MUTED, "subtitleFontSize": TEXT + 1, "subtitlePadding": 8, "subtitleLineHeight": 17,
    }  # fmt: skip
    header = {"labelColor": INK, "labelFontSize": TEXT, "labelFontWeight": "bold", "labelAnchor": "start"}
    return {
        "font": FONT,
        "background": PAPER,
        "padding": 18,
        "axis": axis,
        "legend": legend | {"titleFontSize": SMALL, "symbolStrokeWidth": 0, "labelLimit": 240},
        "title": title,
        "header": header | {"titleFontSize": 0, "title": None},
        "view": {"stroke": None},
        "text": {"color": INK, "fontSize": SMALL},
        "range": {"category": list(CATEGORIES)},
    }
