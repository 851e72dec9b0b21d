"""Tables of a stress test from what its strikes did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimizer.chain.instance import Instance, Measure
from optimizer.results.measures import value_at_risk, year_weights
from optimizer.shocks.sample import SampledShocks
from optimizer.solve.compiled import Floats, Integers
from optimizer.stress.estimate import mean_estimate, measure_estimate, share_estimate
from optimizer.stress.strikes import Strike
from optimizer.stress.trial import Outcomes

LINE_STOP_MONTHS = 0.05
"""A loss above this (a day and a half) is a line stop."""
EDGES = (0.0, LINE_STOP_MONTHS, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 18.0, 24.0)
"""Bounds of the classes of the loss histogram, months; the last class is open."""
QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
NO_HAZARD = "(none)"


@dataclass(frozen=True)
class Sampled:
    """A sample with its strikes, in the same order, and what they did."""

    shocks: SampledShocks
    strikes: Sequence[Strike]
    outcomes: Outcomes

    @property
    def counts(self) -> Integers:
        """Draws every row stands for."""
        return self.shocks.events["multiplicity"].to_numpy(dtype=np.int64)

    @property
    def start_years(self) -> Integers:
        """Start year of every row."""
        return self.shocks.events["start_year"].to_numpy(dtype=np.int64)

    def shares(self, given: Mapping[int, float]) -> Floats:
        """Probability of every row: the weight of its start year, shared by that year's draws."""
        weights = year_weights(self.start_years.tolist(), given)
        draws = pd.Series(self.counts).groupby(self.start_years).sum().to_dict()
        rows = zip(self.counts.tolist(), self.start_years.tolist(), strict=True)
        return np.array([weights[year] * count / draws[year] for count, year in rows])


def shocks_table(sampled: Sampled) -> pd.DataFrame:
    """One row per distinct sampled shock, with its story."""
    columns = ["event", "name", "hazard", "cause", "start_year", "multiplicity", "rate_per_year"]
    more = ["duration_months", "depth_share", "story"]
    frame = sampled.shocks.events[[*columns, *more]].reset_index(drop=True)
    frame.insert(0, "shock", [strike.strike for strike in sampled.strikes])
    return frame


