"""The stockpile agency: what is stored, what stock has to cover, and one plan."""

import json

import pytest

from optimizer.chain.build import build_instance
from optimizer.jobs.frontier import solve_plan
from optimizer.jobs.prepare import Options
from optimizer.tables.case import load_case

CASE = "stockpile-agency"


@pytest.fixture(scope="module")
def instance():
    return build_instance(load_case(CASE))


def test_every_market_may_be_stored_for_a_year_of_its_last_demand(instance):
    rooms = {place: storage.max_t for (place, _), storage in instance.storages.items()}
    assert rooms == {market: pytest.approx(m.demand_t[2031]) for market, m in instance.markets.items()}


def test_weights_are_the_magnets_that_stop(instance):
    """A kilogram of Dy oxide stops 1 / (0.0153 x 1.2214) = 53.5 kg of magnet; weights are scaled, ratios stay."""
    weight = {market: m.criticality for market, m in instance.markets.items()}
    recipes = {recipe.route: recipe for recipe in instance.recipes.values()}
    metal = recipes["magnet_sh_gbd"].inputs["dy_metal"] * recipes["metal_dy"].inputs["dy_oxide"]
    assert weight["maker-dy"] / weight["magnets-heavy"] == pytest.approx(1 / metal, rel=0.01)


def test_licences_of_the_truce_limit_volume_and_take_time(instance):
    lane = next(x for x in instance.lanes.values() if x.lane == "b:chn-creg-jiangxi-sep>maker-dy:dy_oxide")
    assert lane.approval_share[2028] == pytest.approx(0.6)
    assert lane.processing_days[2028] > 0


def test_regimes_come_as_shocks(instance):
    events = {shock.event for shock in instance.shocks.values()}
    assert {"regime-april-2025", "regime-october-2025", "regime-embargo"} <= events


def test_nothing_is_converted_for_the_agency(instance):
    assert {offer.kind for offer in instance.offers.values()} == {"sale"}


@pytest.mark.long
@pytest.mark.long
def test_cheapest_plan_is_found_and_audited(tmp_path):
    run = solve_plan(CASE, tmp_path / "plan", Options(gap_share=0.02, time_limit_s=120.0))
    assert json.loads((run.path / "audit.json").read_text())["passed"]
