"""The world in the base year as the tables have it: what every plant puts out, and which elements it handles.

The base year is the last year for which mine production is reported. A plant runs at nameplate times availability; one
that is still ramping up counts with the share its straight ramp reaches in the middle of the year.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from optimizer.tables.read import Row
from optimizer.tables.units import OXIDE, read_contents
from optimizer.tables.view import View, number

_IDLE = frozenset({"suspended", "planned", "cancelled"})

Basket = Mapping[str, float]
"""Component → share of its oxide in the total."""


@dataclass(frozen=True)
class WorldChain:
    """Plants, routes and baskets of the tables, seen in one year; masses in t/yr."""

    view: View
    year: int

    @cached_property
    def plants(self) -> Mapping[str, Row]:
        """Facilities that run in the year."""
        return {str(row["facility"]): row for row in self.view.rows("facilities") if self._output(row) > 0}

    def output(self, plant: str) -> float:
        """Return what a plant puts through in the year, t on the basis of its capacity."""
        return self._output(self.plants[plant])

    def _output(self, row: Row) -> float:
        start = number(row, "start_year")
        if start is None or row["status"] in _IDLE or start > self.year:
            return 0.0
        ramp = number(row, "ramp_up_years") or 0.0
        up = min(1.0, (self.year + 0.5 - start) / ramp) if ramp else 1.0
        return up * (number(row, "capacity_t_per_year") or 0.0) * (number(row, "availability_share") or 0.0)

    @cached_property
    def routes(self) -> Mapping[str, Row]:
        """Rows of ``routes``."""
        return {str(row["route"]): row for row in self.view.rows("routes")}

    @cached_property
    def flows(self) -> Mapping[str, Sequence[Row]]:
        """Rows of ``route_flows`` by route."""
        found: dict[str, list[Row]] = {}
        for row in self.view.rows("route_flows"):
            found.setdefault(str(row["route"]), []).append(row)
        return found

    def routes_of(self, plant: str, kind: str) -> list[str]:
        """Return a plant's routes of a kind, in the order of the routes table."""
        own = self.view.routes_of.get(plant, frozenset())
        return [route for route, row in self.routes.items() if route in own and row["kind"] == kind]

    @cached_property
    def groups(self) -> Mapping[str, frozenset[str]]:
        """Oxide products and the tracked components that flow into them."""
        tracked = {str(row["component"]) for row in self.view.rows("compositions") if row["is_tracked"]}
        contents = read_contents(self.view.rows("product_compositions"))
        found: dict[str, set[str]] = {}
        for row in self.view.rows("route_flows"):
            item, product = str(row["item"]), str(row["product"])
            if item in tracked and product in contents and contents[product].state == OXIDE:
                found.setdefault(product, set()).add(item)
        return {product: frozenset(items) for product, items in found.items()}

    @cached_property
    def ores(self) -> Mapping[str, Basket]:
        """Baskets of ``compositions``."""
        found: dict[str, dict[str, float]] = {}
        for row in self.view.rows("compositions"):
            found.setdefault(str(row["ore"]), {})[str(row["component"])] = number(row, "share") or 0.0
        return found

    @cached_property
    def mines(self) -> Mapping[str, Row]:
        """Plants that bring ore products out of the ground: a source route at the first stage."""
        first = self.view.stages[0]
        return {plant: row for plant, row in self.plants.items() if row["stage"] == first and row["ore"] is not None}

    def mined(self, components: frozenset[str]) -> float:
        """Return what all mines bring out of some components, t oxide."""
        return sum(self._contained(plant, components) for plant in self.mines)

    def _contained(self, plant: str, components: frozenset[str]) -> float:
        basket = self.ores[str(self.mines[plant]["ore"])]
        return self.output(plant) * sum(basket.get(name, 0.0) for name in components)

    def after_cracking(self, components: frozenset[str]) -> float:
        """Return what is left of it when ore products that must be cracked have been, t oxide."""
        left = 0.0
        for plant in self.mines:
            form = str(self.routes[self.routes_of(plant, "source")[0]]["bundle_form"])
            left += self._opening_yield(form) * self._contained(plant, components)
        return left

    def _opening_yield(self, form: str) -> float:
        """Return the mean yield of the routes that open a form, weighted by their plants (1 if none need to)."""
        pairs = [
            (self.output(plant), number(self.routes[route], "bundle_yield_share") or 0.0)
            for route in self.cracking
            if self.routes[route]["feed_form"] == form
            for plant in self.plants
            if route in self.view.routes_of.get(plant, frozenset())
        ]
        total = sum(weight for weight, _ in pairs)
        return sum(weight * share for weight, share in pairs) / total if total else 1.0

    @cached_property
    def cracking(self) -> list[str]:
        """Split routes that only open a mineral: all they take leaves as one bundle."""
        return [route for route, row in self.routes.items() if row["kind"] == "split" and route not in self.flows]

    @cached_property
    def second_routes(self) -> frozenset[str]:
        """Split routes that take apart the bundle another one leaves."""
        bundles = {self.routes[route]["bundle_form"] for route in self.flows} - {None}
        return frozenset(route for route in self.flows if self.routes[route]["feed_form"] in bundles)

    @cached_property
    def separators(self) -> Mapping[str, list[str]]:
        """Plants that take apart what comes from the ground, with the routes they do it by."""
        opened = {self.routes[route]["bundle_form"] for route in self.cracking}
        fitting = {route for route in self.flows if self.routes[route]["feed_form"] in opened}
        found = {plant: [r for r in self.routes_of(plant, "split") if r in fitting] for plant in self.plants}
        return {plant: routes for plant, routes in found.items() if routes}

    @cached_property
    def _suppliers(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        openers = {plant for plant in self.plants if self.view.routes_of.get(plant, frozenset()) & set(self.cracking)}
        for row in self.view.rows("links"):
            source = str(row["from_facility"])
            if source in self.mines or source in openers:
                found.setdefault(str(row["to_facility"]), []).append(source)
        return found

    def basket(self, plant: str) -> Basket:
        """Return the mean basket of the ores that can reach a plant, weighted by what they yield."""
        weights = dict(self._reaching(plant, frozenset()))
        total = sum(weights.values())
        chosen = weights if total else {mine: self.output(mine) for mine in self.mines}
        total = sum(chosen.values()) or 1.0
        mean: dict[str, float] = {}
        for mine, weight in chosen.items():
            for name, share in self.ores[str(self.mines[mine]["ore"])].items():
                mean[name] = mean.get(name, 0.0) + share * weight / total
        return mean

    def _reaching(self, plant: str, seen: frozenset[str]) -> Iterator[tuple[str, float]]:
        if plant in self.mines:
            yield plant, self.output(plant)
        elif plant not in seen:
            for supplier in self._suppliers.get(plant, []):
                yield from self._reaching(supplier, seen | {plant})

    def yield_of(self, plant: str, component: str, product: str) -> float:
        """Return the share of a component that leaves a separator as a product, best of its routes (0: not singly)."""
        shares = [
            number(row, "t_per_t") or 0.0
            for route in self.separators[plant]
            for row in self.flows[route]
            if row["item"] == component and row["product"] == product
        ]
        return max(shares, default=0.0)

    def intake(self, plant: str) -> float:
        """Return what a separator takes in, t oxide in all; a capacity in a product is turned back by its basket."""
        basis = str(self.plants[plant]["capacity_basis"])
        if basis not in self.groups:
            return self.output(plant)
        basket = self.basket(plant)
        recovered = sum(basket.get(name, 0.0) * self.yield_of(plant, name, basis) for name in self.groups[basis])
        return self.output(plant) / recovered if recovered else 0.0


def base_year(view: View) -> int | None:
    """Return the last year with reported mine production, or None if none is recorded."""
    years = [int(number(row, "year") or 0) for row in view.rows("country_production")]
    return max(years, default=None)
