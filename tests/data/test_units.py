"""Conversions between bases against textbook stoichiometry, computed from the shipped table of atomic masses."""

import pytest

from optimizer.tables.browse import read_shared
from optimizer.tables.check_units import unit_problems
from optimizer.tables.locate import data_root
from optimizer.tables.package import load_package
from optimizer.tables.units import (
    ELEMENT,
    OXIDE,
    Component,
    Contents,
    finished_from_metal,
    oxide_sum,
    read_components,
    suffix_of,
)

# Mass of element in a mass of oxide, from handbooks of the trade (four places); derived by hand for the first:
# Nd2O3: 2 x 144.242 / (2 x 144.242 + 3 x 15.999) = 288.484 / 336.481 = 0.85735.
TEXTBOOK = {
    "La": 0.8527, "Ce": 0.8141, "Pr": 0.8277, "Nd": 0.8574, "Sm": 0.8624, "Eu": 0.8636, "Gd": 0.8676, "Tb": 0.8502,
    "Dy": 0.8713, "Ho": 0.8730, "Er": 0.8745, "Tm": 0.8756, "Yb": 0.8782, "Lu": 0.8794, "Y": 0.7874, "Sc": 0.6520,
}  # fmt: skip


@pytest.fixture(scope="module")
def components():
    _, tables = read_shared()
    return read_components(tables["components"].rows)


def test_oxides_hold_as_much_element_as_textbooks_say(components):
    assert {name: round(c.element_per_oxide, 4) for name, c in components.items() if c.is_summed} == TEXTBOOK


def test_converting_there_and_back_changes_nothing(components):
    neodymium = components["Nd"]
    assert neodymium.convert(1000.0, OXIDE, ELEMENT) == pytest.approx(857.35, abs=0.01)
    assert neodymium.convert(neodymium.convert(5.0, OXIDE, ELEMENT), ELEMENT, OXIDE) == pytest.approx(5.0)
    assert neodymium.convert(5.0, OXIDE, OXIDE) == 5.0


def test_a_mixed_metal_needs_the_oxides_of_its_parts(components):
    # 0.8 kg Nd / 0.85735 + 0.2 kg Pr / 0.82771 = 0.93311 + 0.24163 = 1.17474 kg of oxide
    oxides = Contents(ELEMENT, {"Nd": 0.8, "Pr": 0.2}).in_state(OXIDE, components)
    assert sum(oxides.values()) == pytest.approx(1.17474, abs=2e-5)


def test_the_sum_of_oxides_leaves_out_what_is_no_rare_earth(components):
    assert oxide_sum({"Nd": 0.2, "Dy": 0.01, "Fe": 0.5, "rest": 0.29}, components) == pytest.approx(0.21)


def test_finished_magnets_follow_from_the_metal_bought():
    assert finished_from_metal(44.82, 0.4482) == pytest.approx(100.0)


def test_what_is_not_counted_as_oxide_cannot_be_converted():
    with pytest.raises(ValueError, match="not counted as an oxide"):
        Component("iron", 55.845, 0, 0, 0.0, False).convert(1.0, ELEMENT, OXIDE)


def test_the_longest_suffix_decides():
    assert suffix_of("capacity_t_per_year") == "_t_per_year"
    assert suffix_of("t_per_t") == "_t_per_t"
    assert suffix_of("storage_usd_per_t_year") == "_usd_per_t_year"
    assert suffix_of("note") is None


def test_every_column_of_the_package_has_the_unit_its_name_says():
    assert list(unit_problems(load_package(data_root(), with_records=True))) == []
