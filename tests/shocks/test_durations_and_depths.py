"""Pooled durations and depths: conjugate forms by hand, running cases, and simulated spells of known length."""

from __future__ import annotations

import math

import numpy as np
import pytest

from optimizer.shocks.depths import concentration_of, pooled_depths, shrunk_mean
from optimizer.shocks.durations import DurationPrior, Spell, duration_prior, pooled_durations

Z95 = 1.6448536


def spells(*months: float, running: bool = False) -> list[Spell]:
    return [Spell(value, running) for value in months]


def test_with_known_spreads_the_median_is_the_normal_normal_of_the_textbook() -> None:
    # One place, logs of 4, 8 and 16 months about ln 8; spread 0.8 within; prior of the place: ln 2 with variance
    # 1 (cause) + 0.25 (place). Precisions 1 / 1.25 and 3 / 0.64.
    prior = DurationPrior(math.log(2), np.array([0.8]), np.array([0.5]))
    (found,) = pooled_durations([spells(4, 8, 16)], prior)
    precision = 1 / 1.25 + 3 / 0.64
    mean = (math.log(2) / 1.25 + 3 * math.log(8) / 0.64) / precision
    assert math.log(found.median_months) == pytest.approx(mean, abs=0.01)
    assert math.log(found.high_months / found.low_months) == pytest.approx(2 * Z95 / math.sqrt(precision), rel=0.03)
    assert found.log_sd == pytest.approx(0.8)


def test_a_running_case_lengthens_the_estimate_more_than_its_end_would() -> None:
    prior = duration_prior(spells(2, 4, 6))
    (ended,) = pooled_durations([spells(3, 5, 12)], prior)
    (running,) = pooled_durations([[*spells(3, 5), *spells(12, running=True)]], prior)
    (without,) = pooled_durations([spells(3, 5)], prior)
    assert without.median_months < ended.median_months < running.median_months


def test_a_place_without_cases_takes_the_length_of_its_cause_and_knows_less() -> None:
    prior = duration_prior(spells(2, 4, 6))
    seen, unseen = pooled_durations([spells(20, 24, 30, 22), []], prior)
    assert unseen.median_months > 6
    assert unseen.high_months / unseen.low_months > seen.high_months / seen.low_months


def test_intervals_of_medians_hold_nine_in_ten_with_a_third_of_cases_still_running() -> None:
    rng = np.random.default_rng(11)
    held = []
    for _ in range(60):
        centers = rng.normal(math.log(6), 0.5, size=4)
        places = []
        for center in centers:
            lengths = np.exp(rng.normal(center, 0.9, size=4))
            seen = rng.uniform(3, 40, size=4)  # time since each began
            places.append([Spell(float(min(a, b)), bool(a > b)) for a, b in zip(lengths, seen, strict=True)])
        found = pooled_durations(places, DurationPrior(math.log(5), np.linspace(0.4, 1.6, 9), np.linspace(0.1, 1.1, 6)))
        held += [f.low_months <= math.exp(c) <= f.high_months for f, c in zip(found, centers, strict=True)]
    assert 0.83 <= np.mean(held) <= 0.97  # 240 intervals: standard error 2 %


def test_concentration_by_moments() -> None:
    # Mean 0.5, variance 0.05 for (0.5 - a, 0.5 + a) with a^2 * 2 = 0.05: 0.25 / 0.05 - 1 = 4.
    a = math.sqrt(0.025)
    assert concentration_of([0.5 - a, 0.5 + a]) == pytest.approx(4.0)
    assert concentration_of([0.7]) == 0.5
    assert concentration_of([0.7, 0.7]) == 20.0


def test_depths_are_shrunk_twice_with_the_weight_of_two_cases() -> None:
    # Cause: (2 x 0.8 + 0.2 + 0.4 + 0.9) / 5 = 0.62; first place: (2 x 0.62 + 0.2 + 0.4) / 4 = 0.46; last: 0.62.
    first, _, last = pooled_depths([[0.2, 0.4], [0.9], []], 0.8, 1.5)
    assert first.mean == pytest.approx(0.46)
    assert last.mean == pytest.approx(0.62)
    assert shrunk_mean([], 0.3) == 0.3
    assert first.low < first.mean < first.high
    assert last.high - last.low > first.high - first.low
