"""Resilience measures of a discrete distribution of losses: pure functions, no solver.

Losses are months of demand lost, one per shock; probabilities are conditional on some shock starting
in a year (or in the horizon), so they sum to one and are scaled to do so if they do not.
Source of the tail mean: Rockafellar and Uryasev, Conditional value-at-risk for general loss distributions (2002).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Reals = Sequence[float] | npt.NDArray[np.floating]

KINDS = ("cvar_by_start_year", "cvar", "worst_case", "expected")


def normalised(weights: Reals) -> Floats:
    """Scale non-negative weights to sum to one; equal weights if all are zero.

    Raises:
        ValueError: if a weight is negative or not a number.
    """
    values = np.asarray(weights, dtype=float)
    if not np.all(values >= 0):
        raise ValueError("weights must be non-negative numbers")
    total = float(values.sum())
    if total <= 0:
        return np.full(values.shape, 1.0 / max(1, values.size))
    return values / total


def expected(losses: Reals, probabilities: Reals) -> float:
    """Probability-weighted mean loss; 0 without shocks."""
    values = np.asarray(losses, dtype=float)
    return float(values @ normalised(probabilities)) if values.size else 0.0


def worst(losses: Reals) -> float:
    """Largest loss; 0 without shocks."""
    values = np.asarray(losses, dtype=float)
    return float(values.max()) if values.size else 0.0


def value_at_risk(losses: Reals, probabilities: Reals, alpha: float) -> float:
    """Smallest loss that is exceeded with probability at most 1 - alpha.

    It minimises the Rockafellar-Uryasev expression of which ``cvar`` is the minimum.
    """
    values = np.asarray(losses, dtype=float)
    if not values.size:
        return 0.0
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(normalised(probabilities)[order])
    position = int(np.searchsorted(reached, alpha - 1e-12))
    return float(values[order][min(position, values.size - 1)])


def cvar(losses: Reals, probabilities: Reals, alpha: float) -> float:
    """Mean loss of the worst 1 - alpha of the probability, splitting the shock on the edge of the tail.

    ``alpha`` 0 gives the expected loss, 1 the worst loss among shocks with a positive probability.

    Raises:
        ValueError: if ``alpha`` is outside 0..1.
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")
    values = np.asarray(losses, dtype=float)
    if not values.size:
        return 0.0
    weights = normalised(probabilities)
    tail = 1.0 - alpha
    if tail <= 1e-12:
        return worst(values[weights > 0])
    edge = value_at_risk(values, weights, alpha)
    excess = np.maximum(values - edge, 0.0)
    return edge + float(weights @ excess) / tail


def year_weights(start_years: Sequence[int], given: Mapping[int, float]) -> dict[int, float]:
    """Weight of each start year that has shocks: as given, scaled to sum to one; equal if none is given."""
    years = sorted(set(start_years))
    weights = normalised([float(given.get(year, 0.0)) for year in years])
    return dict(zip(years, weights.tolist(), strict=True))


def loss_measure(
    losses: Mapping[str, float], shocks: pd.DataFrame, kind: str, alpha: float, weights: Mapping[int, float]
) -> float:
    """Resilience measure of a plan, in months. A shock of rate zero counts as if it were not there.

    Args:
        losses: shock → months of demand lost.
        shocks: one row per shock with ``shock, start_year, weight`` (probability given the start year) and
            ``rate_per_year``.
        kind: one of ``KINDS``.
        alpha: level of the conditional value at risk.
        weights: start year → weight; empty means equal.

    Raises:
        ValueError: if ``kind`` is unknown.
    """
    lost = [float(losses.get(shock, 0.0)) for shock in shocks["shock"]] if len(shocks) else []
    values = np.nan_to_num(np.array(lost, dtype=np.float64), nan=0.0)
    return measure_of(values, Chances.of(shocks), kind, alpha, weights)


@dataclass(frozen=True)
class Chances:
    """How likely some shocks are, in one order.

    Attributes:
        start_years: year in which each starts.
        rates: per year.
        shares: probability given the start year.
    """

    start_years: npt.NDArray[np.int64]
    rates: Floats
    shares: Floats

    @classmethod
    def of(cls, shocks: pd.DataFrame) -> Chances:
        """From a table with ``start_year, rate_per_year, weight``; an empty one needs no columns."""
        if shocks.empty:
            return cls(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))
        rates, shares = (shocks[name].to_numpy(dtype=float) for name in ("rate_per_year", "weight"))
        return cls(shocks["start_year"].to_numpy(dtype=np.int64), rates, shares)

    def only(self, kept: npt.NDArray[np.bool_]) -> Chances:
        """Those of some shocks."""
        return Chances(self.start_years[kept], self.rates[kept], self.shares[kept])


