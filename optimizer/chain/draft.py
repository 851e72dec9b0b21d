"""First half of building: candidates, capacity, projects, offers and qualifications, before there is a network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from optimizer.chain.activities import activity_rules
from optimizer.chain.candidates import candidate_facilities, owners_of
from optimizer.chain.capacity import build_facility, capacity_years
from optimizer.chain.classes import forbidden_bits, origin_bits
from optimizer.chain.instance import Facility, Layer, Market, Offer, Product, Project, Qualification, Recipe, Storage
from optimizer.chain.learning import YieldLearning, yield_learning
from optimizer.chain.markets import build_markets, build_storages
from optimizer.chain.network import Blueprint
from optimizer.chain.offers import OfferBook, PriceDeck, build_offer, price_parts
from optimizer.chain.projects import build_project
from optimizer.chain.qualifications import build_qualification, with_qualification
from optimizer.chain.recipes import RouteBook, build_products
from optimizer.chain.records import Row, rows_of
from optimizer.chain.reexport import reexport_rules
from optimizer.chain.services import Services
from optimizer.chain.subsidies import public_money, supported, terms_of
from optimizer.chain.support_kinds import PricePart, PublicMoney
from optimizer.chain.technology import Hold, holds_of
from optimizer.chain.trade import CountryGroups
from optimizer.errors import Problem

LINK_LAYERS: dict[str, tuple[Layer, ...]] = {
    "supplier": ("supplier",),
    "buyer": ("buyer",),
    "both": ("supplier", "buyer"),
}


@dataclass
class Draft:
    """Parts of an instance that need no network; ``rows`` are the rows of the facilities kept so far."""

    case: Any
    services: Services
    years: tuple[int, ...]
    book: RouteBook
    rows: dict[str, Row]
    facilities: dict[str, Facility]
    projects: dict[str, Project]
    products: dict[str, Product]
    markets: dict[str, Market]
    storages: dict[tuple[str, str], Storage]
    offers: dict[str, Offer]
    toll_routes: dict[str, str]
    qualifications: dict[str, Qualification]
    problems: list[Problem]
    price_parts: list[PricePart] = field(default_factory=list)
    project_cost_musd: dict[str, float] = field(default_factory=dict)
    """Project → cost before public money."""
    rules: tuple[Any, ...] = ()
    """Origin rules: those of the case, then one per exporter whose refusals reach abroad; rule i is bit i."""

    def projects_at(self, facility: str) -> list[Project]:
        """Give the projects of a facility."""
        return [project for project in self.projects.values() if project.facility == facility]

    def public_money(self, offers: Collection[str], projects: Collection[str]) -> PublicMoney:
        """Give what is paid to whom, with the prices of some offers and the costs of some projects before it."""
        paid = terms_of(self.case.tables, self.case.settings.policy.subsidies)
        parts = [part for part in self.price_parts if part.offer in offers]
        return public_money(paid, parts, {name: self.project_cost_musd[name] for name in projects})


def build_draft(case: Any, services: Services) -> Draft:
    """Read what a case considers: only facilities that can run in some year of the horizon."""
    settings, tables = case.settings, case.tables
    years = tuple(range(settings.horizon.first_year, settings.horizon.last_year + 1))
    rows = candidate_facilities(tables, settings.candidates, services.members)
    rules = (*settings.origin_rules, *reexport_rules(services.licences, settings.policy.reexport))
    facilities = _facilities(case, services, rows, years, rules)
    unpaid = _projects(case, services, rows, years)
    projects = _learning_projects(case, _paid_projects(case, unpaid), facilities)
    running = {
        name: capacity_years(facility, [p for p in projects.values() if p.facility == name], years)
        for name, facility in facilities.items()
    }
    live = {name for name, found in running.items() if found}
    book = RouteBook.of(tables)
    products = build_products(book)

    def forbidden(market: str) -> dict[int, int]:
        return forbidden_bits(market, settings.market_rules, rules, years)

    markets = build_markets(tables, years, forbidden)
    draft = Draft(
        case=case,
        services=services,
        years=years,
        book=book,
        rows={name: row for name, row in rows.items() if name in live},
        facilities={name: facility for name, facility in facilities.items() if name in live},
        projects={name: project for name, project in projects.items() if project.facility in live},
        products=products,
        markets=markets,
        storages=build_storages(tables, products, live | set(markets)),
        offers={},
        toll_routes={},
        qualifications={},
        problems=[],
        project_cost_musd={name: project.cost_musd for name, project in unpaid.items()},
        rules=rules,
    )
    _add_offers(draft, running)
    return draft


def _projects(case: Any, services: Services, rows: Mapping[str, Row], years: tuple[int, ...]) -> dict[str, Project]:
    """Give the projects that can be decided in the horizon, as controls leave them."""
    settings, tables = case.settings, case.tables
    found = [row for row in rows_of(tables, "projects") if row["facility"] in rows]
    holds: dict[str, Hold] = {}
    if settings.policy.technology_controls:
        plants = {row["project"]: (rows[row["facility"]]["country_iso3"], row["facility"]) for row in found}
        holds = holds_of(tables, plants, services, years[0])
    drafted = (build_project(row, years, holds.get(row["project"])) for row in found)
    return {project.project: project for project in drafted if project.years}


def _paid_projects(case: Any, projects: Mapping[str, Project]) -> dict[str, Project]:
    """Give the projects at what public money leaves to their sponsor."""
    paid, rate = terms_of(case.tables, case.settings.policy.subsidies), case.settings.finance.discount_rate_share
    return {name: supported(project, paid, rate) for name, project in projects.items()}


def _learning(case: Any) -> YieldLearning | None:
    """Give the curves by which new plants learn, None where the case does not follow them."""
    if not case.settings.policy.yield_learning:
        return None
    groups = CountryGroups(case.tables)
    return yield_learning(case.tables, groups.covers, groups.specificity)


def _learning_projects(
    case: Any, projects: dict[str, Project], facilities: Mapping[str, Facility]
) -> dict[str, Project]:
    """Give the projects with their first years' entitlement as far as the yield of a new plant carries it."""
    learning = _learning(case)
    if learning is None:
        return projects
    routes: dict[str, list[str]] = defaultdict(list)
    for row in rows_of(case.tables, "facility_routes"):
        routes[row["facility"]].append(row["route"])
    return {
        name: learning.lowered(project, facilities[project.facility], routes[project.facility])
        for name, project in projects.items()
    }


