"""A drawing surface in pixels that becomes SVG: areas, lines, symbols and text, well-formed whatever the text says."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from optimizer.report import theme
from optimizer.report.plain_text import plain

Point = tuple[float, float]
Box = tuple[float, float, float, float]

_TURNED = {"triangle-up": 0.0, "triangle-right": 90.0, "triangle-down": 180.0, "triangle-left": 270.0}


@dataclass(frozen=True)
class Letters:
    """How a line of text is set.

    Attributes:
        size: pixels.
        colour: of the letters.
        weight: normal or bold.
        style: normal or italic.
        align: start, middle or end of the line stands at its place.
        halo: width of a rim that sets it off from what lies below; 0 for none.
    """

    size: float
    colour: str = theme.INK
    weight: str = "normal"
    style: str = "normal"
    align: str = "start"
    halo: float = 0.0


class Canvas:
    """SVG in the making; what is drawn later lies on top."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self._parts: list[str] = []
        self._clips = 0

    def svg(self) -> str:
        """The drawing as one SVG document."""
        size = f'width="{_n(self.width)}" height="{_n(self.height)}" viewBox="0 0 {_n(self.width)} {_n(self.height)}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family={quoteattr(theme.FONT)}>'
        return "\n".join([head, f"<title>{escape(plain(self.title))}</title>", *self._parts, "</svg>"])

    @contextmanager
    def clipped(self, box: Box) -> Iterator[None]:
        """What is drawn inside is cut off at a box (left, top, right, bottom)."""
        self._clips += 1
        name = f"clip{self._clips}"
        left, top, right, bottom = box
        shape = f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(right - left)}" height="{_n(bottom - top)}"/>'
        self._parts += [f'<clipPath id="{name}">{shape}</clipPath>', f'<g clip-path="url(#{name})">']
        yield
        self._parts.append("</g>")

    def rect(self, box: Box, fill: str, stroke: str | None = None, width: float = 1.0) -> None:
        """A rectangle."""
        left, top, right, bottom = box
        place = f'x="{_n(left)}" y="{_n(top)}" width="{_n(right - left)}" height="{_n(bottom - top)}"'
        self._parts.append(f'<rect {place} fill="{fill}"{_stroke(stroke, width)}/>')

    def area(self, rings: Iterable[Sequence[Point]], fill: str, stroke: str | None = None, width: float = 0.0) -> None:
        """An area with holes."""
        path = "".join(_path(ring) + "Z" for ring in rings)
        self._parts.append(f'<path d="{path}" fill="{fill}" fill-rule="evenodd"{_stroke(stroke, width)}/>')

    def line(
        self, points: Sequence[Point], colour: str, width: float, opacity: float = 1.0, dash: str = "", told: str = ""
    ) -> None:
        """A line; ``told`` is shown when a pointer rests on it."""
        look = f'stroke="{colour}" stroke-width="{_n(width)}" stroke-linejoin="round" stroke-linecap="round"'
        look += f' stroke-opacity="{_n(opacity)}"' if opacity < 1 else ""
        look += f' stroke-dasharray="{dash}"' if dash else ""
        self._element(f'path d="{_path(points)}" fill="none" {look}', told)

    def polygon(self, points: Sequence[Point], fill: str, rim: float = 1.1) -> None:
        """A filled polygon with a light rim, such as an arrow head."""
        self._parts.append(f'<path d="{_path(points)}Z" fill="{fill}"{_stroke(theme.PAPER, rim)}/>')

    def symbol(
        self, at: Point, shape: str, area: float, fill: str, stroke: str | None = None, width: float = 0.9,
        told: str = "",
    ) -> None:  # fmt: skip
        """A symbol of a shape of the theme (or an SVG path of unit size) that covers ``area`` square pixels."""
        look = f'fill="{fill}"{_stroke(stroke, width)}'
        if shape == "circle":
            place = f'cx="{_n(at[0])}" cy="{_n(at[1])}" r="{_n(math.sqrt(area / math.pi))}"'
            self._element(f"circle {place} {look}", told)
        else:
            self._element(f'path d="{_shape(shape, at, area)}" {look}', told)

    def text(self, at: Point, text: str, letters: Letters) -> None:
        """A line of text, its middle at the height of ``at``."""
        size = letters.size
        look = f'x="{_n(at[0])}" y="{_n(at[1] + 0.35 * size)}" font-size="{_n(size)}" text-anchor="{letters.align}"'
        look += f' font-weight="{letters.weight}"' if letters.weight != "normal" else ""
        look += f' font-style="{letters.style}"' if letters.style != "normal" else ""
        content = escape(plain(text))
        if letters.halo:
            rim = f'stroke="{theme.PAPER}" stroke-width="{_n(letters.halo)}"'
            rim += ' stroke-opacity="0.85" stroke-linejoin="round"'
            self._parts.append(f'<text {look} fill="{theme.PAPER}" {rim} aria-hidden="true">{content}</text>')
        self._parts.append(f'<text {look} fill="{letters.colour}">{content}</text>')

    def _element(self, inside: str, told: str) -> None:
        if told:
            name = inside.split(" ", 1)[0]
            self._parts.append(f"<{inside}><title>{escape(plain(told))}</title></{name}>")
        else:
            self._parts.append(f"<{inside}/>")


