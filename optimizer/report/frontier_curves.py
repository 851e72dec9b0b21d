"""Curves of the frontier chart from plain tables: attained cost, proven lower bound, knee."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

STEP = 1e-9
"""Distance, relative to the axis, at which a step is drawn upright."""


def knee(losses: Sequence[float], costs: Sequence[float]) -> int:
    """Position of the knee: the point farthest below the chord from the cheapest to the safest point.

    Both axes are scaled to their range first, so units do not matter; ties go to the cheaper point. With fewer than
    three points, or without a bend, it is the first one.
    """
    if len(losses) < 3:
        return 0
    (x0, x1), (y0, y1) = (losses[0], losses[-1]), (costs[0], costs[-1])
    if x0 == x1 or y0 == y1:
        return 0
    below = [(x0 - x) / (x0 - x1) - (y - y0) / (y1 - y0) for x, y in zip(losses, costs, strict=True)]
    best = max(range(len(below)), key=lambda k: (round(below[k], 12), -k))
    return best if below[best] > 0 else 0


def lower_bound(bounds: pd.DataFrame, loss: float) -> float:
    """Proven least cost (MUSD) of any plan whose loss is at most ``loss`` months.

    ``cap`` (max, b): b for all losses up to max. ``weight`` (w, b): b - w x loss. ``infeasible`` (max): no plan up to
    max, infinite. A proof that holds only for plans up to a cost k says the lesser of k and its own figure. Minus
    infinity where nothing is proven.
    """
    best = -math.inf
    for proof in bounds.to_dict("records"):
        most, dearest = _number(proof.get("max_loss_months")), _number(proof.get("max_cost_musd"))
        if loss > most:
            continue
        if proof["kind"] == "infeasible":
            value = math.inf
        else:
            value = float(proof["bound_musd"])
            value -= _number(proof.get("weight"), 0.0) * loss if proof["kind"] == "weight" else 0.0
        best = max(best, min(value, dearest))
    return best


def _number(value: object, missing: float = math.inf) -> float:
    """A cell as a number; ``missing`` (everything) if empty."""
    number = float(str(value)) if value is not None and value is not pd.NA and str(value) != "" else math.nan
    return missing if math.isnan(number) else number


def proven_curve(bounds: pd.DataFrame, first: float, last: float, count: int = 240) -> list[tuple[float, float]]:
    """(loss, bound) from ``first`` to ``last``: all kinks of steps, and enough places between to draw the lines."""
    room = STEP * max(1.0, last - first)
    places = {first + (last - first) * k / count for k in range(count + 1)}
    for most in bounds.get("max_loss_months", pd.Series(dtype=float)):
        if math.isfinite(_number(most)):
            places |= {_number(most), _number(most) + room}
    return [(at, lower_bound(bounds, at)) for at in sorted(places) if first <= at <= last]


def attained_curve(frontier: pd.DataFrame, segments: pd.DataFrame, last: float) -> list[tuple[float, float]]:
    """(loss, cost) of plans found, from the safest point to ``last``.

    Straight between points that share their integer decisions (every mixture is a plan), a step elsewhere.
    """
    points = {
        int(p): (float(x), float(y))
        for p, x, y in zip(frontier["point"], frontier["loss_months"], frontier["cost_musd"], strict=True)
    }
    joined = set(zip(segments["from_point"].astype(int), segments["to_point"].astype(int), strict=True))
    order = sorted(points, key=lambda p: points[p])
    curve: list[tuple[float, float]] = []
    for previous, number in zip([None, *order], order, strict=False):
        x, y = points[number]
        if previous is not None and not {(previous, number), (number, previous)} & joined:
            curve.append((x, curve[-1][1]))
        curve.append((x, y))
    if curve and last > curve[-1][0]:
        curve.append((last, curve[-1][1]))
    return curve


def height(curve: Sequence[tuple[float, float]], at: float) -> float:
    """Value of a curve at a place; the lower one at a step; infinite before its start."""
    if not curve or at < curve[0][0]:
        return math.inf
    for (x0, y0), (x1, y1) in zip(reversed(curve[:-1]), reversed(curve[1:]), strict=True):
        if x0 <= at <= x1 and x1 > x0:
            here = y0 + (y1 - y0) * (at - x0) / (x1 - x0)
            return min([here, *(y for x, y in curve if x == at)])
    return curve[-1][1]
