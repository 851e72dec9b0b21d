"""Rows, sets and costs that the rich toy does not show, each derived by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyomo.environ as pyo
import pytest
from pyomo.repn import generate_standard_repn
from toy_instance import YEARS, everything, facility, instance, lane, market, sale, shock, source, two_suppliers

from optimizer.chain.instance import Measure, Qualification, Storage
from optimizer.chain.limit_kinds import SupplierCount
from optimizer.model.build import build_model, recourse_blocks
from optimizer.model.coproducts import joint_groups
from optimizer.model.objective import cost_entries
from optimizer.model.reach import branch_of
from optimizer.model.shock_cost import line_stop_price, opening_value


def left(row: Any) -> dict[str, float]:
    """Coefficients of a row by the name of their variable."""
    return weights(row.body)


def weights(form: Any) -> dict[str, float]:
    """Coefficients of a linear form by the name of their variable."""
    repn = generate_standard_repn(form, compute_values=True)
    assert repn.constant == 0
    return {v.name: c for v, c in zip(repn.linear_vars, repn.linear_coefs, strict=True) if c}


def three_plants(**changes: Any) -> Any:
    """A plant that burns, one whose material is marked, one whose is not; nothing marked may come in 2028.

    Two tonnes of the product make one tonne of demand; in 2028 there is none.
    """
    names = ("burns", "marked", "plain")
    base = instance(
        [facility(name, origin_bits=int(name == "marked")) for name in names],
        [sale(f"{name}-sale", name, 10.0) for name in names],
        [lane("buyer", name, "plant", classes=(int(name == "marked"),)) for name in names],
        [source(name) for name in names],
        markets=[market(accepts={"magnet": (2.0, 0.0)}, demand_t={2027: 120.0}, forbidden_bits={2027: 0, 2028: 1})],
        shocks={"fire": shock("fire", facility_share={("burns", k): 0.0 for k in (1, 2, 3)})},
    )
    places = {**base.place_classes, ("supplier", "marked", "magnet"): (1,), ("buyer", "marked", "magnet"): (1,)}
    places["buyer", "plant", "magnet"] = (0, 1)
    return replace(base, place_classes=places, **changes)


def test_what_untouched_plants_send_counts_by_its_use_and_only_while_the_market_takes_it() -> None:
    m = build_model(three_plants())
    block = m.shock["fire"]
    pools = {pool.facilities: pool.number for pool in block.branch.pools}
    assert set(pools) == {("marked",), ("plain",)}
    marked, plain = (f"shock[fire].supply[{pools[name,]},plant,{{}}]" for name in ("marked", "plain"))
    rows = {period: left(block.recourse_demand["plant", period]) for period in (1, 3)}
    assert rows[1][marked.format(1)] == rows[1][plain.format(1)] == pytest.approx(0.5)
    assert marked.format(3) not in rows[3]
    assert rows[3][plain.format(3)] == pytest.approx(0.5)


def test_a_year_without_demand_asks_for_nothing() -> None:
    m = build_model(three_plants())
    right = {period: pyo.value(m.shock["fire"].recourse_demand["plant", period].upper) for period in (1, 2, 3)}
    assert right == pytest.approx({1: 120 / 12, 2: 110, 3: 0})


def test_a_running_contract_makes_its_plant_a_supplier_however_small_it_is() -> None:
    pair = frozenset({"cheap", "safe"})
    plain = two_suppliers(supplier_counts=(SupplierCount("one", "magnet", pair, 1, 2, YEARS),))
    small = replace(plain.offers["cheap-sale"], running_t={2027: 0.5})
    m = build_model(replace(plain, offers={**plain.offers, small.offer: small}))
    assert pyo.value(m.usage_link["cheap", 2027].upper) == 1
    assert pyo.value(m.usage_link["cheap", 2028].upper) == 0
    forced = m.usage_definition["cheap-sale", 2027]
    assert (left(forced), pyo.value(forced.lower)) == ({"is_used[cheap,2027]": 1.0}, 1)


def test_marks_are_added_never_lost_unless_a_rule_waives_them() -> None:
    rich = everything()
    place = ("supplier", "works", "ore")
    assert [key[3:] for key in build_model(rich).sets.raises if key[:3] == place] == [(0, 1)]
    both = build_model(replace(rich, waived_bits={place: 1})).sets.raises
    assert {key[3:] for key in both if key[:3] == place} == {(0, 1), (1, 0)}


def test_a_shock_reaches_all_that_is_fed_by_what_it_hits_and_nothing_else() -> None:
    # The mine burns: what it feeds, the works, in the supplier's layer; there the buyer's material is bought, which
    # the smelter takes on. The works mix two classes that the market tells apart, so do the plants behind them.
    rich = everything()
    burnt = shock("burnt@2028", 2028, {("mine", 1): 0.0})
    m = build_model(replace(rich, shocks={burnt.shock: burnt}))
    branch = branch_of(m.instance, m.sets, burnt)
    assert branch.reached == {"supplier": {"mine", "works"}, "buyer": {"mine", "works", "smelter"}}
    block = m.shock[burnt.shock]
    assert {key[:3] for key in block.reclassified} == {("supplier", "works", "ore"), ("buyer", "smelter", "oxide")}


def test_a_plant_refused_a_licence_during_a_shock_sends_nothing_to_that_market() -> None:
    # Refused from 2028, the third period of the fire: in a pool that would not be known.
    base = three_plants()
    refused = replace(
        next(x for x in base.lanes.values() if x.from_place == "plain"), approval_share={2027: 1.0, 2028: 0.0}
    )
    m = build_model(replace(base, lanes={**base.lanes, refused.lane: refused}))
    block = m.shock["fire"]
    assert {pool.facilities for pool in block.branch.pools} == {("marked",)}
    assert {key[2] for key in block.flow if key[0] == refused.lane} == {1, 2}


def test_a_chain_is_reached_to_its_end() -> None:
    base = instance(
        [facility(name) for name in ("first", "second", "third", "apart")],
        [sale("third-sale", "third", 10.0)],
        [lane("supplier", "first", "second"), lane("supplier", "second", "third"), lane("buyer", "third", "plant")],
        [source(name) for name in ("first", "second", "third", "apart")],
    )
    fire = shock("fire", facility_share={("first", 1): 0.0})
    m = build_model(replace(base, shocks={"fire": fire}))
    assert branch_of(m.instance, m.sets, fire).reached["supplier"] == {"first", "second", "third"}


def test_what_is_left_of_a_project_is_credited_at_the_end_of_the_horizon() -> None:
    # 4 MUSD in 2027 for ten years, of which two pass until the end: 3.2 are left, two years on at 10 % a year.
    m = build_model(replace(everything(), discount_rate_share=0.1, discount_factor={2027: 0.9, 2028: 0.8}))
    spent, credit = (entry for entry in cost_entries(m) if entry.term == "sponsorship")
    assert [(spent.factor, spent.terms[0][0]), (credit.factor, credit.terms[0][0])] == [
        (0.9, 4.0),
        (pytest.approx(1 / 1.21), pytest.approx(-3.2)),
    ]
    assert (spent.is_spending, credit.is_spending) == (True, False)


def stored(**changes: Any) -> Any:
    """Two suppliers and 15 t in stock, worth 50 USD/kg."""
    storages = {("plant", "magnet"): Storage("plant", "magnet", {0: 15.0}, 0.0, 60.0, 0.0)}
    return two_suppliers(storages=storages, **changes)


def test_only_a_shock_in_the_first_year_finds_the_stock_of_today() -> None:
    m = build_model(stored())
    assert opening_value(m, shock("now", 2027)) == pytest.approx(15 * 50 / 1000)
    assert opening_value(m, shock("later", 2028)) == 0


@pytest.mark.parametrize(("costed", "blocks"), [(False, ["loss[now]"]), (True, ["loss[now]", "shock_cost[now]"])])
def test_every_block_bounds_one_variable_of_the_plan(costed: bool, blocks: list[str]) -> None:
    case = stored(shocks={"now": shock("now")}, measure=Measure("expected", 0.8, {}), includes_shock_cost=costed)
    assert [variable.name for _, variable in recourse_blocks(build_model(case))] == blocks


def test_nothing_is_asked_of_the_other_layer() -> None:
    """What leaves a plant over the buyer's lanes is not what its supplier can ship."""

    def group(layer: str) -> list[tuple[str, ...]]:
        rich = everything()
        away = lane(layer, "works", "smelter", "rest")
        sets = build_model(replace(rich, lanes={**rich.lanes, away.lane: away})).sets
        return [found.drawable for found in joint_groups(sets).values()]

    assert group("buyer") == [("oxide",)]
    assert group("supplier") == [("oxide", "rest")]


