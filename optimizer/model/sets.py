"""Sparse index sets of the model, derived once from an instance.

Nothing here is a full product: every tuple is a movement, a conversion or a contract that can exist.
Letters follow the formulation: o offers, q qualifications, e projects, l lanes, r recipes, p products,
g origin classes, d markets, s shocks, t years, k periods.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from optimizer.chain.instance import LAYERS, Instance, Layer, OriginClass, Recipe

Place = tuple[Layer, str, str]
"""(layer, place, product)."""


@dataclass
class Sets:
    """Index sets and look-ups of one instance.

    Attributes:
        recipe_classes: (recipe, layer) → origin classes its outputs can have.
        classes: (layer, place, product) → origin classes that can occur there, including those to which
            inputs of a blend are raised.
        flows: (lane, class) pairs; conversions: (recipe, layer, class); raises: (layer, place, product, from
            class, to class); transfers: (sale offer, class); stores: (place, product, class).
        surpluses: (place, product, class) in the supplier layer where co-products find other customers.
        outlets: (place, product, class) in the buyer layer where by-products can be sold or disposed of.
        joint_tolls: toll offer → all offers of the same recipes and product, itself included, where there are several.
    """

    instance: Instance
    recipe_classes: dict[tuple[str, Layer], tuple[OriginClass, ...]] = field(default_factory=dict)
    classes: dict[Place, tuple[OriginClass, ...]] = field(default_factory=dict)
    flows: list[tuple[str, OriginClass]] = field(default_factory=list)
    conversions: list[tuple[str, Layer, OriginClass]] = field(default_factory=list)
    raises: list[tuple[Layer, str, str, OriginClass, OriginClass]] = field(default_factory=list)
    transfers: list[tuple[str, OriginClass]] = field(default_factory=list)
    stores: list[tuple[str, str, OriginClass]] = field(default_factory=list)
    surpluses: list[tuple[str, str, OriginClass]] = field(default_factory=list)
    outlets: list[tuple[str, str, OriginClass]] = field(default_factory=list)
    lanes_from: dict[Place, list[str]] = field(default_factory=lambda: defaultdict(list))
    lanes_into: dict[Place, list[str]] = field(default_factory=lambda: defaultdict(list))
    recipes_at: dict[str, list[Recipe]] = field(default_factory=lambda: defaultdict(list))
    offers_at: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    sales_of: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    spots_of: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    toll_recipes: dict[str, list[Recipe]] = field(default_factory=dict)
    joint_tolls: dict[str, tuple[str, ...]] = field(default_factory=dict)
    projects_at: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def first_tolls(self) -> list[str]:
        """The first offer of every group of tolls that share a route: it stands for the group in rows."""
        return [o for o, group in self.joint_tolls.items() if o == group[0]]

    @property
    def balance_places(self) -> list[tuple[Layer, str, str, OriginClass]]:
        """(layer, place, product, class) at facilities, where material must balance."""
        markets = self.instance.markets
        return [(*place, g) for place, gs in self.classes.items() if place[1] not in markets for g in gs]


def build_sets(instance: Instance) -> Sets:
    """Derive all index sets of ``instance``."""
    sets = Sets(instance)
    for lane in instance.lanes.values():
        sets.lanes_from[lane.layer, lane.from_place, lane.product].append(lane.lane)
        sets.lanes_into[lane.layer, lane.to_place, lane.product].append(lane.lane)
        sets.flows.extend((lane.lane, g) for g in lane.classes)
    for recipe in instance.recipes.values():
        sets.recipes_at[recipe.facility].append(recipe)
    for project in instance.projects.values():
        sets.projects_at[project.facility].append(project.project)
    _index_offers(sets)
    _index_classes(sets)
    _index_outlets(sets)
    return sets


def _index_offers(sets: Sets) -> None:
    instance = sets.instance
    for offer in instance.offers.values():
        sets.offers_at[offer.facility].append(offer.offer)
        if offer.kind == "sale":
            sets.sales_of[offer.facility, offer.product].append(offer.offer)
            classes = instance.place_classes.get(("supplier", offer.facility, offer.product), ())
            sets.transfers.extend((offer.offer, g) for g in classes)
        else:
            named = instance.recipes.get(offer.recipe or "")
            route = named.route if named else offer.recipe
            sets.toll_recipes[offer.offer] = [
                recipe
                for recipe in sets.recipes_at[offer.facility]
                if recipe.route == route and "buyer" in recipe.layers and offer.product in recipe.outputs
            ]
    sets.joint_tolls = _joint_tolls(sets)
    sold = {(offer.facility, offer.product) for offer in instance.offers.values() if offer.kind == "sale"}
    for qualification in instance.qualifications.values():
        place = (qualification.facility, qualification.product)
        if place in sold and any(value > 0 for value in qualification.spot_t.values()):
            sets.spots_of[place].append(qualification.qualification)


def _joint_tolls(sets: Sets) -> dict[str, tuple[str, ...]]:
    """Toll offers that convert by the same recipes into the same product, each with all of them."""
    found: dict[tuple[tuple[str, ...], str], list[str]] = defaultdict(list)
    for name, recipes in sets.toll_recipes.items():
        found[tuple(recipe.recipe for recipe in recipes), sets.instance.offers[name].product].append(name)
    return {name: tuple(names) for names in found.values() if len(names) > 1 for name in names}


def _output_classes(instance: Instance, recipe: Recipe, layer: Layer) -> tuple[OriginClass, ...]:
    """Every union of one class per input, less the marks waived there, marked by the facility."""
    found = {instance.facilities[recipe.facility].origin_bits}
    for product in recipe.inputs:
        inputs = instance.place_classes.get((layer, recipe.facility, product), ())
        lost = instance.waived_bits.get((layer, recipe.facility, product), 0)
        found = {a | (b & ~lost) for a in found for b in inputs}
    return tuple(sorted(found))


def _index_classes(sets: Sets) -> None:
    instance = sets.instance
    classes: dict[Place, set[OriginClass]] = {place: set(gs) for place, gs in instance.place_classes.items()}
    consumed: set[Place] = set()
    for recipe in instance.recipes.values():
        for layer in recipe.layers:
            outputs = _output_classes(instance, recipe, layer)
            sets.recipe_classes[recipe.recipe, layer] = outputs
            sets.conversions.extend((recipe.recipe, layer, g) for g in outputs)
            for product in recipe.inputs:
                classes.setdefault((layer, recipe.facility, product), set()).update(outputs)
                consumed.add((layer, recipe.facility, product))
            for product in recipe.outputs:
                classes.setdefault((layer, recipe.facility, product), set()).update(outputs)
    for (place, product), storage in instance.storages.items():
        classes.setdefault(("buyer", place, product), set()).update(storage.opening_t)
    sets.classes = {place: tuple(sorted(gs)) for place, gs in sorted(classes.items()) if gs}
    for node in sorted(consumed):
        options = sets.classes[node]
        lost = instance.waived_bits.get(node, 0)
        sets.raises.extend((*node, g, h) for g in options for h in options if g != h and g & ~lost & ~h == 0)
    for place, product in instance.storages:
        sets.stores.extend((place, product, g) for g in sets.classes.get(("buyer", place, product), ()))


def _index_outlets(sets: Sets) -> None:
    """Co-products of joint recipes go to other customers; owned by-products are sold or disposed of.

    In the supplier layer only outputs of recipes with several outputs may be surplus, never inputs of a
    recipe at the same place: shadow flow covers the largest co-product drawn and cannot be inflated to look safe.
    """
    joint: dict[Layer, set[tuple[str, str]]] = {layer: set() for layer in LAYERS}
    for recipe in sets.instance.recipes.values():
        for layer in recipe.layers:
            if len(recipe.outputs) > 1:
                joint[layer].update((recipe.facility, product) for product in recipe.outputs)
    for facility, product in sorted(joint["supplier"]):
        sets.surpluses.extend((facility, product, g) for g in sets.classes["supplier", facility, product])
    owned = {(place, product) for layer, place, product in sets.classes if layer == "buyer"}
    for place, product in sorted(owned):
        if place not in sets.instance.markets and (place, product) in joint["buyer"]:
            sets.outlets.extend((place, product, g) for g in sets.classes["buyer", place, product])


def entitlement_profile(instance: Instance, project: str, decided: int, year: int) -> float:
    """Share of a project's entitlement that is up in ``year`` when sponsored in ``decided``."""
    profile = instance.projects[project].profile
    if year < decided or not profile:
        return 0.0
    return profile[min(year - decided, len(profile) - 1)]


def share_of(shares: Mapping[tuple[str, int], float], name: str, period: int) -> float:
    """Share that keeps working in a period; 1 where nothing is said."""
    return shares.get((name, period), 1.0)
