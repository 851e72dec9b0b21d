from __future__ import annotations

import pytest
from chain_case import base_rows, case_of, facility, flow, product, route

from optimizer.chain.capacity import build_facility, promised_share, ramp_share
from optimizer.chain.instance import Recipe
from optimizer.chain.offers import PriceDeck, makers_of, need_per_t, price_by_year
from optimizer.chain.projects import build_project, profile_of
from optimizer.chain.recipes import (
    RouteBook,
    build_products,
    build_recipe,
    capacity_use,
    composition_of,
    footprint_of,
    split_outputs,
)
from optimizer.chain.records import interpolate

YEARS = (2027, 2028, 2029, 2030)


def book(**tables: list[dict[str, object]]) -> RouteBook:
    return RouteBook.of(case_of({**base_rows(), **tables}).tables)


def test_ramp_is_the_mean_over_each_year() -> None:
    assert [ramp_share(2027, 2, t) for t in (2026, 2027, 2028, 2029)] == pytest.approx([0, 0.25, 0.75, 1])
    assert [ramp_share(2027, 0, t) for t in (2026, 2027)] == [0, 1]
    # from mid-2027 over one year: 1/8 in the first half year of output, 7/8 in the second calendar year
    assert [ramp_share(2027.5, 1, t) for t in (2027, 2028, 2029)] == pytest.approx([0.125, 0.875, 1])


def test_capacity_is_nameplate_times_availability_ramp_and_what_is_left() -> None:
    row = facility("F", "AAA", "mine", availability_share=0.8, start_year=2028, ramp_up_years=2.0)
    promised = [{"facility": "F", "holder": "x", "committed_share": 0.25, "from_year": 2029, "to_year": 2029}]
    built = build_facility(row, promised, YEARS, 5)
    assert dict(built.capacity_t) == pytest.approx({2027: 0, 2028: 200, 2029: 600, 2030: 800})
    assert dict(built.open_sale_t) == pytest.approx({2027: 0, 2028: 100, 2029: 225, 2030: 400})
    assert built.open_toll_t[2029] == pytest.approx(90)
    assert built.origin_bits == 5


def test_promises_never_exceed_capacity() -> None:
    rows = [{"committed_share": 0.7, "from_year": 2000, "to_year": 2100}] * 2
    assert promised_share(rows, 2027) == 1.0


def test_project_profile_starts_after_building() -> None:
    assert profile_of(2, 1, 5) == pytest.approx((0, 0, 0.5, 1, 1))
    row = {"project": "e", "facility": "F", "name": "e", "first_year": 2026, "last_year": 2028}
    row |= {
        "build_years": 5.0,
        "ramp_up_years": 2.0,
        "life_years": 20.0,
        "cost_musd": 9.0,
        "entitlement_t_per_year": 7.0,
    }
    project = build_project(row, YEARS)
    assert project.years == (2027, 2028)
    assert project.profile == pytest.approx((0, 0, 0, 0, 0, 0.25, 0.75, 1, 1))


def test_interpolation_is_held_outside() -> None:
    points = {2027: 10.0, 2030: 40.0}
    assert [interpolate(points, t) for t in (2020, 2027, 2028, 2030, 2040)] == [10, 10, 20, 40, 40]


def test_compositions_of_bundles() -> None:
    found = book()
    assert composition_of(found, "conc") == pytest.approx({"a": 0.2, "b": 0.3, "c": 0.5})
    assert composition_of(found, "carb") == pytest.approx({"a": 0.2, "b": 0.3, "c": 0.5})
    assert composition_of(found, "rest") == pytest.approx({"b": 1.0})
    assert composition_of(found, "a_oxide") == {}


def test_bundle_of_a_bundle_lacks_what_both_took() -> None:
    flows = [flow("light", "out", "a", "a_oxide", 0.8), flow("fine", "out", "b", "b_oxide", 0.5)]
    routes = [
        *base_rows()["routes"],
        route("fine", "separation", "split", feed_form="bundle", bundle_form="tail", bundle_yield_share=1.0),
    ]
    products = [*base_rows()["products"], product("tail", "tail", "hard")]
    found = book(route_flows=flows, routes=routes, products=products)
    assert composition_of(found, "rest") == pytest.approx({"b": 0.375, "c": 0.625})  # 0.3 and 0.5 of 0.8
    assert composition_of(found, "tail") == pytest.approx({"c": 1.0})
    assert split_outputs(found, "fine", "rest") == pytest.approx({"b_oxide": 0.375 * 0.5, "tail": 0.625})


def test_crack_passes_the_whole_basket_on() -> None:
    assert split_outputs(book(), "crack", "conc") == pytest.approx({"carb": 0.9})


def test_several_components_flow_into_one_product() -> None:
    flows = [flow("light", "out", c, "a_oxide", y) for c, y in (("a", 0.5), ("b", 0.4))]
    outputs = split_outputs(book(route_flows=flows), "light", "carb")
    assert outputs["a_oxide"] == pytest.approx(0.2 * 0.5 + 0.3 * 0.4)
    assert outputs["rest"] == pytest.approx(0.5 * 0.95)


def test_without_bundle_form_the_rest_is_residue() -> None:
    assert split_outputs(book(), "heavy", "rest") == pytest.approx({"b_oxide": 0.7})


def test_tracked_share_follows_from_the_basket() -> None:
    products = build_products(book())
    assert products["conc"].tracked_share == pytest.approx(0.5)  # a and b
    assert products["rest"].tracked_share == pytest.approx(1.0)  # only b
    assert products["c_oxide"].tracked_share == 0.0


