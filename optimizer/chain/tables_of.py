"""The instance as tidy tables, from which anyone can recompute every plan.

Texts that are missing are empty, lists are joined by semicolons, years and origin bits are whole numbers. Every table
is there with its columns even if it has no rows, sorted by its leading columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import pandas as pd

from optimizer.chain.instance import Instance, Lane

Rows = Iterator[tuple[Any, ...]]
T = TypeVar("T")

_DTYPES = {"s": "object", "f": "float64", "i": "int64", "b": "bool"}


def _columns(text: str) -> dict[str, str]:
    """Read ``name:type`` pairs; a name without type is text."""
    pairs = (item.partition(":") for item in text.split())
    return {name: _DTYPES[kind or "s"] for name, _, kind in pairs}


def _text(value: str | None) -> str:
    return "" if value is None else value


def _list(values: Iterable[Any]) -> str:
    return ";".join(str(value) for value in values)


def _by_year(items: Mapping[str, T], x: Instance, row: Callable[[T, int], tuple[Any, ...]]) -> Rows:
    """Rows of every item in every year: its key, the year, and what ``row`` gives."""
    for name, item in items.items():
        for t in x.years:
            yield name, t, *row(item, t)


def _keyed(amounts: Mapping[Any, Any], *before: Any) -> Rows:
    """Rows of amounts by a key of several parts."""
    for key, amount in amounts.items():
        yield *before, *key, amount


def _facilities(x: Instance) -> Rows:
    for f in x.facilities.values():
        place = (f.country_iso3, f.latitude, f.longitude)
        yield f.facility, f.name, f.operator, *place, f.stage, f.status, f.is_aggregate, f.origin_bits


def _capacities(x: Instance) -> Rows:
    yield from _by_year(
        x.facilities, x, lambda f, t: (f.capacity_t.get(t, 0.0), f.open_sale_t.get(t, 0.0), f.open_toll_t.get(t, 0.0))
    )


def _recipes(x: Instance) -> Rows:
    for r in x.recipes.values():
        yield r.recipe, r.facility, r.route, r.capacity_use, _list(r.layers), r.restoration_usd_per_t


def _recipe_closures(x: Instance) -> Rows:
    for r in x.recipes.values():
        for t in sorted(r.closed_years):
            yield r.recipe, t


def _recipe_flows(x: Instance) -> Rows:
    for r in x.recipes.values():
        for direction, amounts in (("input", r.inputs), ("output", r.outputs)):
            for product, amount in amounts.items():
                yield r.recipe, product, direction, amount


def _recipe_yields(x: Instance) -> Rows:
    for r in x.recipes.values():
        for t, share in r.yield_share.items():
            yield r.recipe, t, share


def _footprints(x: Instance) -> Rows:
    for r in x.recipes.values():
        for indicator, value in r.footprint.items():
            yield r.recipe, indicator, value


def _lanes(x: Instance) -> Rows:
    for lane in x.lanes.values():
        what = (lane.lane, lane.layer, lane.from_place, lane.to_place, lane.product, lane.mode, lane.distance_km)
        price = (lane.freight_usd_per_t, lane.customs_value_usd_per_kg)
        ports = (_text(lane.from_port), _text(lane.to_port))
        yield *what, _list(lane.passages), lane.lead_time_days, *price, *ports


def _lane_years(x: Instance) -> Rows:
    def row(lane: Lane, t: int) -> tuple[Any, ...]:
        licence = (lane.approval_share.get(t, 1.0), lane.processing_days.get(t, 0.0), lane.barred_bits.get(t, 0))
        return lane.tariff_share.get(t, 0.0), *licence

    yield from _by_year(x.lanes, x, row)


def _lane_classes(x: Instance) -> Rows:
    for lane in x.lanes.values():
        for g in lane.classes:
            yield lane.lane, g


def _markets(x: Instance) -> Rows:
    for d in x.markets.values():
        yield d.market, d.name, d.country_iso3, d.latitude, d.longitude, d.segment, d.criticality


def _market_products(x: Instance) -> Rows:
    for d in x.markets.values():
        for product, (use, substitution) in d.accepts.items():
            yield d.market, product, use, substitution


def _demand(x: Instance) -> Rows:
    yield from _by_year(x.markets, x, lambda d, t: (d.demand_t.get(t, 0.0), d.forbidden_bits.get(t, 0)))


def _offers(x: Instance) -> Rows:
    for o in x.offers.values():
        what = (o.offer, o.kind, o.facility, o.product, _text(o.recipe))
        volume = (o.min_t, o.max_t, o.term_years, o.take_or_pay_share, o.surge_share)
        yield *what, *volume, o.first_stage, o.last_stage, _text(o.qualification)


def _offer_years(x: Instance) -> Rows:
    yield from _by_year(
        x.offers, x, lambda o, t: (o.price_usd_per_kg.get(t, 0.0), o.running_t.get(t, 0.0), t in o.start_years)
    )


def _qualifications(x: Instance) -> Rows:
    for q in x.qualifications.values():
        what = (q.qualification, q.facility, q.product, q.market, q.is_held)
        yield *what, q.lead_time_years, q.cost_musd, q.spot_price_usd_per_kg


def _qualification_years(x: Instance) -> Rows:
    yield from _by_year(x.qualifications, x, lambda q, t: (t in q.years, q.spot_t.get(t, 0.0)))


def _projects(x: Instance) -> Rows:
    for e in x.projects.values():
        yield e.project, e.facility, e.name, e.entitlement_t_per_year, e.cost_musd, e.life_years, e.build_years


def _project_years(x: Instance) -> Rows:
    yield from _by_year(x.projects, x, lambda e, t: (t in e.years,))


def _project_profile(x: Instance) -> Rows:
    for e in x.projects.values():
        for age, share in enumerate(e.profile):
            yield e.project, age, share


def _storages(x: Instance) -> Rows:
    for s in x.storages.values():
        yield s.place, s.product, s.min_t, s.max_t, s.carrying_usd_per_t_year


def _opening_stock(x: Instance) -> Rows:
    for s in x.storages.values():
        for g, amount in s.opening_t.items():
            yield s.place, s.product, g, amount


def _byproducts(x: Instance) -> Rows:
    for b in x.byproducts.values():
        yield b.product, b.sale_price_usd_per_kg, b.max_sale_t_per_year, b.disposal_usd_per_kg


def _products(x: Instance) -> Rows:
    for p in x.products.values():
        what = (p.product, p.name, p.form, _text(p.ore), p.basis)
        yield *what, p.tracked_share, p.reference_price_usd_per_kg, _text(p.control_group)


def _shocks(x: Instance) -> Rows:
    for s in x.shocks.values():
        weight = (s.rate_per_year, s.probability, s.window_months, s.price_multiple)
        yield s.shock, s.event, s.name, s.start_year, *weight, s.story


def _shock_periods(x: Instance) -> Rows:
    for s in x.shocks.values():
        for k in s.periods:
            yield s.shock, k.period, k.year, k.first_month, k.months


def _facility_shares(x: Instance) -> Rows:
    for s in x.shocks.values():
        yield from _keyed(s.facility_share, s.shock)


def _lane_shares(x: Instance) -> Rows:
    for s in x.shocks.values():
        yield from _keyed(s.lane_share, s.shock)


def _shock_duties(x: Instance) -> Rows:
    for s in x.shocks.values():
        yield from _keyed(s.extra_duty_share, s.shock)


def _place_classes(x: Instance) -> Rows:
    for (layer, place, product), classes in x.place_classes.items():
        for g in classes:
            yield layer, place, product, g


def _share_caps(x: Instance) -> Rows:
    for cap in x.share_caps:
        penalty = float("nan") if cap.penalty_usd_per_kg is None else cap.penalty_usd_per_kg
        yield cap.name, cap.stage, _list(sorted(cap.facilities)), cap.max_share, _list(cap.years), penalty


def _supplier_counts(x: Instance) -> Rows:
    for c in x.supplier_counts:
        limits = (float("nan") if n is None else float(n) for n in (c.min_count, c.max_count))
        yield c.name, c.stage, _list(sorted(c.facilities)), *limits, _list(c.years)


def _budgets(x: Instance) -> Rows:
    for b in x.budgets:
        yield b.name, _list(b.terms), _list(b.years), b.max_musd


def _environment_caps(x: Instance) -> Rows:
    for cap in x.environment_caps:
        what = (cap.name, cap.indicator, _list(sorted(cap.facilities)), _list(cap.years))
        yield *what, cap.max_value, cap.is_per_kg


def _build_limits(x: Instance) -> Rows:
    for limit in x.build_limits:
        yield limit.name, _list(sorted(limit.projects)), limit.max_projects


def _subsidies(x: Instance) -> Rows:
    for s in x.public_money.terms:
        what = (s.programme, s.kind, s.facility, s.project, s.product, s.value, s.pass_through_share)
        yield *what, s.term_years, s.rate_share, s.from_year, s.to_year


def _price_parts(x: Instance) -> Rows:
    for part in x.public_money.price_parts:
        amount = (part.kg_per_kg, part.price_usd_per_kg, part.floor_usd_per_kg)
        yield part.offer, part.year, part.product, part.market, *amount


def _project_costs(x: Instance) -> Rows:
    yield from x.public_money.project_cost_musd.items()


def _settings(x: Instance) -> Rows:
    values = {
        "case": x.case,
        "title": x.title,
        "first_year": x.years[0],
        "last_year": x.years[-1],
        "discount_rate_share": x.discount_rate_share,
        "surge_share": x.surge_share,
        "measure_kind": x.measure.kind,
        "measure_alpha": x.measure.alpha,
        "carbon_price_usd_per_t": x.carbon_price_usd_per_t,
        "carbon_indicator": _text(x.carbon_indicator),
        "is_shortfall_allowed": x.is_shortfall_allowed,
        "closes_at_opening": x.closes_at_opening,
        "includes_shock_cost": x.includes_shock_cost,
        "line_stop_usd_per_kg": x.line_stop_usd_per_kg,
        "licence_time": x.licence_time,
        "limits_intermediates": x.limits_intermediates,
    }
    for key, value in values.items():
        yield key, str(value).lower() if isinstance(value, bool) else str(value)


def _year_weights(x: Instance) -> Rows:
    yield from x.measure.year_weights.items()


def _discount_factors(x: Instance) -> Rows:
    yield from x.discount_factor.items()


def _origin_rules(x: Instance) -> Rows:
    for i, rule in enumerate(x.origin_rules):
        yield 1 << i, rule


def _stages(x: Instance) -> Rows:
    yield from enumerate(x.stages)


_PLACE = "country_iso3 latitude:f longitude:f"
TABLES: dict[str, tuple[str, int, Callable[[Instance], Rows]]] = {
    "facilities": (f"facility name operator {_PLACE} stage status is_aggregate:b origin_bits:i", 1, _facilities),
    "capacities": ("facility year:i capacity_t:f open_sale_t:f open_toll_t:f", 2, _capacities),
    "recipes": ("recipe facility route capacity_use:f layers restoration_usd_per_t:f", 1, _recipes),
    "recipe_closures": ("recipe year:i", 2, _recipe_closures),
    "recipe_yields": ("recipe year:i yield_share:f", 2, _recipe_yields),
    "recipe_flows": ("recipe product direction t_per_t:f", 3, _recipe_flows),
    "footprints": ("recipe indicator value_per_t:f", 2, _footprints),
    "lanes": (
        "lane layer from_place to_place product mode distance_km:f passages lead_time_days:f freight_usd_per_t:f "
        "customs_value_usd_per_kg:f from_port to_port",
        1,
        _lanes,
    ),
    "lane_years": ("lane year:i tariff_share:f approval_share:f processing_days:f barred_bits:i", 2, _lane_years),
    "lane_classes": ("lane origin_class:i", 2, _lane_classes),
    "markets": (f"market name {_PLACE} segment criticality:f", 1, _markets),
    "market_products": ("market product use_kg_per_kg:f substitution_usd_per_kg:f", 2, _market_products),
    "demand": ("market year:i demand_t:f forbidden_bits:i", 2, _demand),
    "offers": (
        "offer kind facility product recipe min_t:f max_t:f term_years:i take_or_pay_share:f surge_share:f "
        "first_stage last_stage qualification",
        1,
        _offers,
    ),
    "offer_years": ("offer year:i price_usd_per_kg:f running_t:f may_start:b", 2, _offer_years),
    "qualifications": (
        "qualification facility product market is_held:b lead_time_years:f cost_musd:f spot_price_usd_per_kg:f",
        1,
        _qualifications,
    ),
    "qualification_years": ("qualification year:i may_start:b spot_t:f", 2, _qualification_years),
    "projects": (
        "project facility name entitlement_t_per_year:f cost_musd:f life_years:f build_years:i",
        1,
        _projects,
    ),
    "project_years": ("project year:i may_start:b", 2, _project_years),
    "project_profile": ("project age:i share:f", 2, _project_profile),
    "storages": ("place product min_t:f max_t:f carrying_usd_per_t_year:f", 2, _storages),
    "opening_stock": ("place product origin_class:i opening_t:f", 3, _opening_stock),
    "byproducts": ("product sale_price_usd_per_kg:f max_sale_t_per_year:f disposal_usd_per_kg:f", 1, _byproducts),
    "products": (
        "product name form ore basis tracked_share:f reference_price_usd_per_kg:f control_group",
        1,
        _products,
    ),
    "shocks": (
        "shock event name start_year:i rate_per_year:f probability:f window_months:f price_multiple:f story",
        1,
        _shocks,
    ),
    "shock_periods": ("shock period:i year:i first_month:f months:f", 2, _shock_periods),
    "facility_shares": ("shock facility period:i open_share:f", 3, _facility_shares),
    "lane_shares": ("shock lane period:i origin_bit:i open_share:f", 4, _lane_shares),
    "shock_duties": ("shock lane period:i extra_share:f", 3, _shock_duties),
    "place_classes": ("layer place product origin_class:i", 4, _place_classes),
    "upstream_spot": ("facility product year:i spot_t:f", 3, lambda x: _keyed(x.upstream_spot_t)),
    "share_caps": ("name stage facilities max_share:f years penalty_usd_per_kg:f", 2, _share_caps),
    "supplier_counts": ("name stage facilities min_count:f max_count:f years", 3, _supplier_counts),
    "budgets": ("name terms years max_musd:f", 1, _budgets),
    "environment_caps": ("name indicator facilities years max_value:f is_per_kg:b", 1, _environment_caps),
    "build_limits": ("name projects max_projects:i", 1, _build_limits),
    "subsidies": (
        "programme kind facility project product value:f pass_through_share:f term_years:f rate_share:f from_year:i "
        "to_year:i",
        5,
        _subsidies,
    ),
    "price_parts": ("offer year:i product market kg_per_kg:f price_usd_per_kg:f floor_usd_per_kg:f", 4, _price_parts),
    "project_costs": ("project cost_musd:f", 1, _project_costs),
    "waived": ("layer place product waived_bits:i", 3, lambda x: _keyed(x.waived_bits)),
    "settings": ("key value", 1, _settings),
    "year_weights": ("start_year:i weight:f", 1, _year_weights),
    "discount_factors": ("year:i discount_factor:f", 1, _discount_factors),
    "origin_rules": ("origin_bit:i rule", 1, _origin_rules),
    "stages": ("position:i stage", 1, _stages),
}
"""Table → (columns, number of leading columns that are its key, rows)."""


def instance_tables(instance: Instance) -> dict[str, pd.DataFrame]:
    """Export an instance as tidy tables; a plan can be recomputed from them and the result tables alone."""
    tables = {}
    for name, (text, keys, rows) in TABLES.items():
        columns = _columns(text)
        frame = pd.DataFrame.from_records(list(rows(instance)), columns=list(columns)).astype(columns)
        tables[name] = frame.sort_values(list(columns)[:keys], kind="stable", ignore_index=True)
    return tables
