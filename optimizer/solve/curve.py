"""The attained curve and the proofs collected so far: what a frontier is made of."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimizer.solve.certificate import (
    Certificate,
    Curve,
    Lines,
    attained_lines,
    figures,
    proven_lines,
    trace,
)
from optimizer.solve.compiled import Floats
from optimizer.solve.question import Answer, Attained, Question

SAME = 1e-7
"""Values closer than this, relative to 1 + size, are the same: what a linear solve leaves open. Exact for integers."""

EXACT = 1e-12
"""The same for programs whose every column is integer."""


@dataclass(frozen=True)
class Bound:
    """One proof, as a row of the ``bounds`` table (units of the two objectives).

    Attributes:
        kind: ``cap`` (first >= bound), ``weight`` (first + weight x second >= bound) or ``infeasible``.
        max_second: holds for all plans with at most this second value (inf: all).
        weight: weight of the second objective.
        bound: proven value.
        status: the solver's own word.
        max_first: holds only together with "or the first value is at least this" (inf: without condition).
    """

    kind: str
    max_second: float
    weight: float
    bound: float
    status: str
    max_first: float = math.inf


@dataclass(frozen=True)
class Segment:
    """Attained line between two points (by number) with equal integers; ``from_point`` is the cheaper end."""

    from_point: int
    to_point: int
    integers_hash: str


def bounds_frame(bounds: Sequence[Bound]) -> pd.DataFrame:
    """The ``bounds`` table of the contract, with ``max_cost_musd`` where a proof is conditional."""
    return pd.DataFrame(
        {
            "kind": [b.kind for b in bounds],
            "max_loss_months": [_empty(b.max_second) for b in bounds],
            "weight": [b.weight for b in bounds],
            "bound_musd": [_empty(b.bound) for b in bounds],
            "status": [b.status for b in bounds],
            "max_cost_musd": [_empty(b.max_first) for b in bounds],
        }
    )


def _empty(number: float) -> float:
    return number if math.isfinite(number) else math.nan


def proof_of(answer: Answer) -> Bound | None:
    """What an answer proves, if anything."""
    question = answer.question
    if answer.is_proven_infeasible:
        return Bound("infeasible", question.max_second, 0.0, math.inf, answer.word, question.max_first)
    return proof(question, answer.bound, answer.word)


def proof(question: Question, bound: float, word: str) -> Bound | None:
    """A bound on a question's objective as a row of the table; None if there is none."""
    if not math.isfinite(bound) or question.of_first == 0.0:
        return None
    weight, level = question.weight / question.of_first, bound / question.of_first
    kind = "weight" if weight else "cap"
    return Bound(kind, question.max_second, weight, level, word, question.max_first)


@dataclass(frozen=True)
class Front:
    """The attained curve: vertices from the cheapest, segments between them, and each segment's own two plans."""

    points: list[Attained]
    segments: list[Segment]
    ends: list[tuple[Attained, Attained]]

    def lines(self) -> set[tuple[int, int]]:
        """Numbers of points joined by a segment."""
        return {(s.from_point, s.to_point) for s in self.segments}


class Ledger:
    """Attained points and proofs, with the curve between them."""

    def __init__(self, same: float = SAME) -> None:
        self.same = same
        self.points: list[Attained] = []
        self.bounds: list[Bound] = []

    def add_points(self, points: Sequence[Attained]) -> None:
        """Add attained points that are not known yet."""
        for point in points:
            size = self.same * (1.0 + abs(point.first)), self.same * (1.0 + abs(point.second))
            if not any(
                abs(p.first - point.first) <= size[0]
                and abs(p.second - point.second) <= size[1]
                and p.integers_hash == point.integers_hash
                for p in self.points
            ):
                self.points.append(point)

    def add_bound(self, bound: Bound | None) -> None:
        """Add a proof."""
        if bound is not None:
            self.bounds.append(bound)

    def arrays(self) -> tuple[Floats, Floats]:
        """First and second values of all points."""
        return np.array([p.first for p in self.points]), np.array([p.second for p in self.points])

    def proven(self) -> Lines:
        """Lines of the lower curve."""
        return proven_lines(bounds_frame(self.bounds))

    def curve(self) -> Curve:
        """Upper and lower curve, piece by piece."""
        first, second = self.arrays()
        return trace(attained_lines(first, second, chains(self.points)), self.proven(), first, second)

    def figures(self) -> Certificate:
        """The certificate of what is known."""
        first, second = self.arrays()
        return figures(self.curve(), first, second)

    def nondominated(self) -> Front:
        """Vertices of the attained curve and its segments."""
        return nondominated(self.points, self.same)

    def best(self, question: Question) -> Attained | None:
        """Best known plan for a question."""
        inside = [p for p in self.points if p.second <= question.max_second and p.first <= question.max_first]
        return min(inside, key=lambda p: question.value(p.first, p.second), default=None)


