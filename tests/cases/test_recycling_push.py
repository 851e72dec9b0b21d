"""Recycling against new mines: scrap reaches the recycler, sponsored collection exists only when paid for."""

import json

import pytest

from optimizer.chain.build import build_instance
from optimizer.jobs.frontier import solve_plan
from optimizer.jobs.prepare import Options
from optimizer.model.sets import build_sets
from optimizer.tables.case import load_case

CASE = "recycling-push"


@pytest.fixture(scope="module")
def instance():
    return build_instance(load_case(CASE))


def test_scrap_can_be_bought_and_recycled(instance):
    lanes = {(lane.from_place, lane.to_place, lane.layer) for lane in instance.lanes.values()}
    for source in ("swarf-eu", "eol-europe", "eol-europe-push"):
        assert (source, "caremag-lacq-recycling", "buyer") in lanes


def test_sponsored_collection_has_no_capacity_of_its_own(instance):
    assert max(instance.facilities["eol-europe-push"].open_sale_t.values()) == 0
    assert {p.facility for p in instance.projects.values()} >= {"eol-europe-push", "caremag-lacq-recycling"}


def test_a_kilogram_of_swarf_gives_a_third_of_a_kilogram_of_oxide(instance):
    """0.364 kg of contained NdPr oxide x 0.92."""
    out = [
        r.outputs["ndpr_oxide"] / r.inputs["swarf"]
        for r in instance.recipes.values()
        if r.facility == "caremag-lacq-recycling" and "swarf" in r.inputs
    ]
    assert out == [pytest.approx(0.364 * 0.92, rel=0.01)]


def test_the_tolls_of_the_line_that_runs_and_of_those_to_be_built_share_what_is_converted(instance):
    """Else each would have to cover all of it, and the 60 t a year of the first would cap the lines that are built."""
    offers = ("toll-lacq-recycling", "toll-lacq-recycling-2")
    assert set(build_sets(instance).joint_tolls[offers[0]]) == set(offers)
    assert instance.offers[offers[0]].max_t < 0.2 * instance.offers[offers[1]].max_t


def test_new_mines_and_recycling_stand_side_by_side(instance):
    sellers = {offer.facility for offer in instance.offers.values()}
    assert {"iluka-eneabba-sep", "arafura-nolans-sep", "carina", "swarf-eu"} <= sellers


@pytest.mark.long
def test_cheapest_plan_is_found_and_audited(tmp_path):
    run = solve_plan(CASE, tmp_path / "plan", Options(gap_share=0.02, time_limit_s=120.0))
    assert json.loads((run.path / "audit.json").read_text())["passed"]
