"""Lithium cathode and its precursors: another mineral in the same tables, nothing shared."""

import json

import pytest

from optimizer.chain.build import build_instance
from optimizer.jobs.frontier import solve_plan
from optimizer.jobs.prepare import Options
from optimizer.tables.case import load_case

CASE = "battery-precursors"


@pytest.fixture(scope="module")
def case():
    return load_case(CASE)


@pytest.fixture(scope="module")
def instance(case):
    return build_instance(case)


def test_nothing_is_shared(case):
    assert case.settings.base == "none"
    assert not case.differences
    assert set(case.tables["facilities"]["stage"]) == {"mine", "refine", "precursor", "cathode", "recycling"}


def test_metal_in_a_tonne_of_cathode(instance):
    """Li Ni0.8 Co0.1 Mn0.1 O2: 46.95 / 97.28 = 0.483 t of nickel; with 2 % lost twice 0.483 x 1.02 x 1.02 = 0.502."""
    recipes = {recipe.route: recipe for recipe in instance.recipes.values()}
    precursor = recipes["make_cathode"].inputs["precursor"]
    assert precursor * recipes["make_precursor"].inputs["nickel_sulphate"] == pytest.approx(0.502, rel=0.002)


def test_nickel_and_cobalt_come_out_of_one_ore_together(instance):
    recipe = next(
        r for r in instance.recipes.values() if r.facility == "chn-sulphates" and "hydroxide_laterite" in r.inputs
    )
    # 60,000 t of nickel to 7,800 t of cobalt: more than the 0.126 that the precursor asks for
    assert recipe.outputs["cobalt_sulphate"] / recipe.outputs["nickel_sulphate"] == pytest.approx(0.13, rel=0.01)


def test_duty_on_what_comes_from_far_but_not_under_agreements(instance):
    lanes = {(lane.from_place, lane.to_place): lane for lane in instance.lanes.values() if lane.product == "cathode"}
    assert lanes["chn-ronbay", "cells-hungary"].tariff_share[2028] == pytest.approx(0.055)
    assert lanes["kor-pohang", "cells-hungary"].tariff_share[2028] == 0


def test_widened_controls_come_as_a_shock(instance):
    assert "regime-widened" in {shock.event for shock in instance.shocks.values()}


@pytest.mark.long
def test_cheapest_plan_is_found_and_audited(tmp_path):
    run = solve_plan(CASE, tmp_path / "plan", Options(gap_share=0.02, time_limit_s=120.0))
    assert json.loads((run.path / "audit.json").read_text())["passed"]
