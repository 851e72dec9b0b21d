"""The frontier: no point beaten by another, no proof contradicted, and the certificate recomputed from the proofs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.audit.ledger import MUSD, RELATIVE, SHARE, Ledger

Floats = npt.NDArray[np.float64]
SAMPLES = 2000
"""Pieces into which the curve is cut at least."""
SLIVER = 1e-5
"""Share of the range of losses below which a piece does not count for the largest gap: no solver proves so finely."""
LOSS_TOLERANCE = 1e-5
"""Months by which a solver may miss a cap on loss."""
ONE_PLACE = 1e-9
"""Range of losses, relative to 1 + their size, below which all plans stand in one place: no curve, one gap."""
KINDS = ("cap", "weight", "infeasible")
COST_TOLERANCE = 1e-5
"""Share of cost to which a proof stands, given the solver's tolerances."""


def check_frontier(tables: Mapping[str, pd.DataFrame], certificate: Mapping[str, Any] | None, ledger: Ledger) -> None:
    """Order, dominance, bounds, gaps, segments and certificate."""
    points, bounds = tables["frontier"].sort_values("point"), tables["bounds"]
    _check_order(points, ledger)
    _check_bounds(points, bounds, ledger)
    _check_segments(points, tables["segments"], ledger)
    if certificate and len(points):
        found = certificate_of(points, bounds, tables["segments"])
        for name in ("mean_gap_share", "max_gap_share", "uncertain_share"):
            told = certificate.get(name)
            frame = pd.DataFrame({"figure": [name], "told": [told], "found": [found[name]]})
            if told is not None:
                ledger.note("certificate", frame, np.array([found[name] - float(told)]), tolerance=1e-4)


def _check_order(points: pd.DataFrame, ledger: Ledger) -> None:
    """Costs rise and losses fall from point to point: none is beaten by another."""
    cost, loss = points["cost_musd"].to_numpy(dtype=float), points["loss_months"].to_numpy(dtype=float)
    for position, name in enumerate(points["point"]):
        better = (cost <= cost[position]) & (loss <= loss[position])
        better[position] = False
        margin = np.maximum((cost[position] - cost) / max(1.0, abs(cost[position])), loss[position] - loss)
        worst = float(margin[better].max()) if better.any() else 0.0
        ledger.note("nondominated", pd.DataFrame({"point": [name]}), np.array([worst]), tolerance=1e-6)
    steps = pd.DataFrame({"point": points["point"].to_numpy()[1:]})
    ledger.note("cheapest_first", steps, -np.diff(cost), np.abs(cost[1:]), MUSD)


def lower_bound(losses: Floats, bounds: pd.DataFrame) -> Floats:
    """Largest proven bound on the cost of any plan with at most each loss; ``inf`` where none can exist.

    A proof that covers only plans up to some cost proves no more than that cost.
    """
    best = np.full(losses.shape, -np.inf)
    for row in bounds.to_dict("records"):
        most = np.inf if pd.isna(row["max_loss_months"]) else float(row["max_loss_months"])
        slope = float(row["weight"]) if row["kind"] == "weight" and pd.notna(row["weight"]) else 0.0
        level = np.inf if row["kind"] == "infeasible" else float(row["bound_musd"])
        ceiling = row.get("max_cost_musd")
        value = level - slope * losses
        if ceiling is not None and pd.notna(ceiling):
            value = np.minimum(value, float(ceiling))
        best = np.where(losses <= most, np.maximum(best, value), best)
    return best


def upper_bound(losses: Floats, points: pd.DataFrame, segments: pd.DataFrame) -> Floats:
    """Least attained cost with at most each loss; ``inf`` where nothing is attained."""
    best = np.full(losses.shape, np.inf)
    ends = {int(p): (float(c), float(r)) for p, c, r in points[["point", "cost_musd", "loss_months"]].to_numpy()}
    for cost, loss in ends.values():
        best = np.where(losses >= loss, np.minimum(best, cost), best)
    for start, end in segments[["from_point", "to_point"]].to_numpy():
        (cost_a, loss_a), (cost_b, loss_b) = ends[int(start)], ends[int(end)]
        low, high = min(loss_a, loss_b), max(loss_a, loss_b)
        if high > low:
            line = cost_a + (losses - loss_a) / (loss_b - loss_a) * (cost_b - cost_a)
            best = np.where((losses >= low) & (losses <= high), np.minimum(best, line), best)
    return best


