"""Reduction: selection and distance by hand, rates kept, tail and error figures, equal shocks merged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_expand import FACILITIES, LANES, MARKETS, PRODUCTS, YEARS, effect

from optimizer.chain.instance import Shock
from optimizer.chain.trade import CountryGroups
from optimizer.shocks.effects import Network
from optimizer.shocks.expand import expand_drawn
from optimizer.shocks.features import features_of
from optimizer.shocks.reduce import forward_selection, merged_equals, reduce_shocks, tail_mean
from optimizer.shocks.scenarios import pooled

NETWORK = Network(FACILITIES, LANES, ("covered", "licensed"), PRODUCTS, MARKETS, CountryGroups({}))


def shocks(*months: int, years: tuple[int, ...] = (2027,), place: str = "mag-j") -> dict[str, Shock]:
    """Stops of one plant for so many months, at 0.1 a year each."""
    effects = [effect(f"stop-{m}", 1, "facility", (0, m), 0.0, facility=place) for m in months]
    events = [
        {"event": f"stop-{m}", "name": "s", "rate_per_year": 0.1, "story": "It stops.", "start_year": year}
        for year in years
        for m in months
    ]
    return expand_drawn(pd.DataFrame(events), pd.DataFrame(effects), NETWORK, YEARS, 24.0)


def test_drawn_events_start_in_their_own_year_only() -> None:
    found = shocks(1, 3, years=(2027, 2029))
    assert list(found) == ["stop-1@2027", "stop-3@2027", "stop-1@2029", "stop-3@2029"]
    assert [shock.probability for shock in found.values()] == [0.5] * 4
    assert found["stop-3@2029"].facility_share == {("mag-j", 1): 0.0}
    assert found["stop-3@2029"].periods[0].months == 3


def test_forward_selection_by_hand() -> None:
    # Points 0, 1, 2 and 10 on a line with weights 0.3, 0.3, 0.3, 0.1. One point: 1 costs 0.3 + 0.3 + 0.9 = 1.5, the
    # least (0: 0.3 + 0.6 + 1.0 = 1.9; 2: 0.6 + 0.3 + 0.8 = 1.7). Then 10 leaves 0.6, 0 would leave 0.3 + 0.9 = 1.2.
    points = np.array([0.0, 1.0, 2.0, 10.0])
    gaps = np.abs(points[:, None] - points[None, :])
    weights = np.array([0.3, 0.3, 0.3, 0.1])
    assert forward_selection(gaps, weights, 2) == [1, 3]
    assert sorted(forward_selection(gaps, weights, 9)) == [0, 1, 2, 3]


def test_features_are_shares_of_what_a_country_has_by_month() -> None:
    (shock,) = shocks(3, place="mag-c").values()
    found = features_of([shock], NETWORK)
    column = found.groups.index(("magnet", "CHN", ""))
    monthly = found.values.reshape(len(found.groups), 24)
    assert monthly[column].tolist() == [1.0] * 3 + [0.0] * 21  # the only plant of its stage there
    assert monthly.sum() == 3.0
    # Magnet plants stand in four countries: a quarter of three months.
    assert found.bottleneck_months() == pytest.approx([0.75])


def test_rates_are_kept_and_go_to_the_nearest() -> None:
    found = reduce_shocks(shocks(1, 2, 12, years=(2027, 2028)), NETWORK, 4)
    assert found.before == 6
    assert set(found.shocks) == {"stop-2@2027", "stop-12@2027", "stop-2@2028", "stop-12@2028"} or set(found.shocks) == {
        "stop-1@2027",
        "stop-12@2027",
        "stop-1@2028",
        "stop-12@2028",
    }
    by_year = pd.DataFrame([(s.start_year, s.rate_per_year, s.probability) for s in found.shocks.values()])
    assert by_year.groupby(0)[1].sum().to_list() == pytest.approx([0.3, 0.3])
    assert by_year.groupby(0)[2].sum().to_list() == pytest.approx([1.0, 1.0])
    assert sorted(round(s.rate_per_year, 6) for s in found.shocks.values()) == [0.1, 0.1, 0.2, 0.2]
    # One month apart: sqrt(1 + (2 x 0.25)^2) for a third of the weight.
    assert found.distance == pytest.approx(np.sqrt(1 + 0.25) / 3)
    assert found.spread > found.distance
    assert any("stands for 2 sampled shocks" in s.story for s in found.shocks.values())


def test_keeping_all_makes_no_error_and_fewer_make_more() -> None:
    many = shocks(*range(1, 13))
    errors = [reduce_shocks(many, NETWORK, count) for count in (0, 12, 6, 3, 1)]
    assert len(errors[0].shocks) == len(errors[1].shocks) == 12
    assert errors[0].distance == errors[1].distance == 0
    assert errors[0].tail_error_share == errors[1].tail_error_share == 0
    distances = [found.distance for found in errors[1:]]
    assert distances == sorted(distances)
    assert errors[-1].distance == pytest.approx(errors[-1].spread)


def test_equal_shocks_become_one_with_their_rates_added() -> None:
    (shock,) = shocks(3).values()
    twice = [shock, replace(shock, shock="other@2027", event="other", rate_per_year=0.3)]
    (merged,) = merged_equals(twice)
    assert (merged.event, merged.rate_per_year) == ("other", 0.4)
    assert len(merged_equals([*twice, *shocks(4).values()])) == 2


def test_tail_mean_splits_the_shock_at_the_edge() -> None:
    losses, weights = np.array([1.0, 9.0, 4.0]), np.array([0.9, 0.02, 0.08])
    # Worst 5 %: 2 % at nine, 3 % at four.
    assert tail_mean(losses, weights, 0.95) == pytest.approx((0.02 * 9 + 0.03 * 4) / 0.05)
    assert tail_mean(losses, weights, 0.0) == pytest.approx(0.9 + 0.18 + 0.32)


def test_pooling_weighs_rates_and_splitting_changes_nothing() -> None:
    written, sampled = shocks(1), shocks(4, 6)
    found = pooled(written, sampled, 0.25)
    rates = {name: shock.rate_per_year for name, shock in found.items()}
    assert rates == pytest.approx({"stop-1@2027": 0.025, "stop-4@2027": 0.075, "stop-6@2027": 0.075})
    assert sum(shock.probability for shock in found.values()) == pytest.approx(1)
    half = [replace(s, rate_per_year=0.05, shock=f"{s.shock}{i}") for s in sampled.values() for i in (1, 2)]
    split = pooled(written, {s.shock: s for s in half}, 0.25)
    assert split["stop-1@2027"].probability == found["stop-1@2027"].probability
