"""Recipes: what routes turn into what at a facility, per tonne of throughput.

A *source* brings an ore product out of the ground. A *split* takes any product of its feed form apart: joint
production in the fixed proportions of the ore. A *blend* makes one product from fixed amounts of others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from optimizer.chain.instance import Product, Recipe
from optimizer.chain.records import Row, Tables, number, rows_of
from optimizer.errors import Problem


@dataclass
class RouteBook:
    """Routes, their flows, the baskets of ores and the products they concern.

    Attributes:
        routes: route → row of ``routes``.
        flows: route → rows of ``route_flows``.
        baskets: ore → component → share.
        tracked: ore → components that count as valued.
        products: product → row of ``products``.
        footprints: rows of ``footprints``.
        problems: everything found wrong while expanding; reported together by ``build_instance``.
    """

    routes: dict[str, Row]
    flows: dict[str, list[Row]]
    baskets: dict[str, dict[str, float]]
    tracked: dict[str, set[str]]
    products: dict[str, Row]
    footprints: list[Row]
    problems: dict[tuple[str, str, str], Problem] = field(default_factory=dict)

    @classmethod
    def of(cls, tables: Tables) -> RouteBook:
        """Read the book from the tables of a case."""
        flows: dict[str, list[Row]] = defaultdict(list)
        for row in rows_of(tables, "route_flows"):
            flows[row["route"]].append(row)
        baskets: dict[str, dict[str, float]] = defaultdict(dict)
        tracked: dict[str, set[str]] = defaultdict(set)
        for row in rows_of(tables, "compositions"):
            baskets[row["ore"]][row["component"]] = number(row, "share")
            if row.get("is_tracked"):
                tracked[row["ore"]].add(row["component"])
        return cls(
            routes={row["route"]: row for row in rows_of(tables, "routes")},
            flows=dict(flows),
            baskets=dict(baskets),
            tracked=dict(tracked),
            products={row["product"]: row for row in rows_of(tables, "products")},
            footprints=rows_of(tables, "footprints"),
        )

    @cached_property
    def product_of(self) -> dict[tuple[str, str], str]:
        """(form, ore) → product."""
        found: dict[tuple[str, str], str] = {}
        for product, row in self.products.items():
            if row.get("ore"):
                found.setdefault((row["form"], row["ore"]), product)
        return found

    def report(self, problem: Problem) -> None:
        """Note a problem once."""
        self.problems[problem.file, problem.row, problem.column] = problem

    def recovered(self, route: str) -> set[str]:
        """Components a split route recovers singly."""
        return {row["item"] for row in self.flows.get(route, []) if row["direction"] == "out"}


def _left_over(book: RouteBook, form: str, ore: str, seen: frozenset[str]) -> set[str]:
    """Components of an ore that products of ``form`` still hold: what no split on the way has recovered."""
    left = set(book.baskets.get(ore, {}))
    for route, row in book.routes.items():
        if row["kind"] != "split" or row.get("bundle_form") != form or row["feed_form"] == form:
            continue
        if row["feed_form"] in seen or (row["feed_form"], ore) not in book.product_of:
            continue
        left &= _left_over(book, row["feed_form"], ore, seen | {form}) - book.recovered(route)
    return left


def composition_of(book: RouteBook, product: str) -> dict[str, float]:
    """Give the shares of components in a product of an ore; they sum to 1.

    Concentrates carry the whole basket of their ore. A bundle carries what the split routes that make it (and those
    upstream of them) do not recover singly, renormalised; where several routes make the same bundle, what none of
    them recovers. Empty for products without an ore.
    """
    row = book.products[product]
    ore = row.get("ore")
    if not ore:
        return {}
    basket = book.baskets.get(ore, {})
    left = _left_over(book, row["form"], ore, frozenset())
    total = sum(share for component, share in basket.items() if component in left)
    return {c: share / total for c, share in basket.items() if c in left} if total > 0 else {}


def build_products(book: RouteBook) -> dict[str, Product]:
    """Turn rows of ``products`` into products; the tracked share of an ore's product follows from its basket."""
    found = {}
    for name, row in book.products.items():
        tracked = row.get("tracked_share")
        if tracked is None:
            valued = book.tracked.get(row.get("ore") or "", set())
            tracked = sum(s for c, s in composition_of(book, name).items() if c in valued) if row.get("ore") else 1.0
        found[name] = Product(
            product=name,
            name=row["name"],
            form=row["form"],
            ore=row.get("ore"),
            basis=row["basis"],
            tracked_share=float(tracked),
            reference_price_usd_per_kg=number(row, "reference_price_usd_per_kg"),
            control_group=row.get("control_group"),
            is_storable=bool(row.get("is_storable")),
        )
    return found


def _source_flows(book: RouteBook, facility: Row, route: Row) -> dict[str, float]:
    listed = {row["product"]: number(row, "t_per_t") for row in book.flows.get(route["route"], [])}
    if listed:
        return listed
    product = book.product_of.get((route.get("bundle_form") or "", facility.get("ore") or ""))
    if product is None:
        book.report(
            Problem(
                "C001",
                "facilities",
                facility["facility"],
                "ore",
                str(facility.get("ore")),
                f"an ore with a product of form {route.get('bundle_form')}",
                "add the product or give the facility another ore",
            )
        )
        return {}
    return {product: 1.0}


