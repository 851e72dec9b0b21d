"""From thousands of shocks to few: equal ones merged, then fast forward selection, with the error it makes.

Forward selection (Heitsch and Römisch 2003; Dupačová, Gröwe-Kuska and Römisch 2003) adds, one by one, the shock that
most lowers the Kantorovich distance between all shocks and those kept: the sum over all shocks of probability times
distance to the nearest one kept. Every shock that is dropped gives its rate to that nearest one, which is the best
redistribution; so the rates of a start year keep their sum. Start years are reduced apart, as the measure conditions on
them.

The distance of two shocks is Euclidean over the capacity they take away by stage, place and month, with one more
coordinate: a proxy of the loss they cause (:mod:`optimizer.shocks.features`), counted PROXY_WEIGHT times. Without it
selection keeps what is typical and thins the tail, which is what the measure looks at (on problem-driven reduction:
Fairbrother, Turner and Wallace 2019); what the weight does to both errors is in the documentation of shocks.

Two errors are reported: the Kantorovich distance itself, and what the reduction does to the tail of a proxy loss.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.chain.instance import Shock
from optimizer.shocks.effects import Network
from optimizer.shocks.expand import with_probabilities
from optimizer.shocks.features import Features, features_of

Floats = NDArray[np.float64]

TAIL = 0.95
"""Level at which the tail of the proxy loss is compared."""

PROXY_WEIGHT = 2.0
"""Weight of a month of proxy loss in the distance, against the root of a sum of squares of monthly shares."""


@dataclass(frozen=True)
class Reduction:
    """Shocks kept, and the error made.

    Attributes:
        shocks: those kept, with the rates of those they stand for; rates of a start year keep their sum.
        before: shocks before the reduction, equal ones merged.
        distance: Kantorovich distance, weighted by probability and averaged over start years; as the root of a sum
            of squares of shares of capacity lost over places and months.
        spread: distance if only the one most central shock of each start year were kept: what the distance compares to.
        tail_months: (all, kept): mean of the worst 5 % of the proxy loss, averaged over start years, months.
    """

    shocks: dict[str, Shock]
    before: int
    distance: float
    spread: float
    tail_months: tuple[float, float]

    @property
    def tail_error_share(self) -> float:
        """Relative error of the tail of the proxy loss."""
        full, kept = self.tail_months
        return abs(kept - full) / full if full > 0 else 0.0


def reduce_shocks(shocks: Mapping[str, Shock], network: Network, keep_count: int) -> Reduction:
    """Keep so many shocks, spread over start years as evenly as goes, at least one each; 0 keeps all that differ."""
    by_year: dict[int, list[Shock]] = defaultdict(list)
    for shock in merged_equals(shocks.values()):
        by_year[shock.start_year].append(shock)
    years = sorted(by_year)
    room = {year: max(1, keep_count // len(years) + (i < keep_count % len(years))) for i, year in enumerate(years)}
    kept: list[Shock] = []
    distance, spread, tails = 0.0, 0.0, np.zeros(2)
    for year in years:
        found = by_year[year]
        features = features_of(found, network)
        rates = np.array([shock.rate_per_year for shock in found])
        weights = rates / rates.sum() if rates.sum() > 0 else np.full(len(found), 1 / len(found))
        loss = features.bottleneck_months()
        gaps = distances(features, loss)
        chosen = sorted(forward_selection(gaps, weights, room[year])) if keep_count else list(range(len(found)))
        nearest = np.array(chosen)[gaps[:, chosen].argmin(axis=1)]
        moved: Floats = np.bincount(nearest, weights, len(found)).astype(np.float64)
        distance += float(weights @ gaps[:, chosen].min(axis=1)) / len(years)
        spread += float((weights @ gaps).min()) / len(years)
        tails += np.array([tail_mean(loss, weights), tail_mean(loss, moved)]) / len(years)
        new_rates = np.bincount(nearest, rates, len(found))
        stands_for = np.bincount(nearest, minlength=len(found))
        kept += [_kept(found[i], float(new_rates[i]), int(stands_for[i])) for i in chosen]
    before = sum(map(len, by_year.values()))
    return Reduction(with_probabilities(kept), before, distance, spread, (float(tails[0]), float(tails[1])))


def _kept(shock: Shock, rate: float, count: int) -> Shock:
    """A shock with the rate of all it stands for, which its story says."""
    if count == 1:
        return replace(shock, rate_per_year=rate)
    what = "that touch little or nothing here" if not (shock.facility_share or shock.lane_share) else "much like it"
    return replace(shock, rate_per_year=rate, story=f"{shock.story} It stands for {count} sampled shocks {what}.")


def merged_equals(shocks: Iterable[Shock]) -> list[Shock]:
    """Shocks of one start year that cut the same become one, under the name of the most frequent, with rates added."""
    same: dict[tuple[object, ...], list[Shock]] = defaultdict(list)
    for shock in shocks:
        cuts = frozenset(shock.facility_share.items()), frozenset(shock.lane_share.items())
        same[(shock.start_year, shock.price_multiple, shock.periods, *cuts)].append(shock)
    return [
        replace(max(found, key=lambda shock: shock.rate_per_year), rate_per_year=sum(s.rate_per_year for s in found))
        for found in same.values()
    ]


def distances(features: Features, loss: Floats) -> Floats:
    """Distance of every two shocks; ``loss`` is their proxy loss in months."""
    values = np.column_stack([features.values.astype(np.float64), PROXY_WEIGHT * loss])
    squares = (values**2).sum(axis=1)
    found: Floats = np.sqrt(np.maximum(squares[:, None] + squares[None, :] - 2 * values @ values.T, 0.0))
    np.fill_diagonal(found, 0.0)
    return found


def forward_selection(gaps: Floats, weights: Floats, count: int) -> list[int]:
    """Positions of the shocks kept, in the order of selection; ties go to the first."""
    nearest = np.full(len(weights), np.inf)
    chosen: list[int] = []
    for _ in range(min(count, len(weights))):
        totals = weights @ np.minimum(gaps, nearest[:, None])
        totals[chosen] = np.inf
        best = int(np.argmin(totals))
        chosen.append(best)
        nearest = np.minimum(nearest, gaps[:, best])
    return chosen


def tail_mean(losses: Floats, weights: Floats, level: float = TAIL) -> float:
    """Mean loss of the worst share 1 - level of the probability (Rockafellar and Uryasev 2002, for discrete losses)."""
    order = np.argsort(-losses, kind="stable")
    left = 1 - level
    taken = np.minimum(weights[order], np.maximum(left - (np.cumsum(weights[order]) - weights[order]), 0.0))
    return float(taken @ losses[order] / left)
