"""Where material loses an origin mark: content below a threshold, substantial transformation, an exception of the rule.

A mark is waived per product at a plant, for all recipes there that take the product, and only where the plant neither
makes it nor ships it on: what is waived for its use cannot leave as it came. Value shares are at reference prices, per
campaign: inputs are taken in rising order of their value share, and marked content is waived as long as the inputs
waived so far, all of them marked, stay below the threshold together. So the test is linear and never too mild.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from optimizer.chain.instance import Facility, OriginClass, Product, Recipe
from optimizer.chain.network import Network, Place
from optimizer.chain.reexport import ReexportRule

Waived = dict[Place, OriginClass]


def waived_bits(
    network: Network,
    facilities: Mapping[str, Facility],
    products: Mapping[str, Product],
    rules: Sequence[Any],
    members: Callable[[str], frozenset[str]],
    stored: Iterable[tuple[str, str]] = (),
) -> Waived:
    """Give (layer, facility, product) → bits that feed loses there; rule i is bit i, places without any left out."""
    takers = _takers(network, set(stored))
    found: Waived = defaultdict(int)
    for i, rule in enumerate(rules):
        for place, recipes in takers.items():
            facility = facilities[place[1]]
            if all(_waives(rule, recipe, place[2], facility, products, members) for recipe in recipes):
                found[place] |= 1 << i
    return {place: bits for place, bits in sorted(found.items()) if bits}


def _takers(network: Network, stored: set[tuple[str, str]]) -> dict[Place, list[Recipe]]:
    """Give place → recipes that take the product there, of products that can only be used up at the place."""
    takers: dict[Place, list[Recipe]] = defaultdict(list)
    kept: set[Place] = {("buyer", facility, product) for facility, product in stored}
    for recipe in network.recipes.values():
        for layer in recipe.layers:
            for product in recipe.inputs:
                takers[layer, recipe.facility, product].append(recipe)
            kept.update((layer, recipe.facility, product) for product in recipe.outputs)
    kept.update((lane.layer, lane.from_place, lane.product) for lane in network.lanes.values())
    return {place: recipes for place, recipes in takers.items() if place not in kept}


def _waives(
    rule: Any,
    recipe: Recipe,
    product: str,
    facility: Facility,
    products: Mapping[str, Product],
    members: Callable[[str], frozenset[str]],
) -> bool:
    """Say whether a rule's mark on an input is lost in a recipe."""
    if isinstance(rule, ReexportRule):
        return rule.loses(recipe, product, facility, products, below(recipe, products, rule.content_threshold_share))
    cleared = facility.stage in rule.cleared_stages and (
        not rule.cleared_countries or any(facility.country_iso3 in members(name) for name in rule.cleared_countries)
    )
    return cleared or product in below(recipe, products, rule.content_threshold_share)


def below(recipe: Recipe, products: Mapping[str, Product], threshold_share: float) -> frozenset[str]:
    """Give the inputs that together stay below a share of the value of what a recipe makes, at reference prices."""
    made = sum(amount * products[p].reference_price_usd_per_kg for p, amount in recipe.outputs.items())
    if threshold_share <= 0 or made <= 0:
        return frozenset()
    found: set[str] = set()
    total = 0.0
    worth = {p: amount * products[p].reference_price_usd_per_kg / made for p, amount in recipe.inputs.items()}
    for p, share in sorted(worth.items(), key=lambda item: (item[1], item[0])):
        total += share
        if total >= threshold_share:
            break
        found.add(p)
    return frozenset(found)
