"""Cost table of a solved point: every term in every year, from decisions and the instance's prices.

Values are present values in MUSD; usd_per_kg x t / 1000 = MUSD. The rows add up to the model's cost objective.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from optimizer.chain.instance import Instance

TERMS = (
    "purchase",
    "toll",
    "freight",
    "tariff",
    "substitution",
    "qualification",
    "sponsorship",
    "stock",
    "disposal",
    "carbon",
    "restoration",
    "benchmark",
    "byproduct_sales",
    "line_stop",
    "shock_cost",
)

Read = Callable[[str, tuple[str, ...]], pd.DataFrame]
"""(component, index names) → non-zero values of the first stage in column ``value``."""
Amount = tuple[str, int, float]
"""(term, year of payment, MUSD of that year; sponsorship is already a present value)."""


@dataclass(frozen=True)
class CostReader:
    """Computes the cost rows of one point."""

    instance: Instance
    read: Read

    def table(self) -> pd.DataFrame:
        """Return ``term, year, cost_musd`` (present values), zero rows left out."""
        sums: dict[tuple[str, int], float] = defaultdict(float)
        for term, year, amount in self._amounts():
            sums[term, year] += amount * self.instance.discount_factor[year]
        for year, amount in self._sponsorship():
            sums["sponsorship", year] += amount
        rows = [(term, year, value) for (term, year), value in sums.items() if value != 0.0]
        return pd.DataFrame(rows, columns=["term", "year", "cost_musd"])

    def _amounts(self) -> Iterator[Amount]:
        yield from self._contracts()
        yield from self._movements()
        yield from self._qualifications()
        yield from self._holding()
        yield from self._outlets()
        yield from self._carbon()
        yield from self._land_and_benchmarks()
        if self.instance.includes_shock_cost:
            for name, value in self.read("shock_cost", ("shock",)).itertuples(index=False):
                shock = self.instance.shocks[name]
                yield "shock_cost", shock.start_year, shock.rate_per_year * value
        if self.instance.is_shortfall_allowed:
            for _, year, amount in self._rows("shortfall", ("market", "year")):
                yield "line_stop", year, self.instance.line_stop_usd_per_kg * amount / 1e3

    def _rows(self, component: str, names: tuple[str, ...]) -> Iterator[tuple[object, int, float]]:
        """(first index, year, value) of a component whose last index is the year."""
        frame = self.read(component, names)
        return zip(frame[names[0]], frame[names[-1]].astype(int), frame["value"], strict=True)

    def _contracts(self) -> Iterator[Amount]:
        offers = self.instance.offers
        for component in ("committed", "lifted_extra"):
            for name, year, amount in self._rows(component, ("offer", "year")):
                offer = offers[str(name)]
                share = offer.take_or_pay_share if component == "committed" else 1.0
                price = offer.price_usd_per_kg.get(year, 0.0)
                yield ("purchase" if offer.kind == "sale" else "toll"), year, share * amount * price / 1e3

    def _movements(self) -> Iterator[Amount]:
        markets = self.instance.markets
        for name, year, amount in self._rows("flow", ("lane", "origin_class", "year")):
            lane = self.instance.lanes[str(name)]
            if lane.layer != "buyer":
                continue
            yield "freight", year, lane.freight_usd_per_t * amount / 1e6
            yield "tariff", year, lane.tariff_share.get(year, 0.0) * lane.customs_value_usd_per_kg * amount / 1e3
            if lane.to_place in markets:
                use, extra = markets[lane.to_place].accepts[lane.product]
                yield "substitution", year, extra * amount / use / 1e3

    def _qualifications(self) -> Iterator[Amount]:
        first = self.instance.years[0]
        for name, year in qualification_starts(self.read):
            qualification = self.instance.qualifications[name]
            if not qualification.is_held:
                yield (
                    "qualification",
                    max(first, year - math.ceil(qualification.lead_time_years - 1e-9)),
                    (qualification.cost_musd),
                )

    def _sponsorship(self) -> Iterator[tuple[int, float]]:
        """(decision year, present value) with what is left at the end of the horizon credited."""
        years, factors = self.instance.years, self.instance.discount_factor
        end = (1.0 + self.instance.discount_rate_share) ** -len(years)
        for name, year, share in self._rows("is_sponsored", ("project", "year")):
            project = self.instance.projects[str(name)]
            left = max(0.0, 1.0 - (years[-1] + 1 - year) / project.life_years) if project.life_years > 0 else 0.0
            yield year, project.cost_musd * share * (factors[year] - end * left)

    def _holding(self) -> Iterator[Amount]:
        """Carrying cost on the mean of opening and closing stock of each year."""
        years = self.instance.years
        for storage in self.instance.storages.values():
            opening = sum(storage.opening_t.values())
            yield "stock", years[0], storage.carrying_usd_per_t_year * opening / 2e6
        frame = self.read("stock", ("place", "product", "origin_class", "year"))
        for place, product, at, amount in zip(
            frame["place"], frame["product"], frame["year"].astype(int), frame["value"], strict=True
        ):
            half = self.instance.storages[place, product].carrying_usd_per_t_year * amount / 2e6
            yield "stock", at, half
            if at < years[-1]:
                yield "stock", at + 1, half

    def _outlets(self) -> Iterator[Amount]:
        byproducts = self.instance.byproducts
        names = ("product", "place", "origin_class", "year")
        for component in ("sold", "disposed"):
            frame = self.read(component, ("place", "product", "origin_class", "year"))[[*names, "value"]]
            for product, year, amount in zip(frame["product"], frame["year"].astype(int), frame["value"], strict=True):
                outlet = byproducts.get(product)
                if outlet is None:
                    continue
                if component == "sold":
                    yield "byproduct_sales", year, -outlet.sale_price_usd_per_kg * amount / 1e3
                else:
                    yield "disposal", year, outlet.disposal_usd_per_kg * amount / 1e3

    def _carbon(self) -> Iterator[Amount]:
        indicator, price = self.instance.carbon_indicator, self.instance.carbon_price_usd_per_t
        if indicator is None or price == 0.0:
            return
        for name, year, amount in self._rows("throughput", ("recipe", "layer", "origin_class", "year")):
            load_kg = self.instance.recipes[str(name)].footprint.get(indicator, 0.0) * amount
            yield "carbon", year, price * load_kg / 1e3 / 1e6

    def _land_and_benchmarks(self) -> Iterator[Amount]:
        """Cost of restoring land per tonne of throughput, and the price of shares above a benchmark."""
        recipes, caps = self.instance.recipes, self.instance.share_caps
        if any(recipe.restoration_usd_per_t for recipe in recipes.values()):
            for name, year, amount in self._rows("throughput", ("recipe", "layer", "origin_class", "year")):
                yield "restoration", year, recipes[str(name)].restoration_usd_per_t * amount / 1e6
        if any(cap.penalty_usd_per_kg is not None for cap in caps):
            for position, year, amount in self._rows("over_cap", ("cap", "year")):
                yield "benchmark", year, (caps[int(str(position))].penalty_usd_per_kg or 0.0) * amount / 1e3


def qualification_starts(read: Read) -> list[tuple[str, int]]:
    """(qualification, first year in force) from the binaries ``is_qualified``, sorted."""
    frame = read("is_qualified", ("qualification", "year"))
    frame = frame[frame["value"] > 0.5]
    first = frame.groupby("qualification")["year"].min()
    return sorted((str(name), int(year)) for name, year in first.items())
