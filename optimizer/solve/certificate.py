r"""How much cheaper an undiscovered plan could be: recomputed from plain tables, with nothing of the engine.

Let r be the second objective (months lost) and

* :math:`U(r)` the least cost attained with loss at most r, over points and the lines between points of equal integers;
* :math:`L(r)` the highest proven bound on the cost of any plan with loss at most r. A proof ``cap`` (max, b) says b
  for all r <= max; ``weight`` (max, w, v) says v - w r for r <= max; ``infeasible`` (max) says no plan for r <= max.
  A proof may carry ``max_cost_musd`` k, then it says min(k, v - w r).

Over the curve, from the safest loss attained a to the loss of the cheapest plan z, with cost C from C(z) to C(a):

.. math::
    mean\_gap\_share = \frac{\int_a^z \max(0, U - L)\,dr}{\int_a^z |U|\,dr}, \qquad
    max\_gap\_share = \max_{a \le r \le z} \frac{\max(0, U(r) - L(r))}{|U(r)|},

.. math::
    uncertain\_share = \frac{\int_a^z \max(0, U - \max(L, C(z)))\,dr}{(z - a)(C(a) - C(z))}.

All integrals are exact: U and L are piecewise linear and are split wherever either changes. The largest gap leaves out
pieces narrower than ``SLIVER`` of the range: open ends of segments stand a hair inside, and no solver proves there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

ROUNDING = 1e-12
"""Gaps below this, relative to 1 + cost, are rounding."""

SLIVER = 1e-5
"""Share of the range below which a piece does not count for the largest gap."""

ONE_PLACE = 1e-9
"""Range of the second objective, relative to 1 + its size, below which all plans stand in one place.

