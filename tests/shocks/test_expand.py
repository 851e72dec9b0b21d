"""Shocks from events: periods, average shares, selectors, merging and probabilities by hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pandas as pd
import pytest

from optimizer.chain.instance import Facility, Lane, Market, Period, Product, Shock
from optimizer.errors import DataProblem
from optimizer.shocks.expand import expand_shocks, with_probabilities
from optimizer.shocks.periods import average_share, base_periods, merged_periods

YEARS = (2027, 2028, 2029, 2030)


@dataclass(frozen=True)
class ShockPart:
    window_months: float = 24.0
    start_years: tuple[int, ...] = (2027,)
    events: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    shocks: ShockPart = field(default_factory=ShockPart)


@dataclass(frozen=True)
class Case:
    tables: dict[str, pd.DataFrame]
    settings: Settings = field(default_factory=Settings)


def facility(name: str, country: str, operator: str, stage: str, start_year: int | None = 2010) -> Facility:
    return Facility(name, name, operator, country, 0, 0, stage, "operating", False, start_year, 0, {}, {}, {})


def lane(
    name: str, start: str, end: str, product: str, passages: tuple[str, ...] = (), classes: tuple[int, ...] = (0,)
) -> Lane:
    return Lane(name, "buyer", start, end, product, "sea", 1, passages, 1, 1, 1, {}, {}, classes)


def market(name: str, country: str, segment: str) -> Market:
    return Market(name, name, country, 0, 0, segment, 1, {}, {}, {})


def product(name: str, form: str, group: str | None) -> Product:
    return Product(name, name, form, None, "oxide", 1, 1, group, True)


FACILITIES = {
    f.facility: f
    for f in (
        facility("sep-c", "CHN", "One", "separation"),
        facility("mag-c", "CHN", "Two", "magnet"),
        facility("mag-j", "JPN", "Three", "magnet"),
        facility("mag-u", "USA", "Four", "magnet", start_year=2028),
        facility("mag-v", "VNM", "Four", "magnet", start_year=None),
    )
}
MARKETS = {
    m.market: m for m in (market("eu", "DEU", "civil"), market("usd", "USA", "defence"), market("cn", "CHN", "civil"))
}
PRODUCTS = {
    p.product: p
    for p in (product("dy", "oxide", "heavy"), product("nd", "oxide", None), product("mag", "magnet", "magnets"))
}
LANES = {
    x.lane: x
    for x in (
        lane("dy:c>j", "sep-c", "mag-j", "dy", ("malacca",)),
        lane("dy:c>c", "sep-c", "mag-c", "dy"),
        lane("nd:c>j", "sep-c", "mag-j", "nd"),
        lane("mag:c>eu", "mag-c", "eu", "mag", ("malacca", "suez")),
        lane("mag:c>cn", "mag-c", "cn", "mag"),
        lane("mag:j>eu", "mag-j", "eu", "mag", ("malacca", "suez"), (0, 2)),
        lane("mag:j>usd", "mag-j", "usd", "mag", (), (0, 1)),
        lane("mag:u>usd", "mag-u", "usd", "mag", (), (0, 2)),
    )
}
SELECTORS = [
    "facility", "country", "operator", "stage", "control_group", "form", "destination", "segment", "passage",
    "mode", "origin_rule",
]  # fmt: skip


def effect(
    event: str, number: int, target: str, months: tuple[int, int], share: float, **selectors: object
) -> dict[str, object]:
    row: dict[str, object] = {"event": event, "effect": number, "target": target} | dict.fromkeys(SELECTORS, "*")
    row |= {
        "is_project_only": False,
        "from_month": months[0],
        "to_month": months[1],
        "open_share": share,
        "price_multiple": 2.0,
    }
    return row | selectors


def expand(
    effects: list[dict[str, object]], rates: dict[str, float] | None = None, settings: ShockPart | None = None
) -> dict[str, Shock]:
    rates = rates or {str(row["event"]): 0.1 for row in effects}
    events = [
        {"event": name, "name": name.upper(), "cause": "x", "rate_per_year": rate, "story": "It stops."}
        for name, rate in rates.items()
    ]
    tables = {
        "events": pd.DataFrame(events),
        "event_effects": pd.DataFrame(effects),
        "country_groups": pd.DataFrame(
            [("EU", "DEU"), ("west", "USA"), ("west", "DEU")], columns=["group", "country_iso3"]
        ),
    }
    case = Case(tables, Settings(settings or ShockPart()))
    return expand_shocks(case, FACILITIES, LANES, ("covered", "licensed"), YEARS, PRODUCTS, MARKETS)


def hit_lanes(**selectors: object) -> set[str]:
    (shock,) = expand([effect("e", 0, "lane", (0, 3), 0.0, **selectors)]).values()
    assert not shock.facility_share
    return {name for name, _, _ in shock.lane_share}


def test_base_grid_months_then_quarters() -> None:
    grid = base_periods(2027, 24, 2030)
    assert [p.first_month for p in grid] == [0, 1, 2, 3, 4, 5, 6, 9, 12, 15, 18, 21]
    assert [p.months for p in grid] == [1] * 6 + [3] * 6
    assert [p.year for p in grid] == [2027] * 8 + [2028] * 4
    assert [p.period for p in grid] == list(range(1, 13))


def test_window_may_end_within_a_quarter_and_past_the_horizon() -> None:
    grid = base_periods(2030, 14, 2030)
    assert [(p.first_month, p.months) for p in grid[-3:]] == [(6, 3), (9, 3), (12, 2)]
    assert {p.year for p in grid} == {2030}
    assert [(p.first_month, p.months) for p in base_periods(2027, 2.5, 2030)] == [(0, 1), (1, 1), (2, 0.5)]


def test_average_share_weighs_time_and_takes_the_smallest() -> None:
    quarter = Period(7, 2027, 6, 3)
    assert average_share(quarter, [(0, 7, 0.0)]) == pytest.approx(2 / 3)  # one month of three is shut
    assert average_share(quarter, [(0, 8, 0.5), (7, 9, 0.2)]) == pytest.approx((0.5 + 0.2 + 0.2) / 3, abs=1e-12)
    assert average_share(quarter, [(0, 6, 0.0), (9, 12, 0.0)]) == 1.0
    assert average_share(quarter, []) == 1.0


def test_four_months_with_monthly_shares() -> None:
    shares = (0.26, 0.25, 0.5, 0.75)
    (shock,) = expand(
        [effect("e", i, "facility", (i, i + 1), x, facility="mag-c") for i, x in enumerate(shares)]
    ).values()
    # four months apart, then months 4 to 12 of 2027 as one, then 2028 as one
    assert [(p.first_month, p.months, p.year) for p in shock.periods] == [
        (0, 1, 2027), (1, 1, 2027), (2, 1, 2027), (3, 1, 2027), (4, 8, 2027), (12, 12, 2028),
    ]  # fmt: skip
    assert shock.facility_share == {("mag-c", k + 1): x for k, x in enumerate(shares)}
    assert sum(p.months for p in shock.periods) == 24
    assert shock.price_multiple == 2.0


def test_effect_that_ends_within_a_quarter() -> None:
    (shock,) = expand([effect("e", 0, "facility", (0, 8), 0.1, facility="mag-c")]).values()
    assert [(p.first_month, p.months) for p in shock.periods] == [(0, 6), (6, 3), (9, 3), (12, 12)]
    assert shock.facility_share[("mag-c", 1)] == 0.1
    assert shock.facility_share[("mag-c", 2)] == pytest.approx((0.1 + 0.1 + 1.0) / 3)
    assert set(shock.facility_share) == {("mag-c", 1), ("mag-c", 2)}


def test_periods_do_not_merge_over_new_year() -> None:
    (shock,) = expand([effect("e", 0, "facility", (0, 24), 0.5, facility="mag-c")]).values()
    assert [(p.first_month, p.months, p.year) for p in shock.periods] == [(0, 12, 2027), (12, 12, 2028)]
    merged, sources = merged_periods(base_periods(2030, 24, 2030), 2030, [])
    assert [(p.first_month, p.year) for p in merged] == [(0, 2030), (12, 2030)]
    assert sources == (0, 8)


def test_merging_needs_every_share_equal() -> None:
    effects = [
        effect("e", 0, "facility", (0, 6), 0.5, facility="mag-c"),
        effect("e", 1, "facility", (2, 6), 0.5, facility="mag-j"),
    ]
    (shock,) = expand(effects).values()
    assert [(p.first_month, p.months) for p in shock.periods] == [(0, 2), (2, 4), (6, 6), (12, 12)]
    assert shock.facility_share == {("mag-c", 1): 0.5, ("mag-c", 2): 0.5, ("mag-j", 2): 0.5}


def test_average_disruption_is_kept_by_merging() -> None:
    effects = [
        effect("e", i, "facility", (a, b), x, country="CHN") for i, (a, b, x) in enumerate([(0, 5, 0.3), (4, 14, 0.7)])
    ]
    (shock,) = expand(effects).values()
    lost = sum(p.months * (1 - shock.facility_share.get(("sep-c", p.period), 1.0)) for p in shock.periods)
    assert lost == pytest.approx(5 * 0.7 + 9 * 0.3)  # months 0-5 lose 70 %, months 5-14 lose 30 %


def test_facility_selectors_must_all_match() -> None:
    (shock,) = expand([effect("e", 0, "facility", (0, 1), 0.0, country="CHN", stage="magnet")]).values()
    assert shock.facility_share == {("mag-c", 1): 0.0}
    (shock,) = expand([effect("e", 0, "facility", (0, 1), 0.0, operator="Four")]).values()
    assert set(shock.facility_share) == {("mag-u", 1), ("mag-v", 1)}
    (shock,) = expand([effect("e", 0, "facility", (0, 1), 0.0, country="west")]).values()
    assert set(shock.facility_share) == {("mag-u", 1)}


def test_lane_selectors() -> None:
    assert hit_lanes(country="CHN") == {"dy:c>j", "nd:c>j", "mag:c>eu"}  # exports only
    assert hit_lanes(country="CHN", control_group="heavy") == {"dy:c>j"}
    assert hit_lanes(passage="suez") == {"mag:c>eu", "mag:j>eu"}
    assert hit_lanes(form="magnet", destination="EU") == {"mag:c>eu", "mag:j>eu"}
    assert hit_lanes(destination="USA") == {"mag:j>usd"}
    assert hit_lanes(segment="defence") == {"mag:j>usd", "mag:u>usd"}
    assert hit_lanes(segment="civil") == {"mag:c>eu", "mag:c>cn", "mag:j>eu"}  # no lane to a facility
    assert hit_lanes(facility="sep-c", form="oxide") == {"dy:c>j", "dy:c>c", "nd:c>j"}
    assert hit_lanes(stage="separation", destination="JPN") == {"dy:c>j", "nd:c>j"}
    assert hit_lanes(mode="sea", destination="JPN") == {"dy:c>j", "nd:c>j"}
    assert hit_lanes(mode="land") == set()
    assert hit_lanes() == set(LANES)


def test_origin_rule_hits_marked_material_only() -> None:
    (shock,) = expand([effect("e", 0, "lane", (0, 1), 0.4, origin_rule="licensed")]).values()
    assert shock.lane_share == {("mag:j>eu", 1, 2): 0.4, ("mag:u>usd", 1, 2): 0.4}
    (shock,) = expand([effect("e", 0, "lane", (0, 1), 0.4, origin_rule="covered", destination="USA")]).values()
    assert shock.lane_share == {("mag:j>usd", 1, 1): 0.4}
    (shock,) = expand([effect("e", 0, "lane", (0, 1), 0.4, origin_rule="not-in-the-case")]).values()
    assert shock.lane_share == {}


def test_project_only_in_the_first_three_years() -> None:
    effects = [effect("e", 0, "facility", (0, 24), 0.0, stage="magnet", is_project_only=True)]
    shocks = expand(effects, settings=ShockPart(start_years=YEARS))
    calendar = {
        year: {
            (place, year + int(p.first_month // 12))
            for p in shocks[f"e@{year}"].periods
            for place in ("mag-c", "mag-u")
            if (place, p.period) in shocks[f"e@{year}"].facility_share
        }
        for year in YEARS
    }
    assert calendar[2027] == {("mag-u", 2028)}  # starts in 2028
    assert calendar[2028] == {("mag-u", 2028), ("mag-u", 2029)}
    assert calendar[2030] == {("mag-u", 2030)}  # 2031 is its fourth year
    assert all(("mag-v", 1) in shock.facility_share for shock in shocks.values())  # exists only if sponsored


def test_probability_is_a_share_of_the_rates_of_the_start_year() -> None:
    effects = [effect("fire", 0, "facility", (0, 2), 0.0, facility="mag-c")]
    rates = {"fire": 0.3, "flood": 0.1, "nothing": 0.0}
    shocks = expand(effects, rates, ShockPart(start_years=(2028, 2029)))
    assert list(shocks) == [f"{event}@{year}" for year in (2028, 2029) for event in ("fire", "flood")]
    assert shocks["fire@2028"].probability == pytest.approx(0.75)
    assert shocks["flood@2029"].probability == pytest.approx(0.25)
    only = expand(effects, rates, ShockPart(events=("flood",)))
    assert [(name, shock.probability) for name, shock in only.items()] == [("flood@2027", 1.0)]


def test_an_event_of_rate_zero_is_as_good_as_absent() -> None:
    effects = [effect(name, 0, "facility", (0, 2), 0.0, facility="mag-c") for name in ("fire", "never")]
    assert expand(effects, {"fire": 0.3, "never": 0.0}) == expand(effects[:1], {"fire": 0.3})
    assert expand(effects, {"fire": 0.0, "never": 0.0}) == {}
    (fire,) = expand(effects[:1]).values()
    assert with_probabilities([fire, replace(fire, shock="other@2027", rate_per_year=0.0)]) == {"fire@2027": fire}


def test_shock_that_touches_nothing_is_kept() -> None:
    (shock,) = expand([effect("e", 0, "facility", (0, 2), 0.0, facility="elsewhere")]).values()
    assert (shock.facility_share, shock.lane_share, shock.price_multiple) == ({}, {}, 1.0)
    assert [p.months for p in shock.periods] == [12, 12]
    assert shock.probability == 1.0
    assert shock.story == "It stops. It starts in January 2027."


def test_all_years_and_events_by_default_and_splitting_a_rate_changes_no_sum() -> None:
    effects = [effect(name, 0, "facility", (0, 2), 0.0, facility="mag-c") for name in ("a", "b")]
    shocks = expand(effects, {"a": 0.05, "b": 0.05}, ShockPart(start_years=()))
    assert sorted({shock.start_year for shock in shocks.values()}) == list(YEARS)
    whole = expand(effects[:1], {"a": 0.1}, ShockPart(start_years=()))
    assert whole["a@2028"].probability == sum(shocks[f"{name}@2028"].probability for name in ("a", "b"))
    same = replace(shocks["a@2028"], shock="", event="", name="")
    assert same == replace(shocks["b@2028"], shock="", event="", name="")


def test_all_mistakes_are_told_at_once() -> None:
    effects = [
        effect("e", 0, "facility", (0, 2), 0.0, passage="suez", form="magnet"),
        effect("e", 1, "lane", (2, 2), 0.0, is_project_only=True),
    ]
    with pytest.raises(DataProblem) as caught:
        expand(effects, settings=ShockPart(start_years=(2026,)))
    assert [(p.code, p.column) for p in caught.value.problems] == [
        ("S002", "shocks.start_years"), ("S003", "form"), ("S003", "passage"), ("S003", "is_project_only"),
        ("S004", "to_month"),
    ]  # fmt: skip
    with pytest.raises(DataProblem, match="no-event"):
        expand(effects[:1], settings=ShockPart(events=("no-event",)))


def test_no_events_no_shocks() -> None:
    case = Case({})
    assert expand_shocks(case, FACILITIES, LANES, (), YEARS, PRODUCTS, MARKETS) == {}
