"""Labels that keep clear of each other and of the symbols: placed one after another, the most important first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.report.theme import text_width

Point = tuple[float, float]
Box = tuple[float, float, float, float]

SIZE = 13.0
"""Height of the type in pixels."""
LINE = 15.5
"""Distance of lines in pixels."""
CROSSED = 14.0
"""What a point of a line under a label costs, in pixels of distance from the symbol."""
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
    """A label placed: its box, how its text is aligned, and the leader line to its symbol if it stands off."""

    wish: Wish
    box: Box
    align: str
    leader: tuple[Point, Point] | None


@dataclass
class _Ground:
    """What is taken: boxes that must stay free, points of thick lines that should, leader lines."""

    area: Box
    boxes: list[Box]
    soft: npt.NDArray[np.float64]
    leaders: list[tuple[Point, Point]]


def place_labels(wishes: Sequence[Wish], taken: Sequence[Box], area: Box, soft: Sequence[Point] = ()) -> list[Label]:
    """Place labels so that none overlaps another, a symbol or the border; those without room are left out.

    Args:
        wishes: labels wanted.
        taken: boxes (left, top, right, bottom) that must stay free.
        area: box the labels must lie in.
        soft: points along thick lines, which labels avoid if they can.
    """
    ground = _Ground(area, list(taken), np.asarray(soft, dtype=float).reshape(-1, 2), [])
    placed: list[Label] = []
    for wish in sorted(wishes, key=lambda w: (-w.weight, w.lines)):
        label = _best(wish, ground)
        if label is not None:
            ground.boxes.append(label.box)
            ground.leaders += [label.leader] if label.leader else []
            placed.append(label)
    return placed


def _best(wish: Wish, ground: _Ground) -> Label | None:
    """The place with the least penalty: distance, and thick lines underneath."""
    best: tuple[float, Label | None] = (float("inf"), None)
    for reach in REACHES:
        if reach >= best[0]:
            break
        for rank, (box, align, anchor) in enumerate(_candidates(wish, reach)):
            under = _under(ground.soft, box)
            penalty = reach + 0.5 * rank + CROSSED * min(under, 8)
            leader = (wish.at, anchor) if reach > 9 else None
            if penalty < best[0] and _is_free(wish, box, leader, ground):
                best = (penalty, Label(wish, box, align, leader))
    return best[1]


def _is_free(wish: Wish, box: Box, leader: tuple[Point, Point] | None, ground: _Ground) -> bool:
    area = ground.area
    if box[0] < area[0] + 3 or box[1] < area[1] + 3 or box[2] > area[2] - 3 or box[3] > area[3] - 3:
        return False
    if any(_overlap(box, other) for other in ground.boxes) or any(_crosses(line, box) for line in ground.leaders):
        return False
    return not leader or not any(_crosses(leader, other) for other in ground.boxes if not _inside(wish.at, other))


def _candidates(wish: Wish, reach: float) -> list[tuple[Box, str, Point]]:
    """Boxes around the symbol at a distance, each with the alignment of its text and the end of its leader line."""
    wide = max(text_width(line, SIZE) for line in wish.lines) * (1.08 if wish.kind == "market" else 1.0) + 4
    tall = LINE * len(wish.lines)
    x, y = wish.at
    r = wish.radius + 2 + reach
    d = 0.72 * r
    spots = [
        (x + r, y - tall / 2, "left", (x + r, y)), (x - r - wide, y - tall / 2, "right", (x - r, y)),
        (x + d, y - d - tall / 2, "left", (x + d, y - d)), (x + d, y + d - tall / 2, "left", (x + d, y + d)),
        (x - d - wide, y - d - tall / 2, "right", (x - d, y - d)),
        (x - d - wide, y + d - tall / 2, "right", (x - d, y + d)),
        (x - wide / 2, y - r - tall, "center", (x, y - r)), (x - wide / 2, y + r, "center", (x, y + r)),
    ]  # fmt: skip
    return [((left, top, left + wide, top + tall), align, end) for left, top, align, end in spots]


def _under(points: npt.NDArray[np.float64], box: Box) -> int:
    """How many points lie in a box."""
    x, y = points[:, 0], points[:, 1]
    return int(((x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])).sum())


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _inside(point: Point, box: Box) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def _crosses(line: tuple[Point, Point], box: Box) -> bool:
    """Whether a line touches a box, tried at 24 points along it."""
    (x0, y0), (x1, y1) = line
    return any(_inside((x0 + (x1 - x0) * k / 24, y0 + (y1 - y0) * k / 24), box) for k in range(25))
