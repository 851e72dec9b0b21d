"""The shocks a case is built against: its events, or shocks sampled from the hazards, or both.

Where both are asked for, the list written by hand and the history are two opinions on one world. They are pooled
linearly (Stone 1961; Clemen and Winkler 1999): rates of the list count with the weight given to it, rates of the
sampled shocks with the rest. So nothing is counted twice, all rates stay on one scale, and splitting a shock into two
of half the rate changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from optimizer.chain.instance import Facility, Lane, Market, Product, Shock
from optimizer.chain.trade import CountryGroups
from optimizer.shocks.effects import Network
from optimizer.shocks.expand import (
    CaseSettings,
    ShockCase,
    ShockSettings,
    expand_drawn,
    expand_shocks,
    with_probabilities,
)  # fmt: skip
from optimizer.shocks.reduce import Reduction, reduce_shocks
from optimizer.shocks.sample import sample_shocks


class SampleSettings(ShockSettings, Protocol):
    """The shock part of a case, with what sampling adds to expansion."""

    @property
    def sample_count(self) -> int:
        """Shocks drawn from the hazards; 0: none."""

    @property
    def keep_count(self) -> int:
        """Sampled shocks kept; 0: all that differ."""

    @property
    def seed(self) -> int:
        """Seed of the draws."""

    @property
    def hand_written_share(self) -> float:
        """Weight of the events written by hand beside sampled shocks."""


class SampledSettings(CaseSettings, Protocol):
    """What this module reads from a case's settings."""

    @property
    def shocks(self) -> SampleSettings:
        """The shock part."""


class SampledCase(ShockCase, Protocol):
    """What this module reads from a case; of its tables also those of hazards and places."""

    @property
    def settings(self) -> SampledSettings:
        """Settings of the case."""


def case_shocks(
    case: SampledCase,
    facilities: Mapping[str, Facility],
    lanes: Mapping[str, Lane],
    origin_rules: Sequence[str],
    years: Sequence[int],
    products: Mapping[str, Product],
    markets: Mapping[str, Market],
) -> dict[str, Shock]:
    """Shocks of a case by id: the events written by hand, sampled shocks, or both.

    Raises:
        DataProblem: as :func:`optimizer.shocks.expand.expand_shocks` and :func:`optimizer.shocks.sample.sample_shocks`.
    """
    settings = case.settings.shocks
    if not settings.sample_count:
        return expand_shocks(case, facilities, lanes, origin_rules, years, products, markets)
    network = Network(facilities, lanes, origin_rules, products, markets, CountryGroups(case.tables))
    sampled = sampled_shocks(case, network, years).shocks
    weight = settings.hand_written_share
    if weight <= 0:
        return sampled
    written = expand_shocks(case, facilities, lanes, origin_rules, years, products, markets)
    return pooled(written, sampled, weight) if written else sampled


def sampled_shocks(case: SampledCase, network: Network, years: Sequence[int]) -> Reduction:
    """The sampled shocks of a case, reduced to the number it asks for, with the error of that."""
    settings = case.settings.shocks
    drawn = sample_shocks(
        case.tables,
        years=tuple(settings.start_years) or tuple(years),
        count=settings.sample_count,
        seed=settings.seed,
        longest_months=max(1, int(settings.window_months)),
    )
    shocks = expand_drawn(drawn.events, drawn.effects, network, years, settings.window_months)
    return reduce_shocks(shocks, network, settings.keep_count)


def pooled(first: Mapping[str, Shock], second: Mapping[str, Shock], weight: float) -> dict[str, Shock]:
    """Two sets of shocks as one, by start year; rates of the first count with ``weight``, the others with the rest."""
    scaled = [replace(shock, rate_per_year=shock.rate_per_year * weight) for shock in first.values()]
    scaled += [replace(shock, rate_per_year=shock.rate_per_year * (1 - weight)) for shock in second.values()]
    return with_probabilities(sorted(scaled, key=lambda shock: shock.start_year))