def losses_table(sampled: Sampled) -> pd.DataFrame:
    """Point x sampled shock."""
    events = sampled.shocks.events.reset_index(drop=True)
    head = pd.DataFrame(
        {
            "shock": [strike.strike for strike in sampled.strikes],
            "name": events["name"],
            "start_year": sampled.start_years,
            "multiplicity": sampled.counts,
        }
    )
    outcomes = sampled.outcomes
    parts = [
        head.assign(
            point=point,
            loss_months=losses,
            survive_months=outcomes.survive[point],
            recover_months=outcomes.recover[point],
        )
        for point, losses in outcomes.losses.items()
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame[["point", *[column for column in frame if column != "point"]]]


def summary_table(sampled: Sampled, frontier: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """One row per point: the measure with its interval, the in-sample figure, optimism, line stops, the worst."""
    inside, cost = (frontier.set_index("point")[column].astype(float) for column in ("loss_months", "cost_musd"))
    shares = sampled.shares(measure.year_weights)
    rows = []
    for point, losses in sampled.outcomes.losses.items():
        value = measure_estimate(losses, sampled.counts, sampled.start_years, measure)
        mean = mean_estimate(losses, sampled.counts)
        stops = losses > LINE_STOP_MONTHS
        stop = share_estimate(float(sampled.counts[stops].sum()), float(sampled.counts.sum()))
        rate = float(shares[stops].sum()) * sampled.shocks.rate_per_year
        worst = int(np.argmax(losses))
        known = float(inside.loc[point])
        rows.append(
            {
                "point": point,
                "cost_musd": float(cost.loc[point]),
                "samples": int(sampled.counts.sum()),
                "distinct_shocks": int(losses.size),
                "mean_loss_months": mean.value,
                "mean_low_months": mean.low,
                "mean_high_months": mean.high,
                "measure_months": value.value,
                "measure_low_months": value.low,
                "measure_high_months": value.high,
                "in_sample_months": known,
                "optimism_months": value.value - known,
                "stop_share": stop.value,
                "stop_low_share": stop.low,
                "stop_high_share": stop.high,
                "stop_rate_per_year": rate,
                "stop_in_a_year_share": 1.0 - float(np.exp(-rate)),
                "worst_loss_months": float(losses[worst]),
                "worst_shock": sampled.strikes[worst].strike,
            }
        )
    return pd.DataFrame(rows)


def histogram_table(sampled: Sampled, given: Mapping[int, float]) -> pd.DataFrame:
    """Point x class of losses: its probability. The first class holds what is no line stop."""
    shares = sampled.shares(given)
    edges = np.array([*EDGES, np.inf])
    rows = []
    for point, losses in sampled.outcomes.losses.items():
        classes = np.clip(np.searchsorted(edges, losses, side="left") - 1, 0, edges.size - 2)
        found = np.bincount(classes, weights=shares, minlength=edges.size - 1)
        rows += [
            {"point": point, "from_months": edges[k], "to_months": edges[k + 1], "probability_share": found[k]}
            for k in range(edges.size - 1)
        ]
    return pd.DataFrame(rows)


def times_table(sampled: Sampled, given: Mapping[int, float]) -> pd.DataFrame:
    """Point x probability: within how many months demand is first cut, and met again, at most so often."""
    shares = sampled.shares(given)
    rows = []
    for point in sampled.outcomes.losses:
        survive, recover = sampled.outcomes.survive[point], sampled.outcomes.recover[point]
        rows += [
            {
                "point": point,
                "quantile_share": quantile,
                "survive_months": value_at_risk(survive, shares, quantile),
                "recover_months": value_at_risk(recover, shares, quantile),
            }
            for quantile in QUANTILES
        ]
    return pd.DataFrame(rows)


def offenders_table(
    sampled: Sampled, instance: Instance, used: Mapping[int, frozenset[str]], called: Mapping[str, str]
) -> pd.DataFrame:
    """Point x hazard or plant hit: how much of the mean loss and of the tail comes with it. Worst first.

    A plant counts as hit where it is cut itself, or a lane that leaves it. Shares of plants overlap.

    Args:
        sampled: the sample and what it did.
        instance: of the run.
        used: by point, the places it uses.
        called: hazard → its name as people read it; others keep their key.
    """
    measure = instance.measure
    told = {("plant", key): plant.name for key, plant in instance.facilities.items()}
    told |= {("hazard", key): name for key, name in called.items()}
    shares = sampled.shares(measure.year_weights)
    names = sampled.shocks.events["hazard"].fillna(NO_HAZARD).astype(str).to_list()
    members: dict[tuple[str, str], list[int]] = {}
    for number, (name, strike) in enumerate(zip(names, sampled.strikes, strict=True)):
        members.setdefault(("hazard", name), []).append(number)
        for plant in {_plant(instance, place) for place, _ in strike.shares}:
            members.setdefault(("plant", plant), []).append(number)
    parts = [
        _offenders(point, losses, shares, members, used[point], measure.alpha)
        for point, losses in sampled.outcomes.losses.items()
    ]
    frame = pd.concat(parts, ignore_index=True)
    keys = zip(frame["kind"], frame["offender"], strict=True)
    frame.insert(list(frame).index("offender") + 1, "name", [told.get(key, key[1]) for key in keys])
    return frame


def _plant(instance: Instance, place: str) -> str:
    return instance.lanes[place].from_place if place in instance.lanes else place


def _offenders(
    point: int,
    losses: Floats,
    shares: Floats,
    members: Mapping[tuple[str, str], list[int]],
    used: frozenset[str],
    alpha: float,
) -> pd.DataFrame:
    edge = value_at_risk(losses, shares, alpha)
    total, tail = float(shares @ losses), float(shares @ np.maximum(losses - edge, 0.0))
    rows = []
    for (kind, offender), numbers in members.items():
        own = np.array(numbers)
        lost = float(shares[own] @ losses[own])
        if lost <= 0 or (kind == "plant" and offender not in used):
            continue
        beyond = float(shares[own] @ np.maximum(losses[own] - edge, 0.0))
        rows.append(
            {
                "point": point,
                "kind": kind,
                "offender": offender,
                "probability_share": float(shares[own].sum()),
                "mean_loss_months": lost / float(shares[own].sum()),
                "worst_loss_months": float(losses[own].max()),
                "loss_share": lost / total,
                "tail_share": beyond / tail if tail > 0 else 0.0,
            }
        )
    columns = ["point", "kind", "rank", "offender", "probability_share", "mean_loss_months", "worst_loss_months"]
    frame = pd.DataFrame(rows, columns=[*columns, "loss_share", "tail_share"])
    frame = frame.sort_values(["kind", "loss_share", "offender"], ascending=[True, False, True], ignore_index=True)
    return frame.assign(rank=frame.groupby("kind").cumcount() + 1)
