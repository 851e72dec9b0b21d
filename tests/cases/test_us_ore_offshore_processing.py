"""One ore, five places that are open and one that a ban shuts; one quick plan is found and audited."""

import json

import pytest

from optimizer.chain.build import build_instance
from optimizer.jobs.frontier import solve_plan
from optimizer.jobs.prepare import Options
from optimizer.tables.case import load_case

PLACES = {"EST", "JPN", "MYS", "USA", "VNM"}


@pytest.fixture(scope="module")
def instance():
    return build_instance(load_case("us-ore-offshore-processing"))


def test_five_places_one_mine(instance):
    """The sixth, China, is a candidate, but the American ban on raw material leaves no lane to it."""
    at = {}
    for plant in instance.facilities.values():
        at.setdefault(plant.stage, set()).add(plant.country_iso3)
    assert at["separation"] == PLACES
    assert at["mine"] == at["crack_leach"] == {"USA"}


def test_fee_is_built_from_stage_cost_and_ore(instance):
    """Kuantan: (5.5 USD per kg REO x 0.5 + 1.5) x 6.63 kg REO per kg oxide = 28.2 USD/kg."""
    assert instance.offers["toll-kuantan-light"].price_usd_per_kg[2029] == pytest.approx(28.2, abs=0.05)


def test_oxide_in_a_tonne_of_carbonate(instance):
    """15.7 % NdPr, 96 % won: 6.63 kg of carbonate oxides a kilogram."""
    recipe = next(r for r in instance.recipes.values() if r.facility == "lynas-kuantan-sep-lree")
    (feed,) = recipe.inputs.values()
    assert feed / recipe.outputs["ndpr_oxide"] == pytest.approx(6.63, rel=0.02)


@pytest.mark.long
def test_cheapest_plan_is_found_and_audited(tmp_path):
    run = solve_plan("us-ore-offshore-processing", tmp_path / "plan", Options(gap_share=0.05, time_limit_s=60.0))
    point = run.tables["frontier"].iloc[0]
    assert 6.0 <= point["cost_musd"] <= 25.0
    assert json.loads((run.path / "audit.json").read_text())["passed"]