def split_outputs(book: RouteBook, route: str, feed: str) -> dict[str, float]:
    """Give what a split makes from one tonne of a feed, t per t.

    Each listed component goes to its product with its yield; all others leave together in the bundle form, with the
    yield of the bundle, or as residue where the route names no bundle form.
    """
    row, ore = book.routes[route], book.products[feed].get("ore") or ""
    shares = composition_of(book, feed)
    if not shares:
        remedy = "give the product an ore and the ore a composition"
        book.report(Problem("C002", "products", feed, "ore", ore or "none", "an ore with a basket", remedy))
        return {}
    outputs: dict[str, float] = defaultdict(float)
    for flow in book.flows.get(route, []):
        if flow["direction"] == "out" and shares.get(flow["item"], 0.0) > 0:
            outputs[flow["product"]] += shares[flow["item"]] * number(flow, "t_per_t")
    rest = {c: share for c, share in shares.items() if c not in book.recovered(route) and share > 0}
    if row.get("bundle_form") and rest:
        bundle = _bundle(book, route, feed, ore, set(rest))
        outputs[bundle] += sum(rest.values()) * number(row, "bundle_yield_share", 1.0)
    return {product: amount for product, amount in outputs.items() if amount > 0 and product}


def _bundle(book: RouteBook, route: str, feed: str, ore: str, rest: set[str]) -> str:
    """Give the product in which the unrecovered components leave; empty, with a problem noted, if none fits."""
    form = book.routes[route]["bundle_form"]
    bundle, where = book.product_of.get((form, ore)), f"{route} on {feed}"
    if bundle is None:
        allowed = f"a product of form {form} and ore {ore}"
        book.report(Problem("C003", "products", where, "form", "none", allowed, "add the product"))
        return ""
    held = {c for c, share in composition_of(book, bundle).items() if share > 0}
    if held != rest:
        remedy = "give the bundles of routes that recover different components different forms"
        allowed = f"all routes to {bundle} leave the same components: {', '.join(sorted(held)) or 'none'}"
        found = ", ".join(sorted(rest))
        book.report(Problem("C004", "routes", where, "bundle_form", found, allowed, remedy))
    return bundle


def _blend_flows(book: RouteBook, route: str, direction: str) -> dict[str, float]:
    amounts: dict[str, float] = defaultdict(float)
    for row in book.flows.get(route, []):
        if row["direction"] == direction and number(row, "t_per_t") > 0:
            amounts[row["product"]] += number(row, "t_per_t")
    return dict(amounts)


def main_output(book: RouteBook, route: str) -> str | None:
    """Give the product a blend is for: the one made at 1 t per t of throughput, else the largest output."""
    outputs = _blend_flows(book, route, "out")
    return max(outputs, key=lambda p: (outputs[p] == 1.0, outputs[p])) if outputs else None


def capacity_use(basis: str, kind: str, inputs: Mapping[str, float], outputs: Mapping[str, float]) -> float:
    """Give tonnes of capacity per tonne of throughput on a facility's basis: feed, output or a product.

    Throughput counts feed for a split and the product for a source or blend; a product the recipe does not make
    falls back to the feed convention.
    """
    if basis == "output":
        return sum(outputs.values()) if kind == "split" else 1.0
    if basis != "feed" and outputs.get(basis, 0.0) > 0:
        return outputs[basis]
    return sum(inputs.values()) or 1.0


def footprint_of(book: RouteBook, facility: str, route: str) -> dict[str, float]:
    """Give the load per tonne of throughput by indicator; the row that names most of facility and route counts."""
    ranked: dict[str, tuple[int, float]] = {}
    for row in book.footprints:
        if row["facility"] in (facility, "*") and row["route"] in (route, "*"):
            rank = 2 * (row["facility"] != "*") + (row["route"] != "*")
            if rank >= ranked.get(row["indicator"], (-1, 0.0))[0]:
                ranked[row["indicator"]] = (rank, number(row, "value_per_t"))
    return {indicator: value for indicator, (_, value) in sorted(ranked.items())}


def feeds_of(book: RouteBook, route: str, present: Sequence[str]) -> list[str | None]:
    """Give the feeds on which a route can run where ``present`` products are at hand.

    A split runs once per product of its feed form; a blend runs (feed ``None``) when all inputs are there; a source
    always runs.
    """
    row = book.routes[route]
    if row["kind"] == "split":
        return [product for product in present if book.products[product]["form"] == row["feed_form"]]
    if row["kind"] == "blend":
        return [None] if set(_blend_flows(book, route, "in")) <= set(present) else []
    return [None]


def takes(book: RouteBook, route: str, product: str) -> bool:
    """Say whether a route can use a product as an input."""
    row = book.routes[route]
    if row["kind"] == "split":
        return bool(book.products[product]["form"] == row["feed_form"])
    return row["kind"] == "blend" and product in _blend_flows(book, route, "in")


def build_recipe(book: RouteBook, facility: Row, route: str, feed: str | None) -> Recipe | None:
    """Expand one route at one facility on one feed; ``layers`` is filled in by the network. None: makes nothing."""
    row = book.routes[route]
    if row["kind"] == "split" and feed is not None:
        inputs, outputs, label = {feed: 1.0}, split_outputs(book, route, feed), feed
    elif row["kind"] == "blend":
        inputs, outputs = _blend_flows(book, route, "in"), _blend_flows(book, route, "out")
        label = main_output(book, route) or ""
    else:
        inputs, outputs = {}, _source_flows(book, facility, row)
        label = next(iter(outputs), "")
    if not outputs:
        return None
    return Recipe(
        recipe=f"{facility['facility']}|{route}|{label}",
        facility=facility["facility"],
        route=route,
        inputs=inputs,
        outputs=outputs,
        capacity_use=capacity_use(facility["capacity_basis"], row["kind"], inputs, outputs),
        layers=(),
        footprint=footprint_of(book, facility["facility"], route),
    )
