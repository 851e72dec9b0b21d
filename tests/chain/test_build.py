from __future__ import annotations

from typing import Any

import pytest
from chain_case import base_rows, case_of, facility, fixed_services, flow, link, offer, product, route

from optimizer.chain.build import build_instance
from optimizer.chain.instance import Instance
from optimizer.chain.left_out import left_out
from optimizer.errors import DataProblem


def built(rows: dict[str, list[dict[str, Any]]] | None = None, approval: float = 1.0, **settings: Any) -> Instance:
    return build_instance(case_of(rows or base_rows(), **settings), fixed_services(approval))


def test_network_has_both_layers_and_all_stages() -> None:
    instance = built()
    assert set(instance.recipes) == {
        "M|dig|conc",
        "N|dig|conc",
        "C|crack|conc",
        "L|light|carb",
        "H|heavy|rest",
        "P|melt|metal",
    }
    assert instance.recipes["P|melt|metal"].layers == ("buyer",)
    assert instance.recipes["L|light|carb"].layers == ("supplier",)
    assert set(instance.lanes) == {
        "s:M>C:conc",
        "s:N>C:conc",
        "s:C>L:carb",
        "s:L>H:rest",
        "b:L>P:a_oxide",
        "b:H>P:b_oxide",
        "b:P>D:metal",
    }
    assert instance.offers["melt_at_p"].recipe == "P|melt|metal"
    assert instance.stages == ("mine", "crack", "separation", "metal")


def test_joint_production_follows_the_basket() -> None:
    recipe = built().recipes["L|light|carb"]
    # a: 0.2 x 0.8; c: 0.5 x 0.6; the rest, all b: 0.3 x 0.95
    assert recipe.outputs == pytest.approx({"a_oxide": 0.16, "c_oxide": 0.30, "rest": 0.285})
    assert recipe.capacity_use == pytest.approx(0.16)  # capacity counts a_oxide


def test_discount_factors_are_mid_year() -> None:
    instance = built(finance={"discount_rate_share": 0.1})
    assert instance.discount_factor[2027] == pytest.approx(1.1**-0.5)
    assert instance.discount_factor[2030] == pytest.approx(1.1**-3.5)


def test_duty_only_on_owned_material_between_countries() -> None:
    lanes = built().lanes
    assert lanes["s:N>C:conc"].tariff_share[2028] == 0.0  # BBB to AAA, but the supplier's
    assert dict(lanes["b:L>P:a_oxide"].tariff_share) == {2027: 0.0, 2028: 0.1, 2029: 0.1, 2030: 0.1}
    assert lanes["b:H>P:b_oxide"].tariff_share[2028] == 0.0  # both in CCC
    assert lanes["b:L>P:a_oxide"].customs_value_usd_per_kg == 80.0


def test_air_lane_only_to_markets_and_only_where_allowed() -> None:
    assert "b:P>D:metal:air" not in built().lanes
    assert built(freight={"air": True}).lanes["b:P>D:metal:air"].lead_time_days == 3.0


def test_refused_licence_removes_what_depends_on_it() -> None:
    rows = base_rows()
    rows["links"][-1] = link("H", "P", "oxide", "buyer")
    rows["facilities"][4] = facility("H", "AAA", "separation")  # now b_oxide must cross a border to P
    instance = built(rows, approval=0.0)
    assert not instance.lanes
    assert not instance.recipes
    assert not instance.offers


def test_a_recipe_without_any_feed_is_dropped() -> None:
    rows = base_rows()
    rows["links"] = [row for row in rows["links"] if row["to_facility"] != "C"]
    assert not built(rows).recipes


def test_what_leads_to_no_market_is_dropped() -> None:
    rows = base_rows()
    rows["products"].append(product("other_oxide", "oxide"))
    rows["facilities"].append(facility("X", "AAA", "separation"))
    rows["facility_routes"].append({"facility": "X", "route": "light"})
    rows["links"].append(link("C", "X", "carbonate"))
    instance = built(rows)  # X makes a_oxide, but nobody is linked to it and it offers nothing
    assert "X" not in instance.facilities
    assert not any("X" in lane.to_place for lane in instance.lanes.values())


def test_excluded_country_takes_its_facilities_links_and_offers() -> None:
    instance = built(candidates={"exclude_countries": ["far"]})
    assert "N" not in instance.facilities
    assert "s:N>C:conc" not in instance.lanes
    assert not built(candidates={"exclude_facilities": ["H"]}).offers


def test_classes_spread_through_mixing() -> None:
    rules = [{"rule": "far", "countries": ["far"]}, {"rule": "metal", "countries": ["CCC"], "stages": ["metal"]}]
    instance = built(origin_rules=rules)
    classes = instance.place_classes
    assert classes["supplier", "M", "conc"] == (0,)
    assert classes["supplier", "N", "conc"] == (1,)
    assert classes["supplier", "C", "conc"] == (0, 1)
    assert classes["buyer", "P", "a_oxide"] == (0, 1)
    assert classes["buyer", "P", "metal"] == (2, 3)  # P marks; a pure pair, or at least one marked input
    assert instance.lanes["b:P>D:metal"].classes == (2, 3)