def test_lanes_are_open_to_what_the_market_takes() -> None:
    m = build_model(three_plants())
    taken = {(index[0], index[2]) for index in m.flow}
    assert ("b:marked>plant:magnet", 2027) in taken
    assert ("b:marked>plant:magnet", 2028) not in taken


def test_a_qualification_held_today_is_no_decision() -> None:
    rich = everything()
    name, wanted = next(iter(rich.qualifications.items()))
    held = replace(rich, qualifications={name: replace(wanted, is_held=True)})
    assert [key[0] for key in build_model(rich).is_qualified] == [name, name]
    assert list(build_model(held).is_qualified) == []


def test_a_tonne_not_delivered_costs_twice_the_dearest_thing_it_could_save() -> None:
    # Contracts at 10 and 20 USD/kg, what is bought without one at 30: twice that, so that no shock saves money.
    spot = Qualification("q", "safe", "magnet", "*", True, (), 0.0, 0.0, {}, 30.0)
    assert line_stop_price(two_suppliers()) == 2 * 20
    assert line_stop_price(two_suppliers(qualifications={"q": spot})) == 2 * 30


def test_ties_are_broken_by_reserves_and_then_by_the_freight_of_suppliers() -> None:
    # 1e-3 a tonne reserved; 100 USD, in millions, a tonne over the supplier's lane; the buyer's lane is in the cost.
    base = instance(
        [facility("mine"), facility("works")],
        [sale("works-sale", "works", 10.0)],
        [lane("supplier", "mine", "works", freight=100.0), lane("buyer", "works", "plant", freight=50.0)],
        [source("mine"), source("works")],
    )
    reserved = {f"committed[works-sale,{t}]": 1e-3 for t in YEARS}
    shadow = {f"flow['s:mine>works:magnet',0,{t}]": 1e-4 for t in YEARS}
    m = build_model(base)
    assert weights(m.ties.expr) == pytest.approx(reserved | shadow)


