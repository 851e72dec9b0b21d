"""Durations of disruptions: log-normal, pooled over the places of one cause, with those still running counted as such.

The logarithm of a duration is normal with a mean of the place's own and a spread common to the cause; the means of the
places are normal about a mean of the cause (the normal-normal model of Gelman et al., Bayesian Data Analysis, 3rd ed.,
section 5.4). A disruption that still runs says only that its duration is longer than what has passed: it enters with
the probability of that (Klein and Moeschberger, Survival Analysis, section 3.5), so running cases lengthen the estimate
instead of being left out or taken as ended. All unknowns are integrated over grids; given spreads and no running case
the result is the conjugate one.

The cause's mean is normal about the logarithm of the median of all completed disruptions with standard deviation 1;
both spreads are uniform over ranges that reach from nearly alike to a factor of five.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from optimizer.shocks.rates import HIGH, LOW

Floats = NDArray[np.float64]

CAUSE_LOG_SD = 1.0
"""Standard deviation of the mean logarithm of a cause about that of all causes."""

STEPS = np.linspace(-4.0, 4.0, 81)
"""Grid for means, in standard deviations."""


@dataclass(frozen=True, slots=True)
class Spell:
    """One duration in months, or, if ``is_running``, what has passed of it."""

    months: float
    is_running: bool


@dataclass(frozen=True, slots=True)
class DurationEstimate:
    """Median duration of a place in months with its 5 % and 95 % quantile, and the spread of logarithms about it."""

    median_months: float
    low_months: float
    high_months: float
    log_sd: float


@dataclass(frozen=True)
class DurationPrior:
    """Mean logarithm over all causes, and the grids of spreads: within a place and between places."""

    center: float
    within: Floats
    between: Floats


def duration_prior(all_spells: Sequence[Spell]) -> DurationPrior:
    """Prior about the completed disruptions of all causes."""
    center = float(np.median([np.log(spell.months) for spell in all_spells if not spell.is_running]))
    return DurationPrior(center, np.linspace(0.4, 1.6, 9), np.linspace(0.1, 1.1, 6))


def pooled_durations(spells: Sequence[Sequence[Spell]], prior: DurationPrior) -> list[DurationEstimate]:
    """Durations at the places of one cause; a place without spells gets what the others say.

    Args:
        spells: by place.
        prior: spreads and centre before the record is seen.
    """
    reach = np.hypot(CAUSE_LOG_SD, prior.between.max())
    place = prior.center + STEPS * reach
    cause = prior.center + STEPS * CAUSE_LOG_SD
    likelihood = [_likelihood(found, place, prior.within) for found in spells]
    weight = np.zeros((len(cause), len(prior.within), len(prior.between)))
    weight += norm.logpdf(STEPS)[:, None, None]
    kernels = [_kernel(place, cause, between) for between in prior.between]
    marginals = [np.stack([kernel.T @ seen for kernel in kernels], axis=2) for seen in likelihood]
    for marginal in marginals:
        weight += np.log(np.maximum(marginal, 1e-300))
    posterior = np.exp(weight - weight.max())
    posterior /= posterior.sum()
    return [
        _estimate(place, seen, marginal, posterior, kernels, prior)
        for seen, marginal in zip(likelihood, marginals, strict=True)
    ]


def _likelihood(spells: Sequence[Spell], mean: Floats, spread: Floats) -> Floats:
    """Likelihood of a place's spells by mean logarithm (rows) and spread (columns)."""
    total = np.zeros((len(mean), len(spread)))
    for spell in spells:
        log = np.log(spell.months)
        seen = norm.logsf if spell.is_running else norm.logpdf
        total += seen(log, mean[:, None], spread[None, :])
    found: Floats = np.exp(total)
    return found


def _kernel(place: Floats, cause: Floats, between: float) -> Floats:
    """Probability of each mean of a place (rows) given each mean of the cause (columns)."""
    density = norm.pdf(place[:, None], cause[None, :], between)
    found: Floats = density / density.sum(axis=0)
    return found


def _estimate(
    place: Floats,
    seen: Floats,
    marginal: Floats,
    posterior: Floats,
    kernels: Sequence[Floats],
    prior: DurationPrior,
) -> DurationEstimate:
    probability = np.zeros(len(place))
    for k, kernel in enumerate(kernels):
        share = posterior[:, :, k] / np.maximum(marginal[:, :, k], 1e-300)
        probability += ((kernel @ share) * seen).sum(axis=1)
    probability /= probability.sum()
    below = np.cumsum(probability) - probability / 2
    low, middle, high = np.exp(np.interp([LOW, 0.5, HIGH], below, place))
    within = float((posterior.sum(axis=(0, 2)) * prior.within).sum())
    return DurationEstimate(float(middle), float(low), float(high), within)