def _applied(draft: Draft) -> Callable[[Recipe], Recipe | None]:
    """Give what rules on activities, and learning, make of a recipe."""
    environment, members = draft.case.settings.environment, draft.services.members
    rules = activity_rules(draft.case.tables, environment, draft.facilities, draft.products, draft.years, members)
    learning = _learning(draft.case)
    if learning is None:
        return rules.applied

    def applied(recipe: Recipe) -> Recipe | None:
        allowed = rules.applied(recipe)
        facility = draft.facilities[recipe.facility]
        return None if allowed is None else learning.learnt(allowed, facility, draft.years)

    return applied


def _facilities(
    case: Any, services: Services, rows: Mapping[str, Row], years: tuple[int, ...], rules: Sequence[Any]
) -> dict[str, Facility]:
    offtakes: dict[str, list[Row]] = defaultdict(list)
    for row in rows_of(case.tables, "offtakes"):
        offtakes[row["facility"]].append(row)
    owners = owners_of(case.tables)

    def bits(row: Row) -> int:
        held = owners.get(row["facility"], {})
        return origin_bits(row["country_iso3"], row["stage"], rules, services.members, held)

    return {name: build_facility(row, offtakes[name], years, bits(row)) for name, row in rows.items()}


def _add_offers(draft: Draft, running: Mapping[str, frozenset[int]]) -> None:
    """Add offers that can ever matter and their qualifications; note what is wrong with them."""
    tables, contracts = draft.case.tables, draft.case.settings.contracts
    indices: dict[str, list[Row]] = defaultdict(list)
    for row in rows_of(tables, "offer_indices"):
        indices[row["offer"]].append(row)
    book = OfferBook(
        deck=PriceDeck(tables, draft.case.settings.finance.price_deck),
        indices=indices,
        running={row["offer"]: row for row in rows_of(tables, "contracts")},
        capacity_years=running,
        years=draft.years,
        start_years=tuple(t for t in draft.years if not contracts.start_years or t in contracts.start_years),
        subsidies=tuple(terms_of(tables, draft.case.settings.policy.subsidies)),
    )
    allowed = tuple(contracts.qualification_years) or draft.years
    items: dict[tuple[str, str], Qualification | None] = {}
    for row in rows_of(tables, "offers"):
        if row["facility"] not in draft.facilities:
            continue
        offer, problems = build_offer(row, book)
        draft.problems.extend(problems)
        key = (offer.facility, offer.product)
        if key not in items:
            facility, product = draft.facilities[offer.facility], draft.products[offer.product]
            items[key] = build_qualification(facility, product, tables, allowed, draft.years)
        offer = with_qualification(offer, items[key])
        if _can_matter(offer, items[key]):
            draft.offers[offer.offer] = offer
            draft.price_parts += price_parts(row, book) if book.subsidies and not problems else []
            draft.toll_routes.update({offer.offer: row["route"]} if offer.kind == "toll" else {})
    draft.qualifications = {item.qualification: item for item in items.values() if item is not None}