def test_market_refusing_a_class_in_all_years_has_no_lane_for_it() -> None:
    rules = [{"rule": "far", "countries": ["far"]}]
    instance = built(origin_rules=rules, market_rules=[{"market": "D", "forbids": ["far"]}])
    assert instance.lanes["b:P>D:metal"].classes == (0,)
    later = built(origin_rules=rules, market_rules=[{"market": "*", "forbids": ["far"], "from_year": 2029}])
    assert later.lanes["b:P>D:metal"].classes == (0, 1)
    assert dict(later.markets["D"].forbidden_bits) == {2027: 0, 2028: 0, 2029: 1, 2030: 1}


def test_demand_is_interpolated_and_held() -> None:
    market = built().markets["D"]
    assert dict(market.demand_t) == {2027: 10.0, 2028: 15.0, 2029: 20.0, 2030: 20.0}
    assert market.criticality == pytest.approx(1.0)


def test_volume_is_bounded_by_use_and_supply() -> None:
    offers = built().offers
    # 20 t of metal take 25 t of a_oxide and 2 t of b_oxide at most; 1.4 times that may be reserved
    assert offers["a_from_l"].max_t == pytest.approx(35.0)
    assert offers["b_from_h"].max_t == pytest.approx(2.8)
    rows = base_rows()
    rows["facilities"][3] |= {"capacity_t_per_year": 40.0}  # counts a_oxide; half can be had
    assert built(rows).offers["a_from_l"].max_t == pytest.approx(20.0)


def test_stock_adds_to_what_can_be_used() -> None:
    rows = base_rows()
    policy = {"place": "D", "product": "metal", "opening_t": 3.0, "max_t": 8.0, "min_t": 0.0}
    rows["stock_policies"] = [policy | {"carrying_share_per_year": 0.1, "storage_usd_per_t_year": 50.0}]
    instance = built(rows, origin_rules=[{"rule": "far", "countries": ["far"]}])
    assert instance.offers["a_from_l"].max_t == pytest.approx(1.4 * (20 + 8) * 1.25)
    storage = instance.storages["D", "metal"]
    assert dict(storage.opening_t) == {1: 3.0}  # the worst class that can be there
    assert storage.carrying_usd_per_t_year == pytest.approx(0.1 * 10 * 1000 + 50)


def test_running_contract_survives_without_a_market_and_keeps_its_capacity() -> None:
    rows = base_rows()
    rows["market_products"] = []
    rows["contracts"] = [{"offer": "a_from_l", "committed_t_per_year": 600.0, "end_year": 2028}]
    instance = built(rows)
    assert dict(instance.offers["a_from_l"].running_t) == {2027: 600.0, 2028: 600.0}
    assert set(instance.offers) == {"a_from_l"}
    assert dict(instance.facilities["L"].open_sale_t) == {2027: 600.0, 2028: 600.0, 2029: 500.0, 2030: 500.0}


def test_qualification_shifts_starts_and_opens_spot() -> None:
    rows = base_rows()
    terms = {"stage": "separation", "form": "*", "lead_time_years": 1.5, "cost_musd": 2.0}
    rows["qualification_terms"] = [terms, terms | {"stage": "metal", "lead_time_years": 0.0, "cost_musd": 0.0}]
    rows["qualified"] = [{"facility": "H", "product": "b_oxide", "market": "D"}]
    rows["spot_depths"] = [{"stage": "separation", "form": "oxide", "spot_share": 0.1, "price_multiple": 3.0}]
    instance = built(rows)
    assert instance.offers["melt_at_p"].qualification is None
    item = instance.qualifications["L|a_oxide|*"]
    assert item.years == (2029, 2030)  # 1.5 years after the start of 2027 at the earliest
    assert built(rows, contracts={"qualification_years": [2028, 2030]}).qualifications["L|a_oxide|*"].years == (2030,)
    assert instance.offers["a_from_l"].start_years == (2029,)
    assert instance.offers["b_from_h"].start_years == (2027, 2028, 2029)
    assert instance.qualifications["H|b_oxide|*"].is_held
    assert item.spot_t[2027] == pytest.approx(0.1 * 500)  # capacity counts a_oxide
    assert item.spot_price_usd_per_kg == pytest.approx(240.0)
    assert instance.upstream_spot_t["H", "b_oxide", 2027] == pytest.approx(0.1 * 500)
    assert ("L", "rest", 2027) not in instance.upstream_spot_t  # no depth for bundles


