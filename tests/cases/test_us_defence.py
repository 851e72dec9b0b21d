"""The defence buyer: nothing that touched a covered country reaches it, in any lane, year or end use."""

import pytest

from optimizer.chain.build import build_instance
from optimizer.tables.case import load_case

DEFENCE = ("us-defence-heavy", "us-defence-standard")
COTS = "us-defence-cots"


@pytest.fixture(scope="module")
def case():
    return load_case("us-defence")


@pytest.fixture(scope="module")
def instance(case):
    return build_instance(case)


def lanes_to(instance, markets):
    return [lane for lane in instance.lanes.values() if lane.layer == "buyer" and lane.to_place in markets]


def test_no_defence_lane_from_a_covered_country(case, instance):
    """A plant there marks whatever it makes, so a lane from it could carry nothing."""
    groups = case.tables["country_groups"]
    covered = set(groups.loc[groups["group"] == "covered", "country_iso3"])
    origins = {instance.facilities[lane.from_place].country_iso3 for lane in lanes_to(instance, DEFENCE)}
    assert origins
    assert not origins & covered


def test_defence_markets_refuse_marked_material(instance):
    """Bit 0 is the rule over covered countries; commercial goods alone may carry it."""
    assert {g for lane in lanes_to(instance, DEFENCE) for g in lane.classes} == {0}
    assert any(g & 1 for lane in lanes_to(instance, (COTS,)) for g in lane.classes)


def test_commercial_goods_may_come_from_there(instance):
    assert "chn-jlmag-group" in {lane.from_place for lane in lanes_to(instance, (COTS,))}


def test_no_military_smuggling_lane(instance):
    """Goods refused to a military user directly are barred on the way round, where such goods could arrive at all."""
    for lane in lanes_to(instance, DEFENCE):
        assert not any(g for g in lane.classes)


def test_weights_average_one(case):
    weights = case.tables["markets"].set_index("market")["criticality"]
    demand = case.tables["demand"].groupby("market")["demand_t_per_year"].sum()
    assert (weights * demand).sum() / demand.sum() == pytest.approx(1.0, abs=0.005)
