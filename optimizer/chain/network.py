"""The network that can exist and matters: recipes and lanes in both layers, grown forward and pruned backward.

Growing starts from nothing and adds what the material at hand allows: sources run, splits run on every feed that
arrives, links and offers carry products on, priced sales hand them to the buyer. It ends when nothing is added, so a
recipe that can never have a feed does not appear. Pruning then keeps what can reach a market or a running contract.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from optimizer.chain.instance import LAYERS, Lane, Layer, Market, Recipe
from optimizer.chain.lanes import LaneBook
from optimizer.chain.recipes import RouteBook, build_recipe, feeds_of, takes
from optimizer.chain.records import Row

Place = tuple[Layer, str, str]
"""(layer, place, product)."""


def _as_it_is(recipe: Recipe) -> Recipe | None:
    return recipe


@dataclass(frozen=True)
class Blueprint:
    """What a network may be made of; only facilities that can run in the horizon.

    Attributes:
        facilities: facility → row.
        routes: facility → routes it can run.
        tolls: facility → routes some offer runs for the buyer.
        sales: (facility, product) under a priced sale.
        obliged: (facility, product) of running contracts: kept whether or not a market can be reached.
        links: (from, to, form, layers).
        markets: market → market.
        opening: (place, product) in stock at the start.
        applied: what rules on activities make of a recipe: the recipe with its limits, or None where it is forbidden.
    """

    facilities: Mapping[str, Row]
    routes: Mapping[str, tuple[str, ...]]
    tolls: Mapping[str, tuple[str, ...]]
    sales: frozenset[tuple[str, str]]
    obliged: frozenset[tuple[str, str]]
    links: tuple[tuple[str, str, str, tuple[Layer, ...]], ...]
    markets: Mapping[str, Market]
    opening: frozenset[tuple[str, str]]
    applied: Callable[[Recipe], Recipe | None] = _as_it_is

    def routes_in(self, layer: Layer, facility: str) -> tuple[str, ...]:
        """Give the routes a facility can run in a layer."""
        return (self.routes if layer == "supplier" else self.tolls).get(facility, ())


@dataclass
class Network:
    """Recipes with the layers they run in, and lanes.

    ``present`` are the places where material can be, ``made`` those where it is made or handed over, ``useful`` (after
    pruning) those from which a market or a running contract can be reached: co-products may be present without use.
    """

    recipes: dict[str, Recipe] = field(default_factory=dict)
    lanes: dict[str, Lane] = field(default_factory=dict)
    present: set[Place] = field(default_factory=set)
    made: set[Place] = field(default_factory=set)
    useful: set[Place] = field(default_factory=set)
    expanded: dict[tuple[str, str, str | None], Recipe | None] = field(default_factory=dict)

    def size(self) -> int:
        """Count all parts; growing has ended when the count stays."""
        layers = sum(len(recipe.layers) for recipe in self.recipes.values())
        return layers + len(self.lanes) + len(self.present) + len(self.made)


def grow_network(plan: Blueprint, book: RouteBook, lane_book: LaneBook) -> Network:
    """Grow all that can exist: the least fixed point of running, selling and shipping."""
    network = Network()
    network.present.update(("buyer", place, product) for place, product in plan.opening)
    network.made.update(("buyer", place, product) for place, product in plan.opening if place in plan.facilities)
    size = -1
    while size != network.size():
        size = network.size()
        for layer in LAYERS:
            _run(network, plan, book, layer)
        _sell(network, plan)
        _ship_links(network, plan, book, lane_book)
        _ship_markets(network, plan, lane_book)
    return network


def _run(network: Network, plan: Blueprint, book: RouteBook, layer: Layer) -> None:
    at_hand: dict[str, list[str]] = defaultdict(list)
    for where, place, product in sorted(network.present):
        if where == layer:
            at_hand[place].append(product)
    for facility, row in plan.facilities.items():
        for route in plan.routes_in(layer, facility):
            for feed in feeds_of(book, route, at_hand[facility]):
                key = (facility, route, feed)
                if key not in network.expanded:
                    recipe = build_recipe(book, row, route, feed)
                    network.expanded[key] = None if recipe is None else plan.applied(recipe)
                _add_recipe(network, network.expanded[key], layer)


def _add_recipe(network: Network, recipe: Recipe | None, layer: Layer) -> None:
    if recipe is None:
        return
    known = network.recipes.get(recipe.recipe, recipe)
    network.recipes[recipe.recipe] = replace(known, layers=tuple(x for x in LAYERS if x in (*known.layers, layer)))
    outputs = {(layer, recipe.facility, product) for product in recipe.outputs}
    network.made |= outputs
    network.present |= outputs


def _sell(network: Network, plan: Blueprint) -> None:
    for facility, product in plan.sales:
        if ("supplier", facility, product) in network.present:
            network.made.add(("buyer", facility, product))
            network.present.add(("buyer", facility, product))


def _made_at(network: Network) -> dict[tuple[Layer, str], list[str]]:
    found: dict[tuple[Layer, str], list[str]] = defaultdict(list)
    for layer, place, product in sorted(network.made):
        found[layer, place].append(product)
    return found


def _ship(network: Network, lanes: Iterable[Lane]) -> None:
    for lane in lanes:
        network.lanes[lane.lane] = lane
        network.present.add((lane.layer, lane.to_place, lane.product))


def _ship_links(network: Network, plan: Blueprint, book: RouteBook, lane_book: LaneBook) -> None:
    made = _made_at(network)
    for start, end, form, layers in plan.links:
        for layer in layers:
            routes = plan.routes_in(layer, end)
            for product in made[layer, start]:
                if book.products[product]["form"] == form and any(takes(book, route, product) for route in routes):
                    _ship(network, lane_book.lanes(layer, start, end, product))


def _ship_markets(network: Network, plan: Blueprint, lane_book: LaneBook) -> None:
    made = _made_at(network)
    for facility in plan.facilities:
        for product in made["buyer", facility]:
            for market in plan.markets.values():
                if product in market.accepts:
                    _ship(network, lane_book.lanes("buyer", facility, market.market, product))


def prune_network(network: Network, plan: Blueprint) -> Network:
    """Keep what can matter: the greatest part from which a market or a running contract can be reached.

    A recipe is kept in a layer if one of its outputs matters there; then all its inputs matter, so what is kept can
    still be fed.
    """
    useful = _useful_places(network, plan)
    recipes = {}
    for name, recipe in network.recipes.items():
        kept = tuple(x for x in recipe.layers if any((x, recipe.facility, p) in useful for p in recipe.outputs))
        if kept:
            recipes[name] = replace(recipe, layers=kept)
    lanes = {k: lane for k, lane in network.lanes.items() if (lane.layer, lane.to_place, lane.product) in useful}
    outputs = {(x, recipe.facility, p) for recipe in recipes.values() for x in recipe.layers for p in recipe.outputs}
    return Network(
        recipes=dict(sorted(recipes.items())),
        lanes=dict(sorted(lanes.items())),
        present=network.present & (useful | outputs),
        made=network.made & (useful | outputs),
        useful=useful,
    )


def _useful_places(network: Network, plan: Blueprint) -> set[Place]:
    useful: set[Place] = {("buyer", facility, product) for facility, product in plan.obliged}
    useful |= {("buyer", m.market, p) for m in plan.markets.values() for p in m.accepts}
    before = -1
    while before != len(useful):
        before = len(useful)
        for lane in network.lanes.values():
            if (lane.layer, lane.to_place, lane.product) in useful:
                useful.add((lane.layer, lane.from_place, lane.product))
        for recipe in network.recipes.values():
            for layer in recipe.layers:
                if any((layer, recipe.facility, product) in useful for product in recipe.outputs):
                    useful.update((layer, recipe.facility, product) for product in recipe.inputs)
        useful.update(("supplier", f, p) for f, p in plan.sales if ("buyer", f, p) in useful)
    return useful
