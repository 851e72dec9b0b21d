"""Environmental caps and limits on construction: which facilities, projects and years a rule of a case binds."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from chain_case import GROUPS, base_rows, case_of, fixed_services

from optimizer.chain.build import build_instance
from optimizer.chain.limits import build_build_limits, build_environment_caps
from optimizer.errors import DataProblem
from optimizer.tables.settings import EnvironmentLimit

YEARS = (2027, 2028, 2029, 2030)


def members(name: str) -> frozenset[str]:
    return GROUPS.get(name, frozenset({name}))


@pytest.fixture(scope="module")
def facilities():
    return build_instance(case_of(base_rows()), fixed_services()).facilities


@pytest.mark.parametrize(
    ("more", "capped", "years"),
    [
        ({}, {"M", "N", "C", "L", "H", "P"}, YEARS),
        ({"facilities": ["M", "P"]}, {"M", "P"}, YEARS),
        ({"countries": ["far", "CCC"]}, {"N", "H", "P"}, YEARS),  # the group far is BBB, where N is
        ({"countries": ["CCC"], "facilities": ["P", "M"]}, {"P"}, YEARS),
        ({"from_year": 2029}, {"M", "N", "C", "L", "H", "P"}, (2029, 2030)),
        ({"to_year": 2028}, {"M", "N", "C", "L", "H", "P"}, (2027, 2028)),
    ],
)
def test_an_environmental_cap_counts_what_it_names(facilities, more, capped, years) -> None:
    rule = EnvironmentLimit(name="water", indicator="m3", max_value=5.0, **more)
    (cap,), problems = build_environment_caps([rule], facilities, {"m3"}, members, YEARS)
    assert (cap.name, cap.indicator, set(cap.facilities), cap.years) == ("water", "m3", capped, years)
    assert (cap.max_value, problems) == (5.0, [])


def test_an_indicator_without_footprint_is_refused() -> None:
    cap = {"name": "water", "indicator": "m3", "max_value": 5.0}
    with pytest.raises(DataProblem) as told:
        build_instance(case_of(base_rows(), limits={"environment": [cap]}), fixed_services())
    (problem,) = told.value.problems
    assert (problem.code, problem.row, problem.found) == ("C007", "water", "m3")
    assert problem.allowed == "none in the footprints"


@pytest.mark.parametrize(("countries", "named"), [((), {"p", "q"}), (("AAA",), {"p"}), (("far", "AAA"), {"p", "q"})])
def test_a_limit_on_construction_counts_the_projects_of_its_region(facilities, countries, named) -> None:
    projects = [SimpleNamespace(project="p", facility="M"), SimpleNamespace(project="q", facility="N")]
    rule = SimpleNamespace(name="crews", countries=countries, max_projects=1)
    (limit,) = build_build_limits([rule], projects, facilities, members)
    assert (limit.name, set(limit.projects), limit.max_projects) == ("crews", named, 1)


def test_a_mine_whose_ore_has_no_product_of_the_form_it_yields_is_refused() -> None:
    rows = base_rows()
    rows["facilities"] = [row | {"ore": "soft"} if row["facility"] == "M" else row for row in rows["facilities"]]
    with pytest.raises(DataProblem) as told:
        build_instance(case_of(rows), fixed_services())
    (problem,) = told.value.problems
    assert (problem.code, problem.row, problem.column, problem.found) == ("C001", "M", "ore", "soft")