def chains(points: Sequence[Attained]) -> list[tuple[int, int]]:
    """Segments: pairs (cheaper, safer) along the lower convex hull of the points with equal integers."""
    groups: dict[str, list[int]] = {}
    for i, point in enumerate(points):
        groups.setdefault(point.integers_hash, []).append(i)
    pairs: list[tuple[int, int]] = []
    for members in groups.values():
        hull = _hull(points, members)
        pairs.extend((b, a) for a, b in itertools.pairwise(hull))
    return pairs


def _hull(points: Sequence[Attained], members: Sequence[int]) -> list[int]:
    """Lower convex hull by second, from the safest to the first that is cheapest."""
    hull: list[int] = []
    for i in sorted(members, key=lambda k: (points[k].second, points[k].first)):
        p = points[i]
        if hull and p.first >= points[hull[-1]].first:
            continue
        while len(hull) > 1:
            a, b = points[hull[-2]], points[hull[-1]]
            if (b.second - a.second) * (p.first - a.first) - (b.first - a.first) * (p.second - a.second) > 0:
                break
            hull.pop()
        hull.append(i)
    return hull


def between(a: Attained, b: Attained, second: float) -> Attained:
    """Convex combination of two plans with equal integers, at this second value (attained: their set is convex)."""
    share = 0.0 if a.second == b.second else (second - a.second) / (b.second - a.second)
    x = a.x + share * (b.x - a.x)
    first = a.first + share * (b.first - a.first)
    return Attained(x, first, second, a.integers_hash)


def nondominated(points: Sequence[Attained], same: float = SAME) -> Front:
    """Vertices of the attained curve from the cheapest, and the segments between them (numbers from 1).

    A segment that others undercut is clipped where it leaves the curve; its ends there are convex combinations. Where
    the curves of two portfolios cross, the one point reported shows one of them and ends segments of both.
    """
    first = np.array([p.first for p in points])
    second = np.array([p.second for p in points])
    pairs = chains(points)
    curve = trace(attained_lines(first, second, pairs), proven_lines(bounds_frame([])), first, second)
    kept: list[Attained] = []
    parts: list[tuple[Attained, Attained]] = []
    runs = np.flatnonzero(np.append(True, np.diff(curve.line) != 0))
    stops = np.append(runs[1:], curve.line.size)
    for start, stop in zip(runs, stops, strict=True):
        line = int(curve.line[start])
        if line < len(points):
            kept.append(points[line])
            continue
        a, b = (points[k] for k in pairs[line - len(points)])
        left, right = float(curve.left[start]), float(curve.right[stop - 1])
        parts.append((_end(a, b, left, same), _end(a, b, right, same)))
    if first.size:
        low, high = float(curve.left[0]), float(curve.right[-1])
        kept.extend(p for p in points if p.second in (low, high))
    ends_of_parts = (end for part in parts for end in part)
    every = np.array([(point.first, point.second) for point in (*kept, *ends_of_parts)]).reshape(-1, 2)
    spans: list[tuple[int, int]] = []
    for safer, riskier in parts:
        ends = _pulled(safer, riskier, every, same), _pulled(riskier, safer, every, same)
        if ends[0] is not None and ends[1] is not None and ends[0].second < ends[1].second:
            spans.append((len(kept), len(kept) + 1))
            kept.extend([ends[0], ends[1]])
    return _numbered(kept, spans, same)


