"""The European turbine maker: its demand, the benchmark and what it may put in a generator."""

import pytest

from optimizer.chain.build import build_instance
from optimizer.tables.case import load_case


@pytest.fixture(scope="module")
def case():
    return load_case("eu-wind")


@pytest.fixture(scope="module")
def instance(case):
    return build_instance(case)


def test_demand_is_gigawatts_times_kilograms_per_megawatt(case):
    """0.5 GW x 650 kg/MW = 325 t and 1.0 GW x 160 kg/MW = 160 t, both figures of the shared table."""
    units = case.tables["unit_demand"].set_index("record")["need_kg"] if "unit_demand" in case.tables else None
    demand = case.tables["demand"].set_index(["market", "year"])["demand_t_per_year"]
    assert units is None or (units["use-009"], units["use-011"]) == (650, 160)
    assert demand["eu-direct-drive", 2027] == pytest.approx(0.5 * 650)
    assert demand["eu-geared", 2027] == pytest.approx(1.0 * 160)


def test_benchmark_is_soft_and_spares_the_bloc(instance):
    caps = [cap for cap in instance.share_caps if cap.max_share == 0.65]
    assert caps
    assert all(cap.penalty_usd_per_kg == 5.0 and min(cap.years) == 2030 for cap in caps)
    capped = {instance.facilities[f].country_iso3 for cap in caps for f in cap.facilities}
    assert "CHN" in capped
    assert not capped & {"DEU", "FRA", "EST"}


def test_stages_with_co_products_are_capped_too(instance):
    """What a plant leaves over to other customers does not count, so joint production cannot thin out a share."""
    stages = {cap.stage for cap in instance.share_caps}
    assert stages == {"separation", "metal", "magnet"}
    joint = {instance.facilities[r.facility].stage for r in instance.recipes.values() if len(r.outputs) > 1}
    assert {"separation", "magnet"} <= joint


def test_cheapest_block_is_chinese_and_three_grades_fit(instance):
    makers = {lane.from_place for lane in instance.lanes.values() if lane.to_place == "eu-direct-drive"}
    products = {lane.product for lane in instance.lanes.values() if lane.to_place == "eu-direct-drive"}
    assert {"chn-magnet-other", "vac-hanau-magnet", "neo-narva-magnet"} <= makers
    assert products == {"ndfeb_sh", "ndfeb_sh_gbd", "ndfeb_n"}