There is no curve then: the mean and the largest gap are that of the cheapest plan, and nothing else is uncertain."""

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Certificate:
    """The three figures, and the curve they were taken over.

    Attributes:
        mean_gap_share, max_gap_share, uncertain_share: see the module.
        safest, cheapest: second objective at the two ends.
    """

    mean_gap_share: float
    max_gap_share: float
    uncertain_share: float
    safest: float
    cheapest: float


@dataclass(frozen=True)
class Lines:
    """Affine functions ``height + slope * r``, each on its own interval [low, high]."""

    low: Reals
    high: Reals
    slope: Reals
    height: Reals

    def values(self, at: Reals, *, missing: float, room: float = 0.0) -> Reals:
        """Matrix of values, one row per place, ``missing`` outside the interval."""
        inside = (at[:, None] >= self.low - room) & (at[:, None] <= self.high + room)
        with np.errstate(invalid="ignore"):
            return np.where(inside, self.height + self.slope * at[:, None], missing)


@dataclass(frozen=True)
class Curve:
    """Pieces of the range on which U and L are each one line: ends, values at both ends, and the line of U."""

    left: Reals
    right: Reals
    upper_left: Reals
    upper_right: Reals
    lower_left: Reals
    lower_right: Reals
    line: npt.NDArray[np.int64]


def certificate(points: pd.DataFrame, bounds: pd.DataFrame, segments: pd.DataFrame) -> Certificate:
    """Recompute the certificate.

    Args:
        points: columns ``point, cost_musd, loss_months``.
        bounds: columns ``kind, max_loss_months, weight, bound_musd`` and, where used, ``max_cost_musd``.
        segments: columns ``from_point, to_point``.

    Raises:
        ValueError: if there is no point.
    """
    if points.empty:
        raise ValueError("a certificate needs at least one point")
    place = {number: i for i, number in enumerate(points["point"])}
    second = points["loss_months"].to_numpy(dtype=float)
    first = points["cost_musd"].to_numpy(dtype=float)
    pairs = [(place[a], place[b]) for a, b in zip(segments["from_point"], segments["to_point"], strict=True)]
    return figures(trace(attained_lines(first, second, pairs), proven_lines(bounds), first, second), first, second)


def attained_lines(first: Reals, second: Reals, pairs: list[tuple[int, int]]) -> Lines:
    """Lines of U: a level from each point on, then the segments."""
    a = np.array([pair[0] for pair in pairs], dtype=np.int64)
    b = np.array([pair[1] for pair in pairs], dtype=np.int64)
    low, high = np.minimum(second[a], second[b]), np.maximum(second[a], second[b])
    width = second[b] - second[a]
    good = width != 0.0
    slope = np.where(good, (first[b] - first[a]) / np.where(good, width, 1.0), 0.0)
    height = np.where(good, first[a] - slope * second[a], np.maximum(first[a], first[b]))
    return Lines(
        low=np.concatenate([second, low]),
        high=np.concatenate([np.full(second.size, math.inf), high]),
        slope=np.concatenate([np.zeros(first.size), slope]),
        height=np.concatenate([first, height]),
    )


def proven_lines(bounds: pd.DataFrame) -> Lines:
    """Lines of L. A proof that nothing exists is infinitely high."""
    rows: list[tuple[float, float, float]] = []
    lows: list[float] = []
    for proof in bounds.to_dict("records"):
        high = _number(proof.get("max_loss_months"), math.inf)
        weight, level = _number(proof.get("weight"), 0.0), _number(proof.get("bound_musd"), -math.inf)
        ceiling = _number(proof.get("max_cost_musd"), math.inf)
        if proof["kind"] == "infeasible":
            weight, level = 0.0, ceiling
        if proof["kind"] == "cap" or weight == 0.0:
            rows.append((high, 0.0, min(level, ceiling)))
            lows.append(-math.inf)
            continue
        turn = (level - ceiling) / weight if math.isfinite(ceiling) else -math.inf
        rows.append((high, -weight, level))
        lows.append(min(turn, high))
        if math.isfinite(turn):
            rows.append((min(turn, high), 0.0, ceiling))
            lows.append(-math.inf)
    table = np.array(rows, dtype=float).reshape(-1, 3)
    return Lines(np.array(lows, dtype=float), table[:, 0], table[:, 1], table[:, 2])


def _number(found: Any, otherwise: float) -> float:
    return otherwise if found is None or pd.isna(found) else float(found)


def trace(attained: Lines, proven: Lines, first: Reals, second: Reals) -> Curve:
    """Cut the range of the curve into pieces on which both U and L are one line."""
    low, high = ends(first, second)
    if high - low <= ONE_PLACE * (1.0 + abs(high)):
        low = high
    finite = [attained.low, attained.high, proven.low, proven.high]
    places = np.concatenate([*finite, [low, high]])
    places = np.unique(places[(places >= low) & (places <= high)])
    places = np.unique(np.concatenate([places, _changes(attained, places, 1.0), _changes(proven, places, -1.0)]))
    left, right = (places[:-1], places[1:]) if places.size > 1 else (places, places)
    middle = 0.5 * (left + right)
    line = np.argmin(attained.values(middle, missing=math.inf), axis=1)
    proofs = proven.values(middle, missing=-math.inf)
    upper = [attained.height[line] + attained.slope[line] * at for at in (left, right)]
    if proofs.shape[1] == 0:
        nothing = np.full(left.size, -math.inf)
        return Curve(left, right, upper[0], upper[1], nothing, nothing, line)
    best = np.argmax(proofs, axis=1)
    known = np.isfinite(proofs[np.arange(best.size), best])
    level = proofs[np.arange(best.size), best]
    lower = [np.where(known, proven.height[best] + proven.slope[best] * at, level) for at in (left, right)]
    return Curve(left, right, upper[0], upper[1], lower[0], lower[1], line)


def _changes(lines: Lines, places: Reals, sign: float) -> Reals:
    """Where another line takes over as the lowest (sign 1) or highest (-1) on pieces where none begins or ends.

    Of straight lines, the one that is best at both ends of a piece is best all along it. Where there is none, the
    best of the left end and the best of the right end cross inside, and both parts are looked at again: as many rounds
    as the envelope has lines in a piece, however many there are in all.
    """
    left, right = places[:-1], places[1:]
    found: list[Reals] = []
    while left.size and lines.low.size:
        inside = (lines.low <= left[:, None]) & (lines.high >= right[:, None])
        values = [np.where(inside, sign * (lines.height + lines.slope * at[:, None]), math.inf) for at in (left, right)]
        first, last = _best(*values), _best(values[1], values[0])
        rows = np.arange(left.size)
        some = np.isfinite(values[0][rows, first])
        size = ROUNDING * (1.0 + np.abs(values[0][rows, first]) + np.abs(values[1][rows, last]))
        with np.errstate(divide="ignore", invalid="ignore"):
            better = values[1][rows, first] - values[1][rows, last], values[0][rows, last] - values[0][rows, first]
            at = (lines.height[last] - lines.height[first]) / (lines.slope[first] - lines.slope[last])
            open_ = some & (better[0] > size) & (better[1] > size) & (at > left) & (at < right)
        found.append(at[open_])
        left, right = np.concatenate([left[open_], at[open_]]), np.concatenate([at[open_], right[open_]])
    return np.concatenate(found) if found else np.zeros(0)


def _best(here: Reals, there: Reals) -> npt.NDArray[np.int64]:
    """Per row the least entry at one end; of equal ones, the least at the other end."""
    least = here.min(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        is_least = here <= least + ROUNDING * (1.0 + np.abs(least))
    return np.asarray(np.argmin(np.where(is_least, there, math.inf), axis=1), dtype=np.int64)


def ends(first: Reals, second: Reals) -> tuple[float, float]:
    """Second objective of the safest point and of the cheapest (the safer, of equally cheap ones)."""
    return float(second.min()), float(second[first == first.min()].min())


def areas(curve: Curve, floor: float = -math.inf) -> Reals:
    """Area between U and L in each piece, L not below ``floor``."""
    a = curve.upper_left - np.maximum(curve.lower_left, floor)
    b = curve.upper_right - np.maximum(curve.lower_right, floor)
    width = curve.right - curve.left
    with np.errstate(divide="ignore", invalid="ignore"):
        crossed = np.where(a > b, a * a, b * b) / np.abs(a - b)
    both, none = (a >= 0) & (b >= 0), (a <= 0) & (b <= 0)
    return np.asarray(0.5 * width * np.where(both, a + b, np.where(none, 0.0, crossed)))


def _cut_at(curve: Curve, floor: float) -> Curve:
    """Pieces split where L passes ``floor``, so that clipping there is exact."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (floor - curve.lower_left) / (curve.lower_right - curve.lower_left)
    share = np.where(np.isfinite(share) & (share > 0) & (share < 1), share, 1.0)

    def between(a: Reals, b: Reals) -> Reals:
        with np.errstate(invalid="ignore"):
            return np.where(share < 1.0, a + share * (b - a), b)

    middle = between(curve.left, curve.right)
    upper, lower = between(curve.upper_left, curve.upper_right), between(curve.lower_left, curve.lower_right)
    return Curve(
        np.concatenate([curve.left, middle]),
        np.concatenate([middle, curve.right]),
        np.concatenate([curve.upper_left, upper]),
        np.concatenate([upper, curve.upper_right]),
        np.concatenate([curve.lower_left, lower]),
        np.concatenate([lower, curve.lower_right]),
        np.concatenate([curve.line, curve.line]),
    )


