"""Offers, routes and links: what is sold can be made where it is sold, and no stage is paid for twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from optimizer.errors import Problem
from optimizer.tables.read import Row
from optimizer.tables.view import View, at, listed, remedy_for, show


@dataclass
class RouteFlows:
    """What a route takes and makes: product names and, for baskets, forms."""

    kind: str = ""
    products_in: set[str] = field(default_factory=set)
    products_out: set[str] = field(default_factory=set)
    forms_in: set[str] = field(default_factory=set)
    forms_out: set[str] = field(default_factory=set)
    bundle_form: str = ""


def route_flows(view: View) -> Mapping[str, RouteFlows]:
    """Return, by route, products and forms that go in and out."""
    form = {str(row["product"]): str(row["form"]) for row in view.rows("products")}
    flows: dict[str, RouteFlows] = {}
    for row in view.rows("routes"):
        flow = flows.setdefault(str(row["route"]), RouteFlows(str(row["kind"])))
        flow.bundle_form = str(row["bundle_form"] or "")
        flow.forms_in |= {str(row["feed_form"])} if row["feed_form"] else set()
        flow.forms_out |= {flow.bundle_form} if flow.bundle_form else set()
    for row in view.rows("route_flows"):
        flow = flows.setdefault(str(row["route"]), RouteFlows())
        product = str(row["product"])
        goes_in = row["direction"] == "in"
        (flow.products_in if goes_in else flow.products_out).add(product)
        if product in form:
            (flow.forms_in if goes_in else flow.forms_out).add(form[product])
    return flows


def products_made(view: View, flows: Mapping[str, RouteFlows]) -> Mapping[tuple[str, str], frozenset[str]]:
    """Return, by (facility, route), every product that can come out.

    A source makes the product of its ore in the bundle form; a split makes its listed products and, of any
    ore, the products in its bundle form.
    """
    by_form: dict[str, set[str]] = {}
    ore_of: dict[str, str] = {}
    for row in view.rows("products"):
        by_form.setdefault(str(row["form"]), set()).add(str(row["product"]))
        ore_of[str(row["product"])] = str(row["ore"] or "")
    ore_at = {str(row["facility"]): str(row["ore"] or "") for row in view.rows("facilities")}
    made = {}
    for facility, routes in view.routes_of.items():
        for route in routes:
            flow = flows.get(route, RouteFlows())
            bundles = by_form.get(flow.bundle_form, set())
            if flow.kind == "source":
                bundles = {product for product in bundles if ore_of[product] == ore_at.get(facility)}
            made[facility, route] = frozenset(flow.products_out | bundles)
    return made


def network_problems(view: View) -> Iterator[Problem]:
    """Yield offers nobody can fulfil, incomplete routes and stages paid for twice (T033, T034, T036 to T039, T043)."""
    if not view.is_judgeable("products", "routes", "route_flows", "facilities", "facility_routes"):
        return
    flows = route_flows(view)
    made = products_made(view, flows)
    yield from _routes(view, flows)
    yield from _ores(view, flows)
    yield from _offers(view, made)
    yield from _qualified(view, made)
    yield from _storable(view)
    yield from _spans(view)


def _routes(view: View, flows: Mapping[str, RouteFlows]) -> Iterator[Problem]:
    for row in view.rows("routes"):
        flow = flows[str(row["route"])]
        if row["kind"] == "split" and not row["feed_form"]:
            yield at(row, "T038", "feed_form", "the form a split route takes", "write the form of its feed")
        if row["kind"] == "source" and not row["bundle_form"]:
            yield at(row, "T038", "bundle_form", "the form a source yields", "write the form of the ore product")
        if row["kind"] == "blend" and not flow.products_out:
            remedy = "add a row with direction out to route_flows.csv"
            yield at(row, "T038", "route", "a blend route with a product that comes out", remedy)
        if row["kind"] == "split" and not flow.products_out and not row["bundle_form"]:
            remedy = "add its products to route_flows.csv, or write a bundle_form"
            yield at(row, "T038", "route", "a split route that makes something", remedy)
    components = view.names("compositions", "component")
    for row in view.rows("route_flows"):
        kind = flows[str(row["route"])].kind
        if kind == "split" and row["item"] is not None and row["item"] not in components:
            remedy = remedy_for(row["item"], components, "write a component of compositions.csv")
            yield at(row, "T025", "item", f"a component of compositions: {listed(components)}", remedy)


def _ores(view: View, flows: Mapping[str, RouteFlows]) -> Iterator[Problem]:
    sources = {route for route, flow in flows.items() if flow.kind == "source"}
    ores = view.names("products", "ore")
    for row in view.rows("facilities"):
        if view.routes_of.get(str(row["facility"]), frozenset()) & sources and row["ore"] not in ores:
            remedy = remedy_for(row["ore"], ores, "write an ore that a product carries")
            yield at(row, "T039", "ore", f"the ore of a product: {listed(ores)}", remedy)
    if not view.is_judgeable("compositions"):
        return
    known = view.names("compositions", "ore")
    split_forms = {form for flow in flows.values() if flow.kind == "split" for form in flow.forms_in}
    for row in view.rows("products"):
        if row["form"] in split_forms and row["ore"] not in known:
            remedy = remedy_for(row["ore"], known, "add the basket of the ore to compositions.csv")
            yield at(row, "T039", "ore", f"an ore of compositions, as a split route takes it: {listed(known)}", remedy)


def _offers(view: View, made: Mapping[tuple[str, str], frozenset[str]]) -> Iterator[Problem]:
    order = {stage: number for number, stage in enumerate(view.stages)}
    known = view.names("facilities", "facility")
    for row in view.rows("offers"):
        facility, product = str(row["facility"]), str(row["product"])
        if facility in known:
            yield from _maker(view, row, made)
        first, last = order.get(str(row["first_stage"])), order.get(str(row["last_stage"]))
        if first is not None and last is not None and first > last:
            remedy = "exchange the two stages, or put `stages` of case.toml in order"
            allowed = f"a stage at or before last_stage ({row['last_stage']}); order: {', '.join(view.stages)}"
            yield at(row, "T036", "first_stage", allowed, remedy, f"`{row['first_stage']}` for {show(product)}")


def _maker(view: View, row: Row, made: Mapping[tuple[str, str], frozenset[str]]) -> Iterator[Problem]:
    """Yield what keeps the facility of an offer from making its product."""
    facility, product, route = str(row["facility"]), str(row["product"]), row["route"]
    routes = view.routes_of.get(facility, frozenset())
    if row["kind"] == "toll" and route not in routes:
        remedy = remedy_for(route, routes, "write the route, or add it to facility_routes.csv")
        yield at(row, "T034", "route", f"a route that {show(facility)} runs: {listed(routes)}", remedy)
        return
    can_make = frozenset[str]().union(*(made.get((facility, name), frozenset()) for name in routes))
    if row["kind"] == "toll":
        can_make = made.get((facility, str(route)), frozenset())
    if row["product"] is not None and product not in can_make:
        remedy = remedy_for(product, can_make, "correct the product, or give the facility a route that makes it")
        yield at(row, "T033", "product", f"what {show(facility)} makes: {listed(can_make)}", remedy)


def _qualified(view: View, made: Mapping[tuple[str, str], frozenset[str]]) -> Iterator[Problem]:
    can_make: dict[str, set[str]] = {}
    for (facility, _), products in made.items():
        can_make.setdefault(facility, set()).update(products)
    known = view.names("facilities", "facility")
    for row in view.rows("qualified"):
        facility = str(row["facility"])
        if facility in known and row["product"] is not None and row["product"] not in can_make.get(facility, ()):
            names = can_make.get(facility, set())
            remedy = remedy_for(row["product"], names, "correct the product, or delete the row")
            yield at(row, "T033", "product", f"what {show(facility)} makes: {listed(names)}", remedy)


def _storable(view: View) -> Iterator[Problem]:
    unstorable = {str(row["product"]) for row in view.rows("products") if row["is_storable"] is False}
    for row in view.rows("stock_policies"):
        if row["product"] in unstorable:
            remedy = "delete the row, or set is_storable in products"
            yield at(row, "T043", "product", "a product that can be stored", remedy)


def _spans(view: View) -> Iterator[Problem]:
    from optimizer.tables.spans import overlap_problems

    if view.is_judgeable("links", "offers"):
        yield from overlap_problems(view, route_flows(view))
