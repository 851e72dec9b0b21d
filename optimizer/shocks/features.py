"""What a shock takes away, as numbers: capacity lost by stage, place and month. Distances of shocks are measured in it.

Losses are shares of what a country has at a stage, or of what goes from one country to another, not of the world: a
plan may rest on a small place, and which one is not known before it is made.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.chain.instance import Facility, Shock
from optimizer.shocks.effects import Network

Floats = NDArray[np.float32]

Group = tuple[str, str, str]
"""(stage, country, "") for plants; (stage, country of origin, country of destination) for lanes."""


@dataclass(frozen=True)
class Features:
    """Losses of shocks.

    Attributes:
        shocks: names, in the order of the rows.
        groups: what columns stand for, each with as many columns as there are months.
        months: months of the window.
        values: (shock, group and month) → share of the group's capacity lost in that month.
    """

    shocks: tuple[str, ...]
    groups: tuple[Group, ...]
    months: int
    values: Floats

    def bottleneck_months(self) -> NDArray[np.float64]:
        """Proxy of the loss of every shock: months lost at the stage that loses most, plants and lanes apart.

        A chain delivers no more than its narrowest stage. The proxy knows no plan: it stands for a buyer spread evenly
        over the countries that have a stage, and over the ways out of it, without stock.
        """
        if not self.groups or not self.shocks:
            return np.zeros(len(self.shocks))
        cube = self.values.reshape(len(self.shocks), len(self.groups), self.months).astype(np.float64)
        stages = sorted({(stage, bool(end)) for stage, _, end in self.groups})
        of = {key: [i for i, (stage, _, end) in enumerate(self.groups) if (stage, bool(end)) == key] for key in stages}
        monthly = np.stack([cube[:, of[key], :].mean(axis=1) for key in stages])
        found: NDArray[np.float64] = monthly.max(axis=0).sum(axis=1)
        return found


def features_of(shocks: Sequence[Shock], network: Network) -> Features:
    """Losses of shocks; plants and lanes weigh their share of their group's capacity (lanes: that of their plants)."""
    months = math.ceil(max((shock.window_months for shock in shocks), default=0.0))
    group_of, weight_of = _weights(network)
    groups = tuple(sorted(set(group_of.values())))
    column = {group: number * months for number, group in enumerate(groups)}
    values = np.zeros((len(shocks), len(groups) * months), dtype=np.float32)
    for row, shock in enumerate(shocks):
        length = {period.period: _months(period.first_month, period.months) for period in shock.periods}
        lost: dict[tuple[Group, int], float] = defaultdict(float)
        for (place, number), share in shock.facility_share.items():
            lost[group_of[place], number] += weight_of[place] * (1 - share)
        for (place, number, _), share in shock.lane_share.items():
            lost[group_of[place], number] += weight_of[place] * (1 - share)
        for (group, number), amount in lost.items():
            first, last = length[number]
            values[row, column[group] + first : column[group] + last] += amount
    return Features(tuple(shock.shock for shock in shocks), groups, months, values)


def _months(first: float, months: float) -> tuple[int, int]:
    return math.floor(first), max(math.floor(first) + 1, round(first + months))


def _weights(network: Network) -> tuple[dict[str, Group], dict[str, float]]:
    """Group of every facility and lane, and its share of the group."""
    groups: dict[str, Group] = {}
    size: dict[str, float] = {}
    for name, facility in network.facilities.items():
        groups[name] = facility.stage, facility.country_iso3, ""
        size[name] = _capacity(facility)
    for lane in network.lanes.values():
        origin = network.facilities[lane.from_place]
        end = network.markets.get(lane.to_place) or network.facilities[lane.to_place]
        groups[lane.lane] = origin.stage, origin.country_iso3, end.country_iso3
        size[lane.lane] = size[lane.from_place]
    total: dict[Group, float] = defaultdict(float)
    for name, group in groups.items():
        total[group] += size[name]
    return groups, {name: size[name] / total[group] if total[group] else 0.0 for name, group in groups.items()}


def _capacity(facility: Facility) -> float:
    """Largest capacity open to the buyer in any year, t/yr, at least a little: a project alone may open more."""
    return max([1.0, *facility.open_sale_t.values(), *facility.open_toll_t.values()])
