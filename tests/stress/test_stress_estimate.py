"""Estimators against closed forms, and intervals against simulated data of known tails."""

from __future__ import annotations

import math

import numpy as np
import pytest

from optimizer.chain.instance import Measure
from optimizer.stress.estimate import mean_estimate, measure_estimate, share_estimate, tail_mean


def _ones(losses):
    return np.ones(losses.size, dtype=np.int64)


def test_tail_mean_of_a_uniform_distribution() -> None:
    """Of the uniform on 0..1 the worst 20 % average 0.9; a fine grid comes within its spacing."""
    grid = (np.arange(100_000) + 0.5) / 100_000
    value, variance = tail_mean(grid, _ones(grid), 0.8)
    assert value == pytest.approx(0.9, abs=1e-5)
    # Excess over 0.8 is uniform on 0..0.2 with chance 0.2: mean 0.02, mean square 0.2 * 0.04 / 3.
    assert variance * grid.size == pytest.approx((0.2 * 0.04 / 3 - 0.02**2) / 0.2**2, rel=1e-3)


def test_tail_mean_of_an_exponential_distribution() -> None:
    """Memoryless: the tail mean is the value at risk plus the mean, ln 20 + 1."""
    grid = -np.log1p(-(np.arange(400_000) + 0.5) / 400_000)
    assert tail_mean(grid, _ones(grid), 0.95)[0] == pytest.approx(math.log(20) + 1, rel=1e-4)


def test_weighted_by_hand() -> None:
    """Ten draws: six of 0, three of 2, one of 10. The worst 20 % are the 10 and one of the 2: 6. Mean 1.6."""
    losses, counts = np.array([2.0, 0.0, 10.0]), np.array([3, 6, 1])
    years = np.full(3, 2030)
    assert measure_estimate(losses, counts, years, Measure("cvar", 0.8, {})).value == pytest.approx(6.0)
    assert measure_estimate(losses, counts, years, Measure("expected", 0.8, {})).value == pytest.approx(1.6)
    assert mean_estimate(losses, counts).value == pytest.approx(1.6)
    worst = measure_estimate(losses, counts, years, Measure("worst_case", 0.8, {}))
    assert (worst.value, worst.low) == (10.0, 10.0)
    assert math.isnan(worst.high)


def test_multiplicity_stands_for_draws() -> None:
    rng = np.random.default_rng(3)
    losses, counts = rng.integers(0, 5, 40).astype(float), rng.integers(1, 6, 40)
    years = np.where(np.arange(40) < 20, 2030, 2031)
    measure = Measure("cvar_by_start_year", 0.7, {})
    merged = measure_estimate(losses, counts, years, measure)
    apart = measure_estimate(*(np.repeat(a, counts) for a in (losses, np.ones(40, dtype=np.int64), years)), measure)
    assert (merged.value, merged.low, merged.high) == pytest.approx((apart.value, apart.low, apart.high))


def test_years_are_weighted_as_the_case_says() -> None:
    """2030: all 1. 2031: all 3. Weights 1 to 3 give 2.5, none given 2."""
    losses, counts, years = np.array([1.0, 3.0]), np.array([5, 9]), np.array([2030, 2031])
    assert measure_estimate(losses, counts, years, Measure("cvar_by_start_year", 0.9, {2030: 1, 2031: 3})).value == 2.5
    assert measure_estimate(losses, counts, years, Measure("cvar_by_start_year", 0.9, {})).value == 2.0


@pytest.mark.parametrize(("alpha", "years", "draws"), [(0.8, 8, 125), (0.95, 1, 1000), (0.95, 8, 1250)])
def test_interval_covers_the_truth_as_often_as_it_says(alpha: float, years: int, draws: int) -> None:
    """Exponential losses: truth ln(1/(1-alpha)) + 1. 300 repetitions: 95 % within four standard errors of 1.3 %."""
    rng = np.random.default_rng(17)
    truth = -math.log(1 - alpha) + 1
    starts = np.repeat(np.arange(years), draws)
    counts = np.ones(starts.size, dtype=np.int64)
    measure = Measure("cvar_by_start_year", alpha, {})
    hits = 0
    for _ in range(300):
        found = measure_estimate(rng.exponential(size=starts.size), counts, starts, measure)
        hits += found.low <= truth <= found.high
    assert 0.90 <= hits / 300 <= 0.99


def test_share_interval_is_wilsons() -> None:
    """No hit in 100 draws: from 0 to z^2 / (n + z^2), with z = 1.96."""
    found = share_estimate(0, 100)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(1.959964**2 / (100 + 1.959964**2), rel=1e-6)


def test_one_draw_has_no_interval() -> None:
    found = measure_estimate(np.array([2.0]), np.array([1]), np.array([2030]), Measure("cvar", 0.9, {}))
    assert found.value == 2.0
    assert math.isnan(found.low)
    assert math.isnan(found.high)
