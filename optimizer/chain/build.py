"""From the tables of a case to one frozen instance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from optimizer.chain.capacity import keep_running_open
from optimizer.chain.classes import classed_lanes, reachable_classes
from optimizer.chain.draft import Draft, blueprint_of, build_draft, place_offers
from optimizer.chain.instance import (
    Facility,
    Instance,
    Layer,
    Measure,
    Offer,
    OriginClass,
    Project,
    Qualification,
    Recipe,
    Storage,
)
from optimizer.chain.lanes import LaneBook, places_of
from optimizer.chain.limits import (
    build_budgets,
    build_build_limits,
    build_environment_caps,
    build_share_caps,
    build_supplier_counts,
    first_contract_years,
)
from optimizer.chain.markets import build_byproducts, opening_in_class
from optimizer.chain.network import Blueprint, Network, Place, grow_network, prune_network
from optimizer.chain.offers import (
    bounded_offer,
    capacity_per_t,
    makers_of,
    supply_limit,
    usable_in_toll,
    usable_t,
)
from optimizer.chain.qualifications import matching_row, spot_by_year, with_spot
from optimizer.chain.records import number, rows_of
from optimizer.chain.reexport import ReexportRule, barred_lanes
from optimizer.chain.regimes import with_regime_shocks
from optimizer.chain.services import Services, services_of
from optimizer.chain.shock_duties import with_duties
from optimizer.chain.waivers import Waived, waived_bits
from optimizer.errors import DataProblem

if TYPE_CHECKING:
    from optimizer.tables.case import Case

GHG_SUFFIX = "_kgco2e"
"""Ending of the indicator that a carbon price applies to, kg CO2e per t."""


def build_instance(case: Case, services: Services | None = None) -> Instance:
    """Build the instance of a case: everything that can be chosen, priced, bounded and hit.

    ``services`` replaces routing, trade rules and shock expansion.

    Raises:
        DataProblem: all combinations of rows that make no network (codes of ``chain.codes``), together.
    """
    case = with_regime_shocks(case)
    draft = build_draft(case, services or services_of(case))
    plan = blueprint_of(draft)
    network = grow_network(plan, draft.book, _lane_book(draft))
    problems = [*draft.problems, *draft.book.problems.values()]
    if problems:
        raise DataProblem(problems)
    network, classes, waived = _classed(draft, plan, network)
    return _assemble(draft, network, classes, waived)


def _lane_book(draft: Draft) -> LaneBook:
    rows = {**draft.rows, **{row["market"]: row for row in rows_of(draft.case.tables, "markets")}}
    airborne = frozenset(name for name, row in draft.book.products.items() if row.get("is_air_freighted"))
    return LaneBook(
        draft.services,
        places_of(draft.facilities, draft.markets, rows),
        {name: market.segment for name, market in draft.markets.items()},
        draft.products,
        airborne if draft.case.settings.freight.air else frozenset(),
        draft.years,
    )


def _classed(
    draft: Draft, plan: Blueprint, network: Network
) -> tuple[Network, dict[Place, tuple[OriginClass, ...]], Waived]:
    """Work out origin classes, drop lanes no material may take, and prune what then leads nowhere."""
    found, waived = _found_classes(draft, plan, network)
    if len(draft.rules) > len(draft.case.settings.origin_rules) and not _binds(network, found):
        _drop_reexport(draft, network)
        found, waived = _found_classes(draft, plan, network)
    network.lanes = classed_lanes(network.lanes, found, draft.markets)
    network = prune_network(network, plan)
    classes = {place: tuple(sorted(masks)) for place, masks in sorted(found.items()) if place in network.present}
    return network, classes, {place: bits for place, bits in waived.items() if place in classes}


def _found_classes(draft: Draft, plan: Blueprint, network: Network) -> tuple[dict[Place, set[OriginClass]], Waived]:
    rules, services = draft.rules, draft.services
    network.lanes = barred_lanes(network.lanes, rules, draft.facilities, draft.markets, draft.products, services)
    waived = waived_bits(network, draft.facilities, draft.products, rules, services.members, draft.storages)
    return reachable_classes(network, draft.facilities, draft.markets, plan.sales, plan.opening, waived), waived


def _binds(network: Network, found: Mapping[Place, set[OriginClass]]) -> bool:
    """Say whether a refusal that reaches abroad keeps anything off any lane."""
    barred = [lane for lane in network.lanes.values() if lane.barred_bits]
    return any(
        g & bits
        for lane in barred
        for g in found.get((lane.layer, lane.from_place, lane.product), ())
        for bits in lane.barred_bits.values()
    )


def _drop_reexport(draft: Draft, network: Network) -> None:
    """Take the rules on re-export out where they bind nowhere: every rule doubles the classes there can be."""
    kept = tuple(rule for rule in draft.rules if not isinstance(rule, ReexportRule))
    mask = (1 << len(kept)) - 1
    draft.rules = kept
    draft.facilities = {
        name: replace(facility, origin_bits=facility.origin_bits & mask) for name, facility in draft.facilities.items()
    }
    network.lanes = {name: replace(lane, barred_bits={}) for name, lane in network.lanes.items()}


def _recipes_at(recipes: Iterable[Recipe]) -> dict[str, list[Recipe]]:
    found: dict[str, list[Recipe]] = defaultdict(list)
    for recipe in recipes:
        found[recipe.facility].append(recipe)
    return found


def _assemble(
    draft: Draft, network: Network, classes: Mapping[Place, tuple[OriginClass, ...]], waived: Waived
) -> Instance:
    settings, years = draft.case.settings, draft.years
    recipes_at = _recipes_at(network.recipes.values())
    storages = _storages(draft, classes)
    offers = _offers(draft, network, storages, recipes_at)
    facilities = _facilities(draft, network, offers, recipes_at)
    qualifications = _qualifications(draft, offers, facilities, recipes_at)
    owned = {product for layer, _, product in classes if layer == "buyer"}
    moved = owned | {product for _, _, product in classes} | {p for m in draft.markets.values() for p in m.accepts}
    products = {name: product for name, product in draft.products.items() if name in moved}
    rules = tuple(rule.rule for rule in draft.rules)
    projects = {name: project for name, project in draft.projects.items() if project.facility in facilities}
    rate = settings.finance.discount_rate_share
    return Instance(
        case=draft.case.name,
        title=settings.title,
        years=years,
        discount_factor={t: (1.0 + rate) ** -(t - years[0] + 0.5) for t in years},
        discount_rate_share=rate,
        stages=tuple(settings.stages) or tuple(dict.fromkeys(row["stage"] for row in draft.book.routes.values())),
        origin_rules=rules,
        facilities=facilities,
        products=products,
        recipes=network.recipes,
        lanes=network.lanes,
        markets=draft.markets,
        offers=offers,
        qualifications=qualifications,
        projects=projects,
        storages=storages,
        byproducts=build_byproducts(draft.case.tables, products, owned),
        shocks=with_duties(
            draft.case,
            draft.services.shocks(facilities, network.lanes, rules, years, draft.products, draft.markets),
            network.lanes,
            facilities,
            draft.markets,
            draft.products,
        ),
        place_classes=classes,
        upstream_spot_t=_upstream_spot(draft, facilities, recipes_at),
        **_limits(draft, facilities, network.recipes, offers, qualifications),
        **_switches(draft),
        **_policy(draft, facilities, offers, projects, waived),
    )


def _policy(
    draft: Draft,
    facilities: Mapping[str, Facility],
    offers: Mapping[str, Offer],
    projects: Mapping[str, Project],
    waived: Waived,
) -> dict[str, Any]:
    policy, builds = draft.case.settings.policy, draft.case.settings.limits.builds
    return {
        "waived_bits": waived,
        "licence_time": policy.licence_time,
        "limits_intermediates": policy.limits_intermediates,
        "build_limits": build_build_limits(builds, projects.values(), facilities, draft.services.members),
        "public_money": draft.public_money(offers, projects),
    }


def _switches(draft: Draft) -> dict[str, Any]:
    settings = draft.case.settings
    indicators = sorted({row["indicator"] for row in draft.book.footprints if row["indicator"].endswith(GHG_SUFFIX)})
    measure = settings.measure
    return {
        "carbon_price_usd_per_t": settings.finance.carbon_price_usd_per_t,
        "carbon_indicator": indicators[0] if indicators else None,
        "measure": Measure(measure.kind, measure.alpha, dict(measure.year_weights)),
        "surge_share": settings.contracts.surge_share,
        "is_shortfall_allowed": settings.shortfall.is_allowed,
        "closes_at_opening": settings.stock.closes_at_opening,
        "includes_shock_cost": settings.shortfall.includes_shock_cost,
        "line_stop_usd_per_kg": settings.shortfall.line_stop_usd_per_kg,
    }


def _limits(
    draft: Draft,
    facilities: Mapping[str, Facility],
    recipes: Mapping[str, Recipe],
    offers: Mapping[str, Offer],
    qualifications: Mapping[str, Qualification],
) -> dict[str, Any]:
    limits, years, members = draft.case.settings.limits, draft.years, draft.services.members
    first_years = first_contract_years(offers.values(), qualifications)
    counts, problems = build_supplier_counts(limits.supplier_count, facilities, first_years, years)
    indicators = {row["indicator"] for row in draft.book.footprints}
    caps, more = build_environment_caps(limits.environment, facilities, indicators, members, years)
    if problems or more:
        raise DataProblem([*problems, *more])
    return {
        "share_caps": build_share_caps(limits.share_cap, facilities, members, years),
        "supplier_counts": counts,
        "budgets": build_budgets(limits.budget, years),
        "environment_caps": caps,
    }


def _storages(draft: Draft, classes: Mapping[Place, tuple[OriginClass, ...]]) -> dict[tuple[str, str], Storage]:
    """Give the storages of products that can be at their place, opening stock in the worst class there."""
    found = {}
    for key, storage in sorted(draft.storages.items()):
        masks = classes.get(("buyer", *key), ())
        if masks:
            found[key] = opening_in_class(storage, masks)
    return found


def _offers(
    draft: Draft,
    network: Network,
    storages: Mapping[tuple[str, str], Storage],
    recipes_at: Mapping[str, list[Recipe]],
) -> dict[str, Offer]:
    makers = makers_of(network.recipes.values())
    placed = place_offers(draft, network.recipes, network.present & network.useful)
    concerned = {offer.product for offer in placed.values()} | {p for r in network.recipes.values() for p in r.outputs}
    usable = {p: usable_t(p, makers, draft.markets.values(), storages.values()) for p in sorted(concerned)}
    outlets = {row["product"]: number(row, "max_sale_t_per_year") for row in rows_of(draft.case.tables, "byproducts")}
    sellable = {p: volume + outlets.get(p, 0.0) for p, volume in usable.items()}
    offers = {}
    for name, offer in placed.items():
        facility, projects = draft.facilities[offer.facility], draft.projects_at(offer.facility)
        recipes = recipes_at.get(offer.facility, ())
        tolled = [r for r in recipes if "buyer" in r.layers and r.route == draft.toll_routes.get(name)]
        use = usable[offer.product] if offer.kind == "sale" else usable_in_toll(offer, tolled, sellable)
        offers[name] = bounded_offer(offer, use, supply_limit(offer, facility, recipes, projects))
    return offers


def _facilities(
    draft: Draft, network: Network, offers: Mapping[str, Offer], recipes_at: Mapping[str, list[Recipe]]
) -> dict[str, Facility]:
    """Give the facilities that still have a recipe or an offer, open at least for what runs there today."""
    running: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: {"sale": {}, "toll": {}})
    for offer in offers.values():
        used = running[offer.facility][offer.kind]
        for t, volume in offer.running_t.items():
            per_t = capacity_per_t(recipes_at.get(offer.facility, ()), offer.product, t) or 0.0
            used[t] = used.get(t, 0.0) + volume * per_t
    ends = {lane.from_place for lane in network.lanes.values()} | {lane.to_place for lane in network.lanes.values()}
    kept = set(recipes_at) | {offer.facility for offer in offers.values()} | ends
    return {
        name: keep_running_open(facility, running[name]) for name, facility in draft.facilities.items() if name in kept
    }


def _qualifications(
    draft: Draft,
    offers: Mapping[str, Offer],
    facilities: Mapping[str, Facility],
    recipes_at: Mapping[str, list[Recipe]],
) -> dict[str, Qualification]:
    """Give the qualifications of the offers, with what they open for spot purchases."""
    depths = rows_of(draft.case.tables, "spot_depths")
    sold = {offer.qualification for offer in offers.values() if offer.kind == "sale"}
    found = {}
    for name in sorted({offer.qualification for offer in offers.values() if offer.qualification}):
        item = draft.qualifications[name]
        facility, product = facilities[item.facility], draft.products[item.product]
        depth = matching_row(depths, facility.stage, product.form)
        spot = spot_by_year(facility, product, recipes_at.get(item.facility, ()), depth) if name in sold else {}
        found[name] = with_spot(item, product, depth, spot)
    return found


def _upstream_spot(
    draft: Draft, facilities: Mapping[str, Facility], recipes_at: Mapping[str, list[Recipe]]
) -> dict[tuple[str, str, int], float]:
    """Give what suppliers can draw from each other in a shock beyond normal deliveries, t/yr of product."""
    depths = rows_of(draft.case.tables, "spot_depths")
    layer: Layer = "supplier"
    found: dict[tuple[str, str, int], float] = {}
    for name, recipes in recipes_at.items():
        for product in sorted({p for recipe in recipes if layer in recipe.layers for p in recipe.outputs}):
            depth = matching_row(depths, facilities[name].stage, draft.products[product].form)
            for t, volume in spot_by_year(facilities[name], draft.products[product], recipes, depth).items():
                found[name, product, t] = volume
    return found
