"""The base-year world balance: what is mined, separated, made into metal and into magnets, by oxide product.

Every number follows from the model tables, so that the tables of one stage test those of the next. Where a step stays
open by more than :data:`TOLERANCE`, the table ``balance_notes`` must say why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from optimizer.errors import Problem
from optimizer.tables.units import ELEMENT, OXIDE, finished_from_metal, read_contents
from optimizer.tables.view import View, number
from optimizer.tables.world_chain import WorldChain, base_year

TOLERANCE = 0.15
"""Share by which supply and need of a step may differ without an explanation."""

STEPS = ("mined_separated", "separated_metal", "metal_magnet")


@dataclass(frozen=True)
class Step:
    """One step of the balance of one product: t a year on offer and taken.

    ``finished_t`` is what finished product the metal on offer would make (last step only), t.
    """

    product: str
    step: str
    offered_t: float
    taken_t: float
    why_open: str
    finished_t: float | None = None

    @property
    def gap_share(self) -> float:
        """Offer over need, less one."""
        return self.offered_t / self.taken_t - 1.0 if self.taken_t else 0.0

    @property
    def closes(self) -> bool:
        """Whether the two agree within the tolerance."""
        return abs(self.gap_share) <= TOLERANCE


@dataclass(frozen=True)
class Balance:
    """The chain of the base year, followed from ore to magnet."""

    chain: WorldChain

    @cached_property
    def recipes(self) -> Mapping[str, tuple[dict[str, float], dict[str, float]]]:
        """Blend routes: t of each product in and out per t of throughput."""
        found: dict[str, tuple[dict[str, float], dict[str, float]]] = {}
        for route, flows in self.chain.flows.items():
            sides: tuple[dict[str, float], dict[str, float]] = ({}, {})
            for row in flows:
                sides[row["direction"] == "out"][str(row["product"])] = number(row, "t_per_t") or 0.0
            if sides[0]:
                found[route] = sides
        return found

    @cached_property
    def mix(self) -> Mapping[str, float]:
        """Share of each final product in world output."""
        return {str(row["product"]): number(row, "mix_share") or 0.0 for row in self.chain.view.rows("grade_mix")}

    @cached_property
    def final_routes(self) -> Mapping[str, float]:
        """Route that makes each final product (the first, if several do) → share of world output."""
        routes: dict[str, float] = {}
        for product, share in self.mix.items():
            making = [route for route, (_, made) in self.recipes.items() if product in made]
            if making:
                routes[making[0]] = share
        return routes

    @cached_property
    def finished(self) -> float:
        """World output of finished product, t."""
        plants = (plant for plant in self.chain.plants if self._makes(plant, self.final_routes))
        return sum(self.chain.output(plant) for plant in plants)

    def _makes(self, plant: str, routes: Mapping[str, float]) -> bool:
        return any(route in routes for route in self.chain.view.routes_of.get(plant, frozenset()))

    def needed(self, product: str) -> float:
        """Return what the final products of the year take of a metal, t."""
        each = (share * self.recipes[route][0].get(product, 0.0) for route, share in self.final_routes.items())
        return self.finished * sum(each)

    @cached_property
    def metals(self) -> Mapping[str, float]:
        """Metal made, t by product; a plant that makes several makes them in proportion to what is needed."""
        made: dict[str, float] = {}
        for plant in self.chain.plants:
            routes = [r for r in self.chain.routes_of(plant, "blend") if r not in self.final_routes]
            weights = {p: self.needed(p) for r in routes for p in self.recipes.get(r, ({}, {}))[1]}
            total = sum(weights.values())
            for product, weight in weights.items():
                made[product] = made.get(product, 0.0) + self.chain.output(plant) * weight / total if total else 0.0
        return made

    def oxide_need(self, product: str) -> float:
        """Return what metal making takes of an oxide product, t."""
        need = 0.0
        for takes, makes in self.recipes.values():
            need += sum(amount * takes.get(product, 0.0) for metal, amount in self.metals.items() if metal in makes)
        return need

    @cached_property
    def scrap(self) -> Mapping[str, float]:
        """Production scrap of the year, t by product of an ore."""
        ores = {str(row["product"]): str(row["ore"]) for row in self.chain.view.rows("products") if row["ore"]}
        found: dict[str, float] = {}
        for route, share in self.final_routes.items():
            for product, amount in self.recipes[route][1].items():
                if product in ores:
                    found[ores[product]] = found.get(ores[product], 0.0) + self.finished * share * amount
        return found

    def recycled(self, state: str, components: frozenset[str]) -> float:
        """Return what recyclers make of production scrap of some components, t of product in the given state."""
        states = read_contents(self.chain.view.rows("product_compositions"))
        capacity = self._recycling_capacity()
        used = min(1.0, sum(capacity.values()) / (sum(self.scrap.values()) or 1.0))
        total = sum(capacity.values()) or 1.0
        made = 0.0
        for route, tonnes in capacity.items():
            for row in self.chain.flows[route]:
                if row["item"] in components and states[str(row["product"])].state == state:
                    held = sum(t * self.chain.ores[ore].get(str(row["item"]), 0.0) for ore, t in self.scrap.items())
                    made += used * tonnes / total * held * (number(row, "t_per_t") or 0.0)
        return made

    def _recycling_capacity(self) -> dict[str, float]:
        """Capacity of the split routes that take the form of the scrap, t by route."""
        forms = {str(row["form"]) for row in self.chain.view.rows("products") if str(row["ore"]) in self.scrap}
        found: dict[str, float] = {}
        for plant in self.chain.plants:
            for route in self.chain.routes_of(plant, "split")[:1]:
                if str(self.chain.routes[route]["feed_form"]) in forms:
                    found[route] = found.get(route, 0.0) + self.chain.output(plant)
        return found

    def separated(self, product: str) -> Mapping[str, float]:
        """Return what separators make of a product, t by plant; bundles go to the plants that take them apart."""
        single: dict[str, float] = {}
        bundled = 0.0
        for plant in self.chain.separators:
            intake, basket = self.chain.intake(plant), self.chain.basket(plant)
            for name in self.chain.groups[product]:
                share = self.chain.yield_of(plant, name, product)
                single[plant] = single.get(plant, 0.0) + intake * basket.get(name, 0.0) * share
                if not share:
                    passed = intake * basket.get(name, 0.0) * self._bundle_yield(plant)
                    bundled += passed * self._second_yield(name, product)
        weights = {plant: self.chain.output(plant) for plant in self.chain.plants if self._takes_bundles(plant)}
        total = sum(weights.values())
        for plant, weight in weights.items():
            single[plant] = single.get(plant, 0.0) + bundled * weight / total
        return single

    def _takes_bundles(self, plant: str) -> bool:
        return bool(self.chain.second_routes & self.chain.view.routes_of.get(plant, frozenset()))

    def _bundle_yield(self, plant: str) -> float:
        return max(number(self.chain.routes[r], "bundle_yield_share") or 0.0 for r in self.chain.separators[plant])

    def _second_yield(self, component: str, product: str) -> float:
        rows = [row for route in self.chain.second_routes for row in self.chain.flows[route]]
        fitting = [row for row in rows if (row["item"], row["product"]) == (component, product)]
        return max((number(row, "t_per_t") or 0.0 for row in fitting), default=0.0)

    def metal_of(self, product: str) -> str | None:
        """Return the metal that is made from an oxide product."""
        for takes, makes in self.recipes.values():
            if product in takes:
                return next(iter(makes))
        return None


def world_balance(view: View) -> list[Step]:
    """Return the three steps of every oxide product: separators, metal makers and magnet makers against what they take.

    First step, t of oxide: what is mined, after cracking, against the intake of separators. Second, t of oxide: what is
    separated and recycled against the need of metal making. Third, t of metal: what is made, and returned by the short
    loop, against the need of magnets. Empty if the tables record no mine production or no mix of grades.
    """
    year = base_year(view)
    if year is None or not view.rows("grade_mix"):
        return []
    chain = WorldChain(view, year)
    balance = Balance(chain)
    notes = {(str(r["product"]), str(r["step"])): str(r["why_open"]) for r in view.rows("balance_notes")}
    steps = []
    for product, components in chain.groups.items():
        intake = {plant: chain.intake(plant) for plant in chain.separators}
        taken = sum(t * chain.basket(plant).get(name, 0.0) for plant, t in intake.items() for name in components)
        metal = balance.metal_of(product)
        oxide = sum(balance.separated(product).values()) + balance.recycled(OXIDE, components)
        pairs = [(chain.after_cracking(components), taken)]
        if metal is not None:
            pairs.append((oxide, balance.oxide_need(product)))
            pairs.append((balance.metals[metal] + balance.recycled(ELEMENT, components), balance.needed(metal)))
        for step, (offered, used) in zip(STEPS, pairs, strict=False):
            is_last = step == STEPS[-1]
            finished = finished_from_metal(offered, used / balance.finished) if is_last and used else None
            steps.append(Step(product, step, offered, used, notes.get((product, step), ""), finished))
    return steps


def balance_problems(view: View) -> Iterator[Problem]:
    """Yield steps that stay open without an explanation (T064)."""
    for step in world_balance(view):
        if not step.closes and not step.why_open:
            found = f"{step.product}, {step.step}: {step.offered_t:,.0f} t offered, {step.taken_t:,.0f} t taken"
            remedy = "find which table is wrong and mend it, or say in balance_notes.csv what the gap consists of"
            allowed = f"within {100 * TOLERANCE:.0f} %"
            yield Problem("T064", "data/balance_notes.csv", found=found, allowed=allowed, remedy=remedy)