def _check_bounds(points: pd.DataFrame, bounds: pd.DataFrame, ledger: Ledger) -> None:
    """No attained point contradicts a proof; each reported bound follows from the proofs; gaps are as computed."""
    losses = points["loss_months"].to_numpy(dtype=float)
    cost = points["cost_musd"]
    unknown = bounds[~bounds["kind"].isin(KINDS)]
    ledger.forbid("proofs_are_known", unknown[["proof", "kind"]])
    proven = lower_bound(losses + LOSS_TOLERANCE, bounds)
    shown = points[["point", "cost_musd", "loss_months", "cost_bound_musd"]]
    ledger.note("proofs_hold", shown, np.maximum(proven - cost, -1.0), cost * COST_TOLERANCE / RELATIVE, MUSD)
    told = points["cost_bound_musd"]
    unproven = told - lower_bound(losses - LOSS_TOLERANCE, bounds)
    ledger.note("bound_is_proven", shown, unproven.fillna(0.0), cost, MUSD)
    ledger.note("bound_below_cost", shown, (told - cost).fillna(0.0), cost, MUSD)
    gap = ((cost - told) / cost.abs()).where(cost != 0, 0.0).clip(lower=0.0)
    off = (points["gap_share"] - gap).abs().mask(points["gap_share"].isna() & gap.isna(), 0.0)
    ledger.note("gap_share", points[["point", "gap_share"]], off, 0.0, SHARE)


def _check_segments(points: pd.DataFrame, segments: pd.DataFrame, ledger: Ledger) -> None:
    known = segments["from_point"].isin(points["point"]) & segments["to_point"].isin(points["point"])
    ledger.forbid("segments", segments.loc[~known, ["from_point", "to_point"]])


def certificate_of(points: pd.DataFrame, bounds: pd.DataFrame, segments: pd.DataFrame) -> dict[str, float]:
    """Recompute how much cheaper an undiscovered plan could be, from points, proofs and segments.

    With U the least attained cost and L the highest proven bound at every loss between the safest and the cheapest
    point, cut off at no gap: the mean is the area between them over the area under U, the largest is that of the share
    of U, and what is uncertain is the area between them above the least cost, over the box between the two ends.
    Where all plans stand in one place both gaps are that of the cheapest.
    Integrals are midpoint sums over a fine grid with all break points in it, which is exact on straight pieces.
    """
    cost, loss = points["cost_musd"].to_numpy(dtype=float), points["loss_months"].to_numpy(dtype=float)
    low, high = float(loss.min()), float(loss[cost == cost.min()].min())
    known = segments[segments["from_point"].isin(points["point"]) & segments["to_point"].isin(points["point"])]
    if high - low <= ONE_PLACE * (1.0 + abs(high)):
        above, below = upper_bound(np.array([high]), points, known), lower_bound(np.array([high]), bounds)
        only = float(_gap(above, below)[0])
        return {"mean_gap_share": only, "max_gap_share": only, "uncertain_share": 0.0}
    breaks = np.concatenate([loss, bounds["max_loss_months"].dropna().to_numpy(dtype=float)])
    edges = np.unique(np.concatenate([np.linspace(low, high, SAMPLES + 1), breaks[(breaks > low) & (breaks < high)]]))
    width, middle = np.diff(edges), (edges[:-1] + edges[1:]) / 2.0
    above, below = upper_bound(middle, points, known), lower_bound(middle, bounds)
    cheapest, dearest = float(cost.min()), float(upper_bound(np.array([low]), points, known)[0])
    between = np.clip(above - below, 0.0, None)
    unsure = np.clip(above - np.maximum(below, cheapest), 0.0, None)
    box = (high - low) * (dearest - cheapest)
    return {
        "mean_gap_share": float(between @ width / (np.abs(above) @ width)),
        "max_gap_share": float(_gap(above, below)[width > SLIVER * (high - low)].max()),
        "uncertain_share": float(unsure @ width / box) if box > 0 else 0.0,
    }


def _gap(above: Floats, below: Floats) -> Floats:
    """Gap as a share of the attained cost; none where nothing cheaper can exist."""
    gap: Floats = np.where(below >= above, 0.0, (above - below) / np.where(above == 0.0, 1.0, np.abs(above)))
    return gap