def _can_matter(offer: Offer, item: Qualification | None) -> bool:
    """Say whether an offer can be signed, is running, or opens spot purchases at a supplier that can be qualified."""
    opens_spot = offer.kind == "sale" and item is not None and (item.is_held or bool(item.years))
    return bool(offer.start_years or offer.running_t or opens_spot)


def blueprint_of(draft: Draft) -> Blueprint:
    """Give what the network may be made of."""
    tables = draft.case.tables
    routes: dict[str, list[str]] = defaultdict(list)
    for row in rows_of(tables, "facility_routes"):
        if row["facility"] in draft.facilities and row["route"] in draft.book.routes:
            routes[row["facility"]].append(row["route"])
    tolls: dict[str, list[str]] = defaultdict(list)
    for offer, route in draft.toll_routes.items():
        facility = draft.offers[offer].facility
        if route in routes[facility] and route not in tolls[facility]:
            tolls[facility].append(route)
    stocked = {(s.place, s.product) for s in draft.storages.values() if sum(s.opening_t.values()) > 0}
    return Blueprint(
        facilities=draft.rows,
        routes={name: tuple(found) for name, found in routes.items()},
        tolls={name: tuple(found) for name, found in tolls.items()},
        sales=frozenset(_sites(o for o in draft.offers.values() if o.kind == "sale")),
        obliged=frozenset(_sites(o for o in draft.offers.values() if o.running_t)),
        links=tuple(
            (row["from_facility"], row["to_facility"], row["form"], LINK_LAYERS[row["layer"]])
            for row in rows_of(tables, "links")
            if row["from_facility"] in draft.facilities
            and row["to_facility"] in draft.facilities
            and row["from_facility"] != row["to_facility"]
        ),
        markets=draft.markets,
        opening=frozenset(stocked),
        applied=_applied(draft),
    )


def _sites(offers: Iterable[Offer]) -> set[tuple[str, str]]:
    return {(offer.facility, offer.product) for offer in offers}


def place_offers(draft: Draft, recipes: Mapping[str, Any], present: set[tuple[Layer, str, str]]) -> dict[str, Offer]:
    """Give the offers the network has a use for; a toll names the first recipe that is run for the buyer."""
    placed = {}
    for name, offer in draft.offers.items():
        if offer.kind == "sale":
            site = (offer.facility, offer.product)
            if ("supplier", *site) in present and ("buyer", *site) in present:
                placed[name] = offer
            continue
        run = sorted(
            recipe.recipe
            for recipe in recipes.values()
            if recipe.facility == offer.facility
            and recipe.route == draft.toll_routes[name]
            and "buyer" in recipe.layers
            and offer.product in recipe.outputs
        )
        if run:
            placed[name] = replace(offer, recipe=run[0])
    return dict(sorted(placed.items()))