def test_problems_of_splits_are_noted_once() -> None:
    routes = [*base_rows()["routes"], route("raw", "separation", "split", feed_form="oxide", bundle_form="bundle")]
    found = book(routes=routes)
    split_outputs(found, "raw", "a_oxide")
    split_outputs(found, "raw", "a_oxide")
    assert [p.code for p in found.problems.values()] == ["C002"]
    lone = book(products=[row for row in base_rows()["products"] if row["product"] != "rest"])
    split_outputs(lone, "light", "carb")
    assert [p.code for p in lone.problems.values()] == ["C003"]


def test_routes_to_one_bundle_must_leave_the_same() -> None:
    rows = base_rows()
    routes = [
        *rows["routes"],
        route("only_a", "separation", "split", feed_form="carbonate", bundle_form="bundle", bundle_yield_share=1.0),
    ]
    found = book(routes=routes, route_flows=[*rows["route_flows"], flow("only_a", "out", "a", "a_oxide", 0.9)])
    split_outputs(found, "only_a", "carb")
    assert [p.code for p in found.problems.values()] == ["C004"]


@pytest.mark.parametrize(
    ("basis", "kind", "use"),
    [
        ("feed", "split", 1.0),
        ("output", "split", 0.7),
        ("x", "split", 0.4),
        ("absent", "split", 1.0),
        ("output", "blend", 1.0),
    ],
)
def test_capacity_use(basis: str, kind: str, use: float) -> None:
    assert capacity_use(basis, kind, {"feedstock": 1.0}, {"x": 0.4, "y": 0.3}) == pytest.approx(use)


def test_capacity_use_of_blends_and_sources() -> None:
    assert capacity_use("feed", "blend", {"a": 1.2, "b": 0.1}, {"x": 1.0}) == pytest.approx(1.3)
    assert capacity_use("feed", "source", {}, {"x": 1.0}) == 1.0


def test_blend_keeps_its_by_product_and_is_named_by_its_main_one() -> None:
    flows = [*base_rows()["route_flows"], flow("melt", "out", "c_oxide", "c_oxide", 0.25)]
    recipe = build_recipe(book(route_flows=flows), facility("P", "CCC", "metal"), "melt", None)
    assert recipe is not None
    assert recipe.recipe == "P|melt|metal"
    assert recipe.outputs == {"metal": 1.0, "c_oxide": 0.25}
    assert recipe.capacity_use == 1.0


def test_the_most_specific_footprint_counts() -> None:
    rows = [
        {"facility": f, "route": r, "indicator": "ghg_kgco2e", "value_per_t": v}
        for f, r, v in (("P", "melt", 3.0), ("*", "melt", 1.0), ("P", "*", 2.0))
    ]
    found = book(footprints=rows)
    assert footprint_of(found, "P", "melt") == {"ghg_kgco2e": 3.0}
    assert footprint_of(found, "Q", "melt") == {"ghg_kgco2e": 1.0}
    assert footprint_of(found, "P", "other") == {"ghg_kgco2e": 2.0}


def prices() -> PriceDeck:
    rows = [
        {"product": "a_oxide", "market": "in", "year": y, "low_usd_per_kg": b / 2, "base_usd_per_kg": b}
        | {"high_usd_per_kg": 2 * b}
        for y, b in ((2027, 40.0), (2029, 80.0))
    ]
    return PriceDeck(case_of({"prices": rows}).tables, "base")


def test_price_follows_its_index_above_the_floors() -> None:
    term = {"offer": "o", "product": "a_oxide", "market": "in", "kg_per_kg": 0.5, "floor_usd_per_kg": 50.0}
    row = {"offer": "o", "price_usd_per_kg": 10.0, "floor_usd_per_kg": 36.0}
    found, problems = price_by_year(row, [term], prices(), YEARS)
    # deck 40, 60, 80, 80 with floor 50: 10 + 0.5 x (50, 60, 80, 80) = 35, 40, 50, 50; the offer's floor lifts the first
    assert found == pytest.approx({2027: 36.0, 2028: 40.0, 2029: 50.0, 2030: 50.0})
    assert not problems
    _, problems = price_by_year(row, [term | {"market": "out"}], prices(), YEARS)
    assert [p.code for p in problems] == ["C005"]


def test_the_fixed_part_follows_the_deck_where_it_is_stated() -> None:
    tables = case_of({}).tables
    row = {"price_usd_per_kg": 10.0, "price_low_usd_per_kg": 8.0, "price_high_usd_per_kg": None}
    assert price_by_year(row, [], PriceDeck(tables, "low"), (2027,))[0] == {2027: 8.0}
    assert price_by_year(row, [], PriceDeck(tables, "high"), (2027,))[0] == {2027: 10.0}


def recipe(name: str, inputs: dict[str, float], outputs: dict[str, float]) -> Recipe:
    return Recipe(name, name, name, inputs, outputs, 1.0, ("buyer",), {})


def test_need_adds_inputs_takes_the_dearest_way_and_ends_in_a_cycle() -> None:
    makers = makers_of(
        [
            recipe("magnet", {"metal": 1.0, "alloy": 0.5}, {"magnet": 1.0, "swarf": 0.25}),
            recipe("melt", {"oxide": 1.2}, {"metal": 1.0}),
            recipe("cast", {"oxide": 2.0}, {"alloy": 1.0}),
            recipe("reuse", {"swarf": 1.0}, {"oxide": 0.3}),
            recipe("split", {"feed": 1.0}, {"oxide": 0.2}),
        ]
    )
    assert need_per_t("oxide", "magnet", makers) == pytest.approx(1.2 + 0.5 * 2.0)
    assert need_per_t("feed", "magnet", makers) == pytest.approx(2.2 / 0.2)
    assert need_per_t("magnet", "magnet", makers) == 1.0
    assert need_per_t("elsewhere", "magnet", makers) == 0.0
