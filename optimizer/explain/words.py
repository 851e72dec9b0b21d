"""Names of limits, offers and places in a buyer's words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from optimizer.chain.instance import Instance, Offer
from optimizer.model.registry import FIRST_STAGE
from optimizer.solve.infeasible import LimitName

LAWS = frozenset(
    {
        "place_balance",
        "market_use_floor",
        "entitlement_limit",
        "lifting_limit",
        "toll_split",
        "take_or_pay_definition",
        "term_limit",
        "usage_link",
        "usage_definition",
        "qualification_progress",
        "sponsorship_limit",
        "excess_definition",
        "worst_loss_definition",
    }
)
"""Constraints that are laws or definitions of the model, not limits that somebody set and could relax."""

Index = tuple[object, ...]


@dataclass(frozen=True)
class Words:
    """Looks names up in one instance."""

    instance: Instance

    def place(self, key: object) -> str:
        """Name of a facility or market."""
        found = self.instance.facilities.get(str(key)) or self.instance.markets.get(str(key))
        return found.name if found is not None and found.name else str(key)

    def product(self, key: object) -> str:
        """Name of a product."""
        found = self.instance.products.get(str(key))
        return found.name if found is not None and found.name else str(key)

    def offer(self, key: object) -> str:
        """Offer as "product from plant"."""
        offer = self.instance.offers.get(str(key))
        if offer is None:
            return str(key)
        verb = "from" if offer.kind == "sale" else "tolled at"
        return f"{self.product(offer.product)} {verb} {self.place(offer.facility)}"

    def limit(self, constraint: str, index: Index) -> LimitName:
        """Name of the limit a first-stage row belongs to."""
        if constraint in LAWS:
            return LimitName(_group(constraint), is_structural=True)
        teller = _TELLERS.get(constraint)
        if teller is None:
            return LimitName(_group(constraint))
        return teller(self, index)

    def limits(self, row_keys: Sequence[tuple[str, Index]]) -> list[str]:
        """Name of the limit of every first-stage row."""
        return [self.limit(constraint, index) for constraint, index in row_keys]


def _group(constraint: str) -> str:
    groups = {rule.name: rule.group for rule in FIRST_STAGE}
    return groups.get(constraint, constraint)


def _demand(words: Words, index: Index) -> LimitName:
    market, year = index
    return LimitName(f"demand: {words.place(market)}", "t/yr", str(year), action="lower")


def _stock(words: Words, index: Index) -> LimitName:
    place, product, year = index
    return LimitName(f"stock policy: {words.product(product)} at {words.place(place)}", "t", str(year))


def _byproduct(words: Words, index: Index) -> LimitName:
    return LimitName(f"sales of by-products: {words.product(index[0])}", "t/yr", str(index[-1]))


def _capacity(words: Words, index: Index) -> LimitName:
    return LimitName(f"open capacity of plants: {words.place(index[0])}", "t/yr", str(index[-1]), action="raise")


def _least_volume(words: Words, index: Index) -> LimitName:
    group = "minimum orders and running contracts"
    return LimitName(f"{group}: {words.offer(index[0])}", "t/yr", str(index[-1]), action="lower")


def _largest_volume(words: Words, index: Index) -> LimitName:
    """The offer's own largest volume, or its plant's capacity where that is what the offer was cut down to."""
    offer = words.instance.offers[str(index[0])]
    if offer.max_t >= (1.0 - 1e-6) * _most(words.instance, offer):
        name = f"open capacity of plants: {words.place(offer.facility)}"
        return LimitName(name, "t/yr", str(index[-1]), action="raise", is_switch=True)
    return LimitName(
        f"largest volumes of offers: {words.offer(index[0])}", "t/yr", str(index[-1]), action="raise", is_switch=True
    )


def _most(instance: Instance, offer: Offer) -> float:
    """Most of its product, in t/yr, that an offer's plant can make for the buyer in any year, with all its projects."""
    plant = instance.facilities[offer.facility]
    room = max((plant.open_sale_t if offer.kind == "sale" else plant.open_toll_t).values(), default=0.0)
    room += sum(p.entitlement_t_per_year for p in instance.projects.values() if p.facility == offer.facility)
    uses = [
        recipe.capacity_use / recipe.outputs[offer.product]
        for recipe in instance.recipes.values()
        if recipe.facility == offer.facility and recipe.outputs.get(offer.product, 0.0) > 0.0
    ]
    return room / max(min(uses, default=1.0), 1e-9)


def _qualified(words: Words, index: Index) -> LimitName:
    return LimitName(f"qualification of suppliers: {words.offer(index[0])}", "", str(index[-1]))


def _licence(words: Words, index: Index) -> LimitName:
    facility, product, _, year = index
    name = f"export licences: {words.product(product)} from {words.place(facility)}"
    return LimitName(name, "t/yr", str(year), action="raise")


def _share_cap(words: Words, index: Index) -> LimitName:
    cap = words.instance.share_caps[int(str(index[0]))]
    return LimitName(f"share caps: {cap.name}", "t/yr", str(index[1]), share=cap.max_share, action="raise")


def _count(words: Words, index: Index) -> LimitName:
    count = words.instance.supplier_counts[int(str(index[0]))]
    return LimitName(f"numbers of suppliers: {count.name}", "suppliers", str(index[1]))


def _budget(words: Words, index: Index) -> LimitName:
    return LimitName(f"budgets: {words.instance.budgets[int(str(index[0]))].name}", "MUSD", action="raise")


def _environment(words: Words, index: Index) -> LimitName:
    cap = words.instance.environment_caps[int(str(index[0]))]
    return LimitName(f"environmental caps: {cap.name}", f"of {cap.indicator.replace('_', ' ')}", action="raise")


_TELLERS: dict[str, Callable[[Words, Index], LimitName]] = {
    "demand_balance": _demand,
    "stock_limit": _stock,
    "stock_floor": _stock,
    "byproduct_sale_limit": _byproduct,
    "capacity_limit": _capacity,
    "commitment_capacity_limit": _capacity,
    "commitment_floor": _least_volume,
    "commitment_limit": _largest_volume,
    "qualification_link": _qualified,
    "approval_limit": _licence,
    "origin_share_cap": _share_cap,
    "supplier_count_floor": _count,
    "supplier_count_limit": _count,
    "budget_limit": _budget,
    "environment_limit": _environment,
}