def _near(a: Attained, b: Attained, same: float) -> bool:
    return abs(a.first - b.first) <= same * (1.0 + abs(a.first)) and (
        abs(a.second - b.second) <= same * (1.0 + abs(a.second))
    )


def _pulled(end: Attained, other: Attained, every: Floats, same: float) -> Attained | None:
    """The end of a segment, drawn in by a hair if another plan is as good in one objective and better in the other.

    Such an end is open: it is not nondominated itself, all that comes before it is. None if nothing is left.
    ``every`` holds first and second of all plans, one row each.
    """
    room = same * (1.0 + abs(end.first)), same * (1.0 + abs(end.second))
    place = np.array([end.first, end.second])
    near = np.all(np.abs(every - place) <= same * (1.0 + np.abs(every)), axis=1)
    beaten = bool(np.any(np.all(every <= place + room, axis=1) & ~near))
    if not beaten:
        return end
    first, second = abs(other.first - end.first), abs(other.second - end.second)
    share = 2.5 * max(room[0] / max(first, 1e-300), room[1] / max(second, 1e-300))
    if share >= 0.5:
        return None
    return between(end, other, end.second + share * (other.second - end.second))


def _end(a: Attained, b: Attained, second: float, same: float) -> Attained:
    for point in (a, b):
        if abs(point.second - second) <= same * (1.0 + abs(second)):
            return point
    return between(a, b, second)


def _numbered(kept: Sequence[Attained], spans: Sequence[tuple[int, int]], same: float) -> Front:
    """Drop doubles and dominated points, sort by cost, and give segments the new numbers.

    A segment keeps only ends that are points: merged with one equal in both values, never with one that beats it.
    """
    order = sorted(range(len(kept)), key=lambda i: (kept[i].second, kept[i].first))
    place: dict[int, int] = {}
    chosen: list[int] = []
    for i in order:
        if chosen and _near(kept[i], kept[chosen[-1]], same):
            place[i] = chosen[-1]
            continue
        if chosen and kept[i].first >= kept[chosen[-1]].first - same * (1.0 + abs(kept[i].first)):
            continue
        if chosen and abs(kept[i].second - kept[chosen[-1]].second) <= same * (1.0 + abs(kept[i].second)):
            chosen.pop()
        chosen.append(i)
    number = {i: len(chosen) - k for k, i in enumerate(chosen)}
    number |= {i: number[k] for i, k in place.items() if k in number}
    found = {
        (number[high], number[low]): (kept[high], kept[low])
        for low, high in spans
        if low in number and high in number and number[low] != number[high]
    }
    rows = sorted(found)
    segments = [Segment(a, b, found[a, b][0].integers_hash) for a, b in rows]
    return Front([kept[i] for i in reversed(chosen)], segments, [found[row] for row in rows])


def sampled(front: Front, wanted: int) -> Front:
    """The same curve with at least ``wanted`` points where it has segments: the longest in cost are halved."""
    while len(front.points) < wanted and front.segments:
        lengths = [cheap_end.first - safe_end.first for cheap_end, safe_end in front.ends]
        k = int(np.argmin(lengths))
        cheaper, safer = front.ends[k]
        if lengths[k] >= -SAME * (1.0 + abs(safer.first)):
            return front
        front = _halved(front, k, between(cheaper, safer, 0.5 * (cheaper.second + safer.second)))
    return front


def _halved(front: Front, k: int, middle: Attained) -> Front:
    """Insert a point in the middle of segment k; points after it move up by one."""
    split = front.segments[k].from_point
    points = [*front.points[:split], middle, *front.points[split:]]

    def moved(number: int) -> int:
        return number + (number > split)

    segments = [Segment(moved(s.from_point), moved(s.to_point), s.integers_hash) for s in front.segments]
    cheaper, safer = front.ends[k]
    last = segments[k]
    segments[k : k + 1] = [
        Segment(last.from_point, split + 1, last.integers_hash),
        Segment(split + 1, last.to_point, last.integers_hash),
    ]
    ends = list(front.ends)
    ends[k : k + 1] = [(cheaper, middle), (middle, safer)]
    return Front(points, segments, ends)