def figures(curve: Curve, first: Reals, second: Reals) -> Certificate:
    """The three figures of a curve."""
    low, high = ends(first, second)
    cheapest, dearest = float(first.min()), float(curve.upper_left[0])
    wide = (curve.right - curve.left > SLIVER * (high - low)) | (curve.right <= curve.left)
    left = _largest(curve.upper_left[wide], curve.lower_left[wide])
    highest = max(left, _largest(curve.upper_right[wide], curve.lower_right[wide]))
    size = 0.5 * float(np.sum((curve.right - curve.left) * (np.abs(curve.upper_left) + np.abs(curve.upper_right))))
    if high - low <= ONE_PLACE * (1.0 + abs(high)) or size == 0.0:
        return Certificate(highest, highest, 0.0, low, high)
    mean = float(np.sum(areas(curve))) / size
    box = (high - low) * (dearest - cheapest)
    uncertain = float(np.sum(areas(_cut_at(curve, cheapest), cheapest))) / box if box > 0 else 0.0
    return Certificate(mean, highest, uncertain, low, high)


def _largest(upper: Reals, lower: Reals) -> float:
    gap = np.maximum(upper - lower, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(gap > ROUNDING * (1.0 + np.abs(upper)), gap / np.abs(upper), 0.0)
    return float(np.max(share, initial=0.0))


def bound_at(proven: Lines, second: float) -> float:
    """Highest proven bound on the first objective at this second (never more than finite: -inf if none)."""
    if not proven.low.size:
        return -math.inf
    room = 1e-9 * (1.0 + abs(second))
    return float(np.max(proven.values(np.array([second]), missing=-math.inf, room=room)))
