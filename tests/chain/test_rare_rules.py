"""Rules few cases have, each against what its table says: closed activities, learning plants, controls, marks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from optimizer.chain.activities import ActivityRules
from optimizer.chain.instance import Facility, Product, Project, Recipe
from optimizer.chain.learning import YieldLearning
from optimizer.chain.reexport import ReexportRule
from optimizer.chain.technology import Hold, holds_of

YEARS = (2027, 2028, 2029)
PRODUCTS = {
    "feed": Product("feed", "feed", "concentrate", "hard", "gross", 1.0, 10.0, None, True),
    "plain": Product("plain", "plain", "oxide", None, "gross", 1.0, 10.0, None, True),
    "named": Product("named", "named", "oxide", None, "gross", 1.0, 10.0, "heavy", True),
    "magnet": Product("magnet", "magnet", "magnet", None, "gross", 1.0, 10.0, None, True),
}


def facility(country: str = "AAA", start_year: int | None = 2000) -> Facility:
    return Facility("f", "f", "f", country, 0.0, 0.0, "crack", "operating", False, start_year, 0, {}, {}, {})


def recipe(*inputs: str, makes: str = "magnet") -> Recipe:
    return Recipe("r", "f", "roast", dict.fromkeys(inputs, 1.0), {makes: 1.0}, 1.0, ("buyer",), {})


def closing(from_year: int, to_year: int | None, max_value: float | None) -> dict[str, Any]:
    place = {"facility": "*", "stage": "crack", "route": "*", "country": "*"}
    years = {"from_year": from_year, "to_year": to_year}
    return {"rule": "no-thorium", **place, **years, "indicator": "thorium", "max_value": max_value}


@pytest.mark.parametrize(
    ("row", "closed"),
    [
        (closing(2028, None, None), {2028, 2029}),  # without a value whatever the feed holds
        (closing(2028, 2028, 0.1), {2028}),  # the feed holds 0.2
        (closing(2028, None, 0.2), set()),  # which is not above 0.2
        (closing(2000, None, 0.1), None),  # in force in all years: there is no such conversion
        (closing(2000, 2026, 0.1), set()),  # and this rule has ended before the first
    ],
)
def test_a_rule_closes_an_activity_in_its_years(row: dict[str, Any], closed: set[int] | None) -> None:
    rules = ActivityRules(
        (row,),
        {("hard", "concentrate", "thorium"): 0.2},
        {},
        (),
        {"f": facility()},
        PRODUCTS,
        YEARS,
        lambda name: {name},
    )
    found = rules.applied(recipe("feed"))
    assert (found is None) == (closed is None)
    if found is not None:
        assert found.closed_years == closed


def test_what_is_dug_is_judged_by_the_ore_in_the_ground() -> None:
    held = {("hard", "*", "thorium"): 0.2}
    rules = ActivityRules(
        (closing(2028, None, 0.1),), held, {"f": "hard"}, (), {"f": facility()}, PRODUCTS, YEARS, lambda name: {name}
    )
    found = rules.applied(recipe(makes="feed"))
    assert found is not None
    assert found.closed_years == {2028, 2029}


def curves() -> YieldLearning:
    fast = {("*", "*", "*"): {1: 0.6, 2: 0.8}, ("crack", "roast", "*"): {1: 0.5}}
    return YieldLearning(fast, lambda group, country: True, lambda name: (0, 0))


def test_a_plant_learns_from_its_own_start_year() -> None:
    # The curve that names stage and route counts: half in the first calendar year, all from the second on.
    assert curves().learnt(recipe("feed"), facility(start_year=2028), YEARS).yield_share == {2027: 0.5, 2028: 0.5}
    assert curves().learnt(recipe("feed"), facility(start_year=2020), YEARS).yield_share == {}


def test_only_a_plant_that_stands_by_its_project_learns_with_it() -> None:
    project = Project("e", "f", "E", 50.0, 100.0, 10.0, YEARS, (0.0, 1.0, 1.0))
    assert curves().lowered(project, facility(start_year=2020), ["roast"]) is project
    assert curves().lowered(project, facility(start_year=None), ["roast"]).profile == (0.0, 0.5, 1.0)
    # Of two routes the slower counts: 0.6 and 0.8 of the other are more than 0.5, but later than 1.
    assert curves().lowered(project, facility(start_year=None), ["roast", "leach"]).profile == (0.0, 0.5, 0.8)


@pytest.mark.parametrize(
    ("licence", "row", "hold"),
    [
        (None, {}, Hold()),
        (SimpleNamespace(approval_share=0.5, processing_days=73.0), {}, Hold(delay_years=0.2)),
        (SimpleNamespace(approval_share=0.0), {}, Hold(is_stopped=True)),
        (
            SimpleNamespace(approval_share=0.0),
            {"delay_years_if_refused": 2.0, "extra_cost_share_if_refused": 0.1},
            Hold(2.0, 0.1),
        ),
    ],
)
def test_what_a_refused_or_slow_permit_does_to_a_project(licence: Any, row: dict[str, Any], hold: Hold) -> None:
    needs = {"project": "e", "exporter_iso3": "AAA", "control_group": "know-how", **row}
    tables = {"project_requirements": pd.DataFrame([needs, needs | {"project": "elsewhere"}])}
    services: Any = SimpleNamespace(licence=lambda movement: licence)
    assert holds_of(tables, {"e": ("BBB", "f")}, services, 2027) == {"e": hold}


@pytest.mark.parametrize(
    ("reaches_content", "country", "product", "below", "loses"),
    [
        (False, "BBB", "named", set(), True),  # made into something of another form
        (False, "AAA", "named", set(), False),  # at home nothing loses the mark
        (True, "BBB", "named", set(), False),  # what is named stays content,
        (True, "BBB", "named", {"named"}, True),  # unless there is little of it
        (True, "BBB", "plain", set(), True),  # and what is not named never was
    ],
)
def test_where_a_mark_is_lost(reaches_content: bool, country: str, product: str, below: set[str], loses: bool) -> None:
    rule = ReexportRule("r", ("AAA",), reaches_content, 0.1, frozenset({"heavy"}))
    assert rule.loses(recipe("named", "plain"), product, facility(country), PRODUCTS, frozenset(below)) is loses


def test_a_mark_stays_on_what_keeps_its_form() -> None:
    rule = ReexportRule("r", ("AAA",), False, 0.0, frozenset({"heavy"}))
    assert not rule.loses(recipe("named", makes="plain"), "named", facility("BBB"), PRODUCTS, frozenset())