def test_least_number_binds_once_enough_can_be_qualified() -> None:
    rows = base_rows()
    rows["qualification_terms"] = [{"stage": "separation", "form": "*", "lead_time_years": 1.0, "cost_musd": 2.0}]
    rows["qualified"] = [{"facility": "H", "product": "b_oxide", "market": "*"}]
    count = {"name": "two", "stage": "separation", "min": 2, "max": 3}
    limits = built(rows, limits={"supplier_count": [count]}).supplier_counts
    assert [(c.min_count, c.max_count, c.years) for c in limits] == [
        (None, 3, (2027, 2028, 2029, 2030)),
        (2, None, (2028, 2029, 2030)),
    ]
    with pytest.raises(DataProblem, match=r"C006.*remedy: lower `min`"):
        built(rows, limits={"supplier_count": [count | {"min": 3}]})


def test_share_caps_by_country_and_for_every_country() -> None:
    caps = [
        {"name": "one", "stage": "mine", "country": "far", "max_share": 0.5, "from_year": 2029},
        {"name": "each", "stage": "mine", "country": "*", "max_share": 0.7},
    ]
    found = built(limits={"share_cap": caps}).share_caps
    assert [(c.name, set(c.facilities), c.years[0]) for c in found] == [
        ("one", {"N"}, 2029),
        ("each: AAA", {"M"}, 2027),
        ("each: BBB", {"N"}, 2027),
    ]


def test_toll_chain_from_an_owned_feed() -> None:
    """The buyer buys carbonate at C and has it separated and melted: the split runs in both layers."""
    rows = base_rows()
    rows["offers"] = [
        offer("carb_from_c", "sale", "C", "carb"),
        offer("light_at_l", "toll", "L", "a_oxide", route="light"),
        offer("b_from_h", "sale", "H", "b_oxide"),
        offer("melt_at_p", "toll", "P", "metal", route="melt"),
    ]
    rows["links"][2] = link("C", "L", "carbonate", "both")
    rows["byproducts"] = [
        {"product": "c_oxide", "sale_price_share": 0.5, "max_sale_t_per_year": 7.0, "disposal_usd_per_kg": 0.1},
    ]
    instance = built(rows)
    assert instance.recipes["L|light|carb"].layers == ("supplier", "buyer")
    assert "b:C>L:carb" in instance.lanes
    # 20 t of metal: 25 t a_oxide / 0.16 t per t of feed, b_oxide is not made from owned feed
    assert instance.offers["carb_from_c"].max_t == pytest.approx(1.4 * 25 / 0.16)
    assert instance.byproducts["c_oxide"].sale_price_usd_per_kg == 5.0


def test_no_demand_builds_an_empty_need() -> None:
    rows = base_rows()
    rows["demand"] = []
    instance = built(rows)
    assert set(instance.markets["D"].demand_t.values()) == {0.0}
    assert instance.offers["a_from_l"].max_t == 1.0  # its least volume


def with_recycling() -> dict[str, list[dict[str, Any]]]:
    """P's scrap goes to R, which gives a_oxide back to P: a cycle in the buyer's layer."""
    rows = base_rows()
    rows["products"].append(product("scrap", "scrap", "mix"))
    rows["compositions"].append({"ore": "mix", "component": "a", "share": 1.0, "is_tracked": True})
    rows["routes"].append(route("reuse", "recycling", "split", feed_form="scrap"))
    rows["route_flows"] += [flow("melt", "out", "scrap", "scrap", 0.2), flow("reuse", "out", "a", "a_oxide", 0.9)]
    rows["facilities"].append(facility("R", "EEE", "recycling"))
    rows["facility_routes"].append({"facility": "R", "route": "reuse"})
    rows["links"] += [link("P", "R", "scrap", "buyer"), link("R", "P", "oxide", "buyer")]
    rows["offers"].append(offer("reuse_at_r", "toll", "R", "a_oxide", route="reuse"))
    return rows


def test_a_cycle_grows_once_and_spreads_its_classes() -> None:
    instance = built(with_recycling(), origin_rules=[{"rule": "old", "countries": ["EEE"]}])
    assert instance.recipes["R|reuse|scrap"].layers == ("buyer",)
    assert instance.recipes["R|reuse|scrap"].outputs == pytest.approx({"a_oxide": 0.9})
    assert {"b:P>R:scrap", "b:R>P:a_oxide"} <= set(instance.lanes)
    assert instance.place_classes["buyer", "R", "a_oxide"] == (1,)
    assert instance.place_classes["buyer", "P", "scrap"] == (0, 1)
    assert instance.offers["a_from_l"].max_t == pytest.approx(35.0)  # scrap only replaces bought oxide


def test_a_cycle_alone_feeds_nothing() -> None:
    rows = with_recycling()
    rows["offers"] = [row for row in rows["offers"] if row["offer"] != "a_from_l"]
    assert not built(rows).recipes


def test_what_is_left_out_is_listed() -> None:
    case = case_of(base_rows(), candidates={"exclude_countries": ["far"]})
    found = left_out(case, build_instance(case, fixed_services()))
    # oxide of L goes to P in the buyer's layer; N is gone with its link
    assert set(found.itertuples(index=False, name=None)) == {("facilities", "N"), ("links", "N > C: concentrate")}