def test_carrying_costs_are_those_of_the_mean_of_opening_and_closing_stock() -> None:
    # 4,000 USD a year per tonne of either class, half for what opens the year, half for what closes it; 15 t today.
    m = build_model(everything())
    first, second = (entry for entry in cost_entries(m) if entry.term == "stock")
    assert (first.constant, second.constant) == (pytest.approx(15 * 0.002), 0.0)
    held = {t: {(f"stock[plant,metal,{g},{t}]", 0.002) for g in (0, 1)} for t in YEARS}
    assert {(variable.name, half) for half, variable in first.terms} == held[2027]
    assert {(variable.name, half) for half, variable in second.terms} == held[2027] | held[2028]


def spent_in(m: Any, term: str, year: int) -> dict[str, float]:
    """Coefficients of a cost term in a year by the name of their variable, MUSD."""
    found: dict[str, float] = {}
    for entry in cost_entries(m):
        for price, variable in entry.terms if (entry.term, entry.year) == (term, year) else ():
            found[variable.name] = found.get(variable.name, 0.0) + price
    return {name: price for name, price in found.items() if price}


def test_a_qualification_is_paid_once_a_lead_time_before_it_holds() -> None:
    # 0.5 MUSD, a year ahead: what holds from 2028 is paid in 2027, and what held in 2027 is not paid again.
    m = build_model(everything())
    paid = {year: spent_in(m, "qualification", year) for year in YEARS}
    assert paid == {2027: {"is_qualified[works|oxide|*,2028]": 0.5}, 2028: {}}


def test_carbon_is_paid_by_the_tonne_for_loads_in_kilograms() -> None:
    # 100 USD per t are 1e-7 MUSD per kg.
    rich = everything()
    m = build_model(replace(rich, carbon_price_usd_per_t=100.0, carbon_indicator="waste"))
    paid = spent_in(m, "carbon", 2028)
    made = {r.recipe: r.footprint["waste"] for r in rich.recipes.values() if r.footprint.get("waste")}
    assert {name.split("[")[1].split(",")[0] for name in paid} == set(made)
    for name, price in paid.items():
        assert price == pytest.approx(1e-7 * made[name.split("[")[1].split(",")[0]])


def test_what_a_plant_has_in_stock_is_drawn_by_no_market() -> None:
    rich = everything()
    depot = Storage("smelter", "metal", {}, 0.0, 10.0, 1.0)
    m = build_model(replace(rich, storages={**rich.storages, ("smelter", "metal"): depot}))
    assert {key[0] for key in m.stock} == {"plant", "smelter"}
    assert {key[0] for key in m.market_use_floor} == {"plant"}
