"""The Japanese motor maker: what the ban closes, what it leaves, and how long a licence takes."""

import pytest

from optimizer.chain.build import build_instance
from optimizer.tables.case import load_case


@pytest.fixture(scope="module")
def instance():
    return build_instance(load_case("japan-motors"))


def lanes(instance, product):
    return [
        lane
        for lane in instance.lanes.values()
        if lane.layer == "buyer"
        and lane.product == product
        and lane.to_place.startswith("jp-")
        and instance.facilities[lane.from_place].country_iso3 == "CHN"
    ]


def test_magnets_with_heavies_are_cut_to_three_tenths(instance):
    """Civil reviews halt since January 2026: three tenths pass, after 90 days."""
    found = lanes(instance, "ndfeb_sh_gbd")
    assert found
    for lane in found:
        assert lane.approval_share[2029] == pytest.approx(0.3)


def test_magnets_without_heavies_are_free(instance):
    for lane in lanes(instance, "ndfeb_n"):
        assert lane.approval_share.get(2029, 1.0) == 1.0


def test_no_heavy_oxide_or_metal_to_japan(instance):
    banned = {"dy_oxide", "tb_oxide", "dy_metal", "tb_metal"}
    home = {name for name, plant in instance.facilities.items() if plant.country_iso3 == "JPN"}
    for lane in instance.lanes.values():
        if lane.product in banned and lane.to_place in home:
            assert instance.facilities[lane.from_place].country_iso3 != "CHN"


def test_japanese_volumes_are_open_to_a_japanese_customer():
    """What other cases leave to "Japanese customers" is this buyer's too."""
    holders = set(load_case("japan-motors").tables["offtakes"]["holder"])
    assert not holders & {"Japanese customers", "Japan (JARE)"}
    assert "Japanese customers" in set(load_case("eu-wind").tables["offtakes"]["holder"])
