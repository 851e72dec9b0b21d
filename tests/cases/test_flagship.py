"""The flagship case: real, whole, plausible, and its cheapest plan audited. The frontier itself is a benchmark."""

import json

import pytest

from optimizer.chain.build import build_instance
from optimizer.jobs.frontier import solve_plan
from optimizer.jobs.prepare import Options
from optimizer.tables.case import load_case


@pytest.fixture(scope="module")
def instance():
    return build_instance(load_case("allied-magnets"))


def test_case_is_wide_enough(instance):
    assert len(instance.facilities) >= 60
    assert len(instance.shocks) >= 40
    assert len({facility.country_iso3 for facility in instance.facilities.values()}) >= 15
    assert {len(lane.classes) for lane in instance.lanes.values()} >= {1, 2}
    assert {offer.kind for offer in instance.offers.values()} == {"sale", "toll"}


def test_shocks_start_in_every_year(instance):
    """With gaps between start years a plan would hold stock only just before them."""
    assert {shock.start_year for shock in instance.shocks.values()} == set(instance.years)


def test_duties_of_both_markets_on_the_same_magnets(instance):
    lanes = {lane.to_place: lane for lane in instance.lanes.values() if lane.from_place == "chn-jlmag-group"}
    assert lanes["us-standard"].tariff_share[2029] == pytest.approx(0.271)
    assert lanes["de-standard"].tariff_share[2029] == pytest.approx(0.022)


def test_landed_price_of_a_standard_magnet(instance):
    lane = next(x for x in instance.lanes.values() if x.lane == "b:chn-jlmag-group>de-standard:ndfeb_n")
    price = instance.offers["chn-jlmag-group-n"].price_usd_per_kg[2029]
    duty = lane.tariff_share[2029] * lane.customs_value_usd_per_kg
    assert 55 <= price + lane.freight_usd_per_t / 1000 + duty <= 75
    assert 0.1 <= lane.freight_usd_per_t / 1000 <= 0.6


def test_oxide_in_a_finished_magnet(instance):
    recipes = {recipe.route: recipe for recipe in instance.recipes.values()}
    metal = recipes["magnet_n"].inputs["ndpr_metal"]
    oxide = metal * recipes["metal_ndpr"].inputs["ndpr_oxide"]
    assert 0.48 <= oxide <= 0.58


def test_heavies_cost_more_outside_the_dominant_country(instance):
    def grade_step(maker):
        offers = instance.offers
        return offers[f"{maker}-gbd"].price_usd_per_kg[2029] - offers[f"{maker}-n"].price_usd_per_kg[2029]

    assert 4 <= grade_step("chn-jlmag-group") <= 8
    assert 20 <= grade_step("vac-hanau") <= 35


def test_cheapest_plan_is_found_and_audited(tmp_path):
    run = solve_plan("allied-magnets", tmp_path / "plan", Options(gap_share=0.02, time_limit_s=120.0))
    point = run.tables["frontier"].iloc[0]
    assert 400 <= point["cost_musd"] <= 650
    assert point["gap_share"] <= 0.02
    shares = run.tables["shares"].set_index(["stage", "country_iso3"])["flow_share"]
    assert shares["magnet", "CHN"] >= 0.8
    assert json.loads((run.path / "audit.json").read_text())["passed"]
