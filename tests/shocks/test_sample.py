"""Sampled shocks: rates on one scale, members, escalation, whole months, stories; the same by seed alone."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hazard_tables import FIRM, STRAIT, effect, hazard, tables

from optimizer.errors import DataProblem
from optimizer.shocks.hazards import read_hazards
from optimizer.shocks.sample import SampledShocks, sample_shocks
from optimizer.tables.case import load_case

BOTH = tables([STRAIT[0], FIRM[0]], [STRAIT[1], FIRM[1]])


def one(hazard_row: dict[str, object], *effects: dict[str, object], **options: object) -> SampledShocks:
    return sample_shocks(tables([hazard_row], list(effects)), years=[2027], count=50, seed=1, **options)


def test_rates_of_a_start_year_add_up_to_those_of_the_hazards() -> None:
    # A strait at 0.2 a year, and two firms with a running plant of their own at 0.1 each: 0.4.
    found = sample_shocks(BOTH, years=[2027, 2028, 2029], count=1000, seed=3)
    assert found.rate_per_year == pytest.approx(0.4)
    assert found.events.groupby("start_year")["rate_per_year"].sum().to_list() == pytest.approx([0.4] * 3)
    assert found.events.groupby("start_year")["multiplicity"].sum().to_list() == [334, 333, 333]
    share = found.events.groupby("hazard")["multiplicity"].sum() / 1000
    assert share["strait"] == pytest.approx(0.5, abs=3 * math.sqrt(0.25 / 1000))
    low = found.events["low"] / found.events["rate_per_year"]
    assert low.to_list() == pytest.approx([0.5 if name == "strait" else 1.0 for name in found.events["hazard"]])


def test_members_are_firms_with_single_plants_that_run_or_will() -> None:
    by_name = {found.hazard: found for found in read_hazards(BOTH)}
    assert [member.name for member in by_name["firm"].members] == ["Elm / Co", "Oak Inc."]
    new = (FIRM[0], FIRM[1] | {"is_project_only": True})
    (slip,) = read_hazards(tables([new[0]], [new[1]]), first_year=2027)
    assert [member.name for member in slip.members] == ["Oak Inc."]  # whose p2 starts in 2029
    (west,) = read_hazards(tables([FIRM[0]], [FIRM[1] | {"country": "west"}]))
    assert [member.name for member in west.members] == ["Elm / Co", "Oak Inc."]
    listed = FIRM[0] | {"drawn": "country", "drawn_from": "CCC;AAA"}
    (named,) = read_hazards(tables([listed], [effect("firm", 1, "lane", country="{country}")]))
    assert [(member.name, member.label) for member in named.members] == [("AAA", "Aland"), ("CCC", "Cland")]


def test_a_hazard_with_nothing_left_to_strike_is_left_out() -> None:
    hazards = [STRAIT[0], hazard("mill", drawn="facility"), hazard("gone")]
    found = read_hazards(tables(hazards, [STRAIT[1], effect("mill", 1, "facility", stage="mill")]))
    assert [one.hazard for one in found] == ["strait"]


def test_all_effects_of_a_draw_fall_on_one_member() -> None:
    effects = [FIRM[1], effect("firm", 2, "facility", operator="{operator}", stage="metal")]
    found = one(FIRM[0], *effects)
    assert set(found.events["event"]) == {"firm-elm-co-6m-50pc", "firm-oak-inc-6m-50pc"}
    assert found.effects.groupby("event")["operator"].nunique().to_list() == [1, 1]
    assert set(found.effects["stage"]) == {"*", "metal"}


def test_depth_duration_delay_cap_and_recovery_of_effects() -> None:
    row = hazard("ban", spillover_share=0.4, drawn="destination", drawn_from="BBB")
    found = one(
        row,
        effect("ban", 1, "lane", destination="{destination}", depth_factor=1.2, recovery_factor=0.5),
        effect("ban", 2, "lane", scope="neighbour", delay_months=2, duration_factor=0.5),
        effect("ban", 3, "lane", passage="narrows", max_months=1, depth_factor=9.0),
    )
    columns = ["destination", "from_month", "to_month", "open_share", "price_multiple"]
    # Half is lost for six months: 60 % of named goods, then 30 % for three; 20 % of neighbours; never above all.
    assert found.effects[columns].to_numpy().tolist() == [
        ["BBB", 0, 6, 0.4, 2.2], ["BBB", 6, 9, 0.7, 1.6], ["*", 2, 5, 0.8, 1.4], ["*", 0, 1, 0.0, 3.0],
    ]  # fmt: skip
    (event,) = found.events.to_dict("records")
    assert event["story"] == "Bland keeps 50 % for 6 months, 50 % is lost."
    assert (event["multiplicity"], event["duration_months"], event["depth_share"]) == (50, 6, 0.5)


def test_less_than_a_month_is_spread_over_one_and_long_ones_are_cut() -> None:
    short = one(STRAIT[0] | {"median_months": 0.4, "median_low_months": 0.4, "median_high_months": 0.4}, STRAIT[1])
    assert short.effects[["from_month", "to_month", "open_share"]].to_numpy().tolist() == [[0, 1, 0.8]]
    long = one(STRAIT[0] | {"median_months": 90, "median_low_months": 90, "median_high_months": 90}, STRAIT[1])
    assert long.effects["to_month"].to_list() == [24]
    assert "for 24 months or longer" in long.events["story"][0]
    assert one(STRAIT[0], STRAIT[1], longest_months=3).effects["to_month"].to_list() == [3]


def test_follow_ups_come_at_once_and_strike_the_same_member() -> None:
    mild = hazard("mild", drawn="destination", drawn_from="AAA;BBB;CCC", escalates_to="harsh", escalation_share=1.0)
    harsh = hazard("harsh", drawn="destination", drawn_from="BBB;AAA;CCC", rate_per_year=0.0, depth_share=0.999)
    cut = [effect(name, 1, "lane", destination="{destination}") for name in ("mild", "harsh")]
    found = sample_shocks(tables([mild, harsh], cut), years=[2027], count=30, seed=2)
    assert len(found.events) == 3
    for row in found.events.itertuples():
        member = row.event.split("-")[1]
        assert row.event == f"mild-{member}-6m-50pc+harsh-{member}-6m-100pc"
        own = found.effects[found.effects["event"] == row.event]
        assert own[["from_month", "to_month", "open_share"]].to_numpy().tolist() == [[0, 6, 0.5], [6, 12, 0.0]]
        assert set(own["destination"]) == {member.upper()}
        assert "Then it grows worse:" in row.story
    half = sample_shocks(
        tables([mild | {"escalation_share": 0.25}, harsh], cut), years=[2027], count=4000, seed=2
    ).events
    grown = half[half["event"].str.contains("harsh")]["multiplicity"].sum() / 4000
    assert grown == pytest.approx(0.25, abs=0.03)


def test_same_seed_same_shocks_whatever_the_order_of_rows() -> None:
    turned = {name: frame.iloc[::-1].reset_index(drop=True) for name, frame in BOTH.items()}
    first, second = (sample_shocks(t, years=[2027, 2028], count=300, seed=9) for t in (BOTH, turned))
    pd.testing.assert_frame_equal(first.events, second.events)
    pd.testing.assert_frame_equal(first.effects, second.effects)
    other = sample_shocks(BOTH, years=[2027, 2028], count=300, seed=10)
    assert not first.events["multiplicity"].equals(other.events["multiplicity"])


def test_durations_and_depths_follow_their_distributions() -> None:
    row = STRAIT[0] | {"log_sd": 0.5, "depth_share": 0.6, "depth_concentration": 9.0}
    found = sample_shocks(tables([row], [STRAIT[1]]), years=[2027], count=20_000, seed=4, longest_months=120).events
    months = np.repeat(found["duration_months"], found["multiplicity"])
    depth = np.repeat(found["depth_share"], found["multiplicity"])
    assert np.median(months) == 6
    assert np.log(months).std() == pytest.approx(0.5, abs=0.02)
    assert depth.mean() == pytest.approx(0.6, abs=0.01)
    assert depth.var() == pytest.approx(0.6 * 0.4 / 10, abs=0.002)


def test_uncertain_samples_differ_in_rate_as_the_posterior_says() -> None:
    totals = [
        sample_shocks(BOTH, years=[2027], count=1, seed=seed, is_uncertain=True).rate_per_year for seed in range(250)
    ]
    # Gamma with shape 4: 0.2 +- 0.1 for the strait, and 2 x (0.1 +- 0.05) for the firms, whose rate is one figure.
    assert np.mean(totals) == pytest.approx(0.4, abs=0.03)
    assert np.std(totals) == pytest.approx(math.hypot(0.1, 0.1), abs=0.025)


def test_mistakes_are_told_at_once() -> None:
    wrong = hazard("x", escalates_to="nobody", story="{who} stops.", drawn="operator")
    effects = [
        effect("x", 1, "facility", country="{country}"),
        effect("x", 2, "facility", passage="narrows"),
    ]
    with pytest.raises(DataProblem) as caught:
        sample_shocks(tables([wrong, hazard("y")], effects), years=[2027], count=1, seed=0)
    assert [(p.code, p.row, p.column) for p in caught.value.problems] == [
        ("S005", "x", "escalates_to"), ("S006", "x", "story"), ("S007", "x, effect 1", "country"),
        ("S007", "x, effect 2", "passage"),
    ]  # fmt: skip
    with pytest.raises(DataProblem, match="S008"):
        sample_shocks({}, years=[2027], count=1, seed=0)


def test_every_shipped_hazard_tells_its_story() -> None:
    found = sample_shocks(load_case("allied-magnets").tables, years=[2027, 2028], count=3000, seed=1)
    stories = found.events["story"]
    assert found.events["hazard"].nunique() >= 36
    assert not stories.str.contains(r"[{}]|nan|None").any()
    assert stories.str.endswith(".").all()
    assert (found.events["event"].groupby(found.events["start_year"]).nunique() == found.events["start_year"]
            .value_counts().sort_index()).all()  # fmt: skip
    assert found.effects["open_share"].between(0, 1).all()
    assert (found.effects["to_month"] > found.effects["from_month"]).all()
