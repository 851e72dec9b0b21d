"""Labels that keep clear of each other and of the symbols: placed one after another, the most important first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.report.theme import SMALL, text_width

Point = tuple[float, float]
Box = tuple[float, float, float, float]

LINE = 13.0
"""Distance of lines in pixels."""
REACHES = (0.0, 9.0, 20.0, 34.0, 50.0, 68.0, 88.0, 110.0)
"""Distances from the symbol at which a place is tried; from the second on a leader line is drawn."""


@dataclass(frozen=True)
class Wish:
    """A label wanted: lines of text, position and radius of its symbol; larger weight is placed first."""

    lines: tuple[str, ...]
    at: Point
    radius: float
    weight: float
    kind: str = "plant"


@dataclass(frozen=True)
class Label:
    """A label placed: its box, and the leader line to its symbol if it stands off."""

    wish: Wish
    box: Box
    leader: tuple[Point, Point] | None


def place_labels(wishes: Sequence[Wish], taken: Sequence[Box], width: float, height: float) -> list[Label]:
    """Place labels so that none overlaps another, a symbol (``taken``) or the border; those without room are left out.

    Args:
        wishes: labels wanted.
        taken: boxes (left, top, right, bottom) that must stay free.
        width: of the picture in pixels.
        height: of the picture in pixels.
    """
    boxes, leaders, placed = list(taken), list[tuple[Point, Point]](), list[Label]()
    for wish in sorted(wishes, key=lambda w: (-w.weight, w.lines)):
        label = _best(wish, boxes, leaders, (width, height))
        if label is not None:
            boxes.append(label.box)
            if label.leader:
                leaders.append(label.leader)
            placed.append(label)
    return placed


def _best(wish: Wish, boxes: list[Box], leaders: list[tuple[Point, Point]], size: Point) -> Label | None:
    for reach in REACHES:
        for box, anchor in _candidates(wish, reach):
            if box[0] < 3 or box[1] < 3 or box[2] > size[0] - 3 or box[3] > size[1] - 3:
                continue
            if any(_overlap(box, other) for other in boxes) or any(_crosses(line, box) for line in leaders):
                continue
            leader = (wish.at, anchor) if reach > 9 else None
            if leader and any(_crosses(leader, other) for other in boxes[:] if not _inside(wish.at, other)):
                continue
            return Label(wish, box, leader)
    return None


def _candidates(wish: Wish, reach: float) -> list[tuple[Box, Point]]:
    """Boxes around the symbol at a distance, each with the end of its leader line."""
    wide = max(text_width(line, SMALL) for line in wish.lines) + 4
    tall = LINE * len(wish.lines)
    x, y = wish.at
    r = wish.radius + 2 + reach
    d = 0.72 * r
    spots = [
        ((x + r, y - tall / 2), (x + r, y)), ((x - r - wide, y - tall / 2), (x - r, y)),
        ((x + d, y - d - tall), (x + d, y - d)), ((x + d, y + d), (x + d, y + d)),
        ((x - d - wide, y - d - tall), (x - d, y - d)), ((x - d - wide, y + d), (x - d, y + d)),
        ((x - wide / 2, y - r - tall), (x, y - r)), ((x - wide / 2, y + r), (x, y + r)),
    ]  # fmt: skip
    return [((left, top, left + wide, top + tall), end) for (left, top), end in spots]


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _inside(point: Point, box: Box) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def _crosses(line: tuple[Point, Point], box: Box) -> bool:
    """Whether a line touches a box, tried at 24 points along it."""
    (x0, y0), (x1, y1) = line
    return any(_inside((x0 + (x1 - x0) * k / 24, y0 + (y1 - y0) * k / 24), box) for k in range(25))
