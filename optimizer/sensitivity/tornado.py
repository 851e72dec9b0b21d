"""Every figure moved to its low and to its high, one at a time: what the plan then costs and loses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from optimizer.sensitivity.figures import Figure
from optimizer.sensitivity.losses import Losses
from optimizer.sensitivity.pricing import Plans

HOW = {
    "price": "costed anew, exact",
    "loss": "shocks evaluated anew, exact",
    "first_order": "duals, first order",
}
"""How an effect was found, by the figure's kind of effect."""
NOTHING = 1e-9
"""Effects up to this (MUSD, months) count as none."""


def tornado_table(
    figures: Sequence[Figure],
    plans: Plans,
    losses: Losses,
    position: int,
    month_musd: float,
    duals: Mapping[tuple[str, float], float],
) -> pd.DataFrame:
    """Effects of every figure on one plan, the widest first.

    Args:
        figures: to be moved.
        plans: bills of the points.
        losses: of the same points.
        position: of the plan among them.
        month_musd: what a month of loss counts for in the ranking, MUSD.
        duals: (figure, side) → first-order effect on the least cost, MUSD.

    Returns:
        One row per figure that has an effect: cost and loss at both ends less those at the base, ``swing_musd`` (cost
        and loss together, both ends), and how it was found.
    """
    base_cost, base_loss = float(plans.costs({})[position]), float(losses.months({})[position])
    rows = []
    for figure in figures:
        cost, loss = {}, {}
        for side in (-1.0, 1.0):
            levels = {figure.figure: side}
            first = figure.effect == "first_order"
            cost[side] = duals.get((figure.figure, side), 0.0) if first else 0.0
            if figure.effect == "price":
                cost[side] = float(plans.costs(levels)[position]) - base_cost
            loss[side] = float(losses.months(levels)[position]) - base_loss if figure.effect == "loss" else 0.0
        rows.append(_row(figure, cost, loss, month_musd))
    moving = [row for row in rows if row["swing_musd"] > NOTHING or row["loss_swing_months"] > NOTHING]
    moving.sort(key=lambda row: (-float(row["swing_musd"]), -float(row["loss_swing_months"]), str(row["figure"])))
    table = pd.DataFrame([{"rank": rank, **row} for rank, row in enumerate(moving, start=1)])
    return table if len(table) else pd.DataFrame(columns=["rank", *rows[0]] if rows else ["rank", "figure"])


def _row(figure: Figure, cost: Mapping[float, float], loss: Mapping[float, float], month_musd: float) -> dict[str, Any]:
    worth = [cost[side] + month_musd * loss[side] for side in (-1.0, 1.0)]
    return {
        "figure": figure.figure,
        "kind": figure.kind,
        "subject": figure.subject,
        "low_share": figure.low_share,
        "high_share": figure.high_share,
        "rows": figure.rows,
        "range_from": figure.range_from,
        "confidence": figure.confidence,
        "cost_low_musd": cost[-1.0],
        "cost_high_musd": cost[1.0],
        "loss_low_months": loss[-1.0],
        "loss_high_months": loss[1.0],
        "swing_musd": _swing(worth),
        "loss_swing_months": _swing(list(loss.values())),
        "how": HOW[figure.effect],
        "note": figure.note,
    }


def _swing(ends: Sequence[float]) -> float:
    """Distance between the ends, the base (0) included."""
    return max(*ends, 0.0) - min(*ends, 0.0)


def price_of_month(costs: Sequence[float], losses: Sequence[float], position: int) -> float:
    """What a month of loss is worth to whoever picks this point, MUSD: the mean slope of the hull on both sides of it.

    The lower convex hull of cost over loss is taken; a point above it gets the slope of the hull at its loss, the ends
    the slope of their one side, and a frontier without two different losses none.
    """
    hull = _hull(costs, losses)
    if len(hull) < 2:
        return 0.0
    slopes = [(a[0], b[0], (a[1] - b[1]) / (b[0] - a[0])) for a, b in pairwise(hull)]
    at = losses[position]
    touching = [slope for left, right, slope in slopes if left - NOTHING <= at <= right + NOTHING]
    return float(np.mean(touching)) if touching else 0.0


def _hull(costs: Sequence[float], losses: Sequence[float]) -> list[tuple[float, float]]:
    """Corners (loss, cost) of the lower convex hull, falling part only, by loss."""
    hull: list[tuple[float, float]] = []
    least = math.inf
    for loss, cost in sorted(zip(losses, costs, strict=True)):
        if cost >= least - NOTHING:
            continue
        least = cost
        while len(hull) > 1 and _above(hull[-2], hull[-1], (loss, cost)):
            hull.pop()
        hull.append((loss, cost))
    return hull


def _above(first: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]) -> bool:
    """Whether the middle corner lies on or above the line between its neighbours."""
    line = first[1] + (last[1] - first[1]) * (middle[0] - first[0]) / (last[0] - first[0])
    return middle[1] >= line - NOTHING
