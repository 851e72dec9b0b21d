"""The part of an instance that fixed plans can use in any shock; the rest can carry nothing and is left out.

Behind a priced sale, material matters only where it can reach something the plans may call: a sale with a commitment,
or the spot market of a qualified supplier. It moves only where the plans move it already, or the open market of its
seller has something. Owned material exists only downstream of such sales, of stock and of sources. Everything here
errs on the side of keeping; what is left gives every shock the same loss as the whole network.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from optimizer.chain.instance import Instance, Layer
from optimizer.model.sets import Sets
from optimizer.stress.templates import Plans

LEAST_T = 1e-9
"""Planned amounts up to this (t/yr) are none."""

Node = tuple[str, str]
"""(place, product)."""


@dataclass(frozen=True)
class _Planned:
    """What some plan has above zero."""

    lanes: frozenset[str]
    owned: frozenset[str]
    offers: frozenset[str]
    qualifications: frozenset[str]


def trimmed(instance: Instance, sets: Sets, plans: Plans) -> Instance:
    """The instance with only the lanes, recipes and sales that some of the plans can use.

    Args:
        instance: the case.
        sets: its index sets.
        plans: the plans.
    """
    planned = _planned(plans)
    calls = _called(instance, sets, planned)
    behind = _behind(instance, calls, planned)
    owned = _owned(instance, sets, calls, planned)
    lanes = {
        name: lane for name, lane in instance.lanes.items() if name in (behind[0] | owned[0]) or name in planned.lanes
    }
    recipes = {}
    for name, recipe in instance.recipes.items():
        both: tuple[tuple[Layer, bool], ...] = (("supplier", name in behind[1]), ("buyer", name in owned[1]))
        layers = tuple(layer for layer, is_kept in both if is_kept and layer in recipe.layers)
        if layers:
            recipes[name] = replace(recipe, layers=layers)
    offers = {
        name: offer
        for name, offer in instance.offers.items()
        if offer.kind == "toll" or (offer.facility, offer.product) in calls
    }
    places = {recipe.facility for recipe in recipes.values()} | set(instance.markets)
    places |= {place for lane in lanes.values() for place in (lane.from_place, lane.to_place)}
    places |= {place for place, _ in calls} | {place for place, _ in instance.storages}
    classes = {key: found for key, found in instance.place_classes.items() if key[1] in places}
    return replace(instance, lanes=lanes, recipes=recipes, offers=offers, place_classes=classes)


def _planned(plans: Plans) -> _Planned:
    found: dict[str, set[str]] = {name: set() for name in ("flow", "throughput", "committed", "is_qualified")}
    for number, (name, index) in enumerate(plans.keys):
        component = "flow" if name == "standby_flow" else name
        if component not in found or not any(x[number] > LEAST_T for x in plans.vectors.values()):
            continue
        if component != "throughput" or index[1] == "buyer":
            found[component].add(str(index[0]))
    return _Planned(*(frozenset(found[name]) for name in found))


def _called(instance: Instance, sets: Sets, planned: _Planned) -> set[Node]:
    """(plant, product) whose sales or spot market the plans can call."""
    offers = (instance.offers[name] for name in planned.offers)
    calls = {(offer.facility, offer.product) for offer in offers if offer.kind == "sale"}
    for place, names in sets.spots_of.items():
        if any(instance.qualifications[q].is_held or q in planned.qualifications for q in names):
            calls.add(place)
    return calls


def _behind(instance: Instance, calls: Iterable[Node], planned: _Planned) -> tuple[set[str], set[str]]:
    """Shadow lanes and recipes from which material can reach a call."""
    moving = {(f, p) for (f, p, _), amount in instance.upstream_spot_t.items() if amount > 0}
    moving |= {(instance.lanes[name].from_place, instance.lanes[name].product) for name in planned.lanes}
    into: dict[Node, list[str]] = {}
    for lane in instance.lanes.values():
        if lane.layer == "supplier" and (lane.from_place, lane.product) in moving:
            into.setdefault((lane.to_place, lane.product), []).append(lane.lane)
    makes: dict[Node, list[str]] = {}
    for recipe in instance.recipes.values():
        for product in recipe.outputs if "supplier" in recipe.layers else ():
            makes.setdefault((recipe.facility, product), []).append(recipe.recipe)
    lanes: set[str] = set()
    recipes: set[str] = set()
    needed, waiting = set(calls), sorted(calls)
    while waiting:
        node = waiting.pop()
        lanes.update(into.get(node, ()))
        recipes.update(makes.get(node, ()))
        before = {(instance.lanes[name].from_place, node[1]) for name in into.get(node, ())}
        before |= {(node[0], product) for name in makes.get(node, ()) for product in instance.recipes[name].inputs}
        waiting += sorted(before - needed)
        needed |= before
    return lanes, recipes


def _owned(instance: Instance, sets: Sets, calls: Iterable[Node], planned: _Planned) -> tuple[set[str], set[str]]:
    """Owned lanes and recipes that material can reach."""
    idle = _idle_recipes(instance, sets, planned)
    lanes: set[str] = set()
    recipes = set(planned.owned)
    reached = set(calls) | set(instance.storages)
    reached |= {(instance.recipes[name].facility, p) for name in recipes for p in instance.recipes[name].outputs}
    while True:
        fresh = {
            lane.lane
            for lane in instance.lanes.values()
            if lane.layer == "buyer" and lane.lane not in lanes and (lane.from_place, lane.product) in reached
        }
        run = {
            recipe.recipe
            for recipe in instance.recipes.values()
            if recipe.recipe not in recipes
            and "buyer" in recipe.layers
            and recipe.recipe not in idle
            and all((recipe.facility, product) in reached for product in recipe.inputs)
        }
        if not fresh and not run:
            return lanes, recipes
        lanes |= fresh
        recipes |= run
        reached |= {(instance.lanes[name].to_place, instance.lanes[name].product) for name in fresh}
        reached |= {(instance.recipes[name].facility, p) for name in run for p in instance.recipes[name].outputs}


def _idle_recipes(instance: Instance, sets: Sets, planned: _Planned) -> set[str]:
    """Recipes that only run under toll contracts, none of which the plans have."""
    covered: dict[str, bool] = {}
    for offer, recipes in sets.toll_recipes.items():
        for recipe in recipes:
            covered[recipe.recipe] = covered.get(recipe.recipe, False) or offer in planned.offers
    return {recipe for recipe, has_contract in covered.items() if not has_contract}
