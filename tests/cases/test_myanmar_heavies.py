"""Heavy elements with and without the clays of the border: whose mines stand behind a sale, and what they cost."""

import json
import shutil
from pathlib import Path

import pytest

from optimizer.chain.build import build_instance
from optimizer.jobs.frontier import frontier_of
from optimizer.jobs.point_tables import shadow_columns
from optimizer.jobs.prepare import COST, Options, prepare
from optimizer.tables.case import load_case

CASE = Path(__file__).parents[2] / "cases" / "myanmar-heavies"


def changed(folder, old, new):
    shutil.copytree(CASE, folder)
    text = (folder / "case.toml").read_text()
    assert text.count(old) == 1
    (folder / "case.toml").write_text(text.replace(old, new))
    return folder


@pytest.fixture(scope="module")
def instance():
    return build_instance(load_case(CASE))


def mines(instance):
    return {f: x.country_iso3 for f, x in instance.facilities.items() if x.stage == "mine"}


def test_buyers_have_the_same_share_of_every_clay(instance):
    ceilings = {f: x.open_sale_t[2030] for f, x in instance.facilities.items() if f.endswith("ionic-clay")}
    assert len(ceilings) == 7
    assert {"MMR", "LAO", "CHN", "MYS"} <= set(mines(instance).values())
    # Kachin: 35,000 t x 0.47 x 0.035 = 576 t of oxide
    assert ceilings["kachin-ionic-clay"] == pytest.approx(575.75, rel=1e-3)


def test_standard_leaves_out_unlicensed_mines(tmp_path):
    case = changed(tmp_path / "without", "standards = []", 'standards = ["licensed-mining"]')
    assert not {"MMR", "LAO"} & set(mines(build_instance(load_case(case))).values())


def test_restoration_is_a_cost_of_clay_and_of_nothing_else(tmp_path):
    case = changed(tmp_path / "clean", "restoration = false", "restoration = true")
    costs = {r.facility: r.restoration_usd_per_t for r in build_instance(load_case(case)).recipes.values()}
    assert costs["kachin-ionic-clay"] == pytest.approx(1300.0)
    assert all(cost == 0 for facility, cost in costs.items() if not facility.endswith("ionic-clay"))


def test_tie_break_holds_every_column_with_a_price(tmp_path):
    ready = prepare(changed(tmp_path / "clean", "restoration = false", "restoration = true"))
    priced = ready.program.objectives[COST][0] != 0
    keys = [key for key, has_price in zip(ready.program.column_keys, priced, strict=True) if has_price]
    assert any(name == "throughput" and "supplier" in index for name, index in keys)
    free = shadow_columns(ready)
    assert free.any()
    assert not (free & priced).any()


@pytest.mark.long
def test_ties_are_broken_without_moving_what_the_land_costs(tmp_path):
    """The cost of restoring land behind a sale is the buyer's: each point costs what the search proved, in order."""
    case = changed(tmp_path / "clean", "restoration = false", "restoration = true")
    run = frontier_of(case, tmp_path / "run", Options(points=3, tolerance_share=0.05, time_limit_s=120.0))
    points = run.tables["frontier"]
    assert points["cost_musd"].is_monotonic_increasing
    assert points["gap_share"].max() <= 0.01 + 1e-6
    assert json.loads((run.path / "audit.json").read_text())["passed"]