def _quarter(x: int, y: int, quarter: int) -> tuple[int, int]:
    """A point turned by quarters of a circle."""
    for _ in range(quarter):
        x, y = -y, x
    return x, y


def _n(value: float) -> str:
    text = f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _path(points: Sequence[Point]) -> str:
    """Path data of a line, coordinates to a tenth of a pixel, points that coincide left out."""
    told = [f"{x:.1f} {y:.1f}" for x, y in points]
    kept = [place for k, place in enumerate(told) if k == 0 or place != told[k - 1]]
    return "M" + "L".join(kept)


def _stroke(colour: str | None, width: float) -> str:
    return f' stroke="{colour}" stroke-width="{_n(width)}"' if colour else ""


def _shape(shape: str, at: Point, area: float) -> str:
    """Path data of a symbol."""
    if shape in _TURNED:
        side = math.sqrt(area * 4 / math.sqrt(3))
        high = side * math.sqrt(3) / 2
        corners = [(0.0, -high * 2 / 3), (side / 2, high / 3), (-side / 2, high / 3)]
        angle = math.radians(_TURNED[shape])
        turned = [(x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle))
                  for x, y in corners]  # fmt: skip
        return _path([(at[0] + x, at[1] + y) for x, y in turned]) + "Z"
    if shape == "square":
        h = math.sqrt(area) / 2
        return _path([(at[0] + x, at[1] + y) for x, y in ((-h, -h), (h, -h), (h, h), (-h, h))]) + "Z"
    if shape == "diamond":
        h = math.sqrt(area / 1.6)
        return _path([(at[0] + x, at[1] + y) for x, y in ((0.0, -h), (0.8 * h, 0.0), (0.0, h), (-0.8 * h, 0.0))]) + "Z"
    if shape == "cross":
        r = math.sqrt(area / 5) / 2
        arm = [(-1, -1), (-1, -3), (1, -3)]
        ring = [turned for quarter in range(4) for turned in (_quarter(x, y, quarter) for x, y in arm)]
        return _path([(at[0] + x * r, at[1] + y * r) for x, y in ring]) + "Z"
    r = math.sqrt(area / 1.12)  # the theme's star: five points on a circle of radius 1.2
    corners = [(1.2 * (1 if k % 2 == 0 else 0.38) * math.sin(k * math.pi / 5),
                -1.2 * (1 if k % 2 == 0 else 0.38) * math.cos(k * math.pi / 5)) for k in range(10)]  # fmt: skip
    return _path([(at[0] + x * r * 0.9, at[1] + y * r * 0.9) for x, y in corners]) + "Z"