def measure_of(values: Floats, chances: Chances, kind: str, alpha: float, weights: Mapping[int, float]) -> float:
    """Resilience measure of losses in the order of their chances, in months; see ``loss_measure``.

    Raises:
        ValueError: if ``kind`` is unknown.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown measure {kind!r}; known: {', '.join(KINDS)}")
    counts = chances.rates > 0.0
    if not counts.any():
        return 0.0
    values, chances = values[counts], chances.only(counts)
    if kind == "worst_case":
        return worst(values)
    if kind == "expected":
        return expected(values, chances.rates)
    if kind == "cvar":
        return cvar(values, chances.rates, alpha)
    starts, shares = chances.start_years, chances.shares
    scale = year_weights(starts.tolist(), weights)
    return sum(weight * cvar(values[starts == year], shares[starts == year], alpha) for year, weight in scale.items())


def losses_of(
    shortfalls: pd.DataFrame,
    periods: pd.DataFrame,
    demand: pd.DataFrame,
    drawn: pd.DataFrame | None = None,
    threshold_share: float = 1e-6,
) -> pd.DataFrame:
    """Months of demand lost per shock, with the months until the first cut and after the last one.

    Inside a period the market's own stock is used before lines stop: of a period that draws ``drawn_t`` and lacks
    ``shortfall_t``, the first ``drawn / (drawn + lacking)`` pass without a cut.

    Args:
        shortfalls: ``shock, market, period, shortfall_t``.
        periods: ``shock, period, first_month, months, window_months``: every period of every shock.
        demand: ``shock, market, period, demand_t, criticality``: demand of the period.
        drawn: ``shock, market, period, drawn_t``: net use of the market's stock on the basis of demand; None: none.
        threshold_share: a shortfall below this share of the period's demand is no cut.

    Returns:
        ``shock, loss_months, survive_months, recover_months``, sorted by shock.
    """
    keys = ["shock", "market", "period"]
    cells = demand.merge(shortfalls[[*keys, "shortfall_t"]], on=keys, how="left")
    cells["lost"] = cells["criticality"] * cells["shortfall_t"].fillna(0.0)
    cells["wanted"] = cells["criticality"] * cells["demand_t"]
    cells["carried"] = _carried_share(cells, drawn, threshold_share)
    sums = cells.groupby(["shock", "period"], as_index=False).agg({"lost": "sum", "wanted": "sum", "carried": "min"})
    rows = periods.merge(sums, on=["shock", "period"], how="left").fillna({"lost": 0.0, "wanted": 0.0, "carried": 0.0})
    lost, wanted = rows["lost"].to_numpy(dtype=float), rows["wanted"].to_numpy(dtype=float)
    share = np.divide(lost, wanted, out=np.zeros(len(rows)), where=wanted > 0)
    is_cut = share > threshold_share
    rows["loss_months"] = share * rows["months"]
    rows["survive_months"] = np.where(
        is_cut, rows["first_month"] + rows["carried"] * rows["months"], rows["window_months"]
    )
    rows["recover_months"] = np.where(is_cut, rows["first_month"] + rows["months"], 0.0)
    grouped = rows.groupby("shock", as_index=False, sort=True)
    table = grouped.agg({"loss_months": "sum", "survive_months": "min", "recover_months": "max"})
    return pd.DataFrame(table)


def _carried_share(cells: pd.DataFrame, drawn: pd.DataFrame | None, threshold_share: float) -> Floats:
    """Share of the period that a market's own stock carries it before its first cut; 1 where nothing is cut."""
    short = cells["shortfall_t"].fillna(0.0).to_numpy(dtype=float)
    used = np.zeros(len(cells))
    if drawn is not None and len(drawn):
        keys = ["shock", "market", "period"]
        used = cells[keys].merge(drawn[[*keys, "drawn_t"]], on=keys, how="left")["drawn_t"].fillna(0.0).to_numpy()
        used = np.maximum(used.astype(float), 0.0)
    is_cut = short > threshold_share * cells["demand_t"].to_numpy(dtype=float)
    carried: Floats = np.divide(used, used + short, out=np.ones(len(cells)), where=is_cut)
    return carried


def stock_drawn(levels: pd.DataFrame, opening: pd.DataFrame, periods: pd.DataFrame) -> pd.DataFrame:
    """Net use of stock per period: what a shock finds in hand, less what each period leaves.

    Args:
        levels: ``shock, market, period, stock_t`` at the end of a period, on the basis of demand; missing means none.
        opening: ``shock, market, stock_t`` in hand when the shock starts.
        periods: ``shock, period, first_month`` of every period of every shock.

    Returns:
        ``shock, market, period, drawn_t``; negative where stock grows.
    """
    grid = opening[["shock", "market"]].drop_duplicates().merge(periods[["shock", "period", "first_month"]], on="shock")
    keys = ["shock", "market", "period"]
    ends = levels.groupby(keys, as_index=False)[["stock_t"]].sum()
    grid = (
        grid.merge(ends, on=keys, how="left").fillna({"stock_t": 0.0}).sort_values(["shock", "market", "first_month"])
    )
    starts = opening.groupby(["shock", "market"], as_index=False)[["stock_t"]].sum()
    grid = grid.merge(starts.rename(columns={"stock_t": "found_t"}), on=["shock", "market"], how="left")
    before = grid.groupby(["shock", "market"])["stock_t"].shift().fillna(grid["found_t"])
    grid["drawn_t"] = before.astype(float) - grid["stock_t"].astype(float)
    return pd.DataFrame(grid[[*keys, "drawn_t"]])
